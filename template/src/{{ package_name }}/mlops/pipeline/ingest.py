"""Raw file to typed table: no value is judged yet, none is lost."""

from pathlib import Path

from .. import team
from ..config import Config
from ..data.readers import outcomes_last, read, typed


def ingest(config: Config, root: Path) -> str:
    """Read the raw data and write it as a Parquet table, outcomes last as in RawTable."""
    how = config.data.read
    schema = team.raw_table()
    table = typed(read(root / config.data.raw, how), schema.to_schema(), how)
    table = outcomes_last(table, schema, team.request())
    path = root / config.table("interim", "ingest")
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
    return f"{len(table):,} rows, {table.shape[1]} columns read"
