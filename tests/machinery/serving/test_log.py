"""The prediction log: every row once, whatever is killed, merged, full or read meanwhile."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving import log, log_files
from churn_radar.mlops.serving.log import FOLDER, PredictionLog, read_log
from churn_radar.mlops.serving.logged import Logged, as_table, label_columns
from machinery.serving.logged_rows import PYTHONPATH, START, batch, files, quick, write_and_kill

MERGER = """
import os
import signal
import sys
from pathlib import Path

from churn_radar.mlops.serving import log_files
from pyarrow import parquet

folder, last = Path(sys.argv[1]), int(sys.argv[2])
n_calls = 0

def deadly(function):
    def call(*arguments, **options):
        global n_calls
        n_calls += 1
        if n_calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

os.fsync = deadly(os.fsync)
Path.replace = deadly(Path.replace)
Path.unlink = deadly(Path.unlink)
parquet.ParquetWriter.write_table = deadly(parquet.ParquetWriter.write_table)
log_files.MERGE_AT = 3
log_files.remove_leftovers(folder)
log_files.merge(folder, 1e9)
"""
"""Merges, and is killed before the step of that number."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files alone, for this process and for those that it starts."""
    monkeypatch.delenv("PREDICTION_LOG_URL", raising=False)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges all the time."""
    monkeypatch.setattr(log, "TIDY_SECONDS", 1)
    monkeypatch.setattr(log_files, "MERGE_AT", 3)


def numbers(rows: pd.DataFrame) -> list[int]:
    """The numbers of the rows, in the order of time; each row must be whole."""
    if rows.empty:
        return []
    found = rows["id_customer_id"].tolist()
    assert rows["request_id"].tolist() == [f"r{number}" for number in found]
    assert rows["feature_tenure_months"].tolist() == found
    assert rows.notna().all().all()
    return found


def written(root: Path, n_parts: int) -> Path:
    """A folder with files of two rows each."""
    (root / FOLDER).mkdir(parents=True)
    for part in range(n_parts):
        table = as_table([batch(2 * part, 2)], lambda name: False)
        log_files.write_part(root / FOLDER, table, "v3-1")
    folder: Path = root / FOLDER
    return folder


# --- what is written ------------------------------------------------------------------------------


def test_rows_come_back_as_they_were_answered(config: Config, tmp_path: Path) -> None:
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0, 2, request_ids=["a", "a"], rows=[0, 1], arms=["shadow", "control"]))
    writing.append(batch(2))
    writing.close()
    rows = read_log(tmp_path)
    assert rows.drop(columns="time").to_dict("list") == {
        "request_id": ["a", "a", "r2"],
        "row": [0, 1, 0],
        "arm": ["shadow", "control", "champion"],
        "version": [3, 3, 3],
        "prediction": [0, 1, 0],
        "probability_0": [0.25, 0.25, 0.25],
        "probability_1": [0.75, 0.75, 0.75],
        "id_customer_id": [0, 1, 2],
        "id_event_month": [pd.Timestamp("2026-01-01")] * 3,
        "feature_tenure_months": [0.0, 1.0, 2.0],
        "feature_region": ["north"] * 3,
    }
    assert rows["time"].tolist() == [pd.Timestamp(START + n, unit="s", tz="UTC") for n in range(3)]
    later = read_log(tmp_path, since=datetime.fromtimestamp(START + 1, UTC))
    assert later["request_id"].tolist() == ["a", "r2"]


def test_an_empty_log_has_no_rows(tmp_path: Path) -> None:
    assert read_log(tmp_path).empty


def test_versions_may_have_other_columns_and_types(config: Config, tmp_path: Path) -> None:
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    other = pd.DataFrame({"tenure_months": ["long"], "calls": pd.array([None], dtype="Int64")})
    writing.append(batch(0))
    writing.append(batch(1, features=other, version=4, probabilities=None, classes=()))
    writing.append(batch(2, predictions=np.array(["yes"])))
    writing.append(batch(3, features=pd.DataFrame({"tenure_months": pd.Categorical(["short"])})))
    writing.append(batch(4, features=pd.DataFrame({"region": ["\ud800"]}, dtype=object)))
    writing.close()
    rows = read_log(tmp_path).set_index("request_id")
    assert rows["feature_tenure_months"].dropna().tolist() == ["0", "long", "2", "short"]
    assert rows["prediction"].tolist() == ["0", "1", "yes", "1", "0"]
    assert rows["version"].tolist() == [3, 4, 3, 3, 3]
    assert rows.loc["r4", "feature_region"] == "?"
    assert rows["probability_1"].isna().tolist() == [False, True, False, False, False]


def test_nothing_private_is_logged(config: Config, tmp_path: Path) -> None:
    secret = {"email": ["ada@example.org"], "gender": ["female"], "customer_id": [7]}
    ids = pd.DataFrame(secret)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0, ids=ids, features=ids.assign(age_band="60+", tenure_months=0.0)))
    writing.close()
    logged = [name for name in read_log(tmp_path) if name.startswith(("id_", "feature_"))]
    assert logged == ["id_customer_id", "feature_customer_id", "feature_tenure_months"]
    for path in (tmp_path / FOLDER).glob("*.parquet"):
        assert b"ada" not in path.read_bytes()
    assert label_columns(config) == ["customer_id", "event_month"]
    sensitive = config.data.model_copy(update={"ids": ["email", "gender", "customer_id"]})
    known = config.model_copy(update={"data": sensitive})
    assert label_columns(known) == ["customer_id", "event_month"]


def test_a_batch_of_unequal_parts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"different lengths: \[1, 2\]"):
        batch(0, 2, rows=[0])
    with pytest.raises(ValueError, match="for each class"):
        batch(0, classes=(0, 1, 2))


def test_of_a_request_id_that_comes_twice_the_first_answer_counts(
    config: Config, tmp_path: Path
) -> None:
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(5, request_ids=["same"]))
    writing.append(batch(4, request_ids=["same"]))
    writing.append(batch(6, request_ids=["same"], arms=["shadow"]))
    writing.close()
    assert read_log(tmp_path)["id_customer_id"].tolist() == [4, 6]


# --- when it is written ---------------------------------------------------------------------------


def test_rows_wait_for_the_next_write(config: Config, tmp_path: Path) -> None:
    writing = PredictionLog(tmp_path, quick(config, log_seconds=60), "v3-1")
    for number in range(100):
        writing.append(batch(number))
    assert files(tmp_path) == []
    assert writing.flush(timeout=10)
    assert numbers(read_log(tmp_path)) == [*range(100)]
    assert len(files(tmp_path)) == 1
    # Ten thousand do not wait.
    writing.append(batch(100, log.ROWS_AT_ONCE))
    deadline = time.monotonic() + 10
    while len(files(tmp_path)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writing.close()
    with pytest.raises(ProjectError, match="closed"):
        writing.append(batch(0))


def test_a_full_disk_slows_the_service_and_loses_nothing(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(log, "MAX_WAITING", 10)
    is_full = threading.Event()
    is_full.set()
    write = log_files.write_part

    def limited(folder: Path, table: pyarrow.Table, writer: str) -> Path:
        if is_full.is_set():
            raise OSError("no space left on device")
        path: Path = write(folder, table, writer)
        return path

    monkeypatch.setattr(log_files, "write_part", limited)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")

    def append_all() -> None:
        for number in range(40):
            writing.append(batch(number))

    service = threading.Thread(target=append_all)
    service.start()
    time.sleep(0.3)
    assert service.is_alive()
    assert writing._n_waiting == 10
    assert "no space left" in str(writing.problem)
    is_full.clear()
    service.join(10)
    assert writing.flush(timeout=10)
    assert writing.problem is None
    assert numbers(read_log(tmp_path)) == [*range(40)]
    is_full.set()
    writing.append(batch(40, 2))
    with pytest.raises(ProjectError, match=r"2 predictions are not logged: .*no space left"):
        writing.close()
    # One line as it begins, one as it ends; not one for each attempt.
    said = [record.levelname for record in caplog.records if "writing" in record.message]
    assert said == ["ERROR", "INFO", "ERROR"]


def test_no_row_is_written_into_the_service_log(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object) -> Path:
        raise pyarrow.ArrowInvalid("Could not convert 'secret'")

    monkeypatch.setattr(log_files, "write_part", refuse)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0))
    with pytest.raises(ProjectError, match="ArrowInvalid"):
        writing.close()
    assert "ArrowInvalid" in caplog.text
    assert "secret" not in caplog.text


def test_rows_that_cannot_be_written_cost_no_others(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    convert = log.as_table

    def picky(batches: list[Logged], is_private: Callable[[str], bool]) -> pyarrow.Table:
        if any(one.request_ids == ["r1"] for one in batches):
            raise TypeError("no type for 'secret'")
        return convert(batches, is_private)

    monkeypatch.setattr(log, "as_table", picky)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    for number in range(3):
        writing.append(batch(number))
        assert writing.flush(timeout=10)
    with pytest.raises(ProjectError, match=r"1 predictions are not logged: .*TypeError"):
        writing.close()
    assert numbers(read_log(tmp_path)) == [0, 2]
    assert "a table cannot be made of them: TypeError" in caplog.text
    assert "secret" not in caplog.text


def test_a_disk_that_stays_full_stops_no_answer(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_WAITING", 2)
    is_full = threading.Event()
    is_full.set()
    write = log_files.write_part

    def limited(folder: Path, table: pyarrow.Table, writer: str) -> Path:
        if is_full.is_set():
            raise OSError("no space left on device")
        path: Path = write(folder, table, writer)
        return path

    monkeypatch.setattr(log_files, "write_part", limited)
    writing = PredictionLog(tmp_path, quick(config, timeout_seconds=0.2), "v3-1")
    for number in range(6):
        writing.append(batch(number))
    assert "rows wait already" in str(writing.problem)
    is_full.clear()
    assert writing.flush(timeout=10)
    writing.append(batch(6))
    assert writing.problem is None
    with pytest.raises(ProjectError, match="4 predictions are not logged"):
        writing.close()
    assert numbers(read_log(tmp_path)) == [0, 1, 6]


def test_a_folder_that_is_deleted_is_made_again(config: Config, tmp_path: Path) -> None:
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0))
    assert writing.flush(timeout=10)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    writing.append(batch(1))
    writing.close()
    assert numbers(read_log(tmp_path)) == [1]


# --- merging and rotating -------------------------------------------------------------------------


def test_a_day_is_a_few_files(tmp_path: Path) -> None:
    folder = written(tmp_path, 20)
    before = log_files.read_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "MERGE_AT", 3)
        for _ in range(3):
            log_files.merge(folder, 1e9)
    # 20 files are two of nine and two of one.
    assert [log_files._level(name) for name in files(tmp_path)] == [2, 2, 0, 0]
    assert numbers(read_log(tmp_path)) == [*range(40)]
    after = pyarrow.concat_tables(log_files.read_files(folder))
    assert after.equals(pyarrow.concat_tables(before))


def test_files_of_other_columns_or_large_ones_are_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "MERGE_AT", 2)
    folder = written(tmp_path, 1)
    other = as_table([batch(2, predictions=np.array(["yes"]))], lambda name: False)
    log_files.write_part(folder, other, "v4-1")
    log_files.merge(folder, 1e9)
    assert len(files(tmp_path)) == 2
    log_files.write_part(folder, other, "v4-1")
    log_files.merge(folder, 1_000)
    assert len(files(tmp_path)) == 3
    log_files.merge(folder, 1e9)
    assert len(files(tmp_path)) == 2


def test_the_oldest_files_go(
    config: Config, tmp_path: Path, busy: None, caplog: pytest.LogCaptureFixture
) -> None:
    bound = 100_000
    writing = PredictionLog(tmp_path, quick(config, log_mb=bound / 1e6), "v3-1")
    for first in range(0, 20_000, 200):
        writing.append(batch(first, 200))
        assert writing.flush(timeout=10)
    writing.close()
    kept = numbers(read_log(tmp_path))
    assert kept == [*range(kept[0], 20_000)]
    assert 0 < kept[0] < 19_000
    total = sum((tmp_path / FOLDER / name).stat().st_size for name in files(tmp_path))
    assert total <= bound
    assert not caplog.records


def test_the_newest_file_stays(tmp_path: Path) -> None:
    folder = written(tmp_path, 3)
    assert log_files.rotate(folder, 1) == 4
    assert numbers(read_log(tmp_path)) == [4, 5]


def test_a_foreign_file_is_said(tmp_path: Path) -> None:
    folder = written(tmp_path, 1)
    (folder / "zebra.parquet").write_text("no table")
    with pytest.raises(ProjectError, match=r"zebra\.parquet is no file of the prediction log"):
        read_log(tmp_path)


# --- killed, and read meanwhile -------------------------------------------------------------------


def test_what_was_flushed_survives_a_kill(project_root: Path, tmp_path: Path) -> None:
    found: list[int] = []
    for _ in range(3):
        on_disk = write_and_kill(project_root, tmp_path, len(found), 150)
        found = numbers(read_log(tmp_path))
        # Whole batches, each row once, nothing missing before the last.
        assert found == [*range(len(found))]
        assert len(found) >= on_disk
        assert len(found) % 5 == 0
    assert any(log_files._level(name) for name in files(tmp_path))


def test_a_merge_that_is_killed_at_any_step_loses_and_repeats_nothing(tmp_path: Path) -> None:
    folder = written(tmp_path, 4)
    expected = numbers(read_log(tmp_path))
    statuses = []
    for step in range(1, 20):
        copy = tmp_path / f"step_{step}"
        shutil.copytree(folder, copy / FOLDER)
        command = [sys.executable, "-c", MERGER, str(copy / FOLDER), str(step)]
        statuses.append(subprocess.run(command, check=False).returncode)
        assert numbers(read_log(copy)) == expected
        # Whoever comes next completes it.
        log_files.remove_leftovers(copy / FOLDER)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_files, "MERGE_AT", 3)
            log_files.merge(copy / FOLDER, 1e9)
        assert numbers(read_log(copy)) == expected
        assert len(files(copy)) == 2
        if statuses[-1] == 0:
            break
    # Write, sync, rename, sync, three deletions.
    assert statuses == [-signal.SIGKILL] * 7 + [0]


def test_an_unfinished_file_goes_once_it_is_old(tmp_path: Path) -> None:
    folder = written(tmp_path, 1)
    for name, age in (("fresh", 0), ("old", 2 * log_files.STALE_SECONDS)):
        (folder / f"{name}.writing").write_text("half")
        os.utime(folder / f"{name}.writing", (time.time() - age,) * 2)
    log_files.remove_leftovers(folder)
    assert [path.name for path in folder.glob("*.writing")] == ["fresh.writing"]
    assert numbers(read_log(tmp_path)) == [0, 1]


def test_readers_see_every_row_once_while_others_write_and_merge(
    config: Config, tmp_path: Path, busy: None
) -> None:
    n_written = [0, 0]
    is_over = threading.Event()

    def write(which: int) -> None:
        writing = PredictionLog(tmp_path, quick(config), f"v3-{which}")
        while not is_over.is_set():
            writing.append(batch(2 * n_written[which] + which))
            assert writing.flush(timeout=10)
            n_written[which] += 1
            time.sleep(0.005)
        writing.close()

    threads = [threading.Thread(target=write, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            before = list(n_written)
            found = numbers(read_log(tmp_path))
            assert len(set(found)) == len(found)
            for which in (0, 1):
                mine = [number for number in found if number % 2 == which]
                assert mine == [*range(which, 2 * len(mine), 2)]
                assert len(mine) >= before[which]
    finally:
        is_over.set()
        for thread in threads:
            thread.join(10)
    assert len(numbers(read_log(tmp_path))) == sum(n_written)
