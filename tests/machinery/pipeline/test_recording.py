"""What a stage took is recorded, and the last one logs the run, or says why not."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops import pipeline
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline.recording import log_run, measure_stage
from churn_radar.mlops.tracking import Run, logged_run, runs

SHA = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of the file `{}`


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What the stages leave behind."""
    written = {
        "models/manifest.json": {"sha256": SHA, "python": "3.11", "libraries": {"numpy": "2.0"}},
        "models/model.skops": {},
        "reports/metrics.json": {"rows": 9, "roc_auc": 0.8},
        "reports/selection.json": {
            "chosen": "my_model",
            "metric": "roc_auc",
            "means": {"baseline": 0.5, "my_model": 0.7},
        },
        "reports/tuning.json": {"settings": {}},
        "reports/plots/folds.json": {},
        "reports/verification.json": {},
        "reports/runs.json": {"stages": {"train": {"seconds": 2.0}}, "run": "old", "sha256": "cd"},
    }
    for name, facts in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(facts))
    return tmp_path


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that were logged, in the place of a store."""
    logged: list[Run] = []

    def log(root: Path, run: Run) -> str:
        logged.append(run)
        return "new"

    monkeypatch.setattr(runs, "log", log)
    return logged


def test_what_a_stage_took_is_added_to_the_record(root: Path) -> None:
    with measure_stage("split", root):
        held = bytearray(os.urandom(1 << 20) * 8)
        assert sum(held[::4096])
    record = json.loads((root / "reports" / "runs.json").read_text())
    took = record["stages"].pop("split")
    assert 0 <= took["cpu_seconds"] < 60
    assert 0 < took["seconds"] < 60
    assert 8 < took["peak_mb"] < 100_000
    assert record == {"stages": {"train": {"seconds": 2.0}}, "run": "old", "sha256": "cd"}


def test_a_stage_that_fails_leaves_no_record(root: Path) -> None:
    before = (root / "reports" / "runs.json").read_bytes()
    with pytest.raises(ProjectError), measure_stage("split", root):
        raise ProjectError("no row is later")
    assert (root / "reports" / "runs.json").read_bytes() == before


def test_the_last_stage_logs_the_run(
    config: Config, root: Path, sent: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "stage", lambda _: lambda config, root: "a page")
    assert logged_run(root, SHA) is None
    assert pipeline.run_stage("split", config, root) == "a page"
    assert sent == []
    said = pipeline.run_stage("report", config, root)
    (run,) = sent
    assert said == (
        f"a page; logged as {run.name}; roc_auc of each candidate: baseline 0.500, "
        "my_model 0.700 (chosen)"
    )
    assert run.experiment == f"{config.model.name}/pipeline"
    assert run.name.startswith("my-model-detached-20")
    assert run.params["selection.metric"] == config.selection.metric
    assert run.params["pipeline.seed"] == str(config.seed)
    assert run.params["data.read.names"] == "{}"
    assert run.metrics.items() >= {"roc_auc": 0.8, "selection.my_model": 0.7}.items()
    assert {"train.seconds", "report.seconds", "report.peak_mb"} <= run.metrics.keys()
    assert run.tags["library.numpy"] == "2.0"
    assert run.tags["git_dirty"] == "false"
    # Both stages, though `train` ran before: that is what the model took.
    assert run.seconds >= 2
    names = {path.relative_to(root).as_posix() for path in run.files}
    reports = {"metrics.json", "selection.json", "tuning.json", "runs.json", "plots/folds.json"}
    assert names == {f"reports/{name}" for name in reports} | {"models/manifest.json"}
    assert logged_run(root, SHA) == "new"
    assert logged_run(root, "ef") is None


def test_the_settings_of_the_chosen_model_alone_have_bare_names(
    config: Config, root: Path, sent: list[Run]
) -> None:
    log_run(config.with_settings("my_model", {"depth": 3}), root)
    bare = {name: value for name, value in sent[0].params.items() if "." not in name}
    assert bare == {"depth": "3"}


def test_the_run_names_commit_and_data(config: Config, root: Path, sent: list[Run]) -> None:
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    branch = ["init", "--quiet", "-b", "feature/Ünder_way"]
    for command in (branch, ["commit", "--quiet", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    table = root / config.table("processed", "train")
    for path in (table, root / "params.yaml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hello")
    log_run(config, root)
    for path in (table, root / "params.yaml"):
        path.unlink()
    log_run(config, root)
    first, second = sent
    sha = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert first.tags["git_commit"] == sha.stdout.strip()
    assert first.name.startswith("my-model-feature-nder-way-20")
    # What it saw was not committed: the commit would be of other files.
    source = "mlflow.source.git"
    assert first.tags[f"{source}.branch"] == "feature/Ünder_way"
    assert f"{source}.commit" not in first.tags
    assert second.tags[f"{source}.commit"] == sha.stdout.strip()
    assert first.tags["git_tree"] != second.tags["git_tree"]
    assert [(table.step, table.path.name) for table in first.tables] == [("train", table.name)]
    assert (first.tags["git_dirty"], second.tags["git_dirty"]) == ("true", "false")
    assert first.tags["dvc_train"] == "5d41402abc4b2a76b9719d911017c592"
    assert "dvc_train" not in second.tags


def test_a_manifest_of_another_model_is_refused(config: Config, root: Path) -> None:
    (root / "models" / "model.skops").write_text("another")
    with pytest.raises(ProjectError, match=r"manifest\.json is not about models/model\.skops"):
        log_run(config, root)


def test_a_machine_without_git_logs_too(
    config: Config, root: Path, sent: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    log_run(config, root)
    assert sent[0].tags["git_commit"] == "0" * 40


def test_a_store_that_does_not_answer_stops_the_pipeline(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(root: Path, run: Run) -> str:
        raise ProjectError("the tracking server http://127.0.0.1:1 does not answer")

    monkeypatch.setattr(runs, "log", silent)
    with pytest.raises(ProjectError, match="does not answer"):
        log_run(config, root)
    assert logged_run(root, SHA) is None
