"""Writes features.py: one entry for each feature, with its univariate score as the reason."""

import json

from ..columns import Column
from ..facts import Facts

MODULE = '''"""YOURS. The model's inputs: pure functions and one registry of features."""

{imports}from .mlops import Feature
{schema}
OWNER = {owner}
SOURCE = {source}
{functions}

# name, kind, owner, source, reason: how well a small tree predicts from it without the others,
# from 0 (chance) to 1, on a sample of 10,000 rows
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
    """Return the module, to be formatted.

    Args:
        facts: What was found out about the table.
        owner: Who answers for every feature at first.
    """
    entries = []
    functions = []
    time = time_origin(facts)
    since = "the first day of all"
    origin = "FIRST_DAY"
    if time:
        since = "the time of the row"
        origin = f'rows["{time}"]'
    for column in facts.features:
        name = feature_name(facts, column)
        kind = "categorical" if column.kind in ("category", "text") else "numeric"
        reason = f"Univariate: {facts.univariate[column.name]:.2f}."
        # Without a function the raw column is taken as it is.
        compute = ""
        if column.kind == "date":
            compute = f", {name}"
            function = DAYS.format(name=name, column=column.name, since=since, origin=origin)
            functions.append(function)
        entries.append(f'    Feature("{name}", "{kind}", OWNER, SOURCE, "{reason}"{compute}),')
    return MODULE.format(
        imports="import pandas as pd\n\n" if functions else "",
        schema="from .schemas import FIRST_DAY\n" if functions and not time else "",
        owner=json.dumps(owner, ensure_ascii=False),
        source=json.dumps(facts.path.name, ensure_ascii=False),
        functions="".join(functions),
        features="\n".join(entries),
    )


def time_origin(facts: Facts) -> str | None:
    """Return the column from which days are counted: the time of the rows, if it is a date."""
    time = facts.roles.time
    if time is None or facts.column(time).kind != "date":
        return None
    return time


def feature_name(facts: Facts, column: Column) -> str:
    """Return the name of the feature that is made of a column: a date becomes a number of days.

    Args:
        facts: What was found out about the table.
        column: One of its columns.
    """
    if column.kind != "date":
        return column.name
    # The file may have a column of that name.
    taken = {other.name for other in facts.columns}
    name = f"{column.name}_days"
    while name in taken:
        name += "_counted"
    return name
