"""The steps of the verification fit what is there, and read what they say from the tools."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops.config import load_config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.verify.steps import TESTS, checks, pipeline, select


@pytest.fixture
def repository(project_root: Path, tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "01-look.ipynb").touch()
    (tmp_path / "reports").mkdir()
    shutil.copy(project_root / "params.yaml", tmp_path)
    return tmp_path


def test_only_what_is_there_is_checked(repository: Path) -> None:
    names = {step.name for step in checks(repository)}
    assert {"types", "names", "files", "secrets", "notebooks", "cells", "lint"} <= names
    assert not {"workflows", "format"} & names


def test_summaries_are_read_from_what_the_tools_say(project_root: Path, repository: Path) -> None:
    quick = {step.name: step for step in checks(repository)}
    assert quick["lock"].summarize("Resolved 163 packages in 2ms") == "163 packages"
    assert quick["notebooks"].summarize("anything") == "1 file"
    assert quick["files"].summarize("anything") == "2 files"
    assert TESTS.summarize("Total coverage: 97.5%\n8 passed in 1 s") == "97.5%, 8 passed"
    assert TESTS.summarize("nothing ran") == ""
    metric = load_config(project_root).selection.metric
    metrics = {metric: 0.8, f"{metric}_low": 0.7, f"{metric}_high": 0.9}
    (repository / "reports" / "metrics.json").write_text(json.dumps(metrics))
    data, whole = pipeline(repository)
    assert data.summarize("validate: 8,000 rows hold the schema") == "8,000 rows"
    assert whole.summarize("").endswith("0.800 [0.700, 0.900]")


def test_data_that_is_not_here_is_no_broken_rule(repository: Path) -> None:
    raw = repository / load_config(repository).data.raw
    data, _ = pipeline(repository)
    assert "is not here: `make data` brings the raw data" in data.fix
    assert "rule" not in data.fix
    raw.parent.mkdir(parents=True)
    raw.touch()
    data, _ = pipeline(repository)
    assert data.fix.startswith("fix the data, or the rule in schemas.py")
    # Other steps run all the same, and the command of this one says what is wrong with them.
    (repository / "params.yaml").write_text("task: [\n")
    data, _ = pipeline(repository)
    assert data.fix.startswith("fix the data, or the rule in schemas.py")


def test_a_large_file_is_left_to_the_step_that_refuses_it(repository: Path) -> None:
    (repository / "large.csv").write_text("1\n" * 600_000)
    quick = {step.name: step for step in checks(repository)}
    assert "large.csv" in quick["files"].files
    assert "large.csv" not in quick["secrets"].files


def test_of_a_notebook_only_what_git_keeps_is_searched(repository: Path) -> None:
    quick = {step.name: step for step in checks(repository)}
    for name in ("secrets", "spelling"):
        assert "01-look.ipynb" not in quick[name].files
    assert quick["notebooks"].files == quick["cells"].files == ["01-look.ipynb"]


def test_secrets_are_searched_where_none_were_searched_before(repository: Path) -> None:
    (repository / "new.py").touch()
    quick = {step.name: step for step in checks(repository, {"params.yaml"})}
    assert quick["secrets"].files == ["new.py"]
    assert quick["secrets"].summarize("") == "1 of 2 files; the others passed before"
    (of_all,) = (step for step in checks(repository) if step.name == "secrets")
    assert of_all.summarize("") == "2 files"
    assert quick["spelling"].files == ["new.py", "params.yaml"]


def test_steps_are_chosen_by_name(repository: Path) -> None:
    steps = checks(repository)
    assert select(steps, []) == steps
    assert [step.name for step in select(steps, ["names", "types"])] == ["types", "names"]
    with pytest.raises(ProjectError, match="there is no step 'typos' here: choose from types, "):
        select(steps, ["typos"])
