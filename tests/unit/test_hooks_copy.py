"""After `copier copy`: the order of things, and what is refused before they start."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wiring
from hypothesis import given
from hypothesis import strategies as st
from unit.hooks_lab import HOOKS, LOCKED, SEED, SETUP, SYNC, VERIFY, Lab, git_hook

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and devices of POSIX")


def test_copy_makes_a_verified_first_commit(lab: Lab) -> None:
    place = lab.project("two words, ünïcödé 数据")

    done = lab.hook("copy", place)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert lab.calls == [SEED, LOCKED, SETUP, VERIFY]
    assert lab.git(place, "log", "--format=%s") == "Start slug from its template"
    assert lab.git(place, "branch", "--show-current") == "main"
    assert lab.git(place, "status", "--porcelain") == ""
    assert {"uv.lock", "dvc.lock"} <= set(lab.git(place, "ls-files").split())
    steps = ["repository", "lock", "environment", "setup", "track", "verify", "commit"]
    told = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")]
    assert told == steps
    summary = done.stdout.split("\n\n", 1)[1]
    assert [line.split()[0] for line in summary.splitlines()[:8]] == [*steps, "total"]
    assert summary.endswith(f'Next:\n  cd "{place}"\n  make verify\n  make help\n')
    assert "all checks ran\n" in done.stdout


def test_copy_keeps_a_lock_that_is_there(lab: Lab) -> None:
    place = lab.project()
    (place / "uv.lock").write_text("mine\n", "utf-8")

    assert lab.hook("copy", place).returncode == 0

    assert lab.calls == [SYNC, SETUP, VERIFY]


OPTIONS = ("--ids=", "--segments=x,y", "--sensitive=", "--time=none", "--task=auto")


def test_copy_wires_the_data_before_it_verifies(lab: Lab) -> None:
    place = lab.project()
    data = lab.root / "my data.csv"
    data.touch()

    done = lab.hook("copy", place, f"--data={data}", "--target=a b", *OPTIONS)

    assert done.returncode == 0, done.stderr
    source = f"--source={lab.root / 'template-repo'}"
    wire = f"run --no-sync slug wire {source} -- {data} a b --fresh {' '.join(OPTIONS)}"
    assert lab.calls == [SEED, LOCKED, wire, SETUP, VERIFY]


def test_data_that_is_not_there_is_refused_before_anything_starts(lab: Lab) -> None:
    place = lab.project()

    done = lab.hook("copy", place, "--data=/no/such.csv", *OPTIONS)

    assert done.returncode == 1
    assert "/no/such.csv is not there: check the answer data_file." in done.stderr
    assert lab.calls == []


def test_data_that_is_refused_ends_the_copy(lab: Lab) -> None:
    place = lab.project()
    data = lab.root / "data.csv"
    data.touch()
    lab.uv = {"run --no-sync slug wire": {"status": 1, "says": "error: one column"}}

    done = lab.hook("copy", place, f"--data={data}", *OPTIONS)

    assert done.returncode == 1
    assert "error: one column" in done.stderr
    assert "Failed at wire" in done.stderr
    assert VERIFY not in lab.calls


def test_copy_into_a_repository_of_its_own_commits_and_adds_nothing(lab: Lab) -> None:
    place = lab.repository(lab.project())
    (place / "new.txt").touch()
    head = lab.git(place, "rev-parse", "HEAD")

    done = lab.hook("copy", place)

    assert done.returncode == 0
    assert lab.git(place, "rev-parse", "HEAD") == head
    assert lab.git(place, "diff", "--cached", "--name-only") == ""
    assert "nothing was committed" in done.stdout


def test_copy_leaves_the_files_of_a_folder_that_was_there_untracked(lab: Lab) -> None:
    place = lab.project()
    for name in ["mine.txt"] if os.name == "nt" else ["mine.txt", "*", ":(odd) [name]"]:
        (place / name).touch()
    (place / "mine").mkdir()
    (place / "mine/data.csv").touch()

    assert lab.hook("copy", place).returncode == 0

    tracked = lab.git(place, "ls-files").splitlines()
    assert sorted(tracked) == sorted(
        [".copier-answers.yml", ".gitignore", "Makefile", "dvc.lock", "src/code.py", "uv.lock"]
    )
    assert (place / "mine/data.csv").exists()


def test_the_commit_neither_checks_again_nor_asks_for_a_key(lab: Lab) -> None:
    signing = {"commit.gpgSign": "true", "gpg.program": "no-such-program"}
    lab.extra = git_hook(lab, "pre-commit") | {"GIT_CONFIG_COUNT": str(len(signing))}
    for number, (key, value) in enumerate(signing.items()):
        lab.extra |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}

    done = lab.hook("copy", lab.project())

    assert done.returncode == 0, done.stderr


@posix
def test_a_deep_path_works(lab: Lab) -> None:
    place = lab.project("/".join(["d" * 100] * 6))

    done = lab.hook("copy", place)

    assert done.returncode == 0, done.stderr
    assert lab.git(place, "status", "--porcelain") == ""


def test_a_terminal_without_letters_beyond_ascii(lab: Lab) -> None:
    lab.extra = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}

    done = lab.hook("copy", lab.project("ünïcödé"))

    assert done.returncode == 0, done.stderr
    assert "ok   verify" in done.stdout
    assert "?n?c?d?" in done.stdout


def test_every_problem_of_the_machine_is_told_and_nothing_starts(lab: Lab) -> None:
    place = lab.project("outer/inner")
    lab.git(lab.root / "outer", "init", "--quiet")
    lab.uv = {"python find": {"status": 2, "says": "error: No interpreter found"}}
    lab.extra = dict.fromkeys(
        ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), ""
    )

    done = lab.hook("copy", place)

    assert done.returncode == 1
    lead, *problems = done.stderr.strip().splitlines()
    assert lead.startswith("Nothing was started.")
    assert len(problems) == 3
    assert all(line.startswith("  - ") for line in problems)
    assert lab.calls == []
    assert not (place / ".git").exists()
    assert not (lab.root / "outer/inner.failed").exists()


def test_an_identity_is_asked_for_only_where_the_hook_commits(lab: Lab) -> None:
    place = lab.repository(lab.project())
    lab.extra = {"GIT_AUTHOR_NAME": "", "GIT_COMMITTER_NAME": ""}

    assert lab.hook("copy", place).returncode == 0


def test_a_wrong_call_is_refused(lab: Lab) -> None:
    done = subprocess.run(
        [sys.executable, str(HOOKS / "run.py"), "recopy", "slug", "3.11"], capture_output=True
    )

    assert done.returncode == 2


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Makefile", "Makefile"),
        ("pyproject.toml.jinja", "pyproject.toml"),
        ("{% if use_docker %}docker{% endif %}", "docker"),
        ("{% if ci == 'github' %}.github{% endif %}", ".github"),
        ("{{ _copier_conf.answers_file }}.jinja", ".copier-answers*.yml"),
    ],
)
def test_rendered(name: str, pattern: str) -> None:
    assert wiring.render_name(name) == pattern


@given(st.text())
def test_rendered_takes_any_text(text: str) -> None:
    assert len(wiring.render_name(text)) <= len(text) + len(".copier-answers*.yml")


@pytest.mark.parametrize("module", sorted(HOOKS.glob("*.py")), ids=lambda path: path.name)
def test_hooks_run_on_copiers_python_with_what_copier_brings(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"), feature_version=(3, 10))
    own = {path.stem for path in HOOKS.glob("*.py")}
    own |= {"copier", "yaml"}
    # Of tools/, and imports pathspec, which Copier brings too.
    own.add("ownership")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert str(node.module).split(".")[0] in sys.stdlib_module_names | own
        if isinstance(node, ast.Import):
            assert {name.name.split(".")[0] for name in node.names} <= sys.stdlib_module_names | own
