"""The files of the prediction log: every row once, whatever is merged, killed or read meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving import log, log_files
from churn_radar.mlops.serving.log import FOLDER, PredictionLog, read_log
from churn_radar.mlops.serving.logged import as_table
from machinery.serving.logged_rows import batch, files, numbers, quick, write_and_kill

pytestmark = pytest.mark.usefixtures("files_alone")

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


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges all the time."""
    monkeypatch.setattr(log, "TIDY_SECONDS", 1)
    monkeypatch.setattr(log_files, "MERGE_AT", 3)


def written(root: Path, n_parts: int) -> Path:
    """A folder with files of two rows each."""
    (root / FOLDER).mkdir(parents=True)
    for part in range(n_parts):
        table = as_table([batch(2 * part, 2)], lambda name: False)
        log_files.write_part(root / FOLDER, table, "v3-1")
    folder: Path = root / FOLDER
    return folder


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


def test_a_file_that_is_finished_meanwhile_is_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path, 1)
    gone = folder / "finished.writing"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([gone]))
    monkeypatch.setattr(log_files, "_live_and_covered", lambda folder: ([], []))
    log_files.remove_leftovers(folder)


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
