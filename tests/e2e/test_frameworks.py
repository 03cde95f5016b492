"""A framework ends green, learns a real table, and has a champion.

The default one, scikit-learn, is in all other tests, and LightGBM in test_generations.py: a copy
takes a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from answers import CHOICES
from e2e.copier_runs import Generated, clone, copy, pythons, run, succeed
from e2e.learning import learn_with_the_framework
from e2e.promotions import settle
from real_tables import data_file
from support import commit, git

ELSEWHERE = ("scikit-learn", "lightgbm")
FRAMEWORKS = [name for name in CHOICES["framework"] if name not in ELSEWHERE]
PYTHONS = pythons()

# Other answers in the same projects: a copy takes a minute.
ANSWERS = {
    "xgboost": {
        "preset": "custom",
        "formatter": "ruff",
        "ci": "none",
        "use_docker": "false",
        "tracker": "wandb",
        "project_name": "Penguin Watch",
        "segment_columns": "island,sex",
        "sensitive_columns": "none",
    },
    "pytorch": {},
}
TABLE_OF_THE_COPY = {"xgboost": "penguins"}
VERSIONS = {"xgboost": "3.13"}


def torch_links() -> str:
    """Return where uv finds torch without CUDA: where it is told to look, or else pip is."""
    told = os.environ.get("UV_FIND_LINKS", "")
    if told or os.environ.get("UV_INDEX"):
        return told
    ask = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    asked = subprocess.run(ask, capture_output=True, text=True).stdout
    links = os.environ.get("PIP_FIND_LINKS", asked).split()
    if not links:
        pytest.fail("name what lists a build of torch for CPUs: UV_FIND_LINKS, or UV_INDEX")
    return ",".join(links)


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(
    framework: str, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generated]:
    """A project of each framework, made once."""
    answers = dict(ANSWERS[framework])
    version = VERSIONS.get(framework, "")
    if version in PYTHONS:
        answers["python_version"] = version
    with pytest.MonkeyPatch.context() as patch:
        if framework == "pytorch" and sys.platform == "linux":
            patch.setenv("UV_FIND_LINKS", torch_links())
        folder = tmp_path_factory.mktemp(framework)
        if table := TABLE_OF_THE_COPY.get(framework):
            path, column = data_file(table, folder)
            answers |= {"data_file": str(path), "target_column": column}
        python = PYTHONS.get(version, "")
        yield copy(template, folder / "project", python=python, framework=framework, **answers)


def test_a_framework_ends_green(made: Generated) -> None:
    assert made.status == 0, made.output
    assert set(made.steps.values()) == {"passed"}
    assert git(made.path, "status", "--porcelain") == ""
    assert 'name = "nvidia' not in (made.path / "uv.lock").read_text(), "CUDA is locked"


def test_a_framework_and_a_tracker_have_a_champion(framework: str, made: Generated) -> None:
    assert "as the first" in succeed(made.path, "make", "promote", "WHY=the first")
    # Git keeps the record of the champion, DVC its files.
    assert set(git(made.path, "status", "--porcelain").split()) == {
        "??",
        "models/champion.dvc",
        "models/champion.json",
    }
    if framework == "xgboost":  # whose runs are another tracker's as well
        status, output = run(made.path, "make", "rollback", "WHY=a try")
        assert status != 0
        assert "no previous champion" in output
        assert "`make gc YES=1` would free" in succeed(made.path, "make", "gc")


def test_the_data_of_a_copy_is_in_its_params_and_not_in_its_answers(
    framework: str, made: Generated
) -> None:
    answers = (made.path / ".copier-answers.yml").read_text()
    assert "column" not in answers
    assert "data_file" not in answers
    assert TABLE_OF_THE_COPY.get(framework, "customers") not in answers
    params = yaml.safe_load((made.path / "params.yaml").read_text())
    assert params["data"]["name"] == TABLE_OF_THE_COPY.get(framework, "customers")
    if framework == "xgboost":
        assert params["data"]["slices"] == ["island", "sex"]
    assert not (made.path / "hooks").exists(), "wiring is the template's"


HARDLY_LEARNS = {"C": 1e-6}
FLOORS = {"neg_log_loss": -0.2, "accuracy": 0.92}


def test_a_framework_learns_a_real_table(framework: str, made: Generated, tmp_path: Path) -> None:
    project = clone(made, tmp_path)
    if framework not in TABLE_OF_THE_COPY:
        path, column = data_file("tumours", tmp_path)
        # With a reason in params.yaml a column stays a feature, however much it tells.
        columns = pd.read_csv(path, nrows=0).columns.str.replace(" ", "_")
        explained = dict.fromkeys(columns.drop(column), "The clinic measures it before.")
        settle(project, gates={"leakage": {"explained": explained}})
        commit(project, "Explain what tells much")
        succeed(project, "make", "wire", f"DATA={path}", f"TARGET={column}", "REPLACE=yes")
    learn_with_the_framework(project, HARDLY_LEARNS, FLOORS)
