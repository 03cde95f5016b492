"""Trains twice more, in processes of their own and without the held-out rows, and compares.

Run as a module, in a folder that holds what training may read, it is one such training.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ..config import Config, load_config
from ..errors import ProjectError
from ..evaluation.scores import Classes, Numbers, Remembered, remember
from ..modeling import manifest
from ..modeling.inputs import inputs
from ..modeling.storage import load_model
from ..pipeline.train import train
from .freshness import MODEL
from .process import watched

CODE = Path(__file__).parents[2]
SEEDS = (1, 2)  # of Python's hashes, by which sets and the like are ordered


def retrain_twice(config: Config, root: Path, code: Path = CODE) -> dict[str, Any]:
    """What training takes and gives; ProjectError if it does not work with its own rows alone.

    The two run side by side. What else runs can but add to the time of one: the smaller counts.
    """
    with TemporaryDirectory() as scratch:
        folders = [Path(scratch).resolve() / str(seed) for seed in SEEDS]
        for folder in folders:
            _prepare(folder, config, root, code)
        try:
            with ThreadPoolExecutor() as pool:
                runs = list(pool.map(partial(watched, "retraining"), folders, SEEDS))
        except ProjectError as error:
            raise ProjectError(f"training from its own rows alone failed: {error}") from None
        times = {name: min(run[name] for run in runs) for name in runs[0] if name != "memory_mb"}
        peak = max(run["memory_mb"] for run in runs)
        compared = compare(config, root, [folder / MODEL for folder in folders])
    return times | {"train_memory_mb": peak} | compared


def _prepare(folder: Path, config: Config, root: Path, code: Path) -> None:
    """Settings, tuned settings, training rows and code: no path leads to any other row."""
    shutil.copytree(code, folder / "src" / code.name)
    settings = yaml.safe_dump(config.model_dump(mode="json"))
    (folder / "params.yaml").write_text(settings, encoding="utf-8")
    for path in (Path("reports", "tuning.json"), config.table("processed", "train")):
        (folder / path).parent.mkdir(parents=True)
        if (root / path).exists():
            shutil.copy(root / path, folder / path)


def compare(config: Config, root: Path, models: Sequence[Path]) -> dict[str, Any]:
    """A digest of each model's predictions for the held-out rows, and how far they lie apart.

    `spread` is how far from each other, `difference` how far from the candidate's.
    """
    features, target = inputs(config, pd.read_parquet(root / config.table("processed", "test")))
    candidate = remember(manifest.load(root / MODEL.parent), features)
    others = [remember(load_model(path), features) for path in models]
    unit = float(target.std()) if config.task == "regression" else 1.0
    return {
        "digests": [sha256(_numbers(other).tobytes()).hexdigest() for other in others],
        "spread": max(difference(others[0], other, unit) for other in others),
        "difference": max(difference(candidate, other, unit) for other in others),
    }


def difference(one: Remembered, other: Remembered, unit: float) -> float:
    """The largest difference between predictions: of probabilities, or of numbers in `unit`."""
    alike = isinstance(one, Numbers) and isinstance(other, Numbers)
    if isinstance(one, Classes) and isinstance(other, Classes):
        alike = np.array_equal(one.classes_, other.classes_)
    return float(abs(_numbers(one) - _numbers(other)).max() / (unit or 1.0)) if alike else 1.0


def _numbers(model: Remembered) -> np.ndarray:
    return model.probabilities if isinstance(model, Classes) else model.predictions


def main() -> None:
    """Train in the working directory and print what it took; what goes wrong is a sentence."""
    root = Path.cwd()
    config = load_config(root)
    imported, begin = process_time(), perf_counter()
    try:
        train(config, root)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    spent, passed = process_time() - imported, perf_counter() - begin
    facts = {"import_cpu_seconds": imported, "train_cpu_seconds": spent, "train_seconds": passed}
    print(json.dumps({name: round(seconds, 3) for name, seconds in facts.items()}))


if __name__ == "__main__":
    main()
