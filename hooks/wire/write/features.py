"""Writes features.py: one entry a feature, with how far it predicts the target alone."""

import json

from ..columns import Column
from ..facts import Facts

HEAD = '''"""YOURS. The model's inputs: pure functions and one registry of features."""

{imports}from .mlops import Feature
{schema}
OWNER = {owner}
SOURCE = {source}
{functions}

# name, kind, owner, source, reason: how far a small tree gets with it alone, from 0 to 1, on a
# sample of 10,000 rows
FEATURES = (
{features}
)
'''
DAYS = '''

def {name}(rows: pd.DataFrame) -> pd.Series:
    """Whole days, counted from {since}."""
    return (rows["{column}"] - {origin}).dt.days.astype(float)
'''


def text(facts: Facts, owner: str) -> str:
    """The module, to be formatted; `owner` answers for every feature at first."""
    entries, functions = [], []
    time = time_origin(facts)
    for column in facts.features:
        name = feature_name(facts, column)
        kind = "categorical" if column.kind in ("category", "text") else "numeric"
        reason = f"Alone: {facts.alone[column.name]:.2f}."
        compute = f", {name}" if column.kind == "date" else ""
        entries.append(f'    Feature("{name}", "{kind}", OWNER, SOURCE, "{reason}"{compute}),')
        if column.kind == "date":
            since = "the time of the row" if time else "the first day of all"
            origin = f'rows["{time}"]' if time else "FIRST_DAY"
            days = DAYS.format(name=name, column=column.name, since=since, origin=origin)
            functions.append(days)
    return HEAD.format(
        imports="import pandas as pd\n\n" if functions else "",
        schema="from .schemas import FIRST_DAY\n" if functions and not time else "",
        owner=json.dumps(owner, ensure_ascii=False),
        source=json.dumps(facts.path.name, ensure_ascii=False),
        functions="".join(functions),
        features="\n".join(entries),
    )


def time_origin(facts: Facts) -> str | None:
    """The column from which days are counted: the time of the rows, if it is a date."""
    time = facts.roles.time
    return time if time and facts.column(time).kind == "date" else None


def feature_name(facts: Facts, column: Column) -> str:
    """The feature that is made of a column: a date becomes a number of days."""
    if column.kind != "date":
        return column.name
    name = f"{column.name}_days"
    while any(name == other.name for other in facts.columns):
        name += "_counted"
    return name
