"""The commands: what they say, and that a person's mistake is no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from churn_radar.mlops import cli
from churn_radar.mlops.config import Config


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit status or message with which the command ends."""
    monkeypatch.setattr(sys, "argv", ["project", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


@pytest.fixture
def root(project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bare files with the project's settings, as the working directory."""
    for name in ("params.yaml", "dvc.yaml", ".pre-commit-config.yaml"):
        shutil.copy(project_root / name, tmp_path)
    shutil.copytree(project_root / ".dvc", tmp_path / ".dvc")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_setup_makes_a_clone_ready(
    root: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / config.data.raw).parent.mkdir(parents=True)
    (root / config.data.raw).write_text("a,b\n1,2\n")
    assert call(monkeypatch, "setup") == 0
    assert (root / ".git" / "hooks" / "pre-push").exists()
    assert (root / f"{config.data.raw}.dvc").exists()
    assert call(monkeypatch, "pipeline", "ingest") == 0
    assert "a slice would replace it" in str(call(monkeypatch, "data", "--rows", "10"))


def test_setup_keeps_a_git_hook_that_a_person_had_and_says_so(
    root: Path, config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / config.data.raw).parent.mkdir(parents=True)
    (root / config.data.raw).write_text("a,b\n1,2\n")
    # So that the hooks of the configuration, whose tools are not here, do not run.
    (root / ".pre-commit-config.yaml").write_text(
        "default_install_hook_types: [pre-commit, pre-push, post-checkout]\nrepos: []\n"
    )
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    own = root / ".git" / "hooks" / "post-checkout"
    own.write_text("#!/bin/sh\necho mine >> ran\n")
    own.chmod(0o755)
    for _ in range(2):
        assert call(monkeypatch, "setup") == 0
        said = capsys.readouterr().out
        assert "your own git hook post-checkout is kept as .git/hooks/post-checkout.legacy" in said
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    commit = ["git", *author, "commit", "--quiet", "--allow-empty", "-m", "Start"]
    subprocess.run([*commit, "--no-verify"], check=True)
    subprocess.run(["git", "checkout", "--quiet", "-b", "new"], check=True)
    assert (root / "ran").read_text() == "mine\n"


def test_setup_says_why_git_hooks_cannot_be_installed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "config", "core.hooksPath", "elsewhere"], check=True)
    assert "core.hooksPath" in str(call(monkeypatch, "setup"))


def test_names_shows_the_table(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "names") == 0
    assert "names follow the table" in capsys.readouterr().out


def test_a_command_works_from_any_folder_of_the_project(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "src" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert call(monkeypatch, "names") == 0
    assert "names follow the table" in capsys.readouterr().out
    # A file's name is that of the folder in which the person is: no command goes elsewhere first.
    monkeypatch.chdir(folder)
    (folder / "rows.csv").write_text("a\n1\n")
    assert "no champion" in str(call(monkeypatch, "predict", "--source", "rows.csv"))
    assert "rows.csv" in str(call(monkeypatch, "feedback", "rows.csv"))
    assert Path.cwd() == folder


@pytest.mark.parametrize("command", ["setup", *cli.COMMANDS])
def test_every_command_is_there_by_its_name(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, command, "--help") == 0
    assert f" {command} " in capsys.readouterr().out


def test_a_misspelt_command_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "verifyy") == 2
    assert "'verify'" in capsys.readouterr().err


def test_verification_needs_a_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "make setup" in str(call(monkeypatch, "verify"))


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("command", ["check", "verify"])
def test_exit_status_is_the_verdict(
    command: str, passed: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    monkeypatch.setattr("churn_radar.mlops.verify.runner.verify", lambda *_: passed)
    assert call(monkeypatch, command) == (0 if passed else 1)


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active", "active")])
def test_threads_that_wait_leave_their_core_to_others(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    else:
        monkeypatch.setenv("OMP_WAIT_POLICY", before)
    assert call(monkeypatch, "--help") == 0
    assert os.environ["OMP_WAIT_POLICY"] == after
