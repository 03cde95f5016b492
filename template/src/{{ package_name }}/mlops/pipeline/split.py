"""Stage `split`: training set and test set."""

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

from ..config import Config
from ..data import entity_column
from ..errors import ProjectError

Parts = tuple[pd.DataFrame, pd.DataFrame]
"""Training set and test set."""


def split(config: Config, root: Path) -> str:
    """Write the training and the test set; rows without a label are in neither.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        The number of rows in each.

    Raises:
        ProjectError: No row is later than the others, by the column that says when.
    """
    table = pd.read_parquet(root / config.table("interim", "validate"))
    labelled = table[table[config.data.target].notna()]
    # Unlabelled rows can neither train nor test; they wait in the interim table.
    train, test = divide(labelled, config)
    for step, rows in (("train", train), ("test", test)):
        path = root / config.table("processed", step)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
    return f"{len(train):,} rows to train on, {len(test):,} held out"


def divide(rows: pd.DataFrame, config: Config) -> Parts:
    """Divide rows by the settings: the latest are held out, or rows drawn at random.

    No group is on both sides, nor an id that repeats: one with rows in both periods is drawn to
    one of them, and loses its rows of the other.

    Args:
        rows: Rows with a label.
        config: Names the columns of group and time, the share of the test set, and the seed.

    Returns:
        Training set and test set, each in the order of `rows`.

    Raises:
        ProjectError: All rows are of one time.
    """
    group = entity_column(config, rows)
    if group and config.data.time:
        return _by_group_and_time(rows, group, config)
    if group:
        return _by_group(rows, group, config)
    if config.data.time:
        return _by_time(rows, config)
    return _at_random(rows, config)


def _at_random(rows: pd.DataFrame, config: Config) -> Parts:
    target = rows[config.data.target]
    stratify = None
    sizes = target.value_counts()
    # A class of one row cannot be on both sides, nor can every class where the rows are too few.
    n_smaller = int(min(config.data.test_share, 1 - config.data.test_share) * len(rows))
    if config.task == "classification" and sizes.min() > 1 and n_smaller >= len(sizes):
        stratify = target
    train, test = train_test_split(
        rows, test_size=config.data.test_share, stratify=stratify, random_state=config.seed
    )
    # Drawing shuffles them: a table in its old order is easier to compare.
    return train.sort_index(), test.sort_index()


def _by_group(rows: pd.DataFrame, group: str, config: Config) -> Parts:
    is_drawn = _is_drawn(rows, group, config)
    return rows[~is_drawn], rows[is_drawn]


def _by_time(rows: pd.DataFrame, config: Config) -> Parts:
    is_late = _is_late(rows[config.data.time], config.data.test_share)
    return rows[~is_late], rows[is_late]


def _by_group_and_time(rows: pd.DataFrame, group: str, config: Config) -> Parts:
    is_late = _is_late(rows[config.data.time], config.data.test_share)
    is_drawn = _is_drawn(rows, group, config)
    in_both_periods = is_late.groupby(rows[group]).transform("nunique") == 2
    # A group of one period stays where it is: only one of both has to be drawn to a side.
    is_train = ~is_late & ~(in_both_periods & is_drawn)
    is_test = is_late & ~(in_both_periods & ~is_drawn)
    return rows[is_train], rows[is_test]


def _is_drawn(rows: pd.DataFrame, group: str, config: Config) -> pd.Series:
    """Whether each row's group is drawn for the test set."""
    how: dict[str, Any] = {"frac": config.data.test_share, "random_state": config.seed}
    if config.task == "classification" and config.behaves("stratified-groups"):
        rarest = _rarest_class(rows, group, config)
        drawn = rarest.groupby(rarest).sample(**how).index.to_series()
    else:
        drawn = rows[group].drop_duplicates().sample(**how)
    return rows[group].isin(drawn)


def _rarest_class(rows: pd.DataFrame, group: str, config: Config) -> pd.Series:
    """The class of each group that is the rarest in the table: what a draw must not miss."""
    target = rows[config.data.target]
    n_of_class = target.map(target.value_counts())
    # Stable, so that the same table gives the same draw on every machine.
    by_rarity = rows.loc[n_of_class.sort_values(kind="stable").index]
    first = by_rarity.drop_duplicates(group)
    return first.set_index(group)[config.data.target].sort_index()


def _is_late(time: pd.Series, share: float) -> pd.Series:
    """Whether each row is later than the last moment to train on."""
    last = time.max()
    if time.nunique() == 1:
        raise ProjectError(f"data.time: no row is later than {last}; leave data.time out")
    boundary = time.quantile(1 - share, interpolation="lower")
    # Where more than `share` of the rows carry the last moment, they alone are held out.
    before_last = time[time < last].max()
    late: pd.Series = time > min(boundary, before_last)
    return late
