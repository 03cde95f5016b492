"""The table against its schema: the gate before everything else."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from ..config import Config
from ..errors import ProjectError
from ..schemas import RawTable

ABOUT_COLUMNS = {  # what pandera's checks of whole columns mean
    "column_in_dataframe": "missing from the table",
    "column_in_schema": "not declared in the schema",
    "column_ordered": "not at its place in the order of columns",
}

PERSONAL = {"personal": True}  # the metadata of a column whose values no message shows


def validate(config: Config, root: Path) -> str:
    """Write the table with the types that the schema declares; ProjectError if a rule is broken."""
    table = checked(RawTable, pd.read_parquet(root / config.table("interim", "ingest")))
    for setting, columns in config.data.roles().items():
        if absent := [name for name in columns if name not in table]:
            raise ProjectError(f"data.{setting}: {absent[0]} is not a column of the raw table")
    table.to_parquet(root / config.table("interim", "validate"), index=False)
    missing = int(table[config.data.target].isna().sum())
    return f"{len(table):,} rows hold the schema; {missing:,} still wait for their label"


def checked(schema: type[pa.DataFrameModel], table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the schema's types; ProjectError names column, rule and an offending row."""
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        # One line a column, its first broken rule; rules of the whole table one line each.
        subject = cases["column"].where(cases["schema_context"] == "Column", cases["check"])
        hidden = [n for n, c in schema.to_schema().columns.items() if c.metadata == PERSONAL]
        lines = [_sentence(group, hidden) for _, group in cases.groupby(subject, sort=False)]
        raise ProjectError("\n  ".join([f"the data breaks {schema.__name__}:", *lines])) from None


def _sentence(cases: pd.DataFrame, hidden: list[str]) -> str:
    first = cases.iloc[0]
    check = str(first["check"])
    if check in ABOUT_COLUMNS:
        return f"{', '.join(cases['failure_case'])}: {ABOUT_COLUMNS[check]}"
    is_column = first["schema_context"] == "Column"
    sentence = f"{first['column'] if is_column else 'the table'}: breaks the rule {check}"
    if pd.isna(first["index"]):
        return sentence
    rows = cases.loc[cases["check"] == check, "index"].nunique()
    shown = is_column and first["column"] not in hidden
    value = f" with the value {first['failure_case']}" if shown else ""
    return f"{sentence} in {rows:,} row(s), the first is row {first['index']}{value}"
