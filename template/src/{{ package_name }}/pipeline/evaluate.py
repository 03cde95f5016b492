"""The model on the rows that were held out, with the uncertainty of its score."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from ..config import Config
from ..errors import ProjectError
from ..storage import load_model
from .train import inputs

SCORERS = {
    "classification": ("accuracy",),
    "regression": ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"),
}
RESAMPLES = 200


def evaluate(config: Config, root: Path) -> str:
    """Write metrics.json and the calibration table, both from held-out rows only."""
    rows = pd.read_parquet(root / config.table("processed", "test"))
    features, target = inputs(config, rows)
    model = load_model(root / "models" / "model.skops")
    report = {"rows": len(rows)} | measure(config, model, features, target)
    folder = root / "reports"
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = calibration(*predicted_and_observed(model, features, target))
    table.to_csv(folder / "plots" / "calibration.csv", index=False, lineterminator="\n")
    score, low, high = (report[f"{config.selection.metric}{end}"] for end in ("", "_low", "_high"))
    return f"{config.selection.metric} {score:.3f} [{low:.3f}, {high:.3f}] on {len(rows):,} rows"


def measure(
    config: Config, model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> dict[str, float]:
    """Every metric on the rows, and the 95 % percentile bootstrap interval of the first."""
    metric = config.selection.metric
    names = dict.fromkeys([metric, *SCORERS[config.task]])
    metrics = {name: float(get_scorer(name)(model, features, target)) for name in names}
    if hasattr(model, "predict_proba"):
        metrics["log_loss"] = log_loss(model, features, target)
    prepared = np.asarray(model[:-1].transform(features))  # once: it costs more than the score
    scorer, truth, rng = get_scorer(metric), target.to_numpy(), np.random.default_rng(config.seed)
    draws = (rng.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES))
    scores = np.array([scorer(model[-1], prepared[rows], truth[rows]) for rows in draws])
    # A resample may lack a rare class, on which some metrics are undefined: one in ten may.
    if np.isnan(scores).mean() > 0.1:
        raise ProjectError(f"{metric} is undefined on the held-out rows: a class is too rare there")
    low, high = np.nanpercentile(scores, [2.5, 97.5])
    metrics |= {f"{metric}_low": float(low), f"{metric}_high": float(high)}
    return {name: round(value, 6) for name, value in metrics.items()}


def log_loss(model: Pipeline, features: pd.DataFrame, target: pd.Series) -> float:
    """The mean of -log(p), p the probability of what happened: 0 for a class never learned."""
    classes = pd.Index(model.classes_).get_indexer(target)
    probabilities = model.predict_proba(features)[np.arange(len(target)), classes]
    return float(-np.log(np.where(classes < 0, 0, probabilities).clip(1e-15)).mean())


def predicted_and_observed(
    model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers a row: predicted and true value, or probability and whether it came true.

    With more than two classes it is the probability of the class that is predicted.
    """
    if not hasattr(model, "predict_proba"):
        return model.predict(features), target.to_numpy()
    probabilities = model.predict_proba(features)
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], (target == model.classes_[1]).to_numpy()
    return probabilities.max(axis=1), (target == model.predict(features)).to_numpy()


def calibration(predicted: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    """Mean prediction and mean outcome in bins that hold equally many rows."""
    table = pd.DataFrame({"predicted": predicted, "observed": observed.astype(float)})
    ranks = table["predicted"].rank(method="first")
    bins = pd.qcut(ranks, min(10, len(table)), labels=False)
    return table.groupby(bins).mean().round(6)
