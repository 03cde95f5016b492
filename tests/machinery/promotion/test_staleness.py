"""What DVC finds changed since the pipeline ran."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.promotion import staleness


def test_where_dvc_cannot_tell_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[")
    with pytest.raises(ProjectError, match="dvc cannot tell what changed: ERROR: configuration"):
        staleness.answer(tmp_path)


def test_what_changed_is_said_by_stage_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "train": [{"changed deps": {"params.yaml": "modified", "src": "new"}}, "always changed"],
        "report": ["changed command"],
    }
    answers = iter([json.dumps(told), json.dumps({"report": ["changed command"]}), ""])
    asked = SimpleNamespace(communicate=lambda: (next(answers), ""), returncode=0)
    monkeypatch.setattr(staleness, "Popen", lambda *_, **__: asked)
    assert staleness.answer(tmp_path) == ["train: params.yaml is modified", "train: src is new"]
    assert staleness.answer(tmp_path) == ["report changed"]
    assert staleness.answer(tmp_path) == []
