"""The endpoint that most people write by hand: a DataFrame for each request."""

import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")
columns: dict[str, Any] = dict.fromkeys(model.feature_names_in_, (float | None, None))
Row: type[BaseModel] = create_model("Row", **columns)
app = FastAPI()


# `async`, though it blocks the loop: in the pool of threads in which FastAPI runs a plain function
# the requests wait for each other's lock, and 40 % fewer were answered in a second.
@app.post("/predict")
async def predict(row: Row) -> list[list[float]]:  # type: ignore[valid-type]
    return probabilities([row])


@app.post("/predict-rows")
async def predict_rows(rows: list[Row]) -> list[list[float]]:  # type: ignore[valid-type]
    return probabilities(rows)


def probabilities(rows: list[BaseModel]) -> list[list[float]]:
    table = pd.DataFrame([row.model_dump() for row in rows])
    found: list[list[float]] = model.predict_proba(table).tolist()
    return found
