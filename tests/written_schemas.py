"""What the tests share: the rules that are written for a table, and a table held against them."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import pandas as pd
from mlops.config import Config
from mlops.data.cells import convert_types
from mlops.data.readers import outcomes_last, read
from mlops.data.validation import checked
from wire.facts import Facts
from wire.write import schemas

PRESENT = Config.model_validate(
    {
        "task": "classification",
        "seed": 7,
        "data": {"name": "before", "raw": "data/raw/before_raw.csv", "target": "before"},
        "selection": {"metric": "roc_auc", "folds": 5},
        "model": {"name": "radar", "linear": {"C": 1.0, "tol": 0.01}, "boosting": {"max_iter": 9}},
        "tuning": {
            "trials": 6,
            "folds": 4,
            "search": {"linear": {"C": [0.1, 1.0]}, "boosting": {"max_iter": [5, 9]}},
            "fixed": {"linear.tol": "Because."},
        },
        "gates": {
            "floor": {"skill": 0.3},
            "slices": {"critical": ["before=yes"], "min_rows": 50},
            "features": {"kept": {"before": "Because."}},
        },
        "hosting": {"currency": "GBP"},
    }
)
"""What params.yaml says of another table, before it is wired to this one."""


def rules(facts: Facts, folder: Path) -> dict[str, Any]:
    """The classes of the schemas.py that is written for the facts."""
    path = folder / "schemas.py"
    path.write_text(schemas.text(facts), encoding="utf-8")
    module: dict[str, Any] = run_path(str(path))
    return module


def hold(
    path: Path, facts: Facts, module: dict[str, Any], table: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Read the file, or take the table, and hold it against the rules, as the pipeline does."""
    raw, request = module["RawTable"], module["Request"]
    rows = convert_types(
        read(path, facts.read) if table is None else table, raw.to_schema(), facts.read
    )
    held: pd.DataFrame = checked(raw, outcomes_last(rows, raw, request))
    return held
