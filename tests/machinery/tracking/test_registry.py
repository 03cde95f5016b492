"""What holds of runs and model versions in whichever store was chosen."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_radar import tracking
from churn_radar.errors import ProjectError
from churn_radar.practices import Tracking
from churn_radar.tracking import Run, registry, runs
from churn_radar.tracking.housekeeping import collect_garbage, prunable
from churn_radar.tracking.notebooks import check_notebooks

MODEL = "some-model"
RUN = Run(
    "some-model/pipeline",
    "linear-20260131-1a2b3c4",
    {"data.name": "customers", "long": "x" * 9_000} | {f"setting_{n}": str(n) for n in range(150)},
    {"roc_auc": 0.8, "train.seconds": 1.5},
    {"git_commit": "0" * 40},
)


@pytest.fixture(scope="module", autouse=True)
def _store_of_the_project() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run; a new store takes seconds, so it is made once."""
    root = tmp_path_factory.mktemp("begun") / "project"
    (root / "reports" / "plots").mkdir(parents=True)
    for name in ("metrics.json", "plots/calibration.csv"):
        (root / "reports" / name).write_text(name)
    trained(root, "first")
    log(root)
    return root


@pytest.fixture
def root(begun: Path, tmp_path: Path) -> Path:
    """The project, moved to a folder of its own, with a name that needs care in an address."""
    return Path(shutil.copytree(begun, tmp_path / "50 % größer"))


def trained(root: Path, content: str) -> Path:
    """Stands in for a trained model: its folder."""
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "model.skops").write_text(content)
    (root / "models" / "passport.json").write_text("{}")
    return root / "models"


def log(root: Path) -> str:
    files = [path for path in (root / "reports").rglob("*") if path.is_file()]
    run = Run(RUN.experiment, RUN.name, RUN.params, RUN.metrics, {}, files)
    return str(tracking.log(root, run))


def registered(root: Path, content: str, run: str | None = None) -> tracking.Version:
    return tracking.register(root, MODEL, trained(root, content), run, {"chosen": "linear"})


def test_the_newest_runs_come_first(root: Path) -> None:
    (first,) = runs.recent(root, 5)
    second = log(root)
    assert [run.id for run in runs.recent(root, 5)] == [second, first.id]
    (newest,) = runs.recent(root, 1)
    assert (newest.name, newest.experiment) == (RUN.name, RUN.experiment)
    assert newest.metrics == RUN.metrics
    assert newest.started.startswith("20")
    assert newest.started.endswith("+00:00")


@pytest.mark.parametrize(
    ("experiment", "name", "reason"),
    [
        ("pipeline", RUN.name, "experiment name 'pipeline' breaks the rule '<model>/<purpose>'"),
        (RUN.experiment, "my run", "run name 'my run' breaks the rule"),
    ],
)
def test_a_run_with_a_bad_name_is_refused(
    root: Path, experiment: str, name: str, reason: str
) -> None:
    with pytest.raises(ProjectError, match=reason):
        tracking.log(root, Run(experiment, name, {}, {}, {}))
    assert len(runs.recent(root, 5)) == 1


def test_a_model_with_a_bad_name_or_no_passport_is_refused(root: Path) -> None:
    with pytest.raises(ProjectError, match="model name 'My Model' breaks the rule"):
        tracking.register(root, "My Model", root / "models", None, {})
    (root / "models" / "passport.json").unlink()
    with pytest.raises(ProjectError, match=r"passport\.json is missing: run `make pipeline`"):
        tracking.register(root, MODEL, root / "models", None, {})
    assert registry.versions(root, MODEL) == []


def test_the_same_model_is_the_same_version(root: Path) -> None:
    (run,) = runs.recent(root, 1)
    first = registered(root, "first", run.id)
    assert (first.number, first.run, first.tags["chosen"]) == (1, run.id, "linear")
    assert registered(root, "first") == first
    # Two models of one run, and one of none: each keeps its own files.
    assert registered(root, "second", run.id).number == 2
    assert registered(root, "third").number == 3
    versions = registry.versions(root, MODEL)
    assert [version.number for version in versions] == [3, 2, 1]
    folders = [registry.fetch(root, MODEL, version) for version in versions]
    contents = [(folder / "model.skops").read_text() for folder in folders]
    assert contents == ["third", "second", "first"]
    assert all((folder / "passport.json").exists() for folder in folders)


def test_a_run_that_is_not_there_has_no_model(root: Path) -> None:
    with pytest.raises(ProjectError, match="0123"):
        registered(root, "first", "0123")
    assert registry.versions(root, MODEL) == []


def test_an_alias_is_set_moved_and_dropped(root: Path) -> None:
    assert registry.by_alias(root, MODEL, "champion") is None
    registered(root, "first")
    registered(root, "second")
    assert registry.by_alias(root, MODEL, "champion") is None
    for number in (1, 2):
        registry.set_alias(root, MODEL, "champion", number)
        champion = registry.by_alias(root, MODEL, "champion")
        assert champion is not None
        assert champion.number == number
    assert registry.aliases(root) == {MODEL: {"champion": 2}}
    for _ in range(2):
        registry.drop_alias(root, MODEL, "champion")
        assert registry.aliases(root) == {MODEL: {}}
    with pytest.raises(ProjectError, match="9"):
        registry.set_alias(root, MODEL, "champion", 9)


def test_a_tag_is_written_over(root: Path) -> None:
    registered(root, "first")
    for value in ("floor: 0.1 is less than 0.2", "none"):
        registry.tag(root, MODEL, 1, "refused", value)
        assert registry.versions(root, MODEL)[0].tags["refused"] == value
    with pytest.raises(ProjectError, match="9"):
        registry.tag(root, MODEL, 9, "refused", "")


def test_a_folder_that_was_moved_is_whole(root: Path, tmp_path: Path) -> None:
    registered(root, "first")
    moved = root.rename(tmp_path / "moved")
    (version,) = registry.versions(moved, MODEL)
    folder = registry.fetch(moved, MODEL, version)
    assert (folder / "model.skops").read_text() == "first"
    assert folder.is_relative_to(moved)
    assert registered(moved, "first").number == 1
    assert registered(moved, "second").number == 2
    assert not root.exists()


def test_garbage_is_named_before_it_is_freed(root: Path) -> None:
    (first,) = runs.recent(root, 1)
    registered(root, "first", first.id)
    dropped = registered(root, "second", log(root))
    registry.set_alias(root, MODEL, "champion", 1)
    log(root)
    config = SimpleNamespace(tracking=Tracking(keep_runs=1))
    sizes = prunable(root, {first.id, runs.recent(root, 1)[0].id})
    assert list(sizes) == [dropped.run]
    assert sizes[dropped.run] > len("second")
    assert "would free the files of 1 run" in collect_garbage(config, root, really=False)
    assert registry.fetch(root, MODEL, dropped).exists()
    assert collect_garbage(config, root, really=True).startswith("freed the files of 1 run")
    second, champion = registry.versions(root, MODEL)
    assert registry.fetch(root, MODEL, champion).exists()
    assert "pruned" in second.tags
    assert "pruned" not in champion.tags
    with pytest.raises(ProjectError, match="the files of some-model version 2 are gone"):
        registry.fetch(root, MODEL, second)
    assert len(runs.recent(root, 9)) == 3
    assert "0 runs" in collect_garbage(config, root, really=True)
    # A model whose files are gone is stored anew.
    assert registered(root, "second").number == 3


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\nimport mlflow as m", 2),
        ("%%time\nwith wandb.init():\n    pass", 2),
        ("!mlflow ui", 1),
        ("from churn_radar.tracking import log", 1),
        ("from churn_radar import (\n    data,\n    tracking,\n)", 3),
        ("import importlib\nimportlib.import_module('mlflow')", 2),
    ],
)
def test_a_notebook_that_tracks_is_refused(tmp_path: Path, code: str, line: int) -> None:
    notebook(tmp_path, "notebooks/eda/01-look.ipynb", "import pandas", code)
    where = rf"notebooks/eda/01-look\.ipynb, cell 3, line {line}: "
    with pytest.raises(ProjectError, match=rf"cells run in any order[\s\S]*{where}"):
        check_notebooks(tmp_path)


def test_a_notebook_that_only_speaks_of_tracking_is_read(tmp_path: Path) -> None:
    speaks = "# see mlflow\nprint('wandb', \"mlflow\")\n'''\nmlflow.log\n'''\nmy.mlflow = 1"
    notebook(tmp_path, "notebooks/01-look.ipynb", speaks)
    notebook(tmp_path, "notebooks/.ipynb_checkpoints/01-look-checkpoint.ipynb", "import mlflow")
    assert check_notebooks(tmp_path) == 1
    (tmp_path / "notebooks" / "02-torn.ipynb").write_text("{")
    with pytest.raises(ProjectError, match=r"02-torn\.ipynb is no notebook"):
        check_notebooks(tmp_path)


def notebook(root: Path, name: str, *cells: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {"cell_type": "markdown", "source": ["import mlflow"]}
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    path.write_text(json.dumps({"cells": [text, *code], "nbformat": 4}), encoding="utf-8")
