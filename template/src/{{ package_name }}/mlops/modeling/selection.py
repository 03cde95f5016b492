"""Compare the candidates by cross-validation and choose the simplest that is good enough."""

import numpy as np
import pandas as pd
from sklearn import model_selection

from ..config import Config
from ..errors import ProjectError
from .candidates import bad_setting_in_fit, candidates

SPLITTERS = {
    ("regression", False): model_selection.KFold,
    ("regression", True): model_selection.GroupKFold,
    ("classification", False): model_selection.StratifiedKFold,
    ("classification", True): model_selection.StratifiedGroupKFold,
}
"""By task, and whether rows of one group stay together. Classes keep their shares in each fold."""


def cross_validate(
    config: Config, features: pd.DataFrame, target: pd.Series, groups: pd.Series | None = None
) -> dict[str, np.ndarray]:
    """Score each candidate in each fold, with the same folds for all.

    Args:
        config: The project's settings.
        features: What the models read.
        target: The outcome of each row.
        groups: The group of each row, where rows of one group must stay together.

    Returns:
        By candidate, one score a fold; higher is better.

    Raises:
        ProjectError: The metric is undefined for these models or this target, or a candidate does
            not take one of its settings.
    """
    metric = config.selection.metric
    # A list, not a generator: the candidates are compared on the same folds.
    pairs = folds(config, target, groups)
    scores = {}
    for name, model in candidates(config).items():
        try:
            scores[name] = model_selection.cross_val_score(
                model, features, target, scoring=metric, cv=pairs, error_score="raise"
            )
        except Exception as error:
            if refused := bad_setting_in_fit(config, name, features, target):
                raise refused from None
            if not isinstance(error, ValueError):
                raise
            raise ProjectError(
                f"selection: the candidate {name} cannot be scored by {metric}: {error}"
            ) from None
    return scores


def folds(
    config: Config, target: pd.Series, groups: pd.Series | None, count: int | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide the rows into folds, with no group on both sides of one.

    Args:
        config: The project's settings; the same seed draws the same folds.
        target: The outcome of each row.
        groups: The group of each row, or None where rows are independent.
        count: The number of folds, if it is not selection.folds.

    Returns:
        For each fold the positions of its training rows and of its test rows.
    """
    splitter = SPLITTERS[config.task, groups is not None]
    n_folds = count or config.selection.folds
    split = splitter(n_folds, shuffle=True, random_state=config.seed)
    return list(split.split(target, target, groups))


def one_standard_error(scores: dict[str, np.ndarray]) -> str:
    """Choose the simplest candidate within one standard error of the best mean score.

    Breiman, Friedman, Olshen and Stone: Classification and Regression Trees, 1984, section 3.4.3.

    Args:
        scores: By candidate, the simplest first, one score a fold; higher is better.

    Returns:
        The name of the candidate.
    """
    best = max(scores.values(), key=np.mean)
    standard_error = best.std(ddof=1) / np.sqrt(len(best))
    threshold = best.mean() - standard_error
    # The best itself reaches the threshold, so there is always one.
    return next(name for name, values in scores.items() if values.mean() >= threshold)
