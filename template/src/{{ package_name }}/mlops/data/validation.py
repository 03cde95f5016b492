"""Validate a table against its schema, with a message that says which column, rule and row."""

import re

import pandas as pd
import pandera.pandas as pa

from ..errors import ProjectError

ABOUT_COLUMNS = {
    "column_in_dataframe": "missing from the table",
    "column_in_schema": "not declared in the schema",
    "column_ordered": "not at its place in the order of columns",
}
"""What pandera's checks of whole columns mean."""

PERSONAL = {"personal": True}
"""The metadata of a column whose values no message shows."""


def is_personal(column: pa.Column) -> bool:
    """Return whether a column is declared as personal, whatever else its metadata say."""
    metadata = column.metadata or {}
    return bool(metadata.get("personal"))


def personal_columns(schema: type[pa.DataFrameModel]) -> list[str]:
    """Return the columns that the schema declares as personal; of a family of columns the pattern.

    Args:
        schema: The team's rules.
    """
    columns = schema.to_schema().columns
    return [name for name, column in columns.items() if is_personal(column)]


def declarations(schema: type[pa.DataFrameModel], name: str) -> list[pa.Column]:
    """Return what a schema declares about a column of the table: by its name, or by a pattern.

    Args:
        schema: The team's rules.
        name: What the table calls the column.
    """
    found = []
    for declared, column in schema.to_schema().columns.items():
        # From the beginning of the name, but not to its end, as pandera does it.
        is_meant = re.match(declared, name) if column.regex else declared == name
        if is_meant:
            found.append(column)
    return found


def is_about_a_person(schema: type[pa.DataFrameModel], name: str) -> bool:
    """Return whether neither a message nor a file in git may show values of a column of the table.

    Args:
        schema: The team's rules.
        name: What the table calls the column.
    """
    return any(is_personal(column) for column in declarations(schema, name))


def checked(schema: type[pa.DataFrameModel], table: pd.DataFrame) -> pd.DataFrame:
    """Validate a table against a schema.

    Args:
        schema: The team's rules.
        table: Any table.

    Returns:
        The table with the schema's types.

    Raises:
        ProjectError: Lists for each column the first broken rule and an offending row; the value
            too, unless the column is personal.
    """
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        # One row for each value that breaks a rule.
        cases = error.failure_cases
    # A column is reported once, by its first broken rule; a rule of the whole table by itself.
    about_column = cases["schema_context"] == "Column"
    subject = cases["column"].where(about_column, cases["check"])
    lines = [f"the data breaks {schema.__name__}:"]
    for _, group in cases.groupby(subject, sort=False):
        lines.append(_sentence(group, schema))
    # Outside of `except`: the original error would quote every value.
    raise ProjectError("\n  ".join(lines))


def _sentence(cases: pd.DataFrame, schema: type[pa.DataFrameModel]) -> str:
    """One sentence about the failures of one column, or of one rule of the table."""
    first = cases.iloc[0]
    check = str(first["check"])
    if check in ABOUT_COLUMNS:
        return f"{', '.join(cases['failure_case'])}: {ABOUT_COLUMNS[check]}"
    is_column = first["schema_context"] == "Column"
    subject = first["column"] if is_column else "the table"
    sentence = f"{subject}: breaks the rule {check}"
    # A rule of a whole column has no row.
    if pd.isna(first["index"]):
        return sentence
    n_rows = cases.loc[cases["check"] == check, "index"].nunique()
    sentence += f" in {n_rows:,} row(s), the first is row {first['index']}"
    if is_column and not is_about_a_person(schema, first["column"]):
        sentence += f" with the value {first['failure_case']}"
    return sentence
