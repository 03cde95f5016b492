"""The command in a rendered project of each preset, with the packages of this environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from real_tables import nasty
from support import ROOT, Project, commit, git
from wire import command

RUNS = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


@pytest.fixture(params=["production", "starter"])
def project(
    request: pytest.FixtureRequest, render: Callable[..., Project], tmp_path: Path
) -> Project:
    """Return a committed project of the preset."""
    copy = render(preset=request.param).copy(tmp_path / "project")
    commit(copy.path, "From the template")
    return copy


ROWS = 240


def extreme() -> pd.DataFrame:
    """Return columns with values near the ends of their types, and names that Python knows."""
    rng = np.random.default_rng(7)
    days = pd.Timestamp("1690-01-01") + pd.to_timedelta(rng.integers(0, 30_000, ROWS), unit="D")
    columns = {
        "first": rng.normal(size=ROWS).round(3),
        "self": rng.normal(size=ROWS).round(3),
        "surprise": rng.normal(size=ROWS).round(3),
        "mass": rng.normal(size=ROWS) * 1e25,
        "serial": rng.integers(4 * 10**18, 9 * 10**18, ROWS),
        "born_on": days.astype(str),
        "left": rng.choice(["yes", "no"], ROWS),
    }
    return pd.DataFrame(columns)


def sparse() -> pd.DataFrame:
    """Return columns that vary too little for a check that they vary."""
    rng = np.random.default_rng(7)
    columns = {name: (rng.random(ROWS) < 0.02).astype(int) for name in ("a", "b", "c")}
    # Two of each, so that it can be divided.
    columns["left"] = np.where(np.arange(ROWS) % 60 == 0, "yes", "no")
    return pd.DataFrame(columns)


SLOW_DVC = """#!{python}
import pathlib, time
pathlib.Path({mark!r}).touch()
time.sleep(60)
"""


def run(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | RUNS | {"PYTHONPATH": str(project.path / "src"), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=project.path, env=env, capture_output=True, encoding="utf-8"
    )


def wire(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(project, str(ROOT / "hooks" / "wire"), *arguments)


def test_a_table_that_is_hard_to_read_is_wired_and_ingested(
    project: Project, tmp_path: Path
) -> None:
    content, target = nasty()
    path = tmp_path / "Kunden 2024 (neu).csv"
    path.write_bytes(content)
    wired = wire(project, f"--target={target}", "--", str(path))
    assert wired.returncode == 0, wired.stderr
    assert "removed: tests/test_example.py" in wired.stdout
    written = (project.path / "src" / "churn_radar" / "example.py").read_text("utf-8")
    assert "from .mlops import invent_rows" in written
    assert len(written.splitlines()) < 25
    assert not (project.path / "tests" / "test_example.py").exists()
    status = git(project.path, "status", "--porcelain")
    assert "mlops" not in status, "nothing of the machinery's changes"

    ingested = run(project, "-m", "churn_radar.mlops.cli", "pipeline", "ingest")
    assert ingested.returncode == 0, ingested.stderr
    settings = yaml.safe_load(project.text("params.yaml"))
    assert settings["data"]["read"]["decimal"] == ","
    name = settings["data"]["name"]
    table = pd.read_parquet(project.path / "data" / "interim" / f"{name}_ingest.parquet")
    assert len(table) == 240
    assert table["gebuehr_eur"].dtype == "float64"

    again = wire(project, f"--target={target}", "--", str(path))
    assert "nothing was changed" in again.stdout


@pytest.mark.parametrize("table", [extreme, sparse])
def test_the_project_s_tests_of_data_hold_for_any_table(
    table: Callable[[], pd.DataFrame], render: Callable[..., Project], tmp_path: Path
) -> None:
    project = render().copy(tmp_path / "project")
    commit(project.path, "From the template")
    path = tmp_path / "mine.csv"
    table().to_csv(path, index=False)
    wired = wire(project, "--target=left", "--", str(path))
    assert wired.returncode == 0, wired.stderr
    tested = run(project, "-m", "pytest", "-q", "--no-cov", "tests/data")
    assert tested.returncode == 0, tested.stdout


def test_a_table_that_holds_less_replaces_yours_only_if_you_say_so(
    render: Callable[..., Project], tmp_path: Path
) -> None:
    project = render(preset="starter").copy(tmp_path / "project")
    commit(project.path, "From the template")
    path = tmp_path / "may.csv"
    extreme().to_csv(path, index=False)
    wired = wire(project, "--target=left", "--", str(path))
    assert wired.returncode == 0, wired.stderr
    assert "Until you choose a remote" in wired.stdout
    commit(project.path, "Use it")
    raw = project.path / "data" / "raw" / "may_raw.csv"
    content = raw.read_bytes()
    june = tmp_path / "june.csv"
    extreme().drop(columns="mass").tail(100).to_csv(june, index=False)

    refused = wire(project, "--target=left", "--", str(june))
    assert refused.returncode == 1
    assert "june.csv has 100 rows, without the columns mass" in refused.stderr
    assert "may_raw.csv with its 240: nothing was changed" in refused.stderr
    assert "`make data ADD=...` appends rows" in refused.stderr
    assert git(project.path, "status", "--porcelain") == ""
    assert raw.read_bytes() == content

    raw.unlink()
    unseen = wire(project, "--target=left", "--", str(june))
    assert "is not here to be compared: `make data` brings it" in unseen.stderr


def test_a_remote_that_others_reach_is_told_from_the_first_one(tmp_path: Path) -> None:
    settings = tmp_path / ".dvc" / "config"
    settings.parent.mkdir()
    first = (ROOT / "template" / ".dvc" / "config").read_text()
    settings.write_text(first)
    assert command.is_alone(tmp_path)
    settings.write_text(first.replace("../.dvc-storage", "s3://bucket/churn"))
    assert not command.is_alone(tmp_path)


def test_a_mistake_is_one_sentence_and_changes_nothing(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("age,left\n1,yes\n2,no\n")
    done = wire(project, "--target=lefft", "--", str(path))
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no column 'lefft': did you mean 'left'?")
    assert git(project.path, "status", "--porcelain") == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_the_middle_changes_nothing(
    name: str, render: Callable[..., Project], tmp_path: Path
) -> None:
    project = render(preset="starter").copy(tmp_path / "project")
    commit(project.path, "From the template")
    content, target = nasty()
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    # DVC is called last, when every file is already in place.
    mark, slow = tmp_path / "begun", tmp_path / "bin" / "dvc"
    slow.parent.mkdir()
    slow.write_text(SLOW_DVC.format(python=sys.executable, mark=str(mark)))
    slow.chmod(0o755)
    search = os.pathsep.join([str(slow.parent), RUNS["PATH"]])
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "hooks" / "wire"), f"--target={target}", "--", str(path)],
        cwd=project.path,
        env=os.environ | {"PATH": search, "PYTHONUTF8": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert git(project.path, "status", "--porcelain") != ""

    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=30)

    assert process.returncode == 1
    assert said == "error: stopped: nothing was changed\n"
    assert git(project.path, "status", "--porcelain") == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_second_signal_does_not_stop_what_puts_files_back() -> None:
    before = {number: signal.getsignal(number) for number in command.ENDING}
    try:
        command.catch_signals()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        for number in command.ENDING:
            signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_that_is_ignored_stays_so() -> None:
    """As `nohup` wants it."""
    before = {number: signal.getsignal(number) for number in command.ENDING}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        command.catch_signals()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == command.interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_outside_a_project_nothing_is_wired(tmp_path: Path) -> None:
    done = wire(Project(tmp_path), "--target=left", "--", "mine.csv")
    assert done.returncode == 1
    assert "has no src/*/mlops: run the command in the project's folder" in done.stderr


@pytest.mark.parametrize("config", [None, "class Config: ..."])
def test_a_template_of_another_version_is_one_sentence(config: str | None, tmp_path: Path) -> None:
    machinery = tmp_path / "src" / "churn_radar" / "mlops"
    machinery.mkdir(parents=True)
    (machinery / "__init__.py").touch()
    if config is not None:
        (machinery / "config.py").write_text(f"{config}\n")
    done = wire(Project(tmp_path), "--target=left", "--", "mine.csv")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: the template in {ROOT} is of another version than")
    assert "`make update`" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_package_that_is_missing_is_no_other_version(tmp_path: Path) -> None:
    machinery = tmp_path / "src" / "churn_radar" / "mlops"
    machinery.mkdir(parents=True)
    (machinery / "__init__.py").touch()
    (machinery / "config.py").write_text("import unheard_of\n")
    done = wire(Project(tmp_path), "--target=left", "--", "mine.csv")
    assert "No module named 'unheard_of'" in done.stderr
    assert "another version" not in done.stderr
