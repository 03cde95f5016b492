"""Every check of the machine refuses its planted fault, with a sentence that helps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import machine
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.hooks_lab import Lab

posix = pytest.mark.skipif(sys.platform == "win32", reason="rules of POSIX paths")


def test_a_good_machine_has_no_problems(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    place = lab.project("a name with spaces, ünïcödé 数据")
    monkeypatch.setenv("PATH", lab.env["PATH"])

    assert machine.problems(place, "3.11", lab.env, commits=True) == []


def test_no_git_and_no_uv_are_both_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(lab.root))

    git, uv = machine.problems(lab.project(), "3.11", lab.env, commits=True)

    assert git.startswith("git is not on PATH")
    assert "`pip install uv`" in uv


def test_no_interpreter(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", lab.env["PATH"])
    lab.uv = {"python find >=3.13": {"status": 2, "says": "error: No interpreter found\n\nhint: x"}}

    assert machine.python_problem("3.12", lab.env) == ""
    problem = machine.python_problem("3.13", lab.env)

    assert "No Python 3.13 or later is installed" in problem
    assert '(`uv python find ">=3.13"`: error: No interpreter found)' in problem


def test_little_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "NEEDED_GB", 10**9)

    problem = machine.disk_problem(tmp_path)

    assert str(tmp_path) in problem
    assert "1000000000 GB needed" in problem


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    assert "cannot be written to" in machine.write_problem(tmp_path / "gone")


@posix
def test_a_read_only_folder(tmp_path: Path) -> None:
    place = tmp_path / "read only"
    place.mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may write there; the kernel refuses it here
        place = Path("/proc")

    assert f"{place} cannot be written to" in machine.write_problem(place)


@posix
def test_the_longest_path_that_is_let_through() -> None:
    room = os.pathconf("/", "PC_PATH_MAX") - machine.DEEPEST
    longest = "/" + "d" * (room - 1)

    assert machine.path_problem(Path(longest)) == ""
    assert f"at most {room} leave room" in machine.path_problem(Path(longest + "d"))
    assert "choose a shorter one" in machine.path_problem(Path("/" + "é" * (room // 2)))


@posix
@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_path_that_path_cannot_hold(tmp_path: Path, name: str) -> None:
    problem = machine.path_problem(tmp_path / name)

    assert repr(str(tmp_path / name)) in problem
    assert "colon or a line break" in problem


def test_inside_another_repository(lab: Lab) -> None:
    outer = lab.repository(lab.project("outer"))
    inner = lab.project("outer/inner")

    problem = machine.repository_problem(inner, lab.env)

    assert f"{inner} is inside the git repository" in problem
    assert "choose a folder outside it" in problem
    assert machine.repository_problem(outer, lab.env) == ""
    (outer / ".gitignore").write_text("/inner/\n")
    assert machine.repository_problem(inner, lab.env) == "", "what it ignores is not the other's"
    (outer / ".gitignore").unlink()
    assert machine.repository_problem(lab.repository(inner), lab.env) == ""


@pytest.mark.parametrize("pointer", ["not a pointer\n", "gitdir: gone\n"])
def test_a_repository_that_git_cannot_read(lab: Lab, pointer: str) -> None:
    place = lab.project()
    (place / ".git").write_text(pointer, "utf-8")

    problem = machine.repository_problem(place, lab.env)

    assert problem.startswith(f"git cannot read the repository at {place}: fatal:")


@pytest.mark.parametrize(
    ("given_names", "known"),
    [
        ([], False),
        (["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"], False),
        (["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"], False),  # git would make up a name
        (["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"], False),  # a commit has a committer too
        (["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"], True),
        (
            ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"],
            True,
        ),
    ],
)
def test_git_identity_from_the_environment(lab: Lab, given_names: list[str], known: bool) -> None:
    env = {name: text for name, text in lab.env.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "USER": "ada"}

    problem = machine.identity_problem(env | dict.fromkeys(given_names, "ada@example.org"))

    assert (problem == "") is known
    assert known or "git config --global user.name" in problem


def test_git_identity_from_the_configuration(lab: Lab) -> None:
    lab.extra = {"GIT_CONFIG_GLOBAL": str(lab.root / "config")}
    env = {name: text for name, text in lab.env.items() if "AUTHOR" not in name}
    env = {name: text for name, text in env.items() if "COMMITTER" not in name}
    lab.git(lab.root, "config", "--global", "user.name", "Ada")

    assert machine.identity_problem(env)
    lab.git(lab.root, "config", "--global", "user.email", "ada@example.org")
    assert machine.identity_problem(env) == ""


@given(st.text())
def test_first_line_takes_any_text(text: str) -> None:
    assert "\n" not in machine.first_line(text)
