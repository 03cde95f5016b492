"""Stage `validate`: the table against its schema, the gate before everything else."""

from pathlib import Path

import pandas as pd

from .. import team
from ..config import Config
from ..data.validation import checked
from ..errors import ProjectError


def validate(config: Config, root: Path) -> str:
    """Write the table with the types that the schema declares.

    Raises:
        ProjectError: The table breaks a rule, or params.yaml names a column that is not there.
    """
    table = checked(team.raw_table(), pd.read_parquet(root / config.table("interim", "ingest")))
    for setting, columns in config.data.roles().items():
        for name in columns:
            if name not in table:
                raise ProjectError(f"data.{setting}: {name} is not a column of the raw table")
    table.to_parquet(root / config.table("interim", "validate"), index=False)
    missing = int(table[config.data.target].isna().sum())
    return f"{len(table):,} rows hold the schema; {missing:,} still wait for their label"
