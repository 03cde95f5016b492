"""What an update would lose for good is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import guard
import pytest
import support
from repository import Repository, repository_of

ANSWERS = {"package_name": "calm_seas", "_commit": "HEAD", "formatter": "black"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project in which nothing stands in the way."""
    (tmp_path / "src/calm_seas/mlops").mkdir(parents=True)
    (tmp_path / "src/calm_seas/mlops/errors.py").touch()
    (tmp_path / "Makefile").touch()
    support.commit(tmp_path, "Start")
    return tmp_path


def found(place: Path, **answers: str) -> list[str]:
    """Return what the guard says."""
    return guard.refusals(repository_of(place), ANSWERS | answers)


def test_a_clean_project_passes(place: Path) -> None:
    ignore(place, "notes.txt")
    assert found(place) == []


def test_what_is_not_committed_is_refused_whatever_git_was_told_to_show(place: Path) -> None:
    (place / "notes.txt").touch()
    support.git(place, "config", "status.showUntrackedFiles", "no")
    assert found(place) == [
        "commit what git does not have, move it away, or name it in .gitignore: notes.txt."
    ]


def test_what_to_do_is_said_once_for_all_files(place: Path) -> None:
    names = [f"src/calm_seas/{letter}.py" for letter in "abcdefghijkl"]
    for name in names:
        (place / name).touch()
    support.git(place, "add", "src")
    for name in ("one.txt", "two.txt"):
        (place / name).touch()
    assert found(place) == [
        f"commit what changed, or `git stash` it: {', '.join(names[:10])} and 2 more.",
        "commit what git does not have, move it away, or name it in .gitignore: one.txt, two.txt.",
    ]


def test_a_change_elsewhere_in_the_repository_is_refused(place: Path, tmp_path: Path) -> None:
    inner = place / "services/churn"
    (inner / "src/calm_seas/mlops").mkdir(parents=True)
    (place / "later.txt").touch()
    (place / "Makefile").write_text("all:\n", "utf-8")
    assert found(inner) == ["commit what changed, or `git stash` it: Makefile."]


def ignore(place: Path, name: str) -> None:
    """Let git ignore a file that is there."""
    (place / ".git/info/exclude").write_text(f"/{name}\n", encoding="utf-8")
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / name).write_text("secret\n", encoding="utf-8")


def untrack(place: Path, name: str) -> None:
    """Take a file out of git and keep it."""
    ignore(place, name)
    support.git(place, "rm", "--cached", "--quiet", name)
    support.commit(place, "Untrack")


def leave_rejected(place: Path, name: str) -> None:
    """Leave what an earlier update could not place."""
    ignore(place, f"{name}.rej")


def make_folder(place: Path, name: str) -> None:
    """Make a folder where the template has a file."""
    (place / name / "inner").mkdir(parents=True)


def make_file(place: Path, name: str) -> None:
    """Make a file where the template has a folder."""
    (place / name).touch()
    support.commit(place, "A file")


@pytest.mark.parametrize(
    ("plant", "name", "said"),
    [
        (ignore, ".github/workflows/checks.yml", "checks.yml is not in git, and the update would"),
        (untrack, "Makefile", "Makefile is not in git, and the update would write over it"),
        (leave_rejected, "Makefile", "could not place, then delete: Makefile.rej."),
        (make_folder, "dvc.yaml", "dvc.yaml is a folder, and the template has a file there"),
        (make_file, "docker", "docker is a file, and the template has a folder there"),
    ],
)
def test_what_git_cannot_bring_back_is_refused(
    place: Path, plant: Callable[[Path, str], None], name: str, said: str
) -> None:
    plant(place, name)
    assert any(said in sentence for sentence in found(place)), found(place)


def test_a_file_of_the_teams_may_be_ignored(place: Path) -> None:
    ignore(place, "params.yaml")
    assert found(place) == []


def test_a_package_that_was_moved_is_refused(place: Path) -> None:
    support.git(place, "mv", "src/calm_seas", "src/rough_seas")
    support.commit(place, "Rename")
    (sentence,) = found(place)
    assert sentence.startswith("src/calm_seas/mlops is not there")


def test_an_answer_that_is_no_choice_any_more_is_refused(place: Path) -> None:
    (sentence,) = found(place, tracker="neptune")
    assert "tracker: neptune is no choice of this version (mlflow, wandb, none)" in sentence
    assert "--data tracker=" in sentence


def test_a_python_that_reads_no_toml_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "OLDEST_PYTHON", (4, 0))
    (sentence,) = found(place)
    assert sentence.startswith("Copier runs on a Python before 3.11")


def test_a_project_in_a_folder_of_a_repository_is_looked_at_alone(tmp_path: Path) -> None:
    inner = tmp_path / "services/seas"
    (inner / "src/calm_seas/mlops").mkdir(parents=True)
    (inner / "src/calm_seas/mlops/errors.py").touch()
    support.commit(tmp_path, "Start")
    (tmp_path / "Makefile").touch()
    (tmp_path / "Makefile.rej").touch()
    assert found(inner) == []
    (inner / "Makefile").touch()
    assert len(found(inner)) == 1


def test_settings_of_the_person_do_not_count(place: Path) -> None:
    support.git(place, "config", "core.quotePath", "true")
    (place / "größe.txt").touch()
    support.commit(place, "A name")
    assert "größe.txt" in Repository(place, place).names("ls-files", "-z")
