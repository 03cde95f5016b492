"""Candidates for the tests of promotion."""

import json
from pathlib import Path

from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.storage import load_model, save_model


def another(root: Path) -> None:
    """Another candidate: the same model, told apart by a mark in it."""
    path = root / "models" / "model.skops"
    model = load_model(path)
    model[-1].mark_ = getattr(model[-1], "mark_", 0) + 1
    save_model(model, path)
    facts = manifest.read(path.parent) | {"sha256": file_hash(path)}
    (path.parent / "manifest.json").write_text(json.dumps(facts))
