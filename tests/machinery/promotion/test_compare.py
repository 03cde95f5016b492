"""Two models are compared on the same rows, though nobody promoted either."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.storage import load_model, save_model
from churn_radar.mlops.promotion import compare as module
from churn_radar.mlops.promotion.compare import compare, compare_with
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.tracking import Run, runs
from dvc.repo import Repo
from machinery.promotion.champions import try_it

Git = Callable[..., None]


@pytest.fixture
def judged(config: Config) -> Config:
    """The settings, by which slices of the small table are judged too."""
    slices = config.gates.slices.model_copy(update={"min_rows": 30})
    gates = config.gates.model_copy(update={"slices": slices})
    return config.model_copy(update={"gates": gates})


@pytest.fixture(autouse=True)
def root(judged: Config, project: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project on a branch without changes; its model is committed on main."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(module, "load_config", lambda _: judged)
    Repo.init(str(project)).close()
    # To DVC a file that git has is as good as one in its cache.
    git("add", "--force", "--all", "models", ".dvc")
    git("commit", "--quiet", "--no-verify", "--message", "Model")
    git("switch", "--quiet", "--create", "feature/other")
    return project


def edit_manifest(root: Path, **facts: Any) -> None:
    changed = manifest.read(root / "models") | facts
    (root / "models" / "manifest.json").write_text(json.dumps(changed))


def reverse(root: Path) -> None:
    """Turn the model's ranking around: nothing is worse."""
    path = root / "models" / "model.skops"
    model = load_model(path)
    model[-1].coef_ = -model[-1].coef_
    save_model(model, path)
    edit_manifest(root, sha256=file_hash(path))


def log_training(config: Config, root: Path, seconds: float) -> None:
    """Log a run of the model in models/ that took so long."""
    tags = {"sha256": manifest.read(root / "models")["sha256"]}
    name = "linear-main-20260131-142530"
    metrics = {"train.seconds": seconds}
    runs.log(root, Run(f"{config.model.name}/pipeline", name, {}, metrics, tags))


def test_a_worse_model_is_shown_to_be_worse_as_a_whole_and_by_slice(
    config: Config, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_training(config, root, 2)
    reverse(root)
    log_training(config, root, 5.5)
    evidence = Evidence(config, root)
    compare()
    said = capsys.readouterr().out
    metric = config.selection.metric
    assert f"{metric} is lower than that of main: the interval excludes 0." in said
    here = evidence.rows.score(evidence.cached_candidate)
    # A ranking that is turned around has the rest of the area under its curve.
    there = 1 - here
    rows = f"{len(evidence.test):,}"
    page = (root / "reports" / "compare.md").read_text(encoding="utf-8")
    header, _, *lines = page.splitlines()
    assert header == f"| {metric} | rows | here | main | difference [95 % interval] |"
    scores = f"{here:.3f} | {there:.3f} | {here - there:+.3f} [-"
    assert lines[0].startswith(f"| all rows | {rows} | {scores}")
    # Of the slices only those that moved are listed.
    assert lines[1].startswith("| region=north | ")
    assert " slices moved; about 1 of 20 does so by chance." in said
    assert "| seconds of training |  | 5.5 | 2.0 | +3.5 |" in lines
    # The gates say what they say of it before anybody promotes.
    assert "Gate floor, refused: " in page
    assert "champion, " not in page
    for cell in lines[0].strip("| ").split(" | "):
        assert cell in said


def test_the_interval_is_that_of_the_difference_on_the_same_draws(
    judged: Config, root: Path
) -> None:
    same = compare_with(judged, root, "main")
    # Each score has an interval of its own, but of two equal models no draw differs.
    assert (same.whole.value, same.whole.low, same.whole.high) == (0, 0, 0)
    assert not any(change.is_shown for change in same.slices.values())
    assert len(same.slices) > 3
    assert "models/ has the very model of main" in same.notes[0]
    reverse(root)
    worse = compare_with(judged, root, "main").whole
    assert worse.value == pytest.approx(worse.here - worse.there)
    assert worse.low < worse.value < worse.high < 0


def test_what_makes_the_table_mean_less_is_said(
    config: Config, root: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_manifest(root, data="0" * 64)
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Other rows")
    git("switch", "--quiet", "main")
    (note,) = compare_with(config, root, "feature/other").notes[1:]
    assert note.startswith("feature/other was trained on another training set. If rows of this")
    (root / config.table("processed", "train")).write_bytes(b"others")
    # Nothing that takes the table's columns: it is none any more.
    monkeypatch.setattr(module, "_compare", module._notes)
    first, *_ = compare_with(config, root, "main")
    assert first.startswith("Code or training set were changed since the model in models/")


def test_without_a_champion_it_is_said_and_with_one_it_is_compared(
    config: Config, root: Path, all_pass: None
) -> None:
    with pytest.raises(ProjectError, match="there is no champion here: `make registry-pull`"):
        compare_with(config, root, "champion")
    try_it(config, root)
    reverse(root)
    found = compare_with(config, root, "champion")
    assert found.other == "champion"
    assert found.whole.high < 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mainn", "git knows no branch, tag or commit 'mainn'; the nearest names: main"),
        ("--all", "git knows no branch, tag or commit '--all'; the nearest names: "),
    ],
)
def test_a_branch_that_is_not_there_is_one_sentence_with_those_that_are(
    root: Path, name: str, sentence: str
) -> None:
    with pytest.raises(ProjectError) as refusal:
        compare(name)
    assert str(refusal.value).startswith(sentence)
    # CI shows it in the place of the table.
    page = (root / "reports" / "compare.md").read_text(encoding="utf-8")
    assert page == f"Not compared with {name}: {refusal.value}\n"


def test_a_model_that_dvc_does_not_have_is_one_sentence(
    config: Config, root: Path, git: Git
) -> None:
    (root / "models" / "model.skops").unlink()
    with pytest.raises(ProjectError, match=r"models/model\.skops is not there: `make pipeline`"):
        compare_with(config, root, "main")
    git("rm", "--quiet", "--cached", "models/model.skops")
    git("commit", "--quiet", "--no-verify", "--message", "No model")
    git("branch", "feature/no-model")
    # A stage has it as its result, and no dvc.lock says what that was.
    stage = "stages:\n  train:\n    cmd: train\n    outs: [models/model.skops]\n"
    (root / "dvc.yaml").write_text(stage)
    git("add", "--force", "dvc.yaml")
    git("commit", "--quiet", "--no-verify", "--message", "Never made")
    git("branch", "feature/no-lock")
    git("rm", "--quiet", "dvc.yaml")
    (root / ".gitignore").write_text("/models/model.skops\n")
    pointer = "outs:\n- md5: " + "ab" * 16 + "\n  hash: md5\n  path: model.skops\n"
    (root / "models" / "model.skops.dvc").write_text(pointer)
    git("add", ".gitignore", "models/model.skops.dvc")
    git("commit", "--quiet", "--no-verify", "--message", "Nobody pushed it")
    git("checkout", "--quiet", "main", "--", "models/model.skops")
    for branch in ("feature/no-model", "feature/no-lock"):
        with pytest.raises(ProjectError, match=f"no model was committed on {branch} "):
            compare_with(config, root, branch)
    with pytest.raises(ProjectError, match=r"the model of HEAD \(.{7}\) is neither in DVC's cache"):
        compare_with(config, root, "HEAD")


def test_a_model_of_another_target_is_not_compared(config: Config, root: Path, git: Git) -> None:
    edit_manifest(root, target="price")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Another question")
    with pytest.raises(ProjectError, match=f"it predicts price, and models/ {config.data.target}"):
        compare_with(config, root, "HEAD")
