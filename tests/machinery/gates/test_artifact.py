"""Gate `artifact`: the model file is the one that was trained, and can be loaded here."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import identity
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.tracking import Version


def test_a_sound_artifact_passes(evidence: Evidence) -> None:
    assert identity.artifact(evidence).status == "passed"


def test_another_model_file_is_refused(evidence: Evidence) -> None:
    path = evidence.root / "models" / "model.skops"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ProjectError, match=r"another model than models/manifest\.json describes"):
        identity.artifact(evidence)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("libraries", {"numpy": "1.0.0"}, "numpy 1.0.0, here"),
        ("libraries", {"absent": "2.0"}, "absent 2.0, here None"),
        ("features", {"other": "numeric"}, "its manifest names"),
    ],
)
def test_another_manifest_is_refused(
    key: str, value: object, message: str, evidence: Evidence
) -> None:
    path = evidence.root / "models" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ProjectError, match=message):
        identity.artifact(evidence)


@pytest.mark.parametrize("changed", ["model", "manifest", "tag"])
def test_a_registry_that_holds_another_model_is_refused(
    changed: str, evidence: Evidence, tmp_path: Path
) -> None:
    folder = tmp_path / "registered"
    shutil.copytree(evidence.root / "models", folder)
    sha256 = evidence.manifest["sha256"]
    if changed == "model":
        (folder / "model.skops").write_bytes(b"a dummy")
    elif changed == "manifest":
        facts = evidence.manifest | {"sha256": "of a dummy"}
        (folder / "manifest.json").write_text(json.dumps(facts))
    else:
        sha256 = "of a dummy"
    version = Version(4, {"sha256": sha256}, "run", "source")
    judged = replace(evidence, candidate_version=version, candidate_folder=folder)
    with pytest.raises(ProjectError, match="version 4 has another model"):
        identity.artifact(judged)


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_broken_manifest_is_refused(text: str, evidence: Evidence) -> None:
    (evidence.root / "models" / "manifest.json").write_text(text)
    with pytest.raises(ProjectError, match="cannot be read"):
        identity.artifact(evidence)


def test_a_foreign_type_in_the_model_file_is_refused(evidence: Evidence) -> None:
    path = evidence.root / "models" / "model.skops"
    skops.io.dump({"held": np.testing.assert_equal}, path)
    facts = manifest.read(path.parent) | {"sha256": file_hash(path)}
    (path.parent / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(ProjectError, match="not trusted"):
        identity.artifact(evidence)
