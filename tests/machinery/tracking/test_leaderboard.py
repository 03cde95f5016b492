"""The leaderboard ranks the runs, and finds the commit of each once there is one."""

import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.git import tree_hash
from churn_radar.mlops.tracking import Run, Table, commands, registry, runs
from machinery.tracking.known import trained

TEST = Table("test", Path("data", "processed", "some_test.parquet"), "0" * 32)


@pytest.fixture(autouse=True)
def _here(config: Config, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(commands, "load_config", lambda _: config)


def log(config: Config, root: Path, name: str, score: float, tags: dict[str, str]) -> str:
    """Log a run of the pipeline as the recording does."""
    metric = config.selection.metric
    metrics = {metric: score, f"{metric}_low": score - 0.1, f"{metric}_high": score + 0.1}
    run = Run(
        f"{config.model.name}/pipeline",
        f"{name}-main-20260131-142530",
        {},
        metrics | {"train.seconds": 1.25},
        {"mlflow.user": "Ada", "chosen": name, "dvc_test": TEST.md5} | tags,
        tables=[TEST],
        seconds=90,
        model=f"{name} 1.0",
    )
    return str(runs.log(root, run))


def test_the_best_run_comes_first_and_the_champion_is_marked(
    config: Config, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(root, "champion")
    version = registry.register(root, config.model.name, folder, None, {})
    registry.set_alias(root, config.model.name, "champion", version.number)
    log(config, root, "best", 0.9, {})
    log(config, root, "third", 0.7, {"dvc_test": "1" * 32})
    log(config, root, "second", 0.8, {"sha256": version.tags["sha256"]})
    commands.runs()
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0].partition("-")[0] for line in lines[:3]] == ["best", "second", "third"]
    assert lines[1].split() == [
        *("second-main-20260131-142530", "Ada", "0.800", "[0.700,", "0.900]"),
        *("second", "1.2", "s", "champion"),
    ]
    assert "champion" not in lines[0] + lines[2]
    # Its score says nothing beside the others.
    assert "0.800]*" in lines[2]
    assert lines[3].startswith("* on another test set than the newest run")


def test_only_the_newest_runs_are_ranked_unless_all_are_asked_for(
    config: Config, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "NEWEST", 1)
    log(config, root, "best", 0.9, {})
    log(config, root, "newest", 0.8, {})
    commands.runs()
    assert "best" not in capsys.readouterr().out
    # All of them, and not only what a store gives at once.
    monkeypatch.setattr(runs, "PAGE", 1)
    commands.runs(every=True)
    assert "best" in capsys.readouterr().out


def test_a_project_without_a_run_is_said(root: Path) -> None:
    # The store has a run, but none of this model.
    with pytest.raises(ProjectError, match="no run was logged yet: `make pipeline` logs one"):
        commands.runs()


def test_a_run_is_tagged_with_the_commit_that_comes_later(config: Config, root: Path) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    (root / ".gitignore").write_text("/models/\n")
    (root / "params.yaml").write_text("seed: 1\n")
    git("init", "--quiet", "-b", "main")
    log(config, root, "seen", 0.9, {"git_tree": tree_hash(root)})
    (root / "params.yaml").write_text("seed: 2\n")
    log(config, root, "lost", 0.9, {"git_tree": tree_hash(root)})
    log(config, root, "pruned", 0.9, {"git_tree": "1" * 40})
    (root / "params.yaml").write_text("seed: 1\n")
    # What the pipeline itself writes comes on top.
    (root / "dvc.lock").write_text("stages: {}\n")
    for message in ("This one", "And a later one with the same files"):
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", message)
    first = git("rev-parse", "HEAD~1")
    # The pipeline does not read it: the files of the run were committed before.
    (root / "README.md").write_text("Not committed yet\n")
    log(config, root, "seen-again", 0.9, {"git_tree": tree_hash(root)})

    def commits() -> dict[str, str]:
        newest = runs.recent(root, 4, f"{config.model.name}/pipeline")
        found = commands.find_commits(root, newest)
        return {run.name.split("-main-")[0]: found[run.id] for run in newest if run.id in found}

    assert commits() == {"seen": first, "seen-again": first}
    # The tag stays, whatever becomes of the tree.
    git("checkout", "--quiet", "--orphan", "new")
    git("branch", "--quiet", "-D", "main")
    assert commits() == {"seen": first, "seen-again": first}


def test_mlflow_has_user_duration_tables_and_model_in_columns_of_their_own(
    config: Config, root: Path
) -> None:
    run_id = log(config, root, "some", 0.9, {})
    with runs.store(root) as client:
        run = client.get_run(run_id)
    assert run.data.tags["mlflow.user"] == "Ada"
    assert 90_000 <= run.info.end_time - run.info.start_time < 100_000
    (table,) = run.inputs.dataset_inputs
    assert (table.dataset.name, table.dataset.digest) == ("some_test.parquet", TEST.md5)
    assert [tag.value for tag in table.tags] == ["test"]
    with runs.store(root) as client:
        (output,) = run.outputs.model_outputs
        model = client.get_logged_model(output.model_id)
    # The name of a candidate may have what MLflow does not take.
    assert (model.name, model.source_run_id) == ("some-1-0", run_id)
