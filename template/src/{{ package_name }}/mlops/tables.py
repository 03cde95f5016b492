"""The project's tables, to look at in a notebook: as the pipeline made them, as models read them.

Each function finds the project around the current folder, so it works in any of its subfolders.
"""

from pathlib import Path

import pandas as pd

from . import team
from .config import Config, find_root, load_config
from .data.validation import checked
from .errors import ProjectError
from .modeling.inputs import feature_table


def settings() -> Config:
    """Return everything in `params.yaml`.

    Raises:
        ProjectError: A setting is wrong, or no project is around the current folder.
    """
    return load_config(find_root(Path.cwd()))


def validated() -> pd.DataFrame:
    """Read all rows of the raw table, with the types of `RawTable`, which they all fit.

    Raises:
        ProjectError: The pipeline has not made the table here.
    """
    return _read("interim", "validate")


def train() -> pd.DataFrame:
    """Read the training set: the rows to look for ideas in.

    Raises:
        ProjectError: The pipeline has not made the table here.
    """
    return _read("processed", "train")


def test() -> pd.DataFrame:
    """Read the test set: to see what a model makes of new rows, not to choose features by.

    Raises:
        ProjectError: The pipeline has not made the table here.
    """
    return _read("processed", "test")


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of rows as models read them.

    Args:
        rows: Rows of any of the tables above.

    Returns:
        One column for each feature of `features.py`, under the index of `rows`.

    Raises:
        ProjectError: A feature reads a column that `rows` does not have, or breaks `FeatureTable`.
    """
    return checked(team.feature_schema(), feature_table(team.features(), rows))


def _read(layer: str, step: str) -> pd.DataFrame:
    root = find_root(Path.cwd())
    path = load_config(root).table(layer, step)
    if not (root / path).is_file():
        raise ProjectError(f"{path.as_posix()} is not here: `make pipeline` makes it")
    return pd.read_parquet(root / path)
