"""Columns that are missing just where the outcome is of one class: they were filled in after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .facts import Facts

MIN_ROWS_OF_CLASS = 5
"""In fewer rows a column may be missing by chance."""


def telling_gaps(facts: Facts) -> dict[str, str]:
    """Find the columns whose missing values alone tell the outcome.

    Measured by the difference between a class and all others in the share of missing values, which
    is Youden's index of the rule "missing means that class" (Youden, 1950,
    doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).

    Args:
        facts: What was found out about the table.

    Returns:
        By column a clause that says where it is missing; none if the target is a number.
    """
    if facts.roles.task == "regression":
        return {}
    target = facts.target.name
    labelled = facts.table[facts.table[target].notna()]
    found = {}
    for column in facts.inputs:
        if not 0 < column.missing < column.rows:
            continue
        is_missing = labelled[column.name].isna()
        # The rarest first: of two classes it is the one that something happened to.
        for label, n_rows in facts.classes[::-1].items():
            if n_rows < MIN_ROWS_OF_CLASS or n_rows == len(labelled):
                continue
            is_class = labelled[target] == label
            inside = float(is_missing[is_class].mean())
            outside = float(is_missing[~is_class].mean())
            if abs(inside - outside) > facts.leakage.max_skill:
                found[column.name] = (
                    f"missing in {inside:.0%} of the rows where {target} is {label}, "
                    f"and in {outside:.0%} of the others"
                )
                break
    return found
