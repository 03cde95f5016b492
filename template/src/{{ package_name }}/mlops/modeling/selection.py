"""The candidates of model.py, validated, and the choice of the simplest that is good enough."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from sklearn import model_selection
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline

from .. import names, team
from ..config import Config
from ..errors import ProjectError, SettingError, hint

N_TRIAL_ROWS = 1_000
"""Rows on which a setting is tried out after a candidate has failed."""

SPLITTERS = {
    ("regression", False): model_selection.KFold,
    ("regression", True): model_selection.GroupKFold,
    ("classification", False): model_selection.StratifiedKFold,
    ("classification", True): model_selection.StratifiedGroupKFold,
}
"""By task, and whether rows of one group stay together. Classes keep their shares in each fold."""

WHY_UNDEFINED = {
    "classification": "a class is missing there",
    "regression": "it has too few rows",
}
"""By task, why a metric has no value in a fold."""


def candidates(config: Config) -> dict[str, Pipeline]:
    """Return the candidates of model.py, unfitted, the simplest first.

    Args:
        config: The settings; the candidates read their own with `config.model.settings(name)`.

    Raises:
        ProjectError: A setting is not one of its candidate, or a section under `model` belongs to
            no candidate.
    """
    try:
        models = team.candidates(config)
    except Exception:
        if refused := _bad_setting(config, config.model.sections, team.candidates):
            raise refused from None
        raise  # a fault in model.py: its author needs the traceback
    if not models:
        raise ProjectError("model.py: candidates() gives no model")
    for name in models:
        if problem := names.problem("candidate", name):
            raise ProjectError(f"model.py: {problem}")
        if name == "name":
            raise ProjectError(
                "model.py: no candidate can be called name, since model.name is taken"
            )
    for name in config.model.sections:
        if name not in models:
            message = f"model.{name}: model.py has no such candidate: {hint(name, models)}"
            raise SettingError(("model", name), message)
    return models


def require_scorer(config: Config) -> None:
    """Demand that scikit-learn has the metric, before anything is fitted for it.

    Raises:
        SettingError: Names the metric that was probably meant.
    """
    metric = config.selection.metric
    known = get_scorer_names()
    if metric not in known:
        message = f"selection.metric: scikit-learn has no scorer {metric}: {hint(metric, known)}"
        raise SettingError(("selection", "metric"), message)


def simpler_candidates(models: dict[str, Pipeline], chosen: str) -> dict[str, Pipeline]:
    """Select the candidates that the chosen one must beat.

    Args:
        models: The candidates, the simplest first.
        chosen: The name of the chosen one.

    Returns:
        Those before it, except those that learn nothing.
    """
    simpler = {}
    for name, model in models.items():
        if name == chosen:
            break
        if not _learns_nothing(model):
            simpler[name] = model
    return simpler


def measured_candidate(models: dict[str, Pipeline], chosen: str) -> str:
    """Choose the candidate by which the worth of features is measured, which takes dozens of fits.

    Args:
        models: The candidates, the simplest first.
        chosen: The name of the chosen one.

    Returns:
        The chosen one, or the simplest that learns if the chosen one learns nothing, or if a part
        of it has an attribute `slow_to_fit` that is true.
    """
    parts = [models[chosen], *models[chosen].get_params().values()]
    is_slow = any(getattr(part, "slow_to_fit", False) for part in parts)
    if not is_slow and not _learns_nothing(models[chosen]):
        return chosen
    for name, model in models.items():
        if not _learns_nothing(model):
            return name
    return chosen


def _learns_nothing(model: Pipeline) -> bool:
    return isinstance(model[-1], DummyClassifier | DummyRegressor)


def bad_setting_in_fit(
    config: Config, name: str, features: pd.DataFrame, target: pd.Series
) -> ProjectError | None:
    """Return the sentence about the setting with which a candidate cannot be fitted or scored.

    Args:
        config: The settings with which it failed.
        name: The candidate.
        features: The training rows, of which a sample is enough.
        target: Their labels.

    Returns:
        None if no setting is the cause.
    """
    rows = features.sample(min(N_TRIAL_ROWS, len(features)), random_state=config.seed)
    labels = target.loc[rows.index]

    def attempt(changed: Config) -> None:
        model = team.candidates(changed)[name].fit(rows, labels)
        get_scorer(config.selection.metric)(model, rows, labels)

    return _bad_setting(config, [name], attempt)


def _bad_setting(
    config: Config, suspects: Iterable[str], attempt: Callable[[Config], object]
) -> ProjectError | None:
    """The sentence about the setting that makes an attempt fail, None if none does.

    Each framework words its refusals differently, and some do not say which setting they mean. So
    each setting is left out in turn: the one without which the attempt works is the cause.
    """
    error = _failure(attempt, config)
    if error is None:
        return None
    pairs = [(name, key) for name in suspects for key in config.model.settings(name)]
    for name, key in pairs:
        if _failure(attempt, config.without_setting(name, key)) is None:
            return _refusal(config, name, key, error)
    # Where several are wrong, leaving one out does not help, but the error may quote the first.
    for name, key in pairs:
        if f"'{key}'" in str(error):
            return _refusal(config, name, key, error)
    return None


def _failure(attempt: Callable[[Config], object], config: Config) -> Exception | None:
    try:
        attempt(config)
    except Exception as error:
        return error
    return None


def _refusal(config: Config, name: str, key: str, error: Exception) -> ProjectError:
    value = config.model.settings(name)[key]
    reason = str(error).strip().partition("\n")[0]
    message = f"model.{name}.{key}: {value!r} is refused: {reason}"
    known = _parameters(config, name)
    near = get_close_matches(key, known, 1)
    if key not in known and near:
        message += f": did you mean {near[0]}?"
    return SettingError(("model", name, key), message)


def _parameters(config: Config, name: str) -> list[str]:
    """The parameters of a candidate's estimator; none if it cannot be made without its settings."""
    without_settings: dict[str, Any] = {section: {} for section in config.model.sections}
    model = config.model.model_copy(update=without_settings)
    try:
        estimator = team.candidates(config.model_copy(update={"model": model}))[name][-1]
    except Exception:
        return []
    return list(estimator.get_params())


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
            by_fold = model_selection.cross_val_score(
                model, features, target, scoring=metric, cv=pairs, error_score="raise"
            )
        except Exception as error:
            refused = bad_setting_in_fit(config, name, features, target)
            if refused:
                raise refused from None
            if not isinstance(error, ValueError):
                raise
            raise ProjectError(
                f"selection: the candidate {name} cannot be scored by {metric}: {error}"
            ) from None
        # Some metrics raise where they are undefined, others return NaN.
        if not np.isfinite(by_fold).all():
            raise ProjectError(
                f"selection: {metric} is undefined in a fold, since {WHY_UNDEFINED[config.task]}: "
                "lower selection.folds or choose another metric"
            )
        scores[name] = by_fold
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

    Raises:
        ProjectError: There are more folds than rows, groups or members of each class, or a row has
            no group.
    """
    n_folds = count or config.selection.folds
    # Whoever asks for another number has it from there.
    setting = "tuning.folds" if count else "selection.folds"
    if groups is not None:
        _refuse_bad_groups(groups, n_folds, setting)
    splitter = SPLITTERS[config.task, groups is not None]
    split = splitter(n_folds, shuffle=True, random_state=config.seed)
    try:
        return list(split.split(target, target, groups))
    except ValueError as error:
        raise ProjectError(
            f"{setting}: lower it, since the rows cannot be divided into {n_folds} folds: {error}"
        ) from None


def _refuse_bad_groups(groups: pd.Series, n_folds: int, setting: str) -> None:
    """Refuse what scikit-learn's splitters either take or explain badly."""
    if groups.isna().any():
        raise ProjectError(
            "data.group: rows with gaps in it cannot be kept together: fill them, or leave "
            "data.group out"
        )
    n_groups = groups.nunique()
    if n_groups < n_folds:
        raise ProjectError(
            f"{setting}: lower it, since {n_groups} groups of data.group cannot be divided into "
            f"{n_folds} folds"
        )


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
