"""Every name that a project uses is held against the table."""

import shutil
import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.verify import check_names


@pytest.fixture
def project(project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the check reads."""
    monkeypatch.delenv("GITHUB_HEAD_REF", raising=False)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(project_root / name, tmp_path)
    (tmp_path / "data" / "raw").mkdir(parents=True)
    return tmp_path


def test_a_sound_project_has_sound_names(project: Path) -> None:
    assert check_names(project) > 5


@pytest.mark.parametrize("path", ["data/raw/Customers.csv", "notebooks/Untitled.ipynb"])
def test_a_bad_file_name_is_refused(path: str, project: Path) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).touch()
    with pytest.raises(ProjectError, match=Path(path).name):
        check_names(project)


def test_a_bad_name_in_the_settings_is_refused(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("model:\n  name: ", "model:\n  name: My_"))
    with pytest.raises(ProjectError, match="model name 'My_"):
        check_names(project)


def test_a_bad_branch_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_HEAD_REF", "My Branch")
    with pytest.raises(ProjectError, match="branch name 'My Branch'"):
        check_names(project)


def test_the_branch_that_is_checked_out_counts(project: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "-b", "mine", str(project)], check=True)
    with pytest.raises(ProjectError, match="branch name 'mine'"):
        check_names(project)
