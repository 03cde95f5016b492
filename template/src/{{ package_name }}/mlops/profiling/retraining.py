"""Train twice more, in processes of their own and without the test set, and compare.

Run as a module, in a folder that holds what training may read, it is one such training. The two
differ in all that a model must not depend on, and can reach nothing else by mistake.
"""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import time_machine
import yaml

from ..config import Config, SettingsDumper, load_config
from ..errors import ProjectError
from ..modeling import manifest
from ..modeling.inputs import inputs
from ..modeling.predictions import CachedModel, cache_predictions
from ..modeling.storage import load_model
from ..pipeline.recording import peak_memory_mb
from ..pipeline.train import train
from . import MODEL, bare_environment, guard, run_alone

CODE = Path(__file__).parents[2]
"""The team's package, with the machinery in it."""


class Circumstances(NamedTuple):
    """What a training must not depend on.

    Attributes:
        hash_seed: Of Python's hashes, by which sets and the like are ordered.
        time_zone: In which local dates and hours are.
        ahead: By how much its clock is ahead.
    """

    hash_seed: int
    time_zone: str
    ahead: timedelta


CIRCUMSTANCES = (
    # POSIX counts west of Greenwich: these two are 12 hours behind it and 14 hours ahead.
    Circumstances(1, "Etc/GMT+12", timedelta(0)),
    # A year and 38 days: year, month, day and weekday differ, whatever the date. The zones are
    # 26 hours apart. The later clock is ahead, since a schema may refuse dates in the future.
    Circumstances(2, "Etc/GMT-14", timedelta(days=403, hours=5, minutes=7)),
)

TIMES = ("import_cpu_seconds", "train_cpu_seconds", "train_seconds")
"""What a training reports of its time."""


def retrain_twice(config: Config, root: Path, code: Path = CODE) -> dict[str, Any]:
    """Measure what training takes, and whether it gives the candidate again.

    Args:
        config: The settings, as read from params.yaml.
        root: The project's folder.
        code: The package to train with.

    Returns:
        `import_cpu_seconds`, `train_cpu_seconds`, `train_seconds` and `train_memory_mb`; with what
        `compare` finds.

    Raises:
        ProjectError: Training fails where it has the training set alone.
    """
    with TemporaryDirectory() as scratch:
        folders = [Path(scratch).resolve() / str(number) for number in range(len(CIRCUMSTANCES))]
        for folder in folders:
            _prepare(folder, config, root, code)
        try:
            # Side by side, on one thread each: that takes half as long.
            with ThreadPoolExecutor() as pool:
                runs = list(pool.map(_train_alone, folders, CIRCUMSTANCES))
        except ProjectError as error:
            raise ProjectError(f"training from its own rows alone failed: {error}") from None
        compared = compare(config, root, [folder / MODEL for folder in folders])
    # What else the machine does can only add to a time, so the smaller one is nearer the truth.
    times = {name: min(run[name] for run in runs) for name in TIMES}
    # Of memory the larger one counts, since limits must hold for every run.
    peak = max(run["memory_mb"] for run in runs)
    return times | {"train_memory_mb": peak} | compared


def _train_alone(folder: Path, circumstances: Circumstances) -> dict[str, Any]:
    """Train in a prepared folder, with nothing of the person's environment."""
    environment = bare_environment(folder)
    environment["PYTHONHASHSEED"] = str(circumstances.hash_seed)
    environment["TZ"] = circumstances.time_zone
    ahead = str(circumstances.ahead.total_seconds())
    return run_alone("retraining", folder, environment, ahead)


def _prepare(folder: Path, config: Config, root: Path, code: Path) -> None:
    """Settings, tuned settings, training set and code: no path leads to any other row."""
    shutil.copytree(code, folder / "src" / code.name)
    settings = yaml.dump(config.model_dump(mode="json"), Dumper=SettingsDumper)
    (folder / "params.yaml").write_text(settings, encoding="utf-8")
    for path in (Path("reports", "tuning.json"), config.table("processed", "train")):
        (folder / path).parent.mkdir(parents=True)
        # Without a tuning report the settings are those of params.yaml.
        if (root / path).exists():
            shutil.copy(root / path, folder / path)


def compare(config: Config, root: Path, models: Sequence[Path]) -> dict[str, Any]:
    """Compare retrained models with the candidate, by their predictions for the test set.

    Args:
        config: Names the task and the test set.
        root: The project's folder, with the candidate in models/.
        models: Files of retrained models.

    Returns:
        `digests`, the sha256 of each one's predictions; `spread`, how far they are from each other;
        and `difference`, how far from the candidate's. Both are of probabilities, or of numbers in
        standard deviations of the target.

    Raises:
        ProjectError: The candidate is not the model that its manifest describes.
    """
    features, target = inputs(config, pd.read_parquet(root / config.table("processed", "test")))
    candidate = cache_predictions(manifest.load(root / MODEL.parent), features)
    others = [cache_predictions(load_model(path), features) for path in models]
    unit = 1.0
    if config.task == "regression":
        unit = float(target.std())
    return {
        "digests": [sha256(other.outputs.tobytes()).hexdigest() for other in others],
        "spread": max(difference(others[0], other, unit) for other in others),
        "difference": max(difference(candidate, other, unit) for other in others),
    }


def difference(one: CachedModel, other: CachedModel, unit: float) -> float:
    """Return the largest difference between two models' predictions for the same rows.

    Args:
        one: Predictions of one model.
        other: Predictions of another.
        unit: What numbers are divided by; 0, as of a constant target, counts as 1.

    Returns:
        Of probabilities or of numbers in `unit`; 1 if they are not of the same kind or classes.
    """
    if type(one) is not type(other):
        return 1.0
    # A regressor has no classes, which is equal to having none.
    if not np.array_equal(getattr(one, "classes_", ()), getattr(other, "classes_", ())):
        return 1.0
    largest = float(np.abs(one.outputs - other.outputs).max())
    return largest / (unit or 1.0)


def main() -> None:
    """Train in the working directory and print what it took; what goes wrong is a sentence."""
    root = Path.cwd()
    guard(root)
    # Clocks of Python alone: numpy.datetime64("now") and other libraries in C have the real time.
    time_machine.travel(time.time() + float(sys.argv[1]), tick=True).start()
    config = load_config(root)
    # The machinery is imported: what the process has used so far is what that took. The team's
    # modules are imported by training, and count as part of it.
    import_cpu_seconds = process_time()
    began = perf_counter()
    try:
        train(config, root)
    except ProjectError as error:
        sys.exit(str(error))
    except Exception as error:
        # Whatever the team's code raises is a reason to refuse, without the traceback.
        sys.exit(f"{type(error).__name__}: {error}")
    facts = {
        "import_cpu_seconds": round(import_cpu_seconds, 3),
        "train_cpu_seconds": round(process_time() - import_cpu_seconds, 3),
        "train_seconds": round(perf_counter() - began, 3),
        "memory_mb": round(peak_memory_mb(), 1),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
