"""The A/B report: losses by hand, and a stopping rule that holds however often one looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import cli
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving.experiment import (
    ALPHA,
    MIN_ENTITIES,
    Difference,
    compare,
    decide,
    describe,
    difference,
    row_losses,
)
from churn_radar.mlops.serving.feedback import add_labels
from churn_radar.mlops.serving.log import PredictionLog
from machinery.serving.logged_rows import START, batch, quick

N_EXPERIMENTS = 300
N_ENTITIES = 2_000
LOOK_EVERY = 50

Draw = Callable[[np.random.Generator], np.ndarray]
Rule = Callable[[np.ndarray, np.ndarray], Difference]


@pytest.fixture(autouse=True)
def _files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREDICTION_LOG_URL", raising=False)


# --- the stopping rule ----------------------------------------------------------------------------


def looked(losses: np.ndarray, is_treated: np.ndarray, rule: Rule = difference) -> tuple[str, int]:
    """The decision of an experiment with a look after every 50 entities, and how many it took."""
    n_looks = 0
    for n in range(LOOK_EVERY, N_ENTITIES + 1, LOOK_EVERY):
        n_looks += 1
        control, treatment = losses[:n][~is_treated[:n]], losses[:n][is_treated[:n]]
        if min(len(control), len(treatment)) < MIN_ENTITIES:
            continue
        decision = decide(rule(control, treatment))
        if decision != "go on":
            return decision, n_looks
    return "go on", n_looks


def stops(draw: Draw, share: float, rule: Rule = difference) -> float:
    """The share of experiments with equal models that stop."""
    rng = np.random.default_rng(1)
    decisions = []
    for _ in range(N_EXPERIMENTS):
        is_treated = rng.random(N_ENTITIES) < share
        decisions.append(looked(draw(rng), is_treated, rule)[0])
    return float(np.mean([decision != "go on" for decision in decisions]))


def skewed(rng: np.random.Generator) -> np.ndarray:
    return rng.exponential(size=N_ENTITIES)


def rare(rng: np.random.Generator) -> np.ndarray:
    """Two of a hundred answers are wrong."""
    return (rng.random(N_ENTITIES) < 0.02).astype(float)


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("draw", [skewed, rare])
def test_equal_models_are_seldom_told_apart_however_often_one_looks(
    draw: Draw, share: float
) -> None:
    assert stops(draw, share) <= ALPHA


def test_an_interval_for_one_look_would_not_hold() -> None:
    """The simulation sees an error: the usual 95 % interval stops far too often."""

    def usual(control: np.ndarray, treatment: np.ndarray) -> Difference:
        value = treatment.mean() - control.mean()
        variance = treatment.var() / len(treatment) + control.var() / len(control)
        half = 1.96 * variance**0.5
        return Difference(value, value - half, value + half)

    assert stops(skewed, 0.5, usual) > 3 * ALPHA


@pytest.mark.parametrize(
    ("effect", "decision"), [(0.3, "stop: treatment is better"), (-0.3, "stop: treatment is worse")]
)
def test_a_real_difference_stops(effect: float, decision: str) -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(N_EXPERIMENTS):
        is_treated = rng.random(N_ENTITIES) < 0.5
        found.append(looked(skewed(rng) - effect * is_treated, is_treated))
    assert np.mean([said == decision for said, _ in found]) > 0.98
    # Long before all entities were seen.
    assert np.mean([n_looks for _, n_looks in found]) < N_ENTITIES / LOOK_EVERY / 2


def test_the_interval_is_that_of_the_paper() -> None:
    control = np.array([0.0, 2.0] * 250)
    treatment = np.array([1.0, 3.0] * 250)
    found = difference(control, treatment)
    rho_squared = (-2 * np.log(0.05) + np.log(-2 * np.log(0.05)) + 1) / 1_000
    scale = 1_000 * rho_squared + 1
    deviation = np.sqrt(4 * np.var(control, ddof=1))
    half = deviation * np.sqrt(2 * scale / (1e6 * rho_squared) * np.log(np.sqrt(scale) / 0.05))
    assert found == pytest.approx((1.0, 1 - half, 1 + half))


# --- losses ---------------------------------------------------------------------------------------


def test_losses_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "prediction": ["a", "b", "a"],
            "label": ["a", "a", "z"],
            "probability_a": [0.7, 0.4, 0.5],
            "probability_b": [0.3, 0.6, 0.5],
        }
    )
    assert row_losses(rows, "zero_one").tolist() == [0, 1, 1]
    assert row_losses(rows, "brier") == pytest.approx([0.18, 0.72, 1.5])
    assert row_losses(rows, "log_loss") == pytest.approx(-np.log([0.7, 0.4, 1e-15]))
    numbers = pd.DataFrame({"prediction": [1.0, 2.0], "label": [3.0, 2.0]})
    assert row_losses(numbers, "squared").tolist() == [4, 0]
    assert row_losses(numbers, "absolute").tolist() == [2, 0]


# --- the report -----------------------------------------------------------------------------------


def begun(config: Config, root: Path, n_entities: int) -> Path:
    """A test whose treatment is right and whose control never is; each customer asks twice."""
    rows_each = 2
    writing = PredictionLog(root, quick(config), "v3-1")
    number = 0
    for customer in range(n_entities):
        arm, version = (("control", 3), ("treatment", 4))[customer % 2]
        ids = pd.DataFrame({"customer_id": [customer] * rows_each})
        chances = [[0.9, 0.1]] if arm == "control" else [[0.2, 0.8]]
        changes = {"arms": [arm] * rows_each, "version": version, "ids": ids}
        changes["probabilities"] = np.array(chances * rows_each)
        writing.append(batch(number, rows_each, **changes))
        number += rows_each
    writing.close()
    traffic = {"mode": "ab", "challenger": 4, "share": 50, "salt": "x"}
    traffic["since"] = "2026-01-01T00:00:00+00:00"
    (root / "models").mkdir()
    (root / "models" / "traffic.json").write_text(json.dumps(traffic))
    path = root / "labels.csv"
    table = pd.DataFrame({"customer_id": range(n_entities), config.data.target: 1})
    table.to_csv(path, index=False)
    return path


def test_a_better_treatment_is_said(config: Config, tmp_path: Path) -> None:
    add_labels(config, tmp_path, begun(config, tmp_path, 2 * MIN_ENTITIES))
    report = compare(config, tmp_path)
    assert report["arms"]["control"] == {
        "versions": [3],
        "n_entities": MIN_ENTITIES,
        "n_rows": 2 * MIN_ENTITIES,
        "n_waiting": 0,
        "loss": pytest.approx(1.62),
    }
    assert report["arms"]["treatment"]["loss"] == pytest.approx(0.08)
    assert report["difference"]["value"] == pytest.approx(-1.54)
    assert (report["loss"], report["entity"]) == ("brier", "customer_id")
    assert report["decision"] == "stop: treatment is better"
    assert describe(report)[-2].startswith("treatment - control: -1.54, 95% confidence sequence [")
    assert compare(config, tmp_path, "log_loss")["difference"]["value"] == pytest.approx(-np.log(8))
    with pytest.raises(ProjectError, match="squared is no loss of a classification"):
        compare(config, tmp_path, "squared")


def test_few_entities_decide_nothing(config: Config, tmp_path: Path) -> None:
    path = begun(config, tmp_path, 2 * MIN_ENTITIES - 1)
    report = compare(config, tmp_path)
    assert report["arms"]["control"]["loss"] is None
    assert report["arms"]["control"]["n_waiting"] == 2 * MIN_ENTITIES
    assert "mean loss unknown" in describe(report)[1]
    add_labels(config, tmp_path, path)
    report = compare(config, tmp_path)
    assert report["difference"] is None
    assert describe(report)[-1] == "go on: each arm needs 50 with a label"


def test_rows_of_other_times_and_arms_do_not_count(config: Config, tmp_path: Path) -> None:
    add_labels(config, tmp_path, begun(config, tmp_path, 4))
    writing = PredictionLog(tmp_path, quick(config), "v3-2")
    writing.append(batch(900, arms=["champion"]))
    writing.append(batch(901, arms=["control"], times=[START - 1]))
    # In both arms: nobody knows which one its outcome is due to.
    both = pd.DataFrame({"customer_id": [1]})
    writing.append(batch(902, arms=["control"], ids=both))
    writing.close()
    report = compare(config, tmp_path)
    assert report["in_both_arms"] == 1
    assert report["arms"]["control"]["n_entities"] == 2
    assert report["arms"]["treatment"]["n_entities"] == 1
    assert "1 were in both arms and are left out" in describe(report)


def test_arms_of_other_shares_are_said(config: Config, tmp_path: Path) -> None:
    begun(config, tmp_path, 100)
    path = tmp_path / "models" / "traffic.json"
    assert not [line for line in describe(compare(config, tmp_path)) if "warning" in line]
    path.write_text(path.read_text().replace('"share": 50', '"share": 20'))
    assert [line for line in describe(compare(config, tmp_path)) if "warning" in line]


def test_without_a_test_there_is_no_report(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no A/B test runs"):
        compare(config, tmp_path)
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "traffic.json"
    path.write_text('{"mode": "shadow", "challenger": 4}')
    with pytest.raises(ProjectError, match="no A/B test runs"):
        compare(config, tmp_path)
    path.write_text('{"mode": "ab", "challenger": 4, "share": 50, "since": "2026-01-01T00:00Z"}')
    with pytest.raises(ProjectError, match="no prediction yet"):
        compare(config, tmp_path)


def test_the_command(
    config: Config,
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "params.yaml").write_bytes((project_root / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    begun(config, tmp_path, 2)
    monkeypatch.setattr(sys, "argv", ["project", "ab-report", "--loss="])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 0
    assert "go on" in capsys.readouterr().out
    report = json.loads((tmp_path / "reports" / "ab.json").read_text())
    assert report["decision"] == "go on"
