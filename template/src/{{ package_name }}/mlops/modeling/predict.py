"""The stable entry point by which a model is asked by the code of its own commit.

`python -m <package>.mlops.modeling.predict FOLDER TABLE OUT` loads the model in FOLDER, predicts
the rows of the Parquet file TABLE, and writes arrays to the file OUT in NumPy's npz format:
`predictions`; for a classifier `classes`, and `probabilities` or, without those, `decisions`. Later
commits call the module of earlier ones, so neither the arguments nor these arrays may change; a new
array may be added.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import team
from ..errors import ProjectError
from . import manifest
from .inputs import feature_table


def predict(folder: Path, table: Path, out: Path) -> None:
    """Write what the model predicts; ProjectError if this is not the code it was made with."""
    if not team.is_code(manifest.read(folder).get("code")):
        raise ProjectError("its commit holds other code than it was made with")
    features = feature_table(team.features(), pd.read_parquet(table))
    model = manifest.load(folder)
    found: dict[str, Any] = {"predictions": model.predict(features)}
    if hasattr(model, "classes_"):
        found["classes"] = model.classes_
    if hasattr(model, "predict_proba"):
        found["probabilities"] = model.predict_proba(features)
    elif hasattr(model, "decision_function"):
        found["decisions"] = model.decision_function(features)
    for name, array in found.items():
        found[name] = _plain(array)
    np.savez(out, **found)


def _plain(values: Any) -> np.ndarray:
    """The values as an array that NumPy writes without pickling: it would not load that again."""
    array = np.asarray(values)
    # Classes that are words are objects, if they come from pandas.
    if array.dtype == object:
        return array.astype(str)
    return array


def main() -> None:
    """Read the arguments; a mistake is one sentence and exit status 1."""
    folder, table, out = map(Path, sys.argv[1:])
    try:
        predict(folder, table, out)
    except ProjectError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
