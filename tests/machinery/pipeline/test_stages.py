"""The stages are found by name."""

import shutil
from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import STAGES, pipeline, stage


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ProjectError, match="choose from ingest"):
        stage("deploy")


def test_every_stage_is_there() -> None:
    assert [stage(name).__name__ for name in STAGES] == [*STAGES]
    assert len(STAGES) == 8


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        (
            "metric: roc_auc",
            "metric: roc_aux",
            "  metric: roc_aux",
            "selection.metric: scikit-learn has no scorer roc_aux: did you mean roc_auc?",
        ),
        (
            "max_leaf_nodes:",
            "max_leaf_node:",
            "    max_leaf_node: 15",
            "model.boosting.max_leaf_node: 15 is refused: "
            "HistGradientBoostingClassifier.__init__() got an unexpected keyword argument "
            "'max_leaf_node': did you mean max_leaf_nodes?",
        ),
    ],
)
def test_a_setting_that_only_a_stage_can_judge_is_named_with_its_line(
    right: str,
    wrong: str,
    line: str,
    said: str,
    project_root: Path,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(finished / "data", tmp_path / "data")
    text = (project_root / "params.yaml").read_text().replace(right, wrong)
    (tmp_path / "params.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError) as refused:
        pipeline(["tune"])
    number = [row.partition(" #")[0] for row in text.splitlines()].index(line) + 1
    assert str(refused.value) == f"params.yaml, line {number}: {said}"
