"""What is given back is merged with what came meanwhile, or stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import support
import yaml
from messages import RefusalError
from repository import Repository
from upkeep import owning

NAME = "docker/settings.toml"
OURS = "# of the team\na = 1\n\n\n\nb = 1\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project that has recorded a file of its v1 and is at v2."""
    place = tmp_path / "project"
    (place / NAME).parent.mkdir(parents=True)
    (place / NAME).write_text(OURS, encoding="utf-8")
    answers = {"_commit": "v2", "package_name": "seas", "yours": {NAME: "v1"}, "title": "größer"}
    text = yaml.safe_dump(answers, indent=4, allow_unicode=True)
    (place / ".copier-answers.yml").write_text(f"# By Copier.\n{text}", encoding="utf-8")
    support.commit(place, "Start")
    monkeypatch.chdir(place)
    monkeypatch.setattr(owning, "recorded_version", lambda _: "v2")
    return Repository(place, place)


def release(monkeypatch: pytest.MonkeyPatch, folder: Path, **texts: str | None) -> None:
    """Let each version of the template render the file with a text, or not at all."""

    @contextmanager
    def rendered(answers: Mapping[str, Any], version: str) -> Iterator[Path]:
        made = folder / version
        text = texts[version]
        made.mkdir()
        if text is not None:
            (made / NAME).parent.mkdir()
            (made / NAME).write_text(text, encoding="utf-8")
        yield made

    monkeypatch.setattr(owning, "rendered", rendered)


def test_what_came_meanwhile_is_merged(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, tmp_path, v1="a = 1\n\n\n\nb = 1\n", v2="a = 1\n\n\n\nb = 2\n")
    before = support.git(project.place, "show", "HEAD:.copier-answers.yml")
    assert owning.disown(project, NAME) == 0
    assert (project.place / NAME).read_text("utf-8") == "# of the team\na = 1\n\n\n\nb = 2\n"
    after = (project.place / ".copier-answers.yml").read_text("utf-8")
    assert after == before.replace(f"yours:\n    {NAME}: v1\n", "yours: {}\n")


def test_a_conflict_has_marks_and_is_said(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, tmp_path, v1="a = 1\n", v2="# of v2\na = 1\n")
    with pytest.raises(RefusalError, match="both changed the same lines since v1"):
        owning.disown(project, NAME)
    assert ">>>>>>> the template, v2\n" in (project.place / NAME).read_text("utf-8")
    assert "yours: {}" in (project.place / ".copier-answers.yml").read_text("utf-8")


def test_a_file_that_was_deleted_comes_back(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, tmp_path, v1="a = 1\n", v2="a = 2\n")
    (project.place / NAME).unlink()
    support.commit(project.place, "Delete")
    assert owning.disown(project, NAME) == 0
    assert (project.place / NAME).read_text("utf-8") == "a = 2\n"


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (None, f"v2 of the template has no {NAME}: it is yours either way"),
        ("a = 1\n\n\n\nb = 1\nb = 3\n", "could not be read after the merge"),
    ],
)
def test_what_could_not_be_used_is_left_alone(
    project: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    newest: str | None,
    said: str,
) -> None:
    release(monkeypatch, tmp_path, v1="a = 1\n\n\n\nb = 1\n", v2=newest)
    with pytest.raises(RefusalError, match=said):
        owning.disown(project, NAME)
    assert support.git(project.place, "status", "--porcelain") == ""


def test_what_is_not_committed_is_not_merged(project: Repository) -> None:
    (project.place / NAME).write_text("a = 3\n", encoding="utf-8")
    with pytest.raises(RefusalError, match="is not committed"):
        owning.disown(project, NAME)
