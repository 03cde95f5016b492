"""Writes features.py: one entry for each feature, with its univariate skill score as the reason."""

import json

from ..facts import Facts

MODULE = '''"""YOURS. The model's inputs: pure functions and one registry of features."""

{imports}from .mlops import Feature
{schema}
OWNER = {owner}
SOURCE = {source}
{functions}

# name, kind, owner, source, reason: the skill score of a small tree on that feature alone, from 0
# (a constant) to 1 (perfect), on a sample of at most 5,000 rows
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
    time = facts.time_origin
    since = "the first day of all"
    origin = "FIRST_DAY"
    if time:
        since = "the time of the row"
        origin = f'rows["{time}"]'
    for column in facts.features:
        name = facts.feature_name(column)
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
