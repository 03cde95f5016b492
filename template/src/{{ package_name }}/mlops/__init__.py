"""The machinery, and its public interface: what the team's modules import stands here.

Feature: one input of the model, for `features.py`.
Config: everything in `params.yaml`, which `model.py` receives.
ProjectError: raise it for a mistake that a person can fix; it is shown without a traceback.
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

__all__ = ["Config", "Feature", "ProjectError", "invent_rows"]


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
    from .data.invented import invent

    return invent(team.raw_table(), team.request(), team.features(), rows, seed)
