"""The machinery, and its public interface: what the team's modules import stands here.

Feature: one input of the model, for `features.py`.
Config: everything in `params.yaml`, which `model.py` receives.
ProjectError: raise it for a mistake that a person can fix; it is shown without a traceback.
load_champion: the champion, to predict rows in Python.
tables: the project's tables, to look at in a notebook: `from <package>.mlops import tables`.
invent_rows: rows made up from a schema, for the `example.py` of a project with real data.

Everything else in this folder belongs to the template, and an update may change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import Config
from .errors import ProjectError
from .team import Feature

if TYPE_CHECKING:
    import pandas as pd

    from .prediction.champion import Champion

__all__ = ["Config", "Feature", "ProjectError", "invent_rows", "load_champion"]


def load_champion(model: str = "champion") -> Champion:
    """Load a version of the model, to predict rows: `load_champion().predict(rows)`.

    Args:
        model: `champion`, `previous` or the number of a version.

    Returns:
        The version, loaded with the code that it was made with.

    Raises:
        ProjectError: There is no such version, or it cannot be loaded here.
    """
    # Imported here: the libraries of models take a second, and a starter has no champion.
    try:
        from .prediction.champion import load_champion as load
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.prediction":
            raise
        raise ProjectError("a starter promotes no model, so there is no champion") from None
    return load(model)


def invent_rows(rows: int, seed: int) -> pd.DataFrame:
    """Make up rows that hold the rules of `RawTable`; no row of the real table is in them.

    Args:
        rows: The number of rows.
        seed: The same seed and number of rows give the same table.

    Returns:
        A table with the columns of `RawTable`, in which the outcome follows from the features.
    """
    # Imported here: the commands that need no rows start without pandas.
    from . import team
    from .data.validation import invent

    return invent(team.raw_table(), team.request(), team.features(), rows, seed)
