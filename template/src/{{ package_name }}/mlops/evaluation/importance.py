"""What each feature is worth, and how much better the model is than simpler ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..config import Config
from ..errors import ProjectError
from ..modeling.inputs import Inputs
from ..modeling.metrics import quiet
from ..modeling.selection import candidates, folds, measured_candidate
from .scores import CachedModel, Rows, cache_predictions, rows_of

N_SHADOW_FEATURES = 20
"""Enough for their 95th percentile, which is between the highest two of them."""

N_COPIES = 3
"""Of the rows that a fold leaves out, so that shuffling them depends less on luck."""

PERCENTILE = 95
"""Of the shadow features. A useless feature is above it by chance in 5 % of the cases, for each of
the two measures; as one of them is enough, it passes for a useful one in up to about 10 %."""

N_LEAVES_OF_A_NUMBER = 32
"""Of the one-feature tree, where the target is a number."""

N_LEAVES_PER_CLASS = 2
MIN_LEAVES_FOR_CLASSES = 8
"""Of the one-feature tree, where the target is a class."""

MAX_CATEGORIES = 50
"""Of a column in a one-feature tree: rarer values are one."""


def compare_on_rows(
    rows: Rows, model: CachedModel, simpler: dict[str, CachedModel]
) -> dict[str, dict[str, Any]]:
    """Compare the model with simpler ones on the same rows.

    Args:
        rows: The test set.
        model: The model's predictions for it.
        simpler: By name, the predictions of a simpler model.

    Returns:
        By the name of the simpler model its skill score, the `difference` by which the model's is
        higher, and the 95 % interval of that, `low` to `high`.

    Raises:
        ProjectError: The baseline is already perfect on these rows.
    """
    if not np.isfinite(rows.score_range):
        raise ProjectError(
            f"{rows.metric} leaves nothing to improve on the test set: a constant is perfect by "
            "it, or only one class is there; choose another selection.metric, or hold out other "
            "rows"
        )
    found = {}
    for name, other in simpler.items():
        difference, low, high = rows.advantage(model, other)
        found[name] = {
            "skill": round(rows.skill(rows.score(other)), 6),
            "difference": round(difference, 6),
            "low": round(low, 6),
            "high": round(high, 6),
        }
    return found


def feature_worth(config: Config, chosen: str, data: Inputs) -> dict[str, dict[str, Any]]:
    """Measure what each feature is worth, and whether that is more than chance gives.

    A feature is useful if its univariate skill or its importance is above 0 and above the 95th
    percentile of shadow features. Either will do: two features that say the same are both
    unimportant to the model, which can do without each, and both have skill.

    Args:
        config: The settings, with those that were tuned.
        chosen: The name of the chosen candidate.
        data: The training set or a sample of it; never the test set.

    Returns:
        By feature its `univariate` skill score and its `importance`, the values of both that a
        shadow feature reaches, under `shadow`, and whether it is `useful`.
    """
    features, _, _ = data
    columns: list[str] = features.columns.tolist()
    models = candidates(config)
    model = models[measured_candidate(models, chosen)]
    with quiet():
        univariate = univariate_skill(config, data, columns)
        importance = permutation_importances(config, model, data, columns)
        shadow = shadow_thresholds(config, model, data)
    worth = {}
    for name in columns:
        beats_alone = univariate[name] > shadow["univariate"]
        beats_in_model = importance[name] > shadow["importance"]
        worth[name] = {
            "univariate": round(univariate[name], 6),
            "importance": round(importance[name], 6),
            "shadow": {kind: round(value, 6) for kind, value in shadow.items()},
            "useful": beats_alone or beats_in_model,
        }
    return worth


def univariate_skill(config: Config, data: Inputs, columns: list[str]) -> dict[str, float]:
    """Measure how well each feature predicts the target by itself.

    Args:
        config: The settings.
        data: The training set or a sample of it.
        columns: The features to measure.

    Returns:
        By feature the skill score of a small tree on it alone, cross-validated. NaN where the
        metric is undefined in every fold.
    """
    skills: dict[str, list[float]] = {name: [] for name in columns}
    for fold in _folds(config, data):
        for name in columns:
            tree = small_tree(config, fold.train_features[[name]], fold.train_target)
            predictions = cache_predictions(tree, fold.test_features[[name]])
            skills[name].append(fold.rows.skill(fold.rows.score(predictions)))
    return _mean_over_folds(skills)


def permutation_importances(
    config: Config, model: Pipeline, data: Inputs, columns: list[str]
) -> dict[str, float]:
    """Measure how much skill the model loses when a feature's values are shuffled.

    Breiman, 2001, doi:10.1023/A:1010933404324, section 10; here on rows that were left out of
    training, since on training rows an overfitted feature looks important too.

    Args:
        config: The settings.
        model: The model to train in each fold.
        data: The training set or a sample of it.
        columns: The features to measure.

    Returns:
        By feature the loss of skill score, cross-validated; about 0 for one that is not used.
    """
    losses: dict[str, list[float]] = {name: [] for name in columns}
    for fold in _folds(config, data):
        fitted = clone(model).fit(fold.train_features, fold.train_target)
        result = permutation_importance(
            fitted,
            # scikit-learn shuffles each column of this table, and the scorer puts it back among
            # the others: so features that are not asked for cost no prediction.
            fold.test_features[columns],
            fold.test_target,
            scoring=fold.score_with,
            # Not several repeats: the rows are there several times, which is the same for a third
            # of the predictions.
            n_repeats=1,
            random_state=config.seed,
        )
        for name, loss in zip(columns, result.importances_mean, strict=True):
            # A difference of scores over the range is a difference of skill scores.
            losses[name].append(float(loss) / fold.rows.score_range)
    return _mean_over_folds(losses)


def shadow_thresholds(config: Config, model: Pipeline, data: Inputs) -> dict[str, float]:
    """Measure what a feature without information reaches by chance.

    A shadow feature is a shuffled copy of a feature, in its place: the same values, and no
    relation to the target (Kursa and Rudnicki, 2010, doi:10.18637/jss.v036.i11).

    Args:
        config: The settings.
        model: The model to train in each fold.
        data: The training set or a sample of it.

    Returns:
        The 95th percentile over shadow features of the `univariate` skill score and of the
        `importance`; 0 where it is negative.
    """
    features, target, groups = data
    rng = np.random.default_rng(config.seed)
    columns: list[str] = features.columns.tolist()
    # At most half of the features at once, so that the model still has something to learn.
    n_at_once = (len(columns) + 1) // 2
    originals = np.resize(rng.permutation(columns), N_SHADOW_FEATURES)
    skills: list[float] = []
    importances: list[float] = []
    for start in range(0, N_SHADOW_FEATURES, n_at_once):
        part: list[str] = originals[start : start + n_at_once].tolist()
        shadows = Inputs(_with_shadows(features, part, rng), target, groups)
        skills.extend(univariate_skill(config, shadows, part).values())
        importances.extend(permutation_importances(config, model, shadows, part).values())
    return {
        "univariate": _threshold(skills),
        "importance": _threshold(importances),
    }


def _threshold(values: list[float]) -> float:
    # Not Python's max, which would turn NaN into 0, and that every feature could pass.
    return float(np.maximum(np.percentile(values, PERCENTILE), 0.0))


def _with_shadows(
    table: pd.DataFrame, columns: list[str], rng: np.random.Generator
) -> pd.DataFrame:
    """The table with each of these columns shuffled by itself."""
    shadows = {}
    for name in columns:
        # The array, because a Series would be put back in the order of its index.
        shadows[name] = table[name].array[rng.permutation(len(table))]
    return table.assign(**shadows)


@dataclass(frozen=True)
class _Fold:
    """One turn of the cross-validation; `rows` scores what is left out."""

    train_features: pd.DataFrame
    train_target: pd.Series
    test_features: pd.DataFrame
    test_target: pd.Series
    rows: Rows

    def score_with(self, model: Pipeline, changed: pd.DataFrame, target: pd.Series) -> float:
        """A scorer as scikit-learn calls it: the score with these columns in place of one's own."""
        features = self.test_features.copy()
        for name in changed:
            features[name] = changed[name]
        return self.rows.score(cache_predictions(model, features))


def _folds(config: Config, data: Inputs) -> Iterator[_Fold]:
    features, target, groups = data
    for train, left_out in folds(config, target, groups, config.tuning.folds):
        test = np.tile(left_out, N_COPIES)
        yield _Fold(
            features.iloc[train],
            target.iloc[train],
            features.iloc[test],
            target.iloc[test],
            rows_of(config, target.iloc[train], target.iloc[test]),
        )


def _mean_over_folds(by_name: dict[str, list[float]]) -> dict[str, float]:
    # A fold may lack a rare class, which leaves some metrics undefined there.
    return {name: float(np.nanmean(values)) for name, values in by_name.items()}


def small_tree(config: Config, column: pd.DataFrame, target: pd.Series) -> Pipeline:
    """Train a tree on one column: small, but large enough to follow a copy of the target.

    Args:
        config: Names the task and the seed.
        column: A table of one column, shape (n_rows, 1).
        target: The target of the same rows.

    Returns:
        The fitted tree, after an encoder where the column is not numeric.
    """
    if config.task == "regression":
        kind = DecisionTreeRegressor
        n_leaves = N_LEAVES_OF_A_NUMBER
    else:
        kind = DecisionTreeClassifier
        n_leaves = max(MIN_LEAVES_FOR_CLASSES, N_LEAVES_PER_CLASS * target.nunique())
    tree = kind(max_leaf_nodes=n_leaves, min_samples_leaf=5, random_state=config.seed)
    if is_numeric_dtype(column.iloc[:, 0]):
        return make_pipeline(tree).fit(column, target)
    encoder = OneHotEncoder(
        sparse_output=False,
        handle_unknown="infrequent_if_exist",
        max_categories=MAX_CATEGORIES,
    )
    return make_pipeline(encoder, tree).fit(column, target)
