"""What a stage took is recorded, and the last one logs the run, or says why not."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_radar import passport, recording
from churn_radar.config import Config
from churn_radar.errors import ProjectError
from churn_radar.pipeline import tune
from churn_radar.recording import logged, recorded
from churn_radar.tracking import Run

SHA = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of the file `{}`


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What the stages leave behind."""
    written = {
        "models/passport.json": {"sha256": SHA, "python": "3.11", "libraries": {"numpy": "2.0"}},
        "models/model.skops": {},
        "reports/metrics.json": {"rows": 9, "roc_auc": 0.8},
        "reports/selection.json": {"chosen": "my_model", "means": {"my_model": 0.7}},
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
    runs: list[Run] = []

    def log(root: Path, run: Run) -> str:
        runs.append(run)
        return "new"

    monkeypatch.setattr(recording, "log", log)
    return runs


def stage(said: str) -> Callable[[Config, Path], str]:
    return lambda config, root: said


def test_what_a_stage_took_is_added_to_the_record(config: Config, root: Path) -> None:
    def busy(config: Config, root: Path) -> str:
        held = bytearray(os.urandom(1 << 20) * 8)
        return f"{sum(held[::4096]) > 0}"

    assert recorded("split", busy, config, root) == "True"
    record = json.loads((root / "reports" / "runs.json").read_text())
    took = record["stages"].pop("split")
    assert 0 <= took["cpu_seconds"] < 60
    assert 0 < took["seconds"] < 60
    assert 8 < took["peak_mb"] < 100_000
    assert record == {"stages": {"train": {"seconds": 2.0}}, "run": "old", "sha256": "cd"}


def test_training_takes_the_tuned_settings_and_leaves_a_passport(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Config] = []
    monkeypatch.setattr(passport, "write", lambda config, root: written.append(config))
    better = config.model_copy(update={"seed": config.seed + 1})
    monkeypatch.setattr(tune, "tuned", lambda config, root: better)
    seen: list[Config] = []

    def look(config: Config, root: Path) -> str:
        seen.append(config)
        return "looked"

    recorded("train", look, config, root)
    recorded("evaluate", look, config, root)
    assert seen == [better, config]
    assert written == [better]


def test_the_last_stage_logs_the_run(config: Config, root: Path, sent: list[Run]) -> None:
    assert logged(root) is None
    said = recorded("report", stage("a page"), config, root)
    (run,) = sent
    assert said == f"a page; logged as {run.name}"
    assert run.experiment == f"{config.model.name}/pipeline"
    assert run.name.startswith("my-model-20")
    assert run.name.endswith("-0000000")
    assert run.params["selection.metric"] == config.selection.metric
    assert run.params["seed"] == str(config.seed)
    assert run.params["data.read.names"] == "{}"
    assert run.metrics.items() >= {"roc_auc": 0.8, "selection.my_model": 0.7}.items()
    assert {"train.seconds", "report.seconds", "report.peak_mb"} <= run.metrics.keys()
    assert run.tags["library.numpy"] == "2.0"
    assert run.tags["git_dirty"] == "false"
    names = {path.relative_to(root).as_posix() for path in run.files}
    reports = {"metrics.json", "selection.json", "tuning.json", "runs.json", "plots/folds.json"}
    assert names == {f"reports/{name}" for name in reports} | {"models/passport.json"}
    assert logged(root) == "new"
    (root / "models" / "passport.json").write_text('{"sha256": "ef"}')
    assert logged(root) is None


def test_the_run_names_commit_and_data(config: Config, root: Path, sent: list[Run]) -> None:
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    table = root / config.table("processed", "train")
    for path in (table, root / "params.yaml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hello")
    recorded("report", stage(""), config, root)
    for path in (table, root / "params.yaml"):
        path.unlink()
    recorded("report", stage(""), config, root)
    first, second = sent
    sha = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert first.tags["git_commit"] == sha.stdout.strip()
    assert first.name.endswith(f"-{sha.stdout[:7]}")
    assert (first.tags["git_dirty"], second.tags["git_dirty"]) == ("true", "false")
    assert first.tags["dvc_train"] == "5d41402abc4b2a76b9719d911017c592"
    assert "dvc_train" not in second.tags


def test_a_passport_of_another_model_is_refused(config: Config, root: Path) -> None:
    (root / "models" / "model.skops").write_text("another")
    with pytest.raises(ProjectError, match=r"passport\.json is not about models/model\.skops"):
        recorded("report", stage(""), config, root)


def test_a_machine_without_git_logs_too(
    config: Config, root: Path, sent: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    recorded("report", stage(""), config, root)
    assert sent[0].tags["git_commit"] == "0" * 40


def test_a_store_that_does_not_answer_stops_the_pipeline(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(root: Path, run: Run) -> str:
        raise ProjectError("the tracking server http://127.0.0.1:1 does not answer")

    monkeypatch.setattr(recording, "log", silent)
    with pytest.raises(ProjectError, match="does not answer"):
        recorded("report", stage(""), config, root)
    assert logged(root) is None
