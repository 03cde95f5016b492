"""Golden requests: made-up rows, and what a version answered to them when it was registered.

Before a service answers with a version, that version must give these answers again.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import team
from ..config import Config
from ..data.validation import checked
from ..errors import ProjectError
from ..modeling import manifest
from ..modeling.inputs import feature_table, request_columns
from ..modeling.predictions import Outputs
from ..tracking import GOLDEN, MODEL_FILES, write_json

N_ROWS = 100
"""Enough for tenths of the predictions, few enough to be answered in no time."""


def record(config: Config, folder: Path) -> None:
    """Write the golden requests of the model in a folder, unless they stand there.

    Args:
        config: The seed by which the rows are made up.
        folder: The folder with the model and its manifest.

    Raises:
        ProjectError: The rows of `simulate` in example.py break a rule, or the model cannot be
            loaded or cannot predict them; then there are none.
    """
    # Whoever registers the model says what is missing.
    if not (folder / MODEL_FILES[0]).exists():
        return
    path = folder / GOLDEN
    facts = manifest.read(folder)
    identity = {"model": facts["sha256"], "code": facts.get("code")}
    if path.exists() and identity.items() <= json.loads(path.read_text("utf-8")).items():
        return
    path.unlink(missing_ok=True)
    try:
        answers = _answers(config, folder)
    except ProjectError as error:
        raise ProjectError(f"no golden requests can be recorded: {error}") from None
    # The team's code made the rows and answers them: anything may go wrong in it.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ProjectError(f"no golden requests can be recorded: {reason}") from error
    write_json(path, identity | answers)


def _answers(config: Config, folder: Path) -> dict[str, Any]:
    # Made up, since the rows go wherever the model goes.
    rows = request_columns(team.simulate(N_ROWS, config.seed))
    rows = checked(team.request(), rows)
    features = feature_table(team.features(), rows)
    predictions, probabilities = Outputs(manifest.load(folder)).of(features)
    return {
        "rows": as_json(rows),
        "predictions": predictions.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def read(folder: Path) -> dict[str, Any]:
    """Return the golden requests of a version: `rows`, `predictions` and `probabilities`.

    Args:
        folder: The version's files.

    Raises:
        ProjectError: There are none.
    """
    path = folder / GOLDEN
    if not path.exists():
        raise ProjectError(
            "no golden requests were recorded with this version: run `make pipeline` and `make "
            "promote` with this template, which records them"
        )
    facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return facts


def as_json(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as a client would send them; numbers keep every digit.

    Args:
        rows: Rows of a request.
    """
    # As objects, since a column of numbers cannot hold None.
    plain = rows.astype(object).where(rows.notna(), None)
    return [_row_as_json(row) for row in plain.to_dict("records")]


def _row_as_json(row: dict[Any, Any]) -> dict[str, Any]:
    written = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            value = value.isoformat()  # noqa: PLW2901
        elif isinstance(value, np.generic):
            value = value.item()  # noqa: PLW2901
        written[str(name)] = value
    return written
