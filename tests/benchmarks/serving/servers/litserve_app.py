"""LitServe with batching: one process for requests, one for the model."""

import os
import sys
from pathlib import Path

import joblib
import litserve
import pandas as pd

Rows = list[dict[str, float | None]]


class Tumours(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    def decode_request(self, request: dict[str, Rows]) -> Rows:
        return request["rows"]

    def predict(self, requests: list[Rows]) -> list[list[list[float]]]:
        """Predict the rows of all requests at once, and give each its own."""
        rows = [row for request in requests for row in request]
        found = self.model.predict_proba(pd.DataFrame(rows)).tolist()
        answers = []
        for request in requests:
            answers.append(found[: len(request)])
            found = found[len(request) :]
        return answers

    def batch(self, inputs: list[Rows]) -> list[Rows]:
        return inputs

    def unbatch(self, output: list[list[list[float]]]) -> list[list[list[float]]]:
        return output

    def encode_response(self, output: list[list[float]]) -> list[list[float]]:
        return output


if __name__ == "__main__":
    api = Tumours(max_batch_size=64, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
