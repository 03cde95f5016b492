"""Stage `tune`: search the settings of each candidate."""

import json
from pathlib import Path

import pandas as pd

from ..config import Config
from ..modeling.inputs import training_sample
from ..modeling.tuning import MAX_ROWS, refuse_gaps, search


def tune(config: Config, root: Path) -> str:
    """Write the best settings of each candidate, and the score of every trial.

    The first trial is the settings as they stand, so that the best is never worse. A search that
    was interrupted goes on from models/tuning.db, and ends as if it had not been.
    """
    refuse_gaps(config)
    found = {}
    if config.tuning.trials:
        data = training_sample(config, root, MAX_ROWS)
        for name, space in config.tuning.search.items():
            if space:
                found[name] = search(config, root, name, data)
    settings, scores, gains, trials = {}, {}, [], []
    for name, result in found.items():
        before, after = result.scores[0], max(result.scores)
        settings[name] = result.settings
        scores[name] = {"before": before, "after": after}
        gains.append(f"{name} {before:.3f} to {after:.3f}")
        trials += [(name, number, score) for number, score in enumerate(result.scores)]
    metric = config.selection.metric
    report = {"metric": metric, "trials": config.tuning.trials}
    report |= {"settings": settings, "scores": scores}
    folder = root / "reports"
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "tuning.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = pd.DataFrame(trials, columns=["candidate", "trial", "score"])
    table.to_csv(folder / "plots" / "tuning.csv", index=False, lineterminator="\n")
    return f"{metric}: {', '.join(gains)}" if gains else "nothing to tune"
