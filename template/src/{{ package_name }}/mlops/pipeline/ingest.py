"""Stage `ingest`: raw file to typed table; no value is judged yet, none is lost."""

from pathlib import Path

from .. import team
from ..config import Config
from ..data.cells import convert_types
from ..data.readers import outcomes_last, read, row_finder


def ingest(config: Config, root: Path) -> str:
    """Write the raw data as a Parquet table: outcomes last, the rest in the file's order.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        The number of rows and columns.

    Raises:
        ProjectError: The file cannot be read, has a duplicated column, or holds a value that
            its column cannot.
    """
    schema = team.raw_table()
    path = root / config.data.raw
    raw = read(path, config.data.read)
    where = row_finder(path, config.data.read)
    table = convert_types(raw, schema.to_schema(), config.data.read, where)
    # RawTable declares a request and then its outcome, in whatever order the file has them.
    table = outcomes_last(table, schema, team.request())
    path = root / config.table("interim", "ingest")
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
    return f"{len(table):,} rows, {table.shape[1]} columns read"
