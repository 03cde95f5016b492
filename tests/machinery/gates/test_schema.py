"""Gate `schema`: the rows hold their schema, and the model reads the features."""

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import data
from churn_radar.mlops.promotion.evidence import Evidence


def test_rows_that_break_the_schema_are_refused(evidence: Evidence) -> None:
    assert data.schema(evidence).status == "passed"
    first = evidence.test.columns[0]
    for step in ("train", "test"):
        evidence.__dict__[step] = getattr(evidence, step).drop(columns=first)
    with pytest.raises(ProjectError, match="missing from the table"):
        data.schema(evidence)


def test_other_features_than_the_models_are_refused(evidence: Evidence) -> None:
    evidence.manifest["features"] = {"other": "numeric"}
    assert "train again" in data.schema(evidence).reason
