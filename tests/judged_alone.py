"""What pandera says of rows that it judges one by one: what `Rules` is held against."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

UNTYPED = ("coerce_dtype", "dtype", "not_nullable")
"""How the rules begin that are about types: no rule of the whole row is asked then."""


def alone(schema: type[pa.DataFrameModel], rows: pd.DataFrame) -> set[tuple[int, str]]:
    """What pandera says of each row by itself: the row and the column, or "" for the whole."""
    found = set()
    for position in range(len(rows)):
        row = rows.iloc[[position]].reset_index(drop=True)
        try:
            schema.validate(row, lazy=True)
        except pa.errors.SchemaErrors as error:
            for case in error.failure_cases.itertuples():
                column = case.column if case.schema_context == "Column" else ""
                # A family is named by its pattern, and then the column by its name.
                if case.check != "asks other rows" and column in ("", *rows):
                    found.add((position, column))
        except AttributeError:  # of a parser
            found.add((position, ""))
    return found


def without_follow_ups(found: set[tuple[int, str]], untyped: set[int]) -> set[tuple[int, str]]:
    """What was found, without rules of a whole row whose values do not have their types."""
    return {(row, column) for row, column in found if column or row not in untyped}
