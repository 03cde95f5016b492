"""Stage `evaluate`: the model on the test set, with the uncertainty of its score."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, sem
from sklearn.pipeline import Pipeline

from ..config import Config
from ..modeling.inputs import inputs
from ..modeling.metrics import measure, wilson
from ..modeling.storage import load_model

N_BINS = 10
"""Points of the calibration curve."""


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


def predicted_and_observed(
    model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the two numbers of each row that a calibration curve compares.

    Args:
        model: A fitted pipeline.
        features: The features of each row.
        target: The outcome of each row.

    Returns:
        Of a regressor the predictions and the outcomes. Of a classifier the probability of the
        second class and whether it came true; with more than two classes, those of the class
        that is predicted. Both have one value a row.
    """
    if not hasattr(model, "predict_proba"):
        return model.predict(features), target.to_numpy()
    probabilities = model.predict_proba(features)
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], (target == model.classes_[1]).to_numpy()
    return probabilities.max(axis=1), (target == model.predict(features)).to_numpy()


def calibration(predicted: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    """Compute a calibration curve.

    Args:
        predicted: The prediction of each row.
        observed: The outcome of each row.

    Returns:
        The mean of both in at most N_BINS bins of equally many rows, with the 95 % interval of
        what was observed, `low` to `high`, and the number of `rows`.
    """
    is_rate = observed.dtype == bool
    table = pd.DataFrame({"predicted": predicted, "observed": observed.astype(float)})
    # By rank: equal predictions would otherwise make bins of unequal size, or too few.
    ranks = table["predicted"].rank(method="first")
    bins = pd.qcut(ranks, min(N_BINS, len(table)), labels=False)
    means = table.groupby(bins).mean()
    found = []
    for _, values in table["observed"].groupby(bins):
        if is_rate:
            low, high = wilson(int(values.sum()), len(values))
        else:
            half = float(norm.ppf(0.975) * sem(values)) if len(values) > 1 else 0.0
            low = values.mean() - half
            high = values.mean() + half
        found.append({"low": low, "high": high, "rows": len(values)})
    return means.join(pd.DataFrame(found, index=means.index)).round(6)
