"""Predictions whose answers are known, for a table with hostile names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedModel, CachedRegressor

SCRIPT = "<script>alert('$5 & $6')</script>"
ROWS = 400


def declared(config: Config, task: str, metric: str, **columns: list[str]) -> Config:
    data = config.data.model_copy(update={"slices": [], "sensitive": []} | columns)
    selection = config.selection.model_copy(update={"metric": metric})
    return config.model_copy(update={"task": task, "data": data, "selection": selection})


def predictions(config: Config, classes: int = 2) -> tuple[pd.DataFrame, pd.Series, CachedModel]:
    """A table with hostile names, the truth of its rows, and good predictions for them."""
    test = pd.DataFrame({"place": np.resize([SCRIPT, "a|b`c"], ROWS), "kind": "one"})
    test.loc[:4, "place"] = "few"
    rng = np.random.default_rng(0)
    if config.task == "regression":
        numbers = rng.normal(size=ROWS)
        return test, pd.Series(numbers), CachedRegressor(numbers + rng.normal(scale=0.3, size=ROWS))
    truth = rng.integers(0, classes, ROWS)
    probabilities = np.eye(classes)[truth] + 1.5 * rng.random((ROWS, classes))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return (
        test,
        pd.Series(truth),
        CachedClassifier(probabilities.argmax(axis=1), probabilities, np.arange(classes)),
    )
