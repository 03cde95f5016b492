"""Writes the model as MLflow's own, which `mlflow models serve` takes."""

import os
from pathlib import Path

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

folder = Path(os.environ["BENCH_MODEL"])
model = joblib.load(folder / "model.joblib")
rows = pd.read_json(folder / "rows.json", orient="records")
mlflow.sklearn.save_model(
    model,
    folder / "mlflow",
    pyfunc_predict_fn="predict_proba",
    signature=infer_signature(rows, model.predict_proba(rows)),
    serialization_format="cloudpickle",
)
