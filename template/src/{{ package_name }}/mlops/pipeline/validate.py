"""Stage `validate`: the table against its schema, the gate before everything else."""

from pathlib import Path

import pandas as pd
import yaml

from .. import team
from ..config import Config
from ..data.readers import row_finder
from ..data.validation import checked
from ..errors import ProjectError
from ..modeling.inputs import require_sound_features


def validate(config: Config, root: Path) -> str:
    """Write the table with the types that the schema declares.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        The number of rows, and of those without a label.

    Raises:
        ProjectError: The table breaks a rule, params.yaml names a column that is not there, a row
            has no group, a feature gives no number or breaks its schema, or dvc.yaml does not list
            a helper of schemas.py.
    """
    _refuse_unlisted_helpers(root)
    # Rows keep the order of the file, so that a message can name them as they are there.
    where = row_finder(root / config.data.raw, config.data.read)
    ingested = pd.read_parquet(root / config.table("interim", "ingest"))
    table = checked(team.raw_table(), ingested, where)
    # Here, where the table is known: reading params.yaml alone cannot tell.
    for setting, columns in config.data.roles().items():
        for name in columns:
            if name not in table:
                raise ProjectError(f"data.{setting}: {name} is not a column of the raw table")
    _refuse_rows_without_group(config, table)
    require_sound_features(team.features(), table, where)
    table.to_parquet(root / config.table("interim", "validate"), index=False)
    missing = int(table[config.data.target].isna().sum())
    return f"{len(table):,} rows hold the schema; {missing:,} still wait for their label"


def _refuse_rows_without_group(config: Config, table: pd.DataFrame) -> None:
    """Raise ProjectError if it is not known which rows belong together."""
    group = config.data.group
    if not group:
        return
    n_missing = int(table[group].isna().sum())
    if n_missing:
        raise ProjectError(
            f"data.group: {n_missing:,} row(s) with gaps in {group} cannot be kept together: fill "
            "them, or leave data.group out"
        )


def _refuse_unlisted_helpers(root: Path) -> None:
    """Raise ProjectError if schemas.py uses a module whose changes DVC would not see.

    Other stages depend on the whole package; the first one reads nothing but the schema, so that a
    new feature does not make it read the raw data again.
    """
    path = root / "dvc.yaml"
    if not path.exists():  # in a container, or in a test: nothing is cached there
        return
    stages = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    for helper in team.helpers_of("schemas.py"):
        line = f"${{code}}/{helper.as_posix()}"
        if line not in stages["ingest"]["deps"]:
            raise ProjectError(
                f"schemas.py uses {helper.as_posix()}, and DVC would not notice when that "
                f"changes: add `- {line}` to the deps of stage ingest in dvc.yaml"
            )
