"""Nothing that the model is trained on holds the answer, or who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import KDTree
from scipy.stats import binom

from .. import team
from ..data import entity_column
from ..data.validation import is_about_a_person
from ..modeling.inputs import feature_table, require_row_wise
from . import SCORE, Verdict, new_reasons, problem_of_reasons

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

REVERSED_ROWS = 1_000
"""Rows on which a column's values are put in reverse order to see which features read it."""

MAX_GAIN = 0.5
"""Of the champion's error, the share that a candidate may avoid at once without a reason."""

DUPLICATES_P_VALUE = 1e-3
"""How rarely chance alone may put so many duplicates into both tables."""

NEAR = 0.01
"""Of a feature's interquartile range in the training set: how far near twins may be apart.

Not of its standard deviation, which a few large values blow up until all others are near.
"""


def leakage(evidence: Evidence) -> Verdict:
    """Check that the test set is new, and that no feature holds what it must not.

    A feature that predicts well by itself needs a reason in gates.leakage.explained, since most
    often it is the outcome in disguise. So does a candidate that avoids at once most of the
    champion's error.

    Args:
        evidence: The training set and the test set, what stage `challenge` found about the
            features, and the predictions of both models.

    Returns:
        A verdict with the largest univariate skill score of a feature, and what it may be without
        a reason.

    Raises:
        ProjectError: A feature of a row depends on other rows.
    """
    require_row_wise(team.features(), evidence.test, evidence.config.seed)
    threshold = evidence.config.gates.leakage.max_skill
    explained = evidence.config.gates.leakage.explained
    univariate = {}
    for name, facts in evidence.challenge["features"].items():
        univariate[name] = facts["univariate"]
    best = max(univariate, key=lambda name: univariate[name])
    problem = problem_of_reasons("gates.leakage.explained", explained, [*univariate, SCORE])
    if problem:
        return Verdict("refused", problem)
    for find_problem in (
        _duplicates,
        _forbidden_input,
        _shared_entities,
        _overlap_in_time,
        _sudden_gain,
    ):
        problem = find_problem(evidence)
        if problem:
            return Verdict("refused", problem)
    for name, skill in univariate.items():
        # Written so that NaN needs a reason too.
        if not skill <= threshold and name not in explained:
            reason = (
                f"{name} has a univariate skill score of {skill:.3f}, more than {threshold}: if it "
                "is known only after the outcome, remove it from features.py; if not, say under "
                "gates.leakage.explained why it tells so much"
            )
            return Verdict("refused", reason, skill, threshold)
    reason = (
        f"held-out rows are new, up to chance, {_describe_near_twins(evidence)}; {best} has a "
        f"univariate skill score of {univariate[best]:.3f}, the most of all"
    )
    if best in explained:
        reason += f", explained: {explained[best]}"
    return Verdict("passed", reason, univariate[best], threshold)


def _duplicates(evidence: Evidence) -> str:
    """Rows of the test set that are in the training set; empty if they are few enough.

    Allow as many as the training set's own duplicate rate predicts (binomial, p < 0.001): in a
    table without ids, equal rows may well be of different things.
    """
    train_hashes = pd.util.hash_pandas_object(evidence.train, index=False)
    test_hashes = pd.util.hash_pandas_object(evidence.test, index=False)
    n_train = len(train_hashes)
    n_test = len(test_hashes)
    n_duplicated = int(train_hashes.duplicated(keep=False).sum())
    n_shared = int(test_hashes.isin(train_hashes).sum())
    if evidence.config.data.ids and n_duplicated == 0:
        # With an id in it an equal row is the same thing: none may be shared.
        n_allowed = 0.0
    else:
        n_allowed = _most_by_chance(n_duplicated, n_train, n_test)
    if n_shared <= n_allowed:
        return ""
    return (
        f"{n_shared:,} of {n_test:,} held-out rows are in the training set too, where "
        f"{n_allowed:.0f} would be chance: `make pipeline` makes the split again; if that does "
        "not help, the raw table has duplicated rows"
    )


def _most_by_chance(n_found: int, n_train: int, n_test: int) -> float:
    """The most rows of the test set that the rate in the training set explains."""
    # Plus one in both, so that a training set without any does not predict a rate of 0.
    rate = (n_found + 1) / (n_train + 1)
    return float(binom.isf(DUPLICATES_P_VALUE, n_test, rate))


def _describe_near_twins(evidence: Evidence) -> str:
    """How many held-out rows have a near twin in the training set, as a part of a sentence.

    They are only told: where few features have few values, most rows have one. So the number is
    shown beside the share of training rows that have one among the others.
    """
    n_test = len(evidence.test)
    n_twins, n_drawn, n_drawn_twins = _count_near_twins(evidence)
    text = (
        f"{n_twins:,} of {n_test:,} with a near twin in the training set ({n_twins / n_test:.1%}; "
        f"of its own rows {n_drawn_twins / n_drawn:.1%} have one)"
    )
    # Twice the share, since twins come in clusters, whose number varies more than by chance alone.
    n_expected = min(2 * n_drawn_twins, n_drawn)
    if n_twins > _most_by_chance(n_expected, n_drawn, n_test):
        text += ", more than chance: look whether rows were copied"
    return text


def _count_near_twins(evidence: Evidence) -> tuple[int, int, int]:
    """Count the held-out rows with a near twin in the training set; rows of it, and their twins.

    Near twins have the same categories and gaps, and numbers that differ by less than NEAR. Of the
    training set as many rows are drawn as are held out, and looked for among its other rows.
    """
    n_train = len(evidence.train)
    points = _points(evidence)
    train, test = points[:n_train], points[n_train:]
    hashes = pd.util.hash_pandas_object(pd.DataFrame(train), index=False)
    is_repeated = hashes.duplicated(keep=False).to_numpy()
    # Of equal rows one is enough, and thousands would make the search slow.
    tree = KDTree(train[~hashes.duplicated()], balanced_tree=False)
    distances, _ = tree.query(test, p=np.inf, distance_upper_bound=1)
    n_twins = int(np.isfinite(distances).sum())
    # As many training rows as held-out ones tell the share well enough.
    rng = np.random.default_rng(evidence.config.seed)
    drawn = rng.choice(n_train, min(n_train, len(test)), replace=False)
    # The nearest is the row itself, the second another one.
    distances, _ = tree.query(train[drawn], k=[2], p=np.inf, distance_upper_bound=1)
    has_twin = is_repeated[drawn] | np.isfinite(distances).ravel()
    return n_twins, len(drawn), int(has_twin.sum())


def _points(evidence: Evidence) -> np.ndarray:
    """The features of all rows, those of the training set first, scaled so that 1 is NEAR."""
    n_train = len(evidence.train)
    rows = pd.concat([evidence.train, evidence.test], ignore_index=True)
    table = feature_table(team.features(), rows)
    columns = []
    for feature in team.features():
        values = table[feature.name]
        if feature.kind == "categorical":
            # Two categories are never near; a gap is one more category.
            columns.append(2.0 * pd.factorize(values.astype("string"))[0])
            continue
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        is_known = np.isfinite(numbers)
        spread = _spread(numbers[:n_train][is_known[:n_train]])
        numbers = numbers / (NEAR * (spread or 1.0))
        # A gap is far from all numbers, and the same as another gap.
        gap = numbers[is_known].min(initial=0.0) - 2.0
        columns.append(np.where(is_known, numbers, gap))
    return np.column_stack(columns)


def _spread(numbers: np.ndarray) -> float:
    """The interquartile range; of numbers most of which are equal, the standard deviation."""
    if not len(numbers):
        return 0.0
    low, high = np.percentile(numbers, [25, 75])
    return float(high - low or numbers.std())


def _shared_entities(evidence: Evidence) -> str:
    """Groups or ids in both tables; empty if there are none."""
    data = evidence.config.data
    columns = dict.fromkeys([data.group, *data.ids])
    for column in columns:
        if column is None or column not in evidence.train:
            continue
        shared = set(evidence.train[column].dropna()) & set(evidence.test[column].dropna())
        # Rows of one group are alike: a model that saw some of them knows more about the others.
        if not shared:
            continue
        problem = f"{len(shared):,} values of {column} are in both tables"
        if column == entity_column(evidence.config, pd.concat([evidence.train, evidence.test])):
            return f"{problem}: `make pipeline` makes the split again"
        return f"{problem}: name it in data.group, or take it out of data.ids if it names no thing"
    return ""


def _overlap_in_time(evidence: Evidence) -> str:
    """Whether training rows are as late as the test set; empty if they are not."""
    column = evidence.config.data.time
    if not column:
        return ""
    # A model in use predicts what is later than all that it was trained on.
    if evidence.train[column].max() >= evidence.test[column].min():
        return (
            f"training rows are as late by {column} as held-out ones: `make pipeline` makes the "
            "split again"
        )
    return ""


def _sudden_gain(evidence: Evidence) -> str:
    """A gain over the champion that neither work nor more rows often give; empty if there is none.

    With the number n of training rows errors fall by a power of n, of 0.35 at most on the tasks of
    Hestness et al., 2017, arXiv:1712.00409; here by the root of n, to be generous.
    """
    champion = evidence.champion_if_scored
    if champion is None or SCORE in new_reasons("leakage", evidence):
        return ""
    rows = evidence.rows
    skill = rows.skill(rows.score(champion))
    _, least_gain, _ = rows.advantage(evidence.cached_candidate, champion)
    growth = len(evidence.train) / evidence.recorded.get("train_rows", len(evidence.train))
    error_left = (1 - MAX_GAIN) * min(1.0, growth**-0.5)
    if not least_gain > (1 - skill) * (1 - error_left):
        return ""
    return (
        f"the champion has a skill score of {skill:.3f}, and the candidate at least "
        f"{skill + least_gain:.3f}: most often the outcome is among its inputs then; if not, say "
        f"under gates.leakage.explained.{SCORE} what makes it so good"
    )


def _forbidden_input(evidence: Evidence) -> str:
    """The first forbidden column that a feature reads or is named like; empty if there is none."""
    # A sample, since the first rows of a sorted table may all have one value.
    n_rows = min(REVERSED_ROWS, len(evidence.train))
    rows = evidence.train.sample(n_rows, random_state=evidence.config.seed)
    inputs = set(evidence.manifest["features"])
    table = feature_table(team.features(), rows)
    for column, reason in _forbidden_columns(evidence).items():
        if column not in rows:
            continue
        readers = _features_that_read(column, rows, table)
        if not readers and column in inputs:
            readers = [column]
        if readers:
            return (
                f"the feature {readers[0]} reads {column}, which is {reason}: "
                "remove it from features.py"
            )
    return ""


def _forbidden_columns(evidence: Evidence) -> dict[str, str]:
    """The columns that no feature may read, and what each is."""
    data = evidence.config.data
    forbidden = {data.target: "the target"}
    for column in data.ids:
        forbidden[column] = "an id"
    for column in data.sensitive:
        forbidden[column] = "sensitive"
    raw_table = team.raw_table()
    for name in map(str, evidence.train):
        if is_about_a_person(raw_table, name):
            forbidden[name] = "PII"
    return forbidden


def _features_that_read(column: str, rows: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """The features whose values change when the column's values are in reverse order."""
    changed = rows.copy()
    # The array, since a series would be aligned by its index and change nothing.
    changed[column] = rows[column].array[::-1]
    other = feature_table(team.features(), changed)
    return [str(name) for name in table if not table[name].equals(other[name])]
