"""What each feature is worth, and how much better the model is than simpler ones."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..config import Config
from ..errors import ProjectError
from ..modeling.candidates import candidates
from ..modeling.inputs import Inputs
from ..modeling.metrics import quiet
from ..modeling.selection import folds
from .scores import Remembered, Rows, remember, rows_of

N_SHADOW_FEATURES = 20
"""Shuffled copies of features whose 95th percentile is what chance reaches."""

REPEATS = 3
"""Left-out rows are taken so often, so that shuffling them depends less on luck."""


def compared(
    rows: Rows, model: Remembered, simpler: dict[str, Remembered]
) -> dict[str, dict[str, Any]]:
    """The model's skill less each simpler one's, with the 95 % interval over the same draws."""
    if not np.isfinite(rows.span):
        raise ProjectError("the held-out rows tell no model from a trivial one: hold out others")
    found = {}
    for name, other in simpler.items():
        difference, low, high = rows.advantage(model, other)
        its = rows.skill(rows.score(other))
        facts = {"skill": its, "difference": difference, "low": low, "high": high}
        found[name] = {key: round(value, 6) for key, value in facts.items()}
    return found


def feature_worth(config: Config, chosen: str, data: Inputs) -> dict[str, dict[str, Any]]:
    """Each feature's skill alone, what its shuffling costs the model, and what chance gets of both.

    A feature is useful if it beats 95 % of the probes in either, and zero: so features that share
    what they know are all useful. Where the chosen candidate learns nothing, or takes long to fit,
    the simplest one that learns is measured in its place.
    """
    features, target, groups = data
    pairs = folds(config, target, groups, config.tuning.folds)
    models = candidates(config)
    name = measured_candidate(models, chosen)
    rng, columns = np.random.default_rng(config.seed), [*features]

    def measured(table: pd.DataFrame, names: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Skill alone and importance of these columns of the table."""
        found: dict[str, list[tuple[float, float]]] = {column: [] for column in names}
        for learn, left_out in pairs:
            left = np.tile(left_out, REPEATS)
            rows = rows_of(config, target.iloc[learn], target.iloc[left])
            known, held = table.iloc[learn], table.iloc[left]
            model = models[name].fit(known, target.iloc[learn])
            whole = rows.skill(rows.score(remember(model, held)))
            for column in found:
                tree = small_tree(config, known[[column]], target.iloc[learn])
                alone = rows.skill(rows.score(remember(tree, held[[column]])))
                without = remember(model, _shuffled(held, [column], rng))
                found[column].append((alone, whole - rows.skill(rows.score(without))))
        return {column: tuple(np.nanmean(values, axis=0)) for column, values in found.items()}

    with quiet():
        real, chance = measured(features, columns), list[tuple[float, float]]()
        # Probes are columns of chance: each a shuffled copy of a feature in its place.
        probes, size = N_SHADOW_FEATURES, (len(columns) + 1) // 2
        order = np.resize(rng.permutation(columns), probes)
        for start in range(0, probes, size):
            part = [str(column) for column in order[start : start + size]]
            chance += measured(_shuffled(features, part, rng), part).values()
    bounds = np.maximum(np.percentile(chance, 95, axis=0), 0)
    kinds = ("alone", "importance")
    probe = {kind: round(float(bound), 6) for kind, bound in zip(kinds, bounds, strict=True)}
    return {
        column: {kind: round(float(value), 6) for kind, value in zip(kinds, values, strict=True)}
        | {"probe": probe, "useful": bool((values > bounds).any())}
        for column, values in real.items()
    }


def simpler_candidates(models: dict[str, Pipeline], chosen: str) -> dict[str, Pipeline]:
    """Return the candidates before the chosen one, except those that learn nothing."""
    before = [*models][: [*models].index(chosen)]
    return {name: models[name] for name in before if not _is_dummy(models[name])}


def measured_candidate(models: dict[str, Pipeline], chosen: str) -> str:
    """Return the chosen candidate, or the simplest that learns if the chosen one is of no use.

    It is of no use if it learns nothing, or if a part of it says `slow_to_fit`: the worth of
    features takes dozens of fits.
    """
    parts = [models[chosen], *models[chosen].get_params().values()]
    slow = any(getattr(part, "slow_to_fit", False) for part in parts)
    if not slow and not _is_dummy(models[chosen]):
        return chosen
    learning = (name for name, model in models.items() if not _is_dummy(model))
    return next(learning, chosen)


def _is_dummy(model: Pipeline) -> bool:
    return isinstance(model[-1], DummyClassifier | DummyRegressor)


def _shuffled(table: pd.DataFrame, columns: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """The table with these columns' values at other rows, each column by itself."""
    mixed = {name: table[name].array[rng.permutation(len(table))] for name in columns}
    return table.assign(**mixed)


def small_tree(config: Config, column: pd.DataFrame, target: pd.Series) -> Pipeline:
    """A tree that learned from one column: small, but it can follow a copy of the target."""
    numbers = config.task == "regression"
    leaves = 32 if numbers else max(8, 2 * target.nunique())
    kind = DecisionTreeRegressor if numbers else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=config.seed)
    if is_numeric_dtype(column.iloc[:, 0]):
        return make_pipeline(tree).fit(column, target)
    how = {"handle_unknown": "infrequent_if_exist", "max_categories": 50}
    return make_pipeline(OneHotEncoder(sparse_output=False, **how), tree).fit(column, target)
