"""Writes schemas.py: a pandera model with the bounds that the data supports."""

import math
import sys
from collections.abc import Iterator

from ..columns import Column
from ..facts import Facts

MODULE = '''"""YOURS. What the data must look like; whatever breaks a rule never reaches a model.

Written for {source}.
A bound that is a guess is twice as wide as what was seen: put what you know in its place.
"""

import pandas as pd
import pandera.pandas as pa

{constants}

class Request(pa.DataFrameModel):
    """What is known of a row on the day of a prediction."""

{inputs}

    class Config:
        """Nothing undeclared, in this order, text turned into the declared types."""

        strict = True
        ordered = True
        coerce = True


class RawTable(Request):
    """A request with its outcome."""

{outcome}
{varies}

class FeatureTable(pa.DataFrameModel):
    """What the model reads: one column for each entry of FEATURES, in that order."""

{features}

    class Config:
        """As strict as the raw table."""

        strict = True
        ordered = True
        coerce = True
'''
VARIES = '''
    @pa.check(".*", regex=True, ignore_na=False, error="more than one value in a column")
    def varies(cls, column: pd.Series) -> pd.Series:
        """Refuse a stuck export, which repeats one value: {rows} rows show that."""{note}
        holds = {steady}len(column) < {rows} or column.nunique(dropna=False) > 1
        return pd.Series(holds, index=column.index)
'''
NOTE = "\n        # These columns hardly ever change, so that equal values are no sign."

CHANCE = 1e-6
"""The share of sound files that the check may take for a stuck export."""

MANY_ROWS = 500
"""The check needs at most that many rows; a column that varies less is not checked."""

KINDS = {
    "integer": "int",
    "number": "float",
    "boolean": "pd.BooleanDtype",
    "date": "pd.Timestamp",
}
"""Types in the schema; every other column holds text."""


def text(facts: Facts) -> str:
    """Return the module, to be formatted."""
    constants = []
    first_days = []
    for column in facts.columns:
        if column.kind == "category":
            constants.append(f"{constant(column)} = {column.values!r}")
        if column.kind == "date":
            first_days.append(column.low)
    if first_days:
        # A round date: the first day that was seen is no rule.
        year = min(first_days).year
        constants.append(f'FIRST_DAY = pd.Timestamp("{year}-01-01")')
    inputs = []
    for column in facts.inputs:
        inputs += _field(facts, column)
    return MODULE.format(
        source=facts.path.name[:80],
        constants="\n".join(constants) + "\n" if constants else "",
        inputs="\n".join(inputs),
        outcome="\n".join(_field(facts, facts.target)),
        varies=_varies(facts),
        features="\n".join(_features(facts)),
    )


def constant(column: Column) -> str:
    """Return the name of the list of a column's values."""
    return f"{column.name.upper()}_VALUES"


def bounds(column: Column) -> dict[str, float]:
    """Return the bounds of a number: twice as wide as what was seen.

    Args:
        column: A column of numbers.

    Returns:
        `ge` and `le`, neither beyond zero if nothing was seen there, and 1 for a share.
    """
    low = float(column.low)
    high = float(column.high)
    lowest = 0 if low >= 0 else -_round_up(-2 * low)
    if high <= 0:
        return {"ge": lowest, "le": 0}
    # A share of 2 would be a mistake, not growth.
    is_share = low >= 0 and high <= 1
    return {"ge": lowest, "le": 1 if is_share else _round_up(2 * high)}


def _round_up(value: float) -> float:
    """Return the next number with two significant digits; what is very large or small as it is."""
    # Beyond that the powers of ten below are not exact.
    if not 1e-15 < value < 1e15:
        return min(value, sys.float_info.max)
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    rounded = float(f"{math.ceil(value / step) * step:.2g}")
    return int(rounded) if rounded.is_integer() and rounded < 1e15 else rounded


def _field(facts: Facts, column: Column) -> list[str]:
    """Return the lines that declare a column: what was seen as a comment, then type and rules."""
    kind = KINDS.get(column.kind, "str")
    # NumPy's integers have no missing value.
    if kind == "int" and column.missing:
        kind = "pd.Int64Dtype"
    lines = []
    rules = {}
    is_key = column.name in (*facts.roles.ids, *facts.roles.personal)
    is_class = column is facts.target and facts.roles.task == "classification"
    if column.kind == "integer" and is_class:
        classes = facts.classes.index.astype(int)
        rules["isin"] = str(sorted(classes.tolist()))
    elif column.kind == "integer" and is_key:
        # Keys grow with every file: no upper bound would hold.
        if float(column.low) >= 0:
            rules["ge"] = "0"
    elif column.kind in ("integer", "number"):
        lines.append(f"    # {column.low:g} to {column.high:g} were seen: the bounds are a guess.")
        for side, bound in bounds(column).items():
            rules[side] = repr(bound)
    elif column.kind == "date":
        lines.append(f"    # {column.low:%Y-%m-%d} to {column.high:%Y-%m-%d} were seen.")
        rules["ge"] = "FIRST_DAY"
    elif column.kind == "category":
        rules["isin"] = constant(column)
    if column.name in facts.roles.ids and column.unique:
        rules["unique"] = "True"
    if column.missing:
        rules["nullable"] = "True"
    if column.name in facts.roles.personal:
        rules["metadata"] = '{"personal": True}'
    lines.append(f"    {column.name}: {kind}{_rules(rules)}")
    return lines


def _features(facts: Facts) -> Iterator[str]:
    """Yield the line that declares each feature."""
    for column in facts.features:
        rules = {}
        if column.kind == "category":
            rules["isin"] = constant(column)
        if column.missing:
            rules["nullable"] = "True"
        kind = "str" if column.kind in ("category", "text") else "float"
        yield f"    {facts.feature_name(column)}: {kind}{_rules(rules)}"


def _rules(rules: dict[str, str]) -> str:
    """Return the right-hand side of a declaration."""
    if not rules:
        return ""
    inside = ", ".join(f"{name}={value}" for name, value in rules.items())
    return f" = pa.Field({inside})"


def _varies(facts: Facts) -> str:
    """Return the check for a stuck export; none if every column could be constant by chance."""
    checked = varying_columns(facts)
    if not checked:
        return ""
    share = max(column.top / column.rows for column in checked)
    # The column that varies least decides how many rows are enough: p^n = CHANCE.
    rows = max(2, math.ceil(math.log(CHANCE) / math.log(share)))
    steady = sorted(column.name for column in facts.columns if column not in checked)
    if not steady:
        return VARIES.format(rows=rows, steady="", note="")
    return VARIES.format(rows=rows, steady=f"column.name in {steady!r} or ", note=NOTE)


def varying_columns(facts: Facts) -> list[Column]:
    """Return the columns where a constant file would be a sign, not chance.

    With a share p of rows that hold the most frequent value, n rows are all equal by chance in
    about p^n files, if the rows are independent.

    Args:
        facts: What was found out about the table.

    Returns:
        The columns where that is fewer than `CHANCE` in a file of this size; if there is none,
        those where it would be in a file of `MANY_ROWS`.
    """
    found = []
    found_in_many = []
    for column in facts.columns:
        share = column.top / column.rows
        if share ** min(column.rows, MANY_ROWS) <= CHANCE:
            found.append(column)
        if share**MANY_ROWS <= CHANCE:
            found_in_many.append(column)
    return found or found_in_many
