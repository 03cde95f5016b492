"""What the service reports about itself: counters for Prometheus, and its OpenAPI document."""

import math
import os
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict

from . import Header

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ROWS = (1, 2, 5, 10, 20, 50, 100, 1_000, 10_000)
DIFFERENCES = (0.0, 1e-9, 1e-6, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """All metrics of one service."""

    def __init__(self) -> None:
        """Begin at zero; each service has a registry of its own, so tests can have many."""
        # Not the library's own, which all services of one process would share.
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "requests", "Answers by HTTP status.", ["status"], registry=self.registry
        )
        self.seconds = Histogram(
            "request_seconds",
            "From the queue to the model's answer.",
            ["arm"],
            buckets=SECONDS,
            registry=self.registry,
        )
        rows = "Rows in a request."
        self.rows = Histogram("request_rows", rows, buckets=ROWS, registry=self.registry)
        self.in_flight = Gauge(
            "requests_in_flight", "Requests that wait for an answer.", registry=self.registry
        )
        self.predictions = Counter(
            "predictions",
            "Predicted rows by bucket: of the probability, the class or the number.",
            ["version", "arm", "bucket"],
            registry=self.registry,
        )
        self.non_finite = Counter(
            "non_finite_predictions",
            "Rows for which the model gives no finite number.",
            ["version"],
            registry=self.registry,
        )
        self.rejected = Counter(
            "rejected_rows", "Rows that broke a rule.", ["rule"], registry=self.registry
        )
        self.model = Gauge(
            "model_info",
            "The versions that answer.",
            ["model", "version", "commit", "arm"],
            registry=self.registry,
        )
        self.refused = Gauge(
            "model_refused",
            "A version that should answer and cannot; the old one goes on.",
            ["version", "reason"],
            registry=self.registry,
        )
        fails = "1 if at the last request predictions could not be written; the log says why."
        self.log_fails = Gauge("prediction_log_fails", fails, ["version"], registry=self.registry)
        self.swaps = Counter("model_swaps", "Versions that took over.", registry=self.registry)
        self.differences = Histogram(
            "shadow_difference",
            "Between the predictions of the champion and of its shadow for the same row.",
            buckets=DIFFERENCES,
            registry=self.registry,
        )
        too_slow = "Requests that the shadow did not answer, or not in time."
        self.skipped = Counter("shadow_skipped", too_slow, registry=self.registry)

    def count(self, version: int, arm: str, report: Header) -> None:
        """Count what a model process said about an answer.

        Args:
            version: The number of the version that answered.
            arm: For whom it answered.
            report: `buckets`, `rejected` and `non_finite`.
        """
        for bucket, count in enumerate(report["buckets"]):
            # A series for each empty bucket would only be longer to read.
            if count:
                self.predictions.labels(version, arm, bucket).inc(count)
        # The shadow sees the same rows: they came once.
        if arm != "shadow" and report["buckets"]:
            self.rows.observe(sum(report["buckets"]))
        for rule, count in report["rejected"].items() if arm != "shadow" else ():
            self.rejected.labels(rule).inc(count)
        if report["non_finite"]:
            self.non_finite.labels(version).inc(report["non_finite"])

    def compare(self, champion: Sequence[float | None], shadow: Sequence[float | None]) -> None:
        """Record how far a shadow's predictions are from the champion's.

        Args:
            champion: A number for each row.
            shadow: The shadow's number for the same rows.
        """
        # A row that one of them refuses has no difference.
        for one, other in zip(champion, shadow, strict=False):
            if one is not None and other is not None and math.isfinite(one - other):
                self.differences.observe(abs(one - other))

    def text(self) -> bytes:
        """Return all of it, as Prometheus reads it."""
        return generate_latest(self.registry)


KEY_VARIABLE = "SERVING_API_KEY"
"""The environment variable with the key that a client must send as X-API-Key; unset, none is."""

PROBLEMS: dict[int, str] = {
    400: "The body is not JSON.",
    401: "The API key is missing or wrong.",
    408: "The body came too slowly.",
    413: "The body or the number of rows is too large.",
    415: "The body is not declared as application/json.",
    422: "A row breaks a rule; `detail` names row, column and rule.",
    500: "The team's code failed; the service's log names the place.",
    503: "Too many requests wait, or no model is loaded. Try again after Retry-After seconds.",
}

ID_HEADER = {
    "X-Request-ID": {
        "description": "The client's id of the request, or a new one.",
        "schema": {"type": "string"},
    }
}
RETRY_HEADER = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer"},
    }
}


class Problem(BaseModel):
    """What is wrong: the row by its number from 0, null if it is the request as a whole."""

    row: int | None
    column: str
    rule: str


class Refusal(BaseModel):
    """Why there is no prediction."""

    request_id: str
    detail: list[Problem]


class Prediction(BaseModel):
    """The prediction of a row; a classifier gives the probability of each class too."""

    prediction: Any
    probabilities: dict[str, float] | None = None


class Predictions(BaseModel):
    """One prediction a row, in their order; null for one that a partial answer rejects."""

    model: str
    version: int
    commit: str
    request_id: str
    predictions: list[Prediction | None]
    rejected: list[Problem] | None = None


class Version(BaseModel):
    """A version that answers, and what it was promoted with.

    `data` is the SHA-256 of the training rows, `metrics` has the score and its interval, `card` is
    the model card in Markdown.
    """

    model_config = ConfigDict(extra="allow")

    model: str
    version: int
    commit: str
    data: str | None
    metrics: dict[str, list[float]]
    card: str | None


class Model(BaseModel):
    """Who answers, and how requests are shared."""

    champion: Version
    challenger: Version | None
    traffic: dict[str, Any]


class Status(BaseModel):
    """How the service is."""

    status: str


def responses(answer: type[BaseModel] | None, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route, as FastAPI documents them.

    Args:
        answer: What it answers with 200; None if that is text.
        statuses: What else it answers.
    """
    found: dict[int | str, dict[str, Any]] = {}
    if answer:
        found[200] = {"model": answer}
    for status in statuses:
        headers = ID_HEADER | (RETRY_HEADER if status == 503 else {})
        found[status] = {"model": Refusal, "description": PROBLEMS[status], "headers": headers}
    return found


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the documentation, in which /predict has the fields of the champion's `Request`.

    Args:
        app: The application.
    """
    document: dict[str, Any] = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = document["components"]
    asked = document["paths"]["/predict"]["post"]
    asked["responses"]["200"]["headers"] = ID_HEADER
    asked["parameters"].append({"name": "X-Request-ID", "in": "header"} | ID_HEADER["X-Request-ID"])
    # Who needs no key must not be asked for one.
    if os.environ.get(KEY_VARIABLE):
        key = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        components["securitySchemes"] = {"key": key}
        for path in ("/predict", "/model", "/metrics"):
            for operation in document["paths"][path].values():
                operation["security"] = [{"key": []}]
    champion = app.state.service.champion
    # Before a model is loaded nobody knows the fields.
    schema: dict[str, Any] = {"type": ["object", "array"]}
    if champion is not None:
        schema = dict(champion.batcher.ready["schema"])
        components["schemas"].update(schema.pop("$defs", {}))
    asked["requestBody"] = {"content": {"application/json": {"schema": schema}}, "required": True}
    return document
