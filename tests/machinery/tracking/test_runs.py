"""Runs are logged under good names, and the newest come first."""

from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.tracking import Run, runs
from machinery.tracking.known import RUN, log, registered


def test_the_newest_runs_come_first(root: Path) -> None:
    (first,) = runs.recent(root, 5)
    second = log(root)
    assert [run.id for run in runs.recent(root, 5)] == [second, first.id]
    (newest,) = runs.recent(root, 1)
    assert (newest.name, newest.experiment) == (RUN.name, RUN.experiment)
    assert newest.metrics == RUN.metrics
    assert newest.started.startswith("20")
    assert newest.started.endswith("+00:00")


@pytest.mark.parametrize(
    ("experiment", "name", "reason"),
    [
        ("pipeline", RUN.name, "experiment name 'pipeline' breaks the rule '<model>/<purpose>'"),
        (RUN.experiment, "my run", "run name 'my run' breaks the rule"),
    ],
)
def test_a_run_with_a_bad_name_is_refused(
    root: Path, experiment: str, name: str, reason: str
) -> None:
    with pytest.raises(ProjectError, match=reason):
        runs.log(root, Run(experiment, name, {}, {}, {}))
    assert len(runs.recent(root, 5)) == 1


def test_nothing_is_left_in_the_current_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    log(root)
    registered(root, "first")
    assert [*elsewhere.iterdir()] == []
