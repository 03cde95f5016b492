"""A table with so many bounds that they are judged at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from churn_radar.mlops.data.checks import FEW_COLUMNS

NAMES = [f"n{number}" for number in range(FEW_COLUMNS + 4)]


BOUNDS: list[dict[str, Any]] = [
    {"gt": 0, "le": 10},
    {"ge": 0, "lt": 10},
    {"ge": 0, "nullable": True},
]


def wide() -> type[pa.DataFrameModel]:
    """A schema with so many bounds that they are judged at once."""
    rules = {}
    for number, name in enumerate(NAMES):
        rules[name] = pa.Field(**BOUNDS[number % len(BOUNDS)])
    annotations = dict.fromkeys(NAMES, float)
    return type("Wide", (pa.DataFrameModel,), rules | {"__annotations__": annotations})


def decimals() -> pd.DataFrame:
    values = np.random.default_rng(1).uniform(0.001, 9.999, (6, len(NAMES)))
    return pd.DataFrame(values, columns=NAMES)
