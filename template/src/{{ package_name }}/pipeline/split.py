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
    """Training and held-out rows: the latest periods are held out, or rows drawn at random."""
    if config.data.time is None:
        target = rows[config.data.target]
        train, test = train_test_split(
            rows,
            test_size=config.data.test_share,
            random_state=config.seed,
            stratify=target if config.task == "classification" else None,
        )
        return train.sort_index(), test.sort_index()
    time = rows[config.data.time]
    boundary = time.quantile(1 - config.data.test_share, interpolation="lower")
    train, test = rows[time <= boundary], rows[time > boundary]
    if test.empty:
        raise ProjectError(f"data.time: no row is later than {boundary}; lower data.test_share")
    return train, test
