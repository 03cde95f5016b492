"""Settings and noise for tables whose answers are known."""

from __future__ import annotations

import numpy as np
from churn_radar.mlops.bounds import Gates
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import CachedRegressor

TRUTH = np.random.default_rng(1).normal(size=400)
"""What the regressors of `scored` predict."""


def noise(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def declared(config: Config, task: str, metric: str, **bounds: object) -> Config:
    """Settings for a table with one column of slices and one that is sensitive."""
    data = {"slices": ["place"], "sensitive": ["kind"]}
    changed = {
        "task": task,
        "data": config.data.model_copy(update=data),
        "selection": config.selection.model_copy(update={"metric": metric}),
        "gates": Gates.model_validate(bounds),
    }
    return config.model_copy(update=changed)


def scored(noise: float, seed: int = 2) -> CachedRegressor:
    """Predictions of TRUTH that are off by so much noise."""
    return CachedRegressor(TRUTH + noise * np.random.default_rng(seed).normal(size=400))
