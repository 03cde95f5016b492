"""A framework's own model learns the table of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml
from e2e.copier_runs import succeed

STAGES = ("ingest", "validate", "split", "train", "evaluate")


def learn_with_the_framework(
    project: Path, linear: Mapping[str, float], floors: Mapping[str, float]
) -> None:
    """Run the stages such that the framework's model is chosen, and see what it reaches.

    Args:
        project: It is changed.
        linear: Settings with which the linear model hardly learns.
        floors: What the framework's model reaches at least, first by the metric that chooses.
    """
    metric = next(iter(floors))
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["model"]["linear"] = dict(linear)
    params["tuning"] = {"trials": 0}
    params["selection"]["metric"] = metric
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    program = params["model"]["name"]
    succeed(project, "uv", "run", "--no-sync", program, "pipeline", *STAGES)
    chosen = json.loads((project / "reports" / "selection.json").read_text())["chosen"]
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    assert chosen in {"boosting", "network"}
    for name, floor in floors.items():
        assert metrics[name] > floor
    assert metrics[f"{metric}_low"] < metrics[metric] < metrics[f"{metric}_high"]
