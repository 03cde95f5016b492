"""Labels that come later: joined by request or by ids, counted, corrected."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import cli
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving.feedback import (
    FOLDER,
    Outcome,
    add_labels,
    labelled_predictions,
    read_labels,
)
from churn_radar.mlops.serving.log import PredictionLog
from machinery.serving.logged_rows import batch, quick

TASKS = ("classification", "regression")

NOTHING = Outcome(0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def root(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Predictions r0 to r9 of the customers 0 to 9, r0 by two arms; one request of two rows."""
    monkeypatch.delenv("PREDICTION_LOG_URL", raising=False)
    writing = PredictionLog(tmp_path, quick(config), "v3-1")
    writing.append(batch(0, 10))
    writing.append(batch(0, arms=["shadow"], version=4))
    writing.append(batch(20, 2, request_ids=["both", "both"], rows=[0, 1]))
    writing.close()
    return tmp_path


def labels(config: Config, root: Path, **columns: object) -> Path:
    path = root / "labels.csv"
    pd.DataFrame({"target": [1], **columns}).rename(columns={"target": config.data.target}).to_csv(
        path, index=False
    )
    return path


def by_row(root: Path) -> dict[tuple[str, int], float]:
    known = read_labels(root)
    return dict(
        zip(zip(known["request_id"], known["row"], strict=True), known["label"], strict=True)
    )


def test_labels_are_joined_and_counted(config: Config, root: Path) -> None:
    path = labels(
        config,
        root,
        request_id=["r1", "r2", "r2", "r3", "r77"],
        target=[1, 0, 1, None, 0],
    )
    outcome = add_labels(config, root, path)
    # Twelve rows, whichever arms answered them.
    assert outcome == replace(NOTHING, n_new=2, n_unknown=1, n_duplicate=1, n_empty=1, n_waiting=10)
    assert by_row(root) == {("r1", 0): 1, ("r2", 0): 1}
    assert outcome.summary == (
        "Predictions: 2 got their label; 10 still wait for one. "
        "Labels: 1 of no logged prediction; 1 repeated, of which the last counts; 1 empty."
    )


def test_a_later_label_corrects_an_earlier_one(config: Config, root: Path) -> None:
    for targets in ([1, 1], [1, 0]):
        path = labels(config, root, request_id=["r1", "r2"], target=targets)
        outcome = add_labels(config, root, path)
    assert outcome == replace(NOTHING, n_corrected=1, n_known=1, n_waiting=10)
    assert by_row(root) == {("r1", 0): 1, ("r2", 0): 0}
    # What is known already is not stored again, but what comes with it.
    path = labels(config, root, request_id=["r1", "r2", "r3"], target=[1, 0, 1])
    assert add_labels(config, root, path) == replace(NOTHING, n_new=1, n_known=2, n_waiting=9)
    assert add_labels(config, root, path) == replace(NOTHING, n_known=3, n_waiting=9)
    assert len(list((root / FOLDER).glob("*.parquet"))) == 3


def test_every_arm_gets_the_label(config: Config, root: Path) -> None:
    add_labels(config, root, labels(config, root, request_id=["r0", "r1"], target=[1, 0]))
    found = labelled_predictions(root)
    assert found[["request_id", "arm", "label"]].to_numpy().tolist() == [
        ["r0", "champion", 1],
        ["r0", "shadow", 1],
        ["r1", "champion", 0],
    ]


def test_a_request_of_several_rows_needs_the_row(config: Config, root: Path) -> None:
    with pytest.raises(
        ProjectError, match=r"requests that had several rows, the first is row 3 of labels\.csv"
    ):
        add_labels(config, root, labels(config, root, request_id=["r1", "both"], target=[1, 0]))
    path = labels(config, root, request_id=["both", "both"], row=[1, 2], target=[1, 0])
    assert add_labels(config, root, path) == replace(NOTHING, n_new=1, n_unknown=1, n_waiting=11)
    assert by_row(root) == {("both", 1): 1}
    path = labels(config, root, request_id=["both"], row=["last"])
    with pytest.raises(ProjectError, match="number of a row"):
        add_labels(config, root, path)


def test_ids_are_enough(config: Config, root: Path) -> None:
    path = labels(config, root, customer_id=[1, 2, 99], target=[1, 0, 0])
    assert add_labels(config, root, path) == replace(NOTHING, n_new=2, n_unknown=1, n_waiting=10)
    # With the time, a label is about the prediction of that month alone.
    months = ["2026-01-01", "2026-02-01"]
    path = labels(config, root, customer_id=[3, 4], event_month=months, target=[1, 1])
    assert add_labels(config, root, path) == replace(NOTHING, n_new=1, n_unknown=1, n_waiting=9)
    assert by_row(root) == {("r1", 0): 1, ("r2", 0): 0, ("r3", 0): 1}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"email": ["ada@example.org"]}, "needs the column .*, and request_id or customer_id"),
        ({"request_id": ["r77"]}, "none of 1 labels is of a logged prediction, by request_id"),
        ({"request_id": ["r1"], "target": ["maybe"]}, "is not a (boolean|number) in 1 row"),
    ],
)
def test_what_cannot_be_joined_is_said(
    columns: dict[str, object], message: str, config: Config, root: Path
) -> None:
    with pytest.raises(ProjectError, match=message):
        add_labels(config, root, labels(config, root, **columns))
    assert not (root / FOLDER).exists()


IMPOSSIBLE = {
    "classification": (2, r"churned.* is not a boolean in 1 row"),
    "regression": (-1, r"spend_next_month breaks the rule .*0\) in 1 row.* row 3 of labels\.csv$"),
}
"""A label that the column of a task cannot hold, and what is said of it."""


def test_a_label_holds_the_rules_of_its_column(config: Config, root: Path) -> None:
    label, said = IMPOSSIBLE[config.task]
    path = labels(config, root, request_id=["r1", "r2"], target=[0, label])
    with pytest.raises(ProjectError, match=said):
        add_labels(config, root, path)


def test_many_equal_labels_are_no_fault(config: Config, root: Path) -> None:
    """The example's rule that a column varies is one of a whole table."""
    numbers = np.arange(40)
    path = labels(config, root, customer_id=numbers, target=np.ones(40, dtype=int))
    assert add_labels(config, root, path).n_unknown == 28


def test_without_predictions_there_is_nothing_to_join(config: Config, tmp_path: Path) -> None:
    path = labels(config, tmp_path, request_id=["r1"])
    with pytest.raises(ProjectError, match="no prediction is logged yet"):
        add_labels(config, tmp_path, path)


def test_the_command(
    config: Config,
    root: Path,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (root / "params.yaml").write_bytes((project_root / "params.yaml").read_bytes())
    monkeypatch.chdir(root)
    labels(config, root, request_id=["r1"])

    def call(path: str) -> object:
        monkeypatch.setattr(sys, "argv", ["project", "feedback", "--", path])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code

    assert call("labels.csv") == 0
    said = "labels.csv was read. Predictions: 1 got their label; 11 still wait for one.\n"
    assert capsys.readouterr().out == said
    assert call("") == "error: say where the labels are: make feedback FILE=labels.csv"
    assert call("absent.csv") == "error: absent.csv is not there"
