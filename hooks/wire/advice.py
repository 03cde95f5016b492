"""What would ruin the project later, a sentence each, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from .facts import Facts

FEW_ROWS = 100
FEW_ROWS_OF_CLASS = 10
RARE_SHARE = 0.1
"""A class with a smaller share of the rows is rare."""

LARGE_SHARE = 0.8
"""With a larger share in one class, accuracy says little."""

MIN_ROWS_TO_SORT = 20
CHANGES_OF_SORTED = 0.02
"""A file with that share of the changes of class that chance would give is sorted."""


def advice(facts: Facts) -> Iterator[str]:
    """Yield the warnings about a table, the worst first.

    Args:
        facts: What was found out about it.
    """
    yield from _leaks(facts)
    yield from _gaps(facts)
    yield from _balance(facts)
    if is_sorted(facts):
        yield (
            f"the file is sorted by {facts.target.name}: whatever follows the order of the rows, "
            "such as a row number, tells the outcome. Keep it out of features.py, and shuffle the "
            "rows before you cut a part off the file"
        )
    for name in facts.roles.personal:
        yield f"{name} looks personal ({facts.roles.why[name]}): no feature, shown in no message"
    yield from _ids(facts)
    duplicated = int(facts.table.duplicated().sum())
    if duplicated:
        yield f"{duplicated:,} rows are duplicated: a copy can be in training and test set"
    if facts.target.missing:
        yield f"{facts.target.missing:,} rows have no outcome, and no model is trained on them"
    if facts.target.rows < FEW_ROWS:
        yield f"{facts.target.rows} rows are few: every score will be uncertain"
    for column in facts.columns:
        if column.kind == "date" and column.high > pd.Timestamp.now():
            yield f"{column.name} runs into the future, to {column.high:%Y-%m-%d}"


def is_sorted(facts: Facts) -> bool:
    """Return whether the rows are in the order of the outcome.

    Args:
        facts: What was found out about the table.
    """
    outcome = facts.table[facts.target.name].dropna()
    if len(outcome) < MIN_ROWS_TO_SORT:
        return False
    if facts.roles.task == "regression":
        return bool(outcome.is_monotonic_increasing or outcome.is_monotonic_decreasing)
    labels = outcome.to_numpy()
    n_changes = int((labels[1:] != labels[:-1]).sum())
    shares = facts.classes / facts.classes.sum()
    # Two rows in a row, drawn at random, are of two classes with this chance.
    expected = (len(labels) - 1) * (1 - float((shares**2).sum()))
    in_blocks = n_changes == len(shares) - 1
    # A block of very few rows may be chance.
    is_long = expected > 2 * len(shares)
    return is_long and (in_blocks or n_changes <= CHANGES_OF_SORTED * expected)


def _leaks(facts: Facts) -> Iterator[str]:
    """What predicts the target alone, by its values."""
    left_out = []
    kept = []
    for name in facts.suspects:
        found = f"{name} ({facts.univariate[name]:.2f})"
        reason = facts.reason(name)
        # Its gaps have a sentence of their own.
        if name in facts.telling_gaps and not reason:
            continue
        if reason:
            yield f"{found} predicts the target alone, explained: {reason}"
        elif name in facts.roles.leaks:
            left_out.append(found)
        else:
            kept.append(found)
    what = f"predict the target alone with a skill score above {facts.leakage.max_skill}"
    ask = "say why under gates.leakage.explained in params.yaml"
    if left_out:
        yield (
            f"left out of the features, since they {what}: {', '.join(left_out)}. What is "
            "known only after the outcome: move its line in schemas.py from Request to "
            "RawTable. What is known before: add it to features.py and to FeatureTable in "
            f"schemas.py, and {ask}"
        )
    if kept:
        yield (
            f"features that {what}: {', '.join(kept)}. What is known only after the outcome: "
            f"remove it from features.py and schemas.py. What is known before: {ask}, or the "
            "model is not promoted"
        )


def _gaps(facts: Facts) -> Iterator[str]:
    """What predicts the target alone, by where it is missing."""
    for name, where in facts.telling_gaps.items():
        if facts.reason(name):
            continue
        if name in facts.roles.leaks or name in facts.roles.excluded:
            yield (
                f"{name} is {where}: it seems to be filled in after the outcome, and is left out "
                "of the features. If it is, move its line in schemas.py from Request to RawTable"
            )
        elif name in facts.roles.features:
            yield (
                f"{name} is {where}: if it is filled in after the outcome, remove it from "
                "features.py, and move its line in schemas.py from Request to RawTable"
            )


def _balance(facts: Facts) -> Iterator[str]:
    """Classes with few rows, absolutely or beside the others."""
    if facts.roles.task == "regression":
        return
    target = facts.target.name
    total = int(facts.classes.sum())
    label = facts.classes.index[-1]
    n_rows = int(facts.classes.min())
    share = n_rows / total
    if n_rows < FEW_ROWS_OF_CLASS:
        yield (
            f"the class {str(label)!r} has {n_rows} rows: too few. Collect more of them, or put "
            "the class together with another"
        )
    elif share < RARE_SHARE:
        yield (
            f"{target} is {label} in {n_rows:,} of {total:,} rows ({_percent(share)}), a rare "
            f"class: a model that never predicts it is right in {_percent(1 - share)}, so accuracy "
            f"says nothing, and {facts.metric} is measured. More of these rows help more than more "
            "of all; thin out the others in the training set alone, never in the test set"
        )
    else:
        largest = float(facts.classes.max()) / total
        if largest > LARGE_SHARE:
            yield (
                f"the classes of {target} are unbalanced: it is {facts.classes.index[0]} in "
                f"{_percent(largest)} of the rows, and so right is a model that always says so. "
                f"Compare {facts.metric}, which is measured, and not accuracy"
            )


def _percent(share: float) -> str:
    """A share, with two digits where it is near 0 or 1."""
    return f"{share:.1%}" if 0.01 < share < 0.99 else f"{share:.2%}"


def _ids(facts: Facts) -> Iterator[str]:
    """Ids that cannot keep rows together, and features that may be ids."""
    for name in facts.roles.ids:
        column = facts.column(name)
        if column.repeated and column.missing:
            yield (
                f"{name} is empty in {column.missing:,} rows, so it cannot keep the rows of "
                "one value together: they can be in training and test set"
            )
    for column in facts.features:
        if column.kind in ("integer", "text") and column.distinct > 0.95 * column.rows:
            yield f"{column.name} may be an id: nearly every row has another value"
