"""Compare the candidates by cross-validation and choose the simplest that is good enough."""

import numpy as np
import pandas as pd
from sklearn import model_selection

from ..config import Config
from ..errors import ProjectError
from .candidates import bad_setting_in_fit, candidates

SPLITTERS = {  # by task, and whether rows of one group stay together
    ("regression", False): model_selection.KFold,
    ("regression", True): model_selection.GroupKFold,
    ("classification", False): model_selection.StratifiedKFold,
    ("classification", True): model_selection.StratifiedGroupKFold,
}


def cross_validate(
    config: Config, features: pd.DataFrame, target: pd.Series, groups: pd.Series | None = None
) -> dict[str, np.ndarray]:
    """Score each candidate in each fold, with the same folds for all.

    Returns:
        By candidate, one score a fold; higher is better.

    Raises:
        ProjectError: The metric is undefined for these models or this target, or a candidate does
            not take one of its settings.
    """
    metric = config.selection.metric
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
    """Return for each fold the positions of its training rows and of the rows left out.

    No group is on both sides. Without a `count` there are as many folds as selection.folds says.
    """
    splitter = SPLITTERS[config.task, groups is not None]
    number = count or config.selection.folds
    split = splitter(number, shuffle=True, random_state=config.seed)
    return list(split.split(target, target, groups))


def one_standard_error(scores: dict[str, np.ndarray]) -> str:
    """Choose the first (simplest) candidate within one standard error of the best mean.

    Breiman, Friedman, Olshen and Stone: Classification and Regression Trees, 1984, section 3.4.3.
    """
    best = max(scores.values(), key=np.mean)
    threshold = best.mean() - best.std(ddof=1) / np.sqrt(len(best))
    return next(name for name, values in scores.items() if values.mean() >= threshold)
