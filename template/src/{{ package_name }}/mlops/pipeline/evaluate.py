"""Stage `evaluate`: the model on the test set, with the uncertainty of its score."""

import json
from pathlib import Path

import pandas as pd

from ..config import Config
from ..modeling.inputs import inputs
from ..modeling.metrics import calibration, measure, predicted_and_observed
from ..modeling.storage import load_model


def evaluate(config: Config, root: Path) -> str:
    """Write reports/metrics.json and the calibration table, both from the test set alone.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        The metric that selects, with its interval.

    Raises:
        ProjectError: The metric is undefined on the test set.
    """
    rows = pd.read_parquet(root / config.table("processed", "test"))
    features, target = inputs(config, rows)
    model = load_model(root / "models" / "model.skops")
    # Every run logs what is in this report, so the number of rows is there too.
    report = {"rows": len(rows)} | measure(config, model, features, target)
    folder = root / "reports"
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    predicted, observed = predicted_and_observed(model, features, target)
    table = calibration(predicted, observed)
    # The same line ends on every system, so that DVC sees no change where there is none.
    table.to_csv(folder / "plots" / "calibration.csv", index=False, lineterminator="\n")

    metric = config.selection.metric
    low = report[f"{metric}_low"]
    high = report[f"{metric}_high"]
    return f"{metric} {report[metric]:.3f} [{low:.3f}, {high:.3f}] on {len(rows):,} rows"
