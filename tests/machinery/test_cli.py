"""The commands: what they say, and that a person's mistake is no traceback."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from churn_radar import cli, data
from churn_radar.config import Config
from churn_radar.data import bring_data
from churn_radar.errors import ProjectError

ROOT = Path(__file__).parents[2]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit status or message with which the command ends."""
    monkeypatch.setattr(sys, "argv", ["project", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bare files with the project's settings, as the working directory."""
    for name in ("params.yaml", "dvc.yaml", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
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


def test_verification_needs_a_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "make setup" in str(call(monkeypatch, "verify"))


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("command", ["check", "verify"])
def test_exit_status_is_the_verdict(
    command: str, passed: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    monkeypatch.setattr("churn_radar.verify.verify", lambda *_: passed)
    assert call(monkeypatch, command) == (0 if passed else 1)


def test_the_example_is_rebuilt_from_its_seed(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_dvc", lambda *_, cwd: None)
    monkeypatch.setattr("churn_radar.example.RAW", config.data.raw)
    for folder in ("one", "two"):
        bring_data(config, tmp_path / folder, rows=50)
    one, two = (tmp_path / folder / config.data.raw for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_own_data_is_pulled_and_cut(
    root: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = config.data.model_copy(update={"raw": Path("data/raw/homes_raw.csv")})
    homes = config.model_copy(update={"data": own})
    with pytest.raises(ProjectError, match="dvc pull failed"):
        bring_data(homes, root)

    def pull(*arguments: str, cwd: Path) -> None:
        if arguments[0] == "pull":
            (cwd / own.raw).parent.mkdir(parents=True)
            (cwd / own.raw).write_text("a\n1\n2\n3\n")

    monkeypatch.setattr(data, "_dvc", pull)
    bring_data(homes, root, rows=2)
    assert (root / own.raw).read_text() == "a\n1\n2\n"
    assert "is there" in bring_data(homes, root)
