"""Compare the candidates by cross-validation and fit the simplest that is good enough."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import model_selection as ms

from ..config import Config
from ..contract import feature_table
from ..errors import ProjectError
from ..features import FEATURES
from ..model import candidates
from ..schemas import FeatureTable
from ..storage import save_model
from .validate import checked


def train(config: Config, root: Path) -> str:
    """Write the chosen model, and the scores of every candidate in every fold."""
    rows = pd.read_parquet(root / config.table("processed", "train"))
    features, target = inputs(config, rows)
    groups = rows[config.data.group] if config.data.group else None
    scores = cross_validate(config, features, target, groups)
    chosen = one_standard_error(scores)
    model = candidates(config)[chosen].fit(features, target)
    save_model(model, root / "models" / "model.skops")
    _report(root / "reports", chosen, config.selection.metric, scores)
    return f"{chosen} chosen of {', '.join(scores)}"


def inputs(config: Config, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Features that hold their schema, and the target as plain numbers or classes."""
    features = checked(FeatureTable, feature_table(FEATURES, rows))
    target = rows[config.data.target]
    return features, target.astype(int if target.dtype == "boolean" else target.dtype)


def cross_validate(
    config: Config, features: pd.DataFrame, target: pd.Series, groups: pd.Series | None = None
) -> dict[str, np.ndarray]:
    """The score of each candidate in each fold, higher is better; same folds for all."""
    models, metric = candidates(config), config.selection.metric
    try:
        how = {"scoring": metric, "cv": folds(config, target, groups), "error_score": "raise"}
        return {name: ms.cross_val_score(models[name], features, target, **how) for name in models}
    except ValueError as error:
        raise ProjectError(f"selection: the models cannot be scored by {metric}: {error}") from None


def folds(config: Config, target: pd.Series, groups: pd.Series | None) -> list[list[np.ndarray]]:
    """For each fold the rows to learn from and those left out; no group is on both sides."""
    plain, grouped = (ms.KFold, ms.StratifiedKFold), (ms.GroupKFold, ms.StratifiedGroupKFold)
    kind = (plain if groups is None else grouped)[config.task == "classification"]
    splitter = kind(config.selection.folds, shuffle=True, random_state=config.seed)
    return [[*sides] for sides in splitter.split(target, target, groups)]


def one_standard_error(scores: dict[str, np.ndarray]) -> str:
    """The first (simplest) candidate whose mean is within one standard error of the best mean.

    Breiman, Friedman, Olshen and Stone: Classification and Regression Trees, 1984, section 3.4.3.
    """
    best = max(scores.values(), key=np.mean)
    bound = best.mean() - best.std(ddof=1) / np.sqrt(len(best))
    return next(name for name, values in scores.items() if values.mean() >= bound)


def _report(folder: Path, chosen: str, metric: str, scores: dict[str, np.ndarray]) -> None:
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    means = {name: round(float(values.mean()), 6) for name, values in scores.items()}
    report = {"chosen": chosen, "metric": metric, "means": means}
    (folder / "selection.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    folds = pd.DataFrame(scores).round(6).rename_axis("fold").reset_index()
    long = folds.melt("fold", var_name="candidate", value_name="score")
    long.to_csv(folder / "plots" / "selection.csv", index=False, lineterminator="\n")
