"""The prediction log in PostgreSQL: sent once, read once, whatever ends in between."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving import log, postgres
from churn_radar.mlops.serving.log import FOLDER, PredictionLog, read_log
from churn_radar.mlops.serving.log_files import write_part
from churn_radar.mlops.serving.logged import as_table
from machinery.serving.logged_rows import START, batch, files, quick, write_and_kill
from machinery.serving.postgres_server import PASSWORD, QUOTED, Server

COUNT = "SELECT count(*), count(DISTINCT request_id) FROM prediction_log"


@pytest.fixture(scope="session")
def installed() -> Iterator[Server]:
    # Not in pytest's own folder, which the user postgres may not enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Server(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def server(installed: Server) -> Server:
    """A server that runs, and has no table yet."""
    if not installed.process:
        installed.start()
    installed.query("DROP TABLE IF EXISTS prediction_log")
    return installed


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "TIDY_SECONDS", 1)


@pytest.fixture
def writing(
    config: Config, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> PredictionLog:
    """A log that goes to the server."""
    monkeypatch.setenv(postgres.VARIABLE, server.url)
    return PredictionLog(tmp_path, quick(config), "v3-1")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rows_are_the_same_from_files_and_table(
    writing: PredictionLog, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(postgres.VARIABLE)
    here = PredictionLog(tmp_path / "here", quick(config), "v3-1")
    for target in (writing, here):
        target.append(batch(0, 3))
        target.append(batch(3, arms=["shadow"], version=4, predictions=np.array([0.1 + 0.2])))
        target.append(batch(4, probabilities=None, classes=()))
        target.close()
    assert files(tmp_path) == []
    expected = read_log(tmp_path / "here")
    monkeypatch.setenv(postgres.VARIABLE, writing._url or "")
    found = read_log(tmp_path)
    # JSON has no moments.
    found["id_event_month"] = pd.to_datetime(found["id_event_month"])
    pd.testing.assert_frame_equal(found, expected, check_like=True)
    since = datetime.fromtimestamp(START + 3, UTC)
    assert len(read_log(tmp_path, since)) == 2


def test_rows_that_are_not_sent_yet_are_read_too(
    writing: PredictionLog, config: Config, tmp_path: Path
) -> None:
    writing.append(batch(0, 3))
    writing.close()
    slow = PredictionLog(tmp_path, quick(config, log_seconds=60), "v3-1")
    slow.append(batch(3, 2))
    assert slow.flush(timeout=10)
    assert len(files(tmp_path)) == 1
    assert read_log(tmp_path)["id_customer_id"].tolist() == [0, 1, 2, 3, 4]
    slow.close()


def test_a_server_that_is_down_is_waited_for(
    server: Server, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    monkeypatch.setenv(postgres.VARIABLE, server.url)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0, 5))
    wait_until(lambda: writing.problem is not None)
    assert "sending the prediction log fails: PostgreSQL" in str(writing.problem)
    assert len(files(tmp_path)) == 1
    with pytest.raises(ProjectError, match="PostgreSQL"):
        read_log(tmp_path)
    server.start()
    wait_until(lambda: not files(tmp_path))
    assert server.query(COUNT) == [(5, 5)]
    wait_until(lambda: writing.problem is None)
    writing.close()


def test_a_server_that_restarts_under_load_loses_and_repeats_nothing(
    writing: PredictionLog, server: Server, tmp_path: Path
) -> None:
    n_rows = 0
    for restart in range(3):
        ends = time.monotonic() + 0.5
        while time.monotonic() < ends:
            writing.append(batch(n_rows, 10))
            n_rows += 10
            time.sleep(0.001)
        if restart < 2:
            server.stop()
            server.start()
    assert writing.flush(timeout=10)
    wait_until(lambda: not files(tmp_path))
    writing.close()
    assert server.query(COUNT) == [(n_rows, n_rows)]


def test_a_kill_while_files_are_sent_loses_and_repeats_nothing(
    server: Server,
    config: Config,
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(postgres.VARIABLE, server.url)
    n_found = 0
    for _ in range(2):
        on_disk = write_and_kill(project_root, tmp_path, n_found, 200)
        found = read_log(tmp_path)["id_customer_id"].tolist()
        assert found == [*range(len(found))]
        assert len(found) >= on_disk
        n_found = len(found)
    # Whoever comes next sends what is left.
    PredictionLog(tmp_path, quick(config), "v3-1").close()
    assert files(tmp_path) == []
    assert server.query(COUNT) == [(n_found, n_found)]


def test_a_file_that_was_committed_and_not_deleted_is_not_repeated(
    writing: PredictionLog, server: Server, tmp_path: Path
) -> None:
    writing.append(batch(0, 3))
    # The log itself is not to send it.
    writing._url = None
    writing.close()
    (path,) = (tmp_path / FOLDER).glob("*.parquet")
    shutil.copy(path, tmp_path / "kept")
    postgres.send(server.url, [path])
    assert not path.exists()
    # As it is after a kill between the two.
    shutil.copy(tmp_path / "kept", path)
    assert read_log(tmp_path)["id_customer_id"].tolist() == [0, 1, 2]
    postgres.send(server.url, [path])
    assert not path.exists()
    assert server.query(COUNT) == [(3, 3)]


def test_what_the_server_cannot_hold_does_not_stop_the_log(
    writing: PredictionLog, tmp_path: Path
) -> None:
    strange = pd.DataFrame({"region": ["a\0b"], "charge": [np.inf], "calls": [np.nan]})
    writing.append(batch(0, request_ids=["r\0"], features=strange))
    writing.close()
    assert writing.problem is None
    row = read_log(tmp_path).iloc[0]
    assert row["request_id"] == "r\ufffd"
    assert row["feature_region"] == "a\ufffdb"
    assert row["feature_charge"] == np.inf
    assert pd.isna(row["feature_calls"])


def test_whoever_may_only_add_and_read_can(
    server: Server, tmp_path: Path, writing: PredictionLog
) -> None:
    writing.append(batch(0))
    writing.close()
    server.query("DROP ROLE IF EXISTS adder")
    server.query("CREATE ROLE adder LOGIN PASSWORD 'x'")
    server.query("GRANT SELECT, INSERT ON prediction_log TO adder")
    url = f"postgresql://adder:x@127.0.0.1:{server.port}/postgres"
    path = write_part(tmp_path, as_table([batch(1)], lambda _: False), "v3-1")
    postgres.send(url, [path])
    assert postgres.read(url, None).num_rows == 2
    server.query("REVOKE ALL ON prediction_log FROM adder")
    with pytest.raises(ProjectError, match="permission denied"):
        postgres.read(url, None)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://log:secret@host/db",
        "postgresql://log:secret@[host/db",
        "secret",
        "host=secret",
    ],
)
def test_a_wrong_address_is_said_without_it(
    url: str, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.VARIABLE, url)
    with pytest.raises(ProjectError, match="PREDICTION_LOG_URL is not an address") as refusal:
        PredictionLog(tmp_path, config, "v3-1")
    assert "secret" not in str(refusal.value)
    with pytest.raises(ProjectError, match="PREDICTION_LOG_URL is not an address") as refusal:
        read_log(tmp_path)
    assert "secret" not in str(refusal.value)


def test_no_message_holds_the_password(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (server.url.replace("/postgres", "/absent"), server.url.replace("log:", "eve:")):
        monkeypatch.setenv(postgres.VARIABLE, url.replace("postgresql:", "postgresql+psycopg:"))
        with pytest.raises(ProjectError, match=r"absent|eve") as refusal:
            read_log(tmp_path)
        assert PASSWORD not in str(refusal.value)
        assert QUOTED not in str(refusal.value)


def test_no_message_quotes_a_row(writing: PredictionLog, server: Server, tmp_path: Path) -> None:
    writing.append(batch(0))
    writing.close()
    server.query("ALTER TABLE prediction_log ADD CHECK (version < 4)")
    path = write_part(tmp_path, as_table([batch(1, version=4)], lambda _: False), "v4-1")
    with pytest.raises(ProjectError, match="violates check constraint") as refusal:
        postgres.send(server.url, [path])
    assert path.exists()
    assert "r1" not in str(refusal.value)
    assert "north" not in str(refusal.value)


def test_without_psycopg_the_remedy_is_said(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.VARIABLE, "postgresql://host/db")
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ProjectError, match="uv sync --group postgres"):
        PredictionLog(tmp_path, config, "v3-1")
