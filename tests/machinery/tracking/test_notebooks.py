"""A notebook that logs runs is refused, by cell and line."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.tracking import Run, runs
from churn_radar.mlops.tracking.commands import DELETE, check_notebooks, check_recorded


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\nimport mlflow as m", 2),
        ("%%time\nwith wandb.init():\n    pass", 2),
        ("!mlflow ui", 1),
        ("from churn_radar.mlops.tracking.runs import log", 1),
        ("from churn_radar.mlops import (\n    data,\n    tracking,\n)", 3),
        ("import importlib\nimportlib.import_module('mlflow')", 2),
    ],
)
def test_a_notebook_that_tracks_is_refused(tmp_path: Path, code: str, line: int) -> None:
    notebook(tmp_path, "notebooks/eda/01-look.ipynb", "import pandas", code)
    where = rf"notebooks/eda/01-look\.ipynb, cell 3, line {line}: "
    with pytest.raises(ProjectError, match=rf"cells run in any order[\s\S]*{where}"):
        check_notebooks(tmp_path)


def test_a_notebook_that_only_speaks_of_tracking_is_read(tmp_path: Path) -> None:
    speaks = "# see mlflow\nprint('wandb', \"mlflow\")\n'''\nmlflow.log\n'''\nmy.mlflow = 1"
    notebook(tmp_path, "notebooks/01-look.ipynb", speaks)
    notebook(tmp_path, "notebooks/.ipynb_checkpoints/01-look-checkpoint.ipynb", "import mlflow")
    assert check_notebooks(tmp_path) == 1
    (tmp_path / "notebooks" / "02-torn.ipynb").write_text("{")
    with pytest.raises(ProjectError, match=r"02-torn\.ipynb is not a notebook"):
        check_notebooks(tmp_path)


def test_a_run_that_mlflow_recorded_from_a_notebook_is_refused_until_it_is_deleted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_recorded(root)
    tags = {"mlflow.source.type": "NOTEBOOK", "mlflow.source.name": "01-look.ipynb"}
    run = runs.log(root, Run("look/notebook", "look-main-20260131-142530", {}, {"auc": 0.9}, tags))
    wanted = f"look-main-20260131-142530 in look/notebook, from 01-look.ipynb: {DELETE} {run}"
    with pytest.raises(ProjectError, match=re.escape(wanted)) as refused:
        check_recorded(root)
    assert "cells run in any order" in str(refused.value)
    # A server has runs of others, which must not stop this commit.
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
        check_recorded(root)
    command = str(refused.value).rpartition(": ")[2].replace("uv run ", "")
    subprocess.run(command, shell=True, check=True, cwd=root, capture_output=True)  # noqa: S602
    check_recorded(root)


def notebook(root: Path, name: str, *cells: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {"cell_type": "markdown", "source": ["import mlflow"]}
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    path.write_text(json.dumps({"cells": [text, *code], "nbformat": 4}), encoding="utf-8")
