"""Writes example.py: a few lines over the generator of rows that the machinery holds."""

TEXT = '''"""YOURS. Rows for the tests, made up from the schema: none is from the real table.

The outcome follows from the features, so that there is something to learn. A rule that ties columns
together needs a line in `simulate`.
"""

from pathlib import Path

import pandas as pd

from .mlops import invent_rows

RAW = Path("data/raw/invented_raw.csv")
ROWS = 800


def simulate(rows: int, seed: int) -> pd.DataFrame:
    """Return a made-up raw table; the same seed and number of rows give the same table."""
    return invent_rows(rows, seed)
'''


def text() -> str:
    """Return the module, which is the same for every table."""
    return TEXT
