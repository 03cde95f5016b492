"""MLServer with adaptive batching: a runtime that makes one table of the rows of a batch.

Its runtime for scikit-learn would want a tensor for each of the thirty columns, since the pipeline
reads columns by name; one tensor for all is the faster way.
"""

import os
from pathlib import Path

import joblib
import pandas as pd
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Tumours(MLModel):
    async def load(self) -> bool:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = NumpyCodec.decode_input(payload.inputs[0])
        table = pd.DataFrame(values, columns=self.model.feature_names_in_)
        output = NumpyCodec.encode_output("probabilities", self.model.predict_proba(table))
        return InferenceResponse(model_name=self.name, outputs=[output])
