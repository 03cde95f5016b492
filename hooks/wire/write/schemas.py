"""Writes schemas.py: a pandera model with the bounds that the data supports."""

import math
import sys
from collections.abc import Iterator

from ..columns import Column
from ..facts import Facts

HEAD = '''"""YOURS. What the data must look like; whatever breaks a rule never reaches a model.

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
        """A stuck export repeats one value: {rows} rows are enough to tell."""{note}
        told = {steady}len(column) < {rows} or column.nunique(dropna=False) > 1
        return pd.Series(told, index=column.index)
'''
CHANCE = 1e-6
"""A column that is constant by chance is rarer than that."""

FEW = 500
"""So many rows must be enough to tell."""


def text(facts: Facts) -> str:
    """The module, to be formatted."""
    lists = [
        f"{constant(column)} = {column.values!r}"
        for column in facts.columns
        if column.kind == "category"
    ]
    moments = [column.low for column in facts.columns if column.kind == "date"]
    if moments:
        first = min(moments).year
        lists.append(f'FIRST_DAY = pd.Timestamp("{first}-01-01")')
    return HEAD.format(
        source=facts.path.name[:80],
        constants="\n".join(lists) + "\n" if lists else "",
        inputs="\n".join(line for column in facts.inputs for line in _field(facts, column)),
        outcome="\n".join(_field(facts, facts.target)),
        varies=_varies(facts),
        features="\n".join(f"    {line}" for line in _features(facts)),
    )


def constant(column: Column) -> str:
    """The name of the list of a column's values."""
    return f"{column.name.upper()}_VALUES"


def bounds(column: Column) -> dict[str, float]:
    """`ge` and `le`: twice as far as what was seen, but never beyond zero or a whole share."""
    low, high = float(column.low), float(column.high)
    ge = 0 if low >= 0 else -_round_up(-2 * low)
    le = 0 if high <= 0 else 1 if low >= 0 and high <= 1 else _round_up(2 * high)
    return {"ge": ge, "le": le}


def _round_up(value: float) -> float:
    """The next number with two digits that count; what is very large or small as it is."""
    if not 1e-15 < value < 1e15:
        return min(value, sys.float_info.max)
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    rounded = float(f"{math.ceil(value / step) * step:.2g}")
    return int(rounded) if rounded.is_integer() and rounded < 1e15 else rounded


def _field(facts: Facts, column: Column) -> Iterator[str]:
    kinds = {"integer": "int", "number": "float", "boolean": "pd.BooleanDtype"}
    kind = kinds.get(column.kind, "pd.Timestamp" if column.kind == "date" else "str")
    kind = "pd.Int64Dtype" if kind == "int" and column.missing else kind
    rules = {}
    key = column.name in (*facts.roles.ids, *facts.roles.personal)
    unique = column.name in facts.roles.ids and column.unique
    classes = column is facts.target and facts.roles.task == "classification"
    if column.kind == "integer" and classes:
        rules["isin"] = str([int(value) for value in sorted(facts.classes.index)])
    elif column.kind == "integer" and key:
        rules |= {"ge": "0"} if float(column.low) >= 0 else {}
    elif column.kind in ("integer", "number"):
        yield f"    # {column.low:g} to {column.high:g} were seen: the bounds are a guess."
        rules |= {side: repr(bound) for side, bound in bounds(column).items()}
    elif column.kind == "date":
        yield f"    # {column.low:%Y-%m-%d} to {column.high:%Y-%m-%d} were seen."
        rules["ge"] = "FIRST_DAY"
    elif column.kind == "category":
        rules["isin"] = constant(column)
    rules |= {"unique": "True"} if unique else {}
    rules |= {"nullable": "True"} if column.missing else {}
    rules |= {"metadata": '{"personal": True}'} if column.name in facts.roles.personal else {}
    inside = ", ".join(f"{name}={value}" for name, value in rules.items())
    yield f"    {column.name}: {kind}" + (f" = pa.Field({inside})" if rules else "")


def _features(facts: Facts) -> Iterator[str]:
    from .features import feature_name

    for column in facts.features:
        rules = [f"isin={constant(column)}"] if column.kind == "category" else []
        rules += ["nullable=True"] if column.missing else []
        kind = "str" if column.kind in ("category", "text") else "float"
        name = feature_name(facts, column)
        yield f"{name}: {kind}" + (f" = pa.Field({', '.join(rules)})" if rules else "")


def _varies(facts: Facts) -> str:
    told = varying(facts)
    if not told:
        return ""
    share = max(column.top / column.rows for column in told)
    steady = sorted(column.name for column in facts.columns if column not in told)
    return VARIES.format(
        rows=max(2, math.ceil(math.log(CHANCE) / math.log(share))),
        steady=f"column.name in {steady!r} or " if steady else "",
        note="\n        # These hardly ever change, so that they tell nothing." if steady else "",
    )


def varying(facts: Facts) -> list[Column]:
    """The columns of which so many rows as there are, or a few more, tell a stuck export."""
    told = [c for c in facts.columns if (c.top / c.rows) ** min(c.rows, FEW) <= CHANCE]
    return told or [c for c in facts.columns if (c.top / c.rows) ** FEW <= CHANCE]
