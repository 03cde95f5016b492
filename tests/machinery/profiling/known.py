"""A profile whose numbers are known, and a gate that judges it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from churn_radar.mlops.bounds import Budget
from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import Verdict

PROFILE: dict[str, Any] = {
    "model": "0123",
    "failure": None,
    "train_cpu_seconds": 8.0,
    "train_seconds": 5.0,
    "train_memory_mb": 400.0,
    "model_mb": 2.0,
    "predict_cpu_seconds": 0.3,
    "predict_memory_mb": 300.0,
    "digests": ["a", "a"],
    "spread": 0.0,
    "difference": 0.0,
    "batches": [
        {"rows": rows, "median_ms": 5.0, "p95_ms": 6.0, "cpu_seconds": seconds}
        for rows, seconds in ((1, 4.0), (10, 1.0), (100, 0.4), (1000, 0.3))
    ],
}


def judged(gate: Any, config: Config, **facts: object) -> Verdict:
    verdict: Verdict = gate(SimpleNamespace(config=config, profile=PROFILE | facts))
    return verdict


def allowing(config: Config, **bounds: float) -> Config:
    gates = config.gates.model_copy(update={"budget": Budget(**bounds)})
    return config.model_copy(update={"gates": gates})
