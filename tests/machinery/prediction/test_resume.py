"""A run that was interrupted, killed or stopped anywhere goes on without loss or repeat."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from churn_radar.mlops import prediction, team
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.prediction import batch, parts
from churn_radar.mlops.prediction.scoring import Scored, Scorer
from filelock import FileLock

from .conftest import Run

pytestmark = pytest.mark.usefixtures("small_chunks")


def test_two_runs_do_not_write_one_output(predict: Run, csv: Path, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".scores.parquet.lock"),
        pytest.raises(ProjectError, match="another run writes"),
    ):
        predict(csv, tmp_path / "scores.parquet")


class Stopped(BaseException):
    """Stands in for the end of the process."""


def stop_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Stop where a file would get its name for the n-th time; return the rows that were scored."""
    scored: list[int] = []
    replace, score = os.replace, Scorer.score
    calls = iter(range(number))

    def replaced(*arguments: Any) -> None:
        if next(calls, None) is None:
            raise Stopped
        replace(*arguments)

    def counted(self: Scorer, rows: pd.DataFrame) -> Scored:
        scored.append(len(rows))
        return score(self, rows)

    monkeypatch.setattr(parts.os, "replace", replaced)
    monkeypatch.setattr(Scorer, "score", counted)
    return scored


def test_a_run_that_is_stopped_anywhere_goes_on_without_loss_or_repeat(
    predict: Run, csv: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    requests.assign(region=["moon", *requests["region"][1:]]).to_csv(csv, index=False)
    predict(csv, tmp_path / "whole.parquet")
    stops = 0
    while True:
        out = tmp_path / f"stopped_{stops}.parquet"
        with pytest.MonkeyPatch.context() as patch:
            before = stop_at(patch, stops)
            try:
                predict(csv, out)
                break
            except Stopped:
                stops += 1
        with pytest.MonkeyPatch.context() as patch:
            after = stop_at(patch, 100)
            predict(csv, out)
        # What was scored again is at most the chunk that was not written.
        assert 250 <= sum(before) + sum(after) <= 350
        assert not parts.folder_of(out).exists()
        for path in (out, parts.rejects_of(out)):
            whole = tmp_path / path.name.replace(f"stopped_{stops - 1}", "whole")
            found = pd.read_parquet(path).drop(columns="predicted_at", errors="ignore")
            expected = pd.read_parquet(whole).drop(columns="predicted_at", errors="ignore")
            pd.testing.assert_frame_equal(found, expected)
    # The state, two files for each of three chunks, rejects and output.
    assert stops == 9


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:2]
from churn_radar.mlops.config import load_config
from churn_radar.mlops.data import chunks
from churn_radar.mlops.prediction.batch import Order, run
from churn_radar.mlops.prediction.scoring import Scorer
chunks.ROWS = 100
score, calls = Scorer.score, []
def killing(self, rows):
    calls.append(rows)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return score(self, rows)
Scorer.score = killing
root = Path(sys.argv[2])
run(load_config(root), root, Order(Path(sys.argv[3]), Path(sys.argv[4])))
"""


def test_a_run_that_was_killed_goes_on(
    predict: Run,
    csv: Path,
    champion_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "scores.parquet"
    package = str(team.PACKAGE.parent)
    command = [sys.executable, "-c", KILLED, package, str(champion_root), str(csv), str(out)]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    predict(csv, out)
    assert "200 rows were predicted before; going on." in capsys.readouterr().out
    assert [*pd.read_parquet(out)["row"]] == [*range(250)]


@pytest.mark.parametrize(
    ("change", "said"),
    [("input", "its input"), ("model", "the model"), ("settings", "params.yaml, the engine")],
)
def test_a_run_does_not_go_on_with_something_else(
    change: str,
    said: str,
    predict: Run,
    csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "scores.parquet"
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 4)
        with pytest.raises(Stopped):
            predict(csv, out)
    facts_of = batch.facts_of

    def changed(*arguments: Any) -> dict[str, Any]:
        facts: dict[str, Any] = facts_of(*arguments)
        return facts | {change: "other"}

    if change == "input":
        csv.write_text(csv.read_text().replace(",monthly,", ",yearly,", 1))
    else:
        monkeypatch.setattr(batch, "facts_of", changed)
    with pytest.raises(ProjectError, match=f"was interrupted, and {said}.* changed since: remove"):
        predict(csv, out)
    shutil.rmtree(parts.folder_of(out))
    assert predict(csv, out).startswith("250 rows")


def test_an_interruption_is_no_traceback(
    csv: Path,
    champion_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.chdir(champion_root)
    monkeypatch.setattr(batch, "run", interrupted)
    with pytest.raises(typer.Exit) as ended:
        prediction.predict(source=str(csv))
    assert ended.value.exit_code == 130
    assert "the same command goes on from here" in capsys.readouterr().out
