"""Raw data: how it is fetched, read and validated."""

import pandas as pd

from ..config import Config


def entity_column(config: Config, rows: pd.DataFrame) -> str | None:
    """Return the column whose equal values stand for one person or thing with several rows.

    Such rows are alike: a model that has seen some of them knows more about the others, so they
    are learned from or held out together.

    Args:
        config: The settings; `data.group` decides if it is set.
        rows: Rows of the raw table.

    Returns:
        The name of the column: `data.group`, else the first of `data.ids` with a repeated value
        and without gaps, since nobody knows whose rows those are; None if there is none.
    """
    if config.data.group:
        return config.data.group
    for column in config.data.ids:
        if column in rows and rows[column].notna().all() and rows[column].duplicated().any():
            return column
    return None
