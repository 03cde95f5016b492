"""`copier update` with real tags: what it brings, what it leaves alone, when its hook runs."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import ownership
import pytest
import support
import yaml
from answers import SETS
from releases import Releases, first_release, with_few_files
from support import Project

SOURCE = "template/src/{{ package_name }}"
MODEL = f"{SOURCE}/{{% if framework == 'scikit-learn' %}}model.py{{% endif %}}"
PYPROJECT = "template/pyproject.toml.jinja"
SENTINEL = "    # The template's part ends here; what stands below is yours.\n"


@pytest.fixture
def releases(template: Path, tmp_path: Path) -> Releases:
    """The template's v1.0.0 with the recording hook."""
    return first_release(template, tmp_path)


@pytest.fixture
def small_releases(template: Path, tmp_path: Path) -> Releases:
    """The same of few files."""
    return first_release(with_few_files(template, tmp_path), tmp_path)


def append(text: str) -> Callable[[str], str]:
    """Return an edit that adds a line at the end."""
    return lambda old: f"{old}{text}\n"


def swap(old: str, new: str) -> Callable[[str], str]:
    """Return an edit that replaces the first occurrence of what must be there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def edit(project: Project, name: str, change: Callable[[str], str]) -> None:
    """Change a file of the project as the team would, and commit."""
    (project.path / name).write_bytes(change(project.text(name)).encode("utf-8"))
    support.commit(project.path, f"Edit {name}")


def status(project: Project) -> str:
    """Return what git says of the work tree."""
    return support.git(project.path, "status", "--porcelain")


def not_the_teams(project: Project) -> dict[str, bytes]:
    """Return what an update may touch, save the answers, which name the version."""
    files = project.files().items()
    return {
        name: text
        for name, text in files
        if name != ".copier-answers.yml" and ownership.owners(name) != ["team"]
    }


V2 = {
    "template/Makefile.jinja": append("# of v2"),
    f"{SOURCE}/mlops/errors.py": append("# of v2"),
    f"{SOURCE}/mlops/monitoring/__init__.py": append('"""A room of v2."""'),
    f"{SOURCE}/new.py": append('"""Of v2, where the team may have a file of that name."""'),
    "template/tests/data/test_new.py": append('"""Of v2."""'),
    "template/.dvcignore": None,
    PYPROJECT: swap('    "numpy>=2.0",\n', '    "numpy>=2.0",\n    "narwhals>=2",\n'),
    MODEL: append("# of v2"),
    "template/params.yaml.jinja": append("# of v2"),
}


# --- the whole ------------------------------------------------------------------------------------


def test_unedited_project_becomes_what_a_fresh_copy_is(releases: Releases, tmp_path: Path) -> None:
    """Without any short cut; test_histories.py has every set of answers."""
    answers = SETS["sentences"]
    project = releases.project(tmp_path / "project", answers)
    before = project.files()
    releases.release("v2.0.0", V2)
    updated = releases.update(project)
    fresh = support.render(releases.path, tmp_path / "fresh", answers, version="v2.0.0")
    assert not_the_teams(updated) == not_the_teams(fresh)
    assert updated.files()["params.yaml"] == before["params.yaml"]
    assert "_commit: v2.0.0" in updated.text(".copier-answers.yml")


def test_update_to_the_same_version_changes_nothing(
    small_releases: Releases, tmp_path: Path
) -> None:
    project = small_releases.project(tmp_path / "project")
    small_releases.update(project)
    assert status(project) == ""
    assert [call["argv"] for call in small_releases.calls()] == [["update", "churn-radar", "3.11"]]


# --- the team's files -----------------------------------------------------------------------------


def test_teams_files_stay_whatever_the_template_does(
    small_releases: Releases, tmp_path: Path
) -> None:
    project = small_releases.project(tmp_path / "project")
    for name in ("params.yaml", "src/churn_radar/model.py", "src/churn_radar/features.py"):
        edit(project, name, lambda old: "# the team's first line\n" + old)
    (project.path / "src/churn_radar/example.py").unlink()
    support.commit(project.path, "Delete the example")
    before = project.files()
    ours = {
        MODEL: lambda old: "# the template's first line\n" + old,
        f"{SOURCE}/example.py": append("# of v2"),
        f"{SOURCE}/features.py": None,
        f"{SOURCE}/schemas.py": None,
        "template/params.yaml.jinja": lambda old: "# the template's first line\n" + old,
    }
    small_releases.release("v2.0.0", ours)
    updated = small_releases.update(project)
    assert status(updated).split() == ["M", ".copier-answers.yml"]
    assert {**updated.files(), ".copier-answers.yml": b""} == {**before, ".copier-answers.yml": b""}


# --- shared files ---------------------------------------------------------------------------------


def test_both_can_add_to_shared_files(small_releases: Releases, tmp_path: Path) -> None:
    project = small_releases.project(tmp_path / "project")
    edit(project, "pyproject.toml", swap(SENTINEL, SENTINEL + '    "polars>=1",\n'))
    edit(project, ".gitignore", append("/scratch/"))
    edit(project, "README.md", append("\n## Of the team"))
    ours = {
        PYPROJECT: swap(SENTINEL, '    "narwhals>=2",\n' + SENTINEL),
        "template/.gitignore.jinja": swap("\n# The template's", "/.of-v2/\n\n# The template's"),
        "template/README.md.jinja": swap("## Map", "## Of v2\n\n## Map"),
    }
    small_releases.release("v2.0.0", ours)
    updated = small_releases.update(project)
    assert f'    "narwhals>=2",\n{SENTINEL}    "polars>=1",\n' in updated.text("pyproject.toml")
    assert {"/.of-v2/", "/scratch/"} <= set(updated.text(".gitignore").splitlines())
    assert {"## Of v2", "## Of the team"} <= set(updated.text("README.md").splitlines())
    assert "UU" not in status(updated)


# --- the hook -------------------------------------------------------------------------------------


def test_hook_runs_once_after_the_copy_and_once_after_the_merge(
    small_releases: Releases, tmp_path: Path
) -> None:
    project = small_releases.project(tmp_path / "project", {"python_version": "3.12"})
    (copied,) = small_releases.calls()
    no_data = [f"--{name}=" for name in ("data", "target", "ids", "segments", "sensitive", "time")]
    assert copied["argv"] == ["copy", "churn-radar", "3.12", *no_data, "--task=auto"]
    assert Path(str(copied["cwd"])).resolve() == project.path.resolve()

    edit(project, "Makefile", lambda old: "# the team's line\n" + old)
    small_releases.release("v2.0.0", {"template/Makefile.jinja": append("# of v2")})
    small_releases.update(project)
    (updated,) = small_releases.calls()
    assert updated["argv"] == ["update", "churn-radar", "3.12"]
    assert Path(str(updated["cwd"])).resolve() == project.path.resolve()
    assert str(updated["makefile"]).startswith("# the team's line\n")
    assert str(updated["makefile"]).endswith("# of v2\n")


# --- answers --------------------------------------------------------------------------------------


def test_another_answer_gives_what_a_fresh_copy_has(releases: Releases, tmp_path: Path) -> None:
    project = releases.project(tmp_path / "project")
    later: dict[str, str | bool] = {"formatter": "ruff", "python_version": "3.12"}
    updated = releases.update(project, **later)
    fresh = support.render(releases.path, tmp_path / "fresh", later)
    assert not_the_teams(updated) == not_the_teams(fresh)


PRACTICES: dict[str, tuple[str | bool, str | bool, list[str]]] = {
    "use_docker": (True, False, [".dockerignore", "compose.yaml", "docker/*"]),
    "use_serving": (
        True,
        False,
        ["src/churn_radar/mlops/serving/*", "docker/serve.Dockerfile"],
    ),
    "ci": ("github", "none", [".github/*"]),
    "tracker": ("wandb", "mlflow", ["src/churn_radar/mlops/tracking/wandb_runs.py"]),
}
"""For each option the answer that brings a practice, the one that does not, and its own files."""


def test_every_option_can_be_turned_off_and_on_again(releases: Releases, tmp_path: Path) -> None:
    """All at once, since each update takes seconds."""
    on = {option: answer for option, (answer, _, _) in PRACTICES.items()}
    off = {option: answer for option, (_, answer, _) in PRACTICES.items()}
    project = releases.project(tmp_path / "project", on)
    before = project.files()
    own = set()
    for _, _, patterns in PRACTICES.values():
        found = {name for name in before if any(fnmatchcase(name, rule) for rule in patterns)}
        assert found
        own |= found

    without = releases.update(project, **off)
    assert set(without.paths) == before.keys() - own
    fresh = support.render(releases.path, tmp_path / "fresh", off)
    assert not_the_teams(without) == not_the_teams(fresh)
    support.commit(project.path, "Do without")
    again = releases.update(project, **on)
    assert again.files() == before


def test_a_starter_can_become_a_production_project(releases: Releases, tmp_path: Path) -> None:
    """Rooms arrive, and once with them the files that the team owns from then on."""
    starter = releases.project(tmp_path / "project", {"preset": "starter"})
    edit(starter, "params.yaml", append("# of the team"))
    every_practice = {"preset": "production", "tracker": "mlflow", "ci": "github"}
    updated = releases.update(starter, **every_practice, use_docker=True, use_serving=True)
    fresh = support.render(releases.path, tmp_path / "fresh", {})
    assert not_the_teams(updated) == not_the_teams(fresh)
    assert updated.paths == fresh.paths
    assert updated.text("params.yaml").endswith("# of the team\n")
    assert updated.text("docs/model-card.md") == fresh.text("docs/model-card.md")


def test_package_keeps_its_name_when_the_title_changes(
    small_releases: Releases, tmp_path: Path
) -> None:
    project = small_releases.project(tmp_path / "project")
    updated = small_releases.update(project, project_name="Calm Seas")
    assert updated.text("README.md").startswith("# Calm Seas\n")
    assert updated.paths == project.paths


def test_package_cannot_be_renamed(small_releases: Releases, tmp_path: Path) -> None:
    project = small_releases.project(tmp_path / "project")
    with pytest.raises(ValueError, match="It stays churn_radar"):
        small_releases.update(project, package_name="calm_seas")
    assert status(project) == ""


def test_package_keeps_a_name_that_a_later_version_reserves(
    small_releases: Releases, tmp_path: Path
) -> None:
    project = small_releases.project(tmp_path / "project", {"project_name": "Horizon"})
    taken = {"includes/reserved_names.jinja": swap('".split(),', 'horizon\n".split(),')}
    small_releases.release("v2.0.0", taken)
    updated = small_releases.update(project)
    stored = yaml.safe_load(updated.text(".copier-answers.yml"))
    assert (stored["project_name"], stored["package_name"]) == ("Horizon", "horizon")
    assert updated.paths == project.paths
