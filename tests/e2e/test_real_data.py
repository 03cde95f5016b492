"""Real tables go through the pipeline by editing only what is the team's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from e2e.real import Generated, succeed
from sklearn.datasets import load_breast_cancer, load_diabetes

SCHEMAS = '''"""What the data must look like."""

import pandera.pandas as pa


class {name}(pa.DataFrameModel):
    """One row of the table."""

{columns}

    class Config:
        """Nothing undeclared."""

        strict = True
        ordered = True
        coerce = True


{others}'''
FEATURES = '''"""The model's inputs."""

from .contract import Feature

NAMES = {names}
FEATURES = tuple(Feature(name, "numeric", "doctors", "ward", "Measured.") for name in NAMES)
'''


def wire(project: Path, table: str, target: str, task: str, metric: str, names: list[str]) -> None:
    """Write the team's files for a table whose features are all numeric."""
    package = project / "src" / "churn_radar"
    features = "\n".join(f"    {name}: float = pa.Field()" for name in names)
    label = f"    {target}: {'int' if task == 'classification' else 'float'} = pa.Field(ge=0)"
    text = SCHEMAS.format(name="RawTable", columns=f"{features}\n{label}", others="")
    rest = SCHEMAS.format(name="FeatureTable", columns=features, others="").partition("class ")[2]
    (package / "schemas.py").write_text(f"{text}class {rest.rstrip()}\n")
    (package / "features.py").write_text(FEATURES.format(names=names))
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["task"] = task
    params["data"] = {"name": table, "raw": f"data/raw/{table}_raw.csv", "target": target}
    params["selection"]["metric"] = metric
    params["model"] |= {"name": table, "linear": {}}
    (project / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.parametrize("table", ["tumours", "diabetes"])
def test_a_real_table_goes_through(table: str, generated: Generated, tmp_path: Path) -> None:
    project = tmp_path / "project"
    skipped = shutil.ignore_patterns(".venv", ".dvc-storage", "cache", "customers_*", "dvc.lock")
    shutil.copytree(generated.path, project, ignore=skipped)
    if table == "tumours":
        frame, task, metric, good = (
            load_breast_cancer(as_frame=True).frame,
            "classification",
            "roc_auc",
            0.97,
        )
    else:
        frame, task, metric, good = (
            load_diabetes(as_frame=True, scaled=False).frame,
            "regression",
            "r2",
            0.35,
        )
    frame.columns = [column.replace(" ", "_") for column in frame.columns]
    frame.to_csv(project / "data" / "raw" / f"{table}_raw.csv", index=False)
    wire(project, table, "target", task, metric, [*frame.columns[:-1]])
    succeed(project, "uv", "sync", "--quiet", "--locked")
    succeed(project, "uv", "run", "--no-sync", "dvc", "add", f"data/raw/{table}_raw.csv")
    succeed(project, "make", "pipeline")
    succeed(project, "make", "names")
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    assert metrics[metric] > good
    assert metrics[f"{metric}_low"] < metrics[metric] < metrics[f"{metric}_high"]
