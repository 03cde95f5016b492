"""The prediction log: what is written, when, and what happens where that fails."""

from __future__ import annotations

import logging
import shutil
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
from churn_radar.mlops.serving.logged import Logged, label_columns
from machinery.serving.logged_rows import START, batch, files, numbers, quick

pytestmark = pytest.mark.usefixtures("files_alone")


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


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A disk that is full for as long as this is set."""
    is_full = threading.Event()
    is_full.set()
    write = log_files.write_part

    def limited(folder: Path, table: pyarrow.Table, writer: str) -> Path:
        if is_full.is_set():
            raise OSError("no space left on device")
        path: Path = write(folder, table, writer)
        return path

    monkeypatch.setattr(log_files, "write_part", limited)
    return is_full


def test_a_full_disk_slows_the_service_and_loses_nothing(
    config: Config,
    tmp_path: Path,
    full_disk: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(log, "MAX_WAITING", 10)
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
    full_disk.clear()
    service.join(10)
    assert writing.flush(timeout=10)
    assert writing.problem is None
    assert numbers(read_log(tmp_path)) == [*range(40)]
    full_disk.set()
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
    config: Config, tmp_path: Path, full_disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_WAITING", 2)
    writing = PredictionLog(tmp_path, quick(config, timeout_seconds=0.2), "v3-1")
    for number in range(6):
        writing.append(batch(number))
    assert "rows wait already" in str(writing.problem)
    full_disk.clear()
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
