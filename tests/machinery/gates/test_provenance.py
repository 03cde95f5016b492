"""Gate `provenance`: the evidence is of this code, this data and this model."""

import json
from typing import Any

import pandas as pd
import pytest
from churn_radar.mlops.checksums import write_with_checksum
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import identity
from churn_radar.mlops.pipeline.challenge import challenge
from churn_radar.mlops.promotion.evidence import Evidence

TASKS = ("classification", "regression")


def test_evidence_that_belongs_together_passes(evidence: Evidence) -> None:
    challenge(evidence.config, evidence.root)
    assert identity.provenance(evidence).status == "passed"


def test_a_challenge_edited_by_hand_is_refused(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge(evidence.config, evidence.root)
    path = evidence.root / "reports" / "challenge.json"
    sound = json.loads(path.read_text())

    def verdict_on(facts: dict[str, Any]) -> str:
        path.write_text(json.dumps(facts))
        reason: str = identity.provenance(Evidence(evidence.config, evidence.root)).reason
        return reason

    assert "belong together" in verdict_on(sound)
    better = json.loads(path.read_text())
    better["simpler"]["baseline"]["low"] += 0.1
    assert "has low of the gain over the baseline" in verdict_on(better)
    name, facts = next(iter(sound["features"].items()))
    hidden = sound | {"features": sound["features"] | {name: facts | {"univariate": 0.01}}}
    monkeypatch.setattr(identity, "N_MEASURED_AGAIN", len(sound["features"]))
    assert f"has univariate skill of {name} 0.01" in verdict_on(hidden)


def test_evidence_that_dvc_finds_stale_is_refused(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "stale", ["evaluate: params.yaml is modified"])
    assert "params.yaml" in identity.provenance(evidence).reason


def test_a_frozen_stage_is_refused(evidence: Evidence) -> None:
    (evidence.root / "dvc.yaml").write_text("stages: {train: {cmd: train, frozen: true}}\n")
    assert "frozen in dvc.yaml: train" in identity.provenance(evidence).reason


def test_a_project_without_its_pipeline_is_refused(evidence: Evidence) -> None:
    (evidence.root / "dvc.yaml").unlink()
    with pytest.raises(ProjectError, match=r"dvc\.yaml is not there"):
        identity.provenance(evidence)


def test_a_test_set_that_lacks_rows_is_refused(evidence: Evidence) -> None:
    path = evidence.root / evidence.config.table("processed", "test")
    pd.read_parquet(path).iloc[3:].to_parquet(path, index=False)
    verdict = identity.provenance(evidence)
    assert verdict.status == "refused"
    assert "not those into which this code splits" in verdict.reason


def test_metrics_edited_by_hand_are_refused(evidence: Evidence) -> None:
    path = evidence.root / "reports" / "metrics.json"
    metrics = json.loads(path.read_text())
    name = evidence.config.selection.metric
    path.write_text(json.dumps(metrics | {name: 0.999}))
    assert f"{name} 0.999, measured now {metrics[name]}" in identity.provenance(evidence).reason


@pytest.mark.parametrize("name", ["challenge.json", "profile.json"])
def test_evidence_about_another_model_is_refused(name: str, evidence: Evidence) -> None:
    write_with_checksum(evidence.root / "reports" / name, {"model": "another"})
    with pytest.raises(ProjectError, match=f"{name} is about another model"):
        identity.provenance(evidence)


def test_evidence_that_is_missing_is_refused(evidence: Evidence) -> None:
    (evidence.root / "reports" / "challenge.json").unlink(missing_ok=True)
    with pytest.raises(ProjectError, match=r"challenge\.json is not there"):
        identity.provenance(evidence)
