"""What `make doctor` makes of what it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from messages import RefusalError
from upkeep import doctor, stages
from upkeep.doctor import Facts

WELL = Facts(
    "v1", [], [], [], {"template": ["Makefile"], "shared": []}, {}, [], {}, environment=True
)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "fine"),
        ({"yours": {"LICENSE": "v1"}}, "fine"),
        ({"behaviours": ["stratified-groups"]}, "fine"),
        ({"newer": ["v2"]}, "to do"),
        ({"migrations": {"rename-cost": "v0.3.0"}}, "to do"),
        ({"stages": {"train": None}}, "to do"),
        ({"environment": False}, "to do"),
        ({"unmerged": ["Makefile"], "newer": ["v2"]}, "broken"),
        ({"refusals": ["Makefile.rej is left."]}, "broken"),
        ({"pipeline": "DVC cannot say"}, "broken"),
    ],
)
def test_the_worst_finding_decides(change: dict[str, object], status: str) -> None:
    assert replace(WELL, **change).status == status  # type: ignore[arg-type]


def test_every_finding_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "released_on", lambda version: f"the day of {version}")
    ill = replace(
        WELL,
        newer=["v2", "v3"],
        unmerged=["pyproject.toml"],
        refusals=["Makefile.rej is left."],
        migrations={"rename-cost": "version 0.3.0"},
        behaviours=["stratified-groups"],
        stages={"train": 1.25, "new": None},
    )
    said = "\n".join(sentence for _, sentence in doctor.report(ill))
    assert "2 releases behind v3 of the day of v3: make update" in said
    assert "  - pyproject.toml" in said
    assert "  - Makefile.rej is left." in said
    assert "off: stratified-groups (make behaviour)" in said
    assert "rename-cost is pending; what it replaces works until version 0.3.0: make mig" in said
    assert "1 of the template's files with edits of yours: Makefile" in said
    assert "  - train: 1.2 s the last time\n  - new: not measured" in said


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A pipeline of three stages, of which one looks at the code."""
    locked = {
        "split": {"outs": [{"path": "train.parquet"}]},
        "code": {"outs": [{"path": "reports/code.json"}]},
        "train": {
            "deps": [{"path": "train.parquet"}, {"path": "reports/code.json"}],
            "outs": [{"path": "model"}],
        },
        "evaluate": {"deps": [{"path": "model"}]},
    }
    (tmp_path / "reports").mkdir()
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": locked}, sort_keys=False))
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": locked}))
    (tmp_path / "reports/runs.json").write_text('{"stages": {"train": {"seconds": 7.5}}}')
    (tmp_path / "reports/code.json").write_text('{"model.py": "a1"}')
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "code", "again"),
    [
        ({}, "a1", {}),
        ({"code": ["always changed"]}, "a1", {}),
        ({"code": ["always changed"]}, "b2", {"code": None, "train": 7.5, "evaluate": None}),
        ({"split": [{}]}, "a1", {"split": None, "train": 7.5, "evaluate": None}),
        ({"data/raw.csv.dvc": [{}]}, "a1", {}),
    ],
)
def test_stages_run_again_with_what_follows_them(
    changed: dict[str, object],
    code: str,
    again: dict[str, float | None],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(env: dict[str, str], *command: str) -> tuple[int, str]:
        answer = changed if "dvc" in command else {"model.py": code}
        return 0, json.dumps(answer)

    monkeypatch.setattr(stages, "ask", ask)
    assert stages.stages_to_run(place, "churn_radar") == again


def test_a_pipeline_that_dvc_cannot_read_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "ask", lambda *_: (255, "ERROR: dvc.yaml is invalid"))
    with pytest.raises(RefusalError, match=r"DVC cannot say .* dvc\.yaml is invalid"):
        stages.stages_to_run(place, "churn_radar")
