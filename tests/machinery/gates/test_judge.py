"""Each gate of the model's identity and soundness refuses the fault that it exists for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator

from churn_radar import passport
from churn_radar.config import Config
from churn_radar.errors import ProjectError
from churn_radar.gates import (
    Verdict,
    artefact,
    floor,
    freshness,
    judge,
    numerics,
    provenance,
    schema,
    staleness,
    tree,
)
from churn_radar.gates.evidence import Evidence
from churn_radar.gates.seal import read_sealed, write_sealed
from churn_radar.storage import load_model, save_model

Git = Callable[..., None]


def test_a_sound_artefact_passes(evidence: Evidence) -> None:
    assert artefact.check(evidence).status == "passed"


def test_another_model_file_is_refused(evidence: Evidence) -> None:
    path = evidence.root / "models" / "model.skops"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ProjectError, match="not the file that its passport describes"):
        artefact.check(evidence)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("libraries", {"numpy": "1.0.0"}, "numpy 1.0.0, here"),
        ("libraries", {"absent": "2.0"}, "absent 2.0, here None"),
        ("features", {"other": "numeric"}, "its passport names"),
    ],
)
def test_another_passport_is_refused(
    key: str, value: object, message: str, evidence: Evidence
) -> None:
    path = evidence.root / "models" / "passport.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ProjectError, match=message):
        artefact.check(evidence)


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_broken_passport_is_refused(text: str, evidence: Evidence) -> None:
    (evidence.root / "models" / "passport.json").write_text(text)
    with pytest.raises(ProjectError, match="cannot be read"):
        artefact.check(evidence)


def test_a_foreign_type_in_the_model_file_is_refused(evidence: Evidence) -> None:
    path = evidence.root / "models" / "model.skops"
    skops.io.dump({"held": np.testing.assert_equal}, path)
    facts = passport.read(path.parent) | {"sha256": passport.file_hash(path)}
    (path.parent / "passport.json").write_text(json.dumps(facts))
    with pytest.raises(ProjectError, match="not trusted"):
        artefact.check(evidence)


def test_what_is_not_committed_is_refused(evidence: Evidence) -> None:
    assert tree.check(evidence).status == "passed"
    (evidence.root / "new.txt").write_text("new\n")
    verdict = tree.check(evidence)
    assert (verdict.status, verdict.figure) == ("refused", 1)
    assert "new.txt" in verdict.reason


def test_a_folder_that_is_no_repository_is_refused(config: Config, tmp_path: Path) -> None:
    assert tree.check(Evidence(config, tmp_path, None, None)).status == "refused"


def test_evidence_that_belongs_together_passes(evidence: Evidence) -> None:
    (evidence.root / "reports" / "challenge.json").write_text(json.dumps(profile_of(evidence)))
    assert provenance.check(evidence).status == "passed"


def profile_of(evidence: Evidence) -> dict[str, object]:
    return {"model": evidence.passport["sha256"]}


def test_where_dvc_cannot_tell_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[")
    with pytest.raises(ProjectError, match="dvc cannot tell what changed: ERROR: configuration"):
        staleness.answer(tmp_path)


def test_evidence_that_dvc_finds_stale_is_refused(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "stale", ["evaluate: params.yaml is modified"])
    assert "params.yaml" in provenance.check(evidence).reason


def test_metrics_edited_by_hand_are_refused(evidence: Evidence) -> None:
    path = evidence.root / "reports" / "metrics.json"
    metrics = json.loads(path.read_text())
    name = evidence.config.selection.metric
    path.write_text(json.dumps(metrics | {name: 0.999}))
    assert f"{name} 0.999, measured now {metrics[name]}" in provenance.check(evidence).reason


@pytest.mark.parametrize("name", ["challenge.json", "profile.json"])
def test_evidence_about_another_model_is_refused(name: str, evidence: Evidence) -> None:
    write_sealed(evidence.root / "reports" / name, {"model": "another"})
    with pytest.raises(ProjectError, match=f"{name} is about another model"):
        provenance.check(evidence)


def test_evidence_that_is_missing_is_refused(evidence: Evidence) -> None:
    (evidence.root / "reports" / "challenge.json").unlink(missing_ok=True)
    with pytest.raises(ProjectError, match=r"challenge\.json is not there"):
        provenance.check(evidence)


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "x", "seal": "y"}'])
def test_a_broken_seal_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    with pytest.raises(ProjectError, match="not there"):
        read_sealed(path)
    path.write_text(text)
    with pytest.raises(ProjectError, match=r"cannot be read|was edited"):
        read_sealed(path)


@pytest.mark.parametrize(
    ("ahead", "what"), [(timedelta(days=8), "the evidence"), (timedelta(days=400), "the data")]
)
def test_what_is_too_old_is_refused(ahead: timedelta, what: str, evidence: Evidence) -> None:
    evidence.profile["measured_at"] = datetime.now(UTC).isoformat()
    assert freshness.check(evidence).status == "passed"
    evidence.__dict__["now"] = datetime.now(UTC) + ahead
    verdict = freshness.check(evidence)
    assert verdict.status == "refused"
    assert f"{what} is" in verdict.reason


def test_evidence_from_the_future_is_refused(evidence: Evidence) -> None:
    assert freshness.check(evidence).status == "refused"  # the fixture's is of the year 2999


def test_data_that_was_never_committed_is_refused(evidence: Evidence, git: Git) -> None:
    git("rm", "--quiet", "--cached", f"{evidence.config.data.raw}.dvc")
    git("commit", "--quiet", "--amend", "--no-verify", "--message", "Start")
    assert "never committed" in freshness.check(evidence).reason


def test_a_clone_without_its_history_is_refused(evidence: Evidence) -> None:
    (evidence.root / ".git" / "shallow").write_text(f"{evidence.commit}\n")
    assert "--unshallow" in freshness.check(evidence).reason


def test_rows_that_break_the_schema_are_refused(evidence: Evidence) -> None:
    assert schema.check(evidence).status == "passed"
    first = evidence.test.columns[0]
    for step in ("train", "test"):
        evidence.__dict__[step] = getattr(evidence, step).drop(columns=first)
    with pytest.raises(ProjectError, match="missing from the table"):
        schema.check(evidence)


def test_other_features_than_the_models_are_refused(evidence: Evidence) -> None:
    evidence.passport["features"] = {"other": "numeric"}
    assert "train again" in schema.check(evidence).reason


class Numb(BaseEstimator):
    """Predicts NaN wherever `when` says so."""

    def __init__(self, when: Callable[[pd.DataFrame], np.ndarray]) -> None:
        self.when = when

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.where(self.when(rows), np.nan, 1.0)


def test_predictions_that_are_no_numbers_are_refused(evidence: Evidence) -> None:
    assert numerics.check(evidence).status == "passed"
    for when in (
        lambda rows: np.arange(len(rows)) == 3,
        lambda rows: np.full(len(rows), len(rows) != len(evidence.test)),
    ):
        evidence.__dict__.pop("candidate", None)
        evidence.__dict__["model"] = Numb(when)
        with pytest.raises(ProjectError, match="no finite number in"):
            numerics.check(evidence)


class Shares(BaseEstimator):
    """A classifier whose probabilities sum to 2."""

    classes_ = np.array([0, 1])

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(rows))

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.ones((len(rows), 2))


def test_probabilities_that_are_none_are_refused(evidence: Evidence) -> None:
    evidence.__dict__["model"] = Shares()
    assert "do not sum to 1" in numerics.check(evidence).reason


def test_a_gate_that_cannot_judge_refuses(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Evidence) -> Verdict:
        return Verdict("passed", "never", 1 / 0)

    monkeypatch.setattr(floor, "check", broken)
    verdicts = dict(judge(Evidence(config, tmp_path, None, None)))
    passed = {name for name, verdict in verdicts.items() if verdict.status == "passed"}
    assert passed == {"champion"}, "there is nothing else to judge by"
    assert verdicts["floor"].reason == "it broke: ZeroDivisionError: division by zero"
