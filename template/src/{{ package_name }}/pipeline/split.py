"""Rows to learn from, and rows that are held out until the end."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from ..config import Config
from ..errors import ProjectError


def split(config: Config, root: Path) -> str:
    """Write the training and the held-out table; rows without a label are in neither."""
    table = pd.read_parquet(root / config.table("interim", "validate"))
    labelled = table[table[config.data.target].notna()]
    train, test = divide(labelled, config)
    for step, rows in (("train", train), ("test", test)):
        path = root / config.table("processed", step)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
    return f"{len(train):,} rows to learn from, {len(test):,} held out"


def divide(rows: pd.DataFrame, config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and held-out rows, the latest or drawn at random; no group is on both sides.

    A group with rows in both periods is drawn to one of them, and loses its rows of the other.
    """
    data = config.data
    if data.group:
        groups = rows[data.group].drop_duplicates()
        held = groups.sample(frac=data.test_share, random_state=config.seed)
        drawn = rows[data.group].isin(held)
    elif data.time is None:
        # A class of one row cannot be on both sides.
        lonely = config.task != "classification" or rows[data.target].value_counts().min() == 1
        how = {"test_size": data.test_share, "stratify": None if lonely else rows[data.target]}
        train, test = train_test_split(rows, random_state=config.seed, **how)
        return train.sort_index(), test.sort_index()
    if data.time is None:
        return rows[~drawn], rows[drawn]
    late = rows[data.time] > _boundary(rows[data.time], data.test_share)
    if data.group is None:
        return rows[~late], rows[late]
    both = late.groupby(rows[data.group]).transform("nunique") == 2
    return rows[~late & ~(both & drawn)], rows[late & ~(both & ~drawn)]


def _boundary(time: pd.Series, share: float) -> object:
    """The last moment to learn from; ProjectError if there is but one."""
    last = time.max()
    if time.nunique() == 1:
        raise ProjectError(f"data.time: no row is later than {last}; leave data.time out")
    return min(time.quantile(1 - share, interpolation="lower"), time[time < last].max())
