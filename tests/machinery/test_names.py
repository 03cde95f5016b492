"""The naming table accepts its own examples and spells offenders anew."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_radar.errors import ProjectError
from churn_radar.naming import RULES, check_names, problem

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", RULES)
def test_every_example_fits_its_rule(kind: str) -> None:
    assert problem(kind, RULES[kind].example) is None


@given(kind=st.sampled_from(sorted(RULES)), name=st.text("aZ9é _-./:", max_size=20))
def test_an_offender_is_told_a_spelling_that_fits(kind: str, name: str) -> None:
    if message := problem(kind, name):
        assert problem(kind, message.rpartition("for example ")[2]) is None


@pytest.mark.parametrize(
    ("kind", "name", "spelling"),
    [
        ("column", "Monthly Charge", "monthly_charge"),
        ("feature", "tenureMonths", "tenure_months"),
        ("model", "Churn_Radar", "churn-radar"),
        ("branch", "Feature/Tenure Bands", "feature/tenure-bands"),
    ],
)
def test_an_offender_keeps_its_words(kind: str, name: str, spelling: str) -> None:
    assert str(problem(kind, name)).endswith(f"for example {spelling}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the check reads."""
    monkeypatch.delenv("GITHUB_HEAD_REF", raising=False)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
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
