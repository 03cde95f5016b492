"""What DVC finds changed since the pipeline ran."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_radar.mlops import promotion, team
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.git import tree_hash


def test_where_dvc_cannot_tell_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[")
    with pytest.raises(ProjectError, match="dvc cannot tell what changed: ERROR: configuration"):
        promotion.changes_since_pipeline(tmp_path)


def test_what_changed_is_said_by_stage_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "train": [{"changed deps": {"params.yaml": "modified", "src": "new"}}, "always changed"],
        "report": ["changed command"],
    }
    answers = iter([json.dumps(told), json.dumps({"report": ["changed command"]}), ""])
    asked = SimpleNamespace(communicate=lambda: (next(answers), ""), returncode=0)
    monkeypatch.setattr(promotion, "Popen", lambda *_, **__: asked)
    assert promotion.changes_since_pipeline(tmp_path) == [
        "train: params.yaml is modified",
        "train: src is new",
    ]
    assert promotion.changes_since_pipeline(tmp_path) == ["report changed"]
    assert promotion.changes_since_pipeline(tmp_path) == []


def test_a_docstring_leaves_the_evidence_as_it_is_and_a_rule_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = f"src/{team.PACKAGE.name}/schemas.py"
    told = {"code": ["always changed"], "ingest": [{"changed deps": {schemas: "modified"}}]}
    asked = SimpleNamespace(communicate=lambda: (json.dumps(told), ""), returncode=0)
    monkeypatch.setattr(promotion, "Popen", lambda *_, **__: asked)
    # Where no fingerprint is recorded, DVC's word counts.
    assert promotion.changes_since_pipeline(tmp_path) == [f"ingest: {schemas} is modified"]
    recorded = team.package_fingerprints()
    path = tmp_path / team.FINGERPRINTS
    path.parent.mkdir()
    path.write_text(json.dumps(recorded))
    assert promotion.changes_since_pipeline(tmp_path) == []
    path.write_text(json.dumps(recorded | {"schemas.py": "other"}))
    modified = ["code: schemas.py is modified", f"ingest: {schemas} is modified"]
    assert promotion.changes_since_pipeline(tmp_path) == modified


def test_what_was_verified_holds_for_just_these_files(
    project: Path, git: Callable[..., None]
) -> None:
    report = project / "reports" / "verification.json"
    assert not promotion.is_verified(project)
    facts = {"passed": True, "tree": tree_hash(project)}
    report.write_text(json.dumps(facts))
    assert promotion.is_verified(project)
    (project / "new.py").write_text("new = 1\n")
    assert not promotion.is_verified(project)
    report.write_text(json.dumps({"passed": False, "tree": tree_hash(project)}))
    assert not promotion.is_verified(project)
    report.write_text(json.dumps({"passed": True, "tree": tree_hash(project)}))
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "What was verified")
    assert promotion.is_verified(project)
    report.write_text("<<<<")
    assert not promotion.is_verified(project)
