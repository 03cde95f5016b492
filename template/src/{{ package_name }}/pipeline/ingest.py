"""Raw file to table: nothing is judged yet, nothing is lost."""

from pathlib import Path

import pandas as pd

from ..config import Config
from ..errors import ProjectError


def ingest(config: Config, root: Path) -> str:
    """Read the raw CSV file and write it as a Parquet table."""
    try:
        table = pd.read_csv(root / config.data.raw, low_memory=False)
    except FileNotFoundError:
        raise ProjectError(f"{config.data.raw} is missing: `make data` brings it") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ProjectError(f"{config.data.raw} cannot be read as CSV: {error}") from None
    if table.empty:
        raise ProjectError(f"{config.data.raw} has a header and no rows")
    path = root / config.table("interim", "ingest")
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
    return f"{len(table):,} rows, {table.shape[1]} columns read"
