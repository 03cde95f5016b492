"""How well each feature alone predicts the target, as the gate `leakage` will measure it later.

The gate's figure comes from the project's evaluation/importance.py, which a starter does not have:
so the tree and the skill score are written here again, and a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from mlops.modeling.metrics import quiet
from mlops.modeling.selection import SPLITTERS
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .columns import Column

if TYPE_CHECKING:
    from .facts import Facts

SAMPLE_SIZE = 5_000
N_FOLDS = 3
SEED = 0

Folds = list[tuple[np.ndarray, np.ndarray]]
"""For each fold the positions of its training rows and of its test rows."""


def univariate_skill(facts: Facts) -> dict[str, float]:
    """Measure how well a small tree on each feature alone predicts the target.

    Args:
        facts: What was found out about the table.

    Returns:
        By column its cross-validated skill score by the project's metric, on a sample: from 0, no
        better than the best constant, to 1, perfect.
    """
    labelled = facts.table[facts.table[facts.target.name].notna()]
    n_rows = min(SAMPLE_SIZE, len(labelled))
    sample = labelled.sample(n_rows, random_state=SEED).sort_index()
    outcome = sample[facts.target.name]
    if facts.roles.task == "regression":
        truth = outcome.to_numpy(dtype=float)
    else:
        truth, _ = pd.factorize(outcome, sort=True)
    folds = _folds(facts, sample, truth)
    skills = dict.fromkeys((column.name for column in facts.features), 0.0)
    if not folds:
        return skills
    tree, constant = _models(facts, truth)
    metric = facts.metric
    with quiet():
        zero = cross_val_score(constant, np.zeros((len(truth), 1)), truth, scoring=metric, cv=folds)
        for column in facts.features:
            values = sample[[column.name]]
            model = make_pipeline(_encoder(), tree)
            if column.kind not in ("category", "text"):
                values = _ranks(facts, column, sample)
                model = tree
            scores = cross_val_score(model, values, truth, scoring=metric, cv=folds)
            # A perfect score is 1. A fold may lack a class, which leaves some metrics undefined.
            skill = np.nanmean((scores - zero) / (1 - zero))
            skills[column.name] = float(np.clip(np.nan_to_num(skill), 0, 1))
    return skills


def _models(facts: Facts, truth: np.ndarray) -> tuple[BaseEstimator, BaseEstimator]:
    """Return the tree of the gate, and the best constant for each metric that wiring chooses."""
    settings = {"min_samples_leaf": 5, "random_state": SEED}
    if facts.roles.task == "regression":
        return DecisionTreeRegressor(max_leaf_nodes=32, **settings), DummyRegressor()
    n_leaves = max(8, 2 * len(np.unique(truth)))
    return DecisionTreeClassifier(max_leaf_nodes=n_leaves, **settings), DummyClassifier()


def _encoder() -> OneHotEncoder:
    return OneHotEncoder(
        sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=50
    )


def _folds(facts: Facts, sample: pd.DataFrame, truth: np.ndarray) -> Folds:
    """Divide the rows so that those of one group stay together; empty if that cannot be done."""
    n_folds = min(N_FOLDS, facts.folds)
    groups = sample[facts.roles.group] if facts.roles.group else None
    splitter = SPLITTERS[facts.roles.task, groups is not None]
    split = splitter(n_folds, shuffle=True, random_state=SEED)
    try:
        with quiet():  # a class that some fold must lack
            return list(split.split(truth, truth, groups))
    except ValueError:  # fewer groups than folds, or no class with so many rows
        return []


def _ranks(facts: Facts, column: Column, sample: pd.DataFrame) -> pd.DataFrame:
    """Return numbers, or days as features.py counts them, as ranks: a tree looks at no more."""
    values = sample[column.name]
    if column.kind == "date" and facts.time_origin:
        values = values - sample[facts.time_origin]
    ranks = values.rank().to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame({column.name: ranks})
