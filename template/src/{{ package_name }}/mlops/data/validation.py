"""A table against its schema, with a message that says which column, rule and row."""

import pandas as pd
import pandera.pandas as pa

from ..errors import ProjectError

ABOUT_COLUMNS = {  # what pandera's checks of whole columns mean
    "column_in_dataframe": "missing from the table",
    "column_in_schema": "not declared in the schema",
    "column_ordered": "not at its place in the order of columns",
}

PERSONAL = {"personal": True}
"""The metadata of a column whose values no message shows."""


def personal_columns(schema: type[pa.DataFrameModel]) -> list[str]:
    """Return the columns that the schema declares as personal."""
    columns = schema.to_schema().columns
    return [name for name, column in columns.items() if column.metadata == PERSONAL]


def checked(schema: type[pa.DataFrameModel], table: pd.DataFrame) -> pd.DataFrame:
    """Validate a table against a schema.

    Returns:
        The table with the schema's types.

    Raises:
        ProjectError: Names for each column the first broken rule and an offending row; the value
            too, unless the column is personal.
    """
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    # One line a column, its first broken rule; rules of the whole table one line each.
    subject = cases["column"].where(cases["schema_context"] == "Column", cases["check"])
    hidden = personal_columns(schema)
    lines = [f"the data breaks {schema.__name__}:"]
    for _, group in cases.groupby(subject, sort=False):
        lines.append(_sentence(group, hidden))
    raise ProjectError("\n  ".join(lines))


def _sentence(cases: pd.DataFrame, hidden: list[str]) -> str:
    first = cases.iloc[0]
    check = str(first["check"])
    if check in ABOUT_COLUMNS:
        return f"{', '.join(cases['failure_case'])}: {ABOUT_COLUMNS[check]}"
    is_column = first["schema_context"] == "Column"
    subject = first["column"] if is_column else "the table"
    sentence = f"{subject}: breaks the rule {check}"
    if pd.isna(first["index"]):
        return sentence
    rows = cases.loc[cases["check"] == check, "index"].nunique()
    sentence += f" in {rows:,} row(s), the first is row {first['index']}"
    if is_column and first["column"] not in hidden:
        sentence += f" with the value {first['failure_case']}"
    return sentence
