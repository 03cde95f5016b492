"""Stage `tune`: search the settings of each candidate."""

import json
from pathlib import Path

import pandas as pd

from ..config import Config
from ..modeling.inputs import training_sample
from ..modeling.selection import require_scorer
from ..modeling.tuning import MAX_ROWS, Found, refuse_gaps, search


def tune(config: Config, root: Path) -> str:
    """Write the best settings of each candidate, and the score of every trial.

    The first trial is the settings as params.yaml has them, so that the best is never worse. A
    search that was interrupted goes on from models/tuning.db, and ends as if it had not been.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        For each candidate the score before and after.

    Raises:
        ProjectError: A setting is neither searched nor fixed for a reason, or cannot be scored; or
            there is no such metric.
    """
    refuse_gaps(config)
    require_scorer(config)
    found = _search_all(config, root)
    metric = config.selection.metric
    settings = {}
    scores = {}
    gains = []
    trials = []
    for name, result in found.items():
        # The first score is that of the settings as params.yaml has them.
        before = result.scores[0]
        after = max(result.scores)
        settings[name] = result.settings
        scores[name] = {"before": before, "after": after}
        gains.append(f"{name} {before:.3f} to {after:.3f}")
        for number, score in enumerate(result.scores):
            trials.append((name, number, score))
    report = {
        "metric": metric,
        "trials": config.tuning.trials,
        "settings": settings,
        "scores": scores,
    }
    folder = root / "reports"
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "tuning.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = pd.DataFrame(trials, columns=["candidate", "trial", "score"])
    table.to_csv(folder / "plots" / "tuning.csv", index=False, lineterminator="\n")
    if not gains:
        return "nothing to tune"
    return f"{metric}: {', '.join(gains)}"


def _search_all(config: Config, root: Path) -> dict[str, Found]:
    """The result of each candidate that has something to search."""
    found: dict[str, Found] = {}
    # Without trials the settings stay, and the training set need not be read.
    if not config.tuning.trials:
        return found
    data = training_sample(config, root, MAX_ROWS)
    for name, space in config.tuning.search.items():
        if space:
            found[name] = search(config, root, name, data)
    return found
