"""The pytest plugin with the fixtures for the team's tests, and what these tests may import.

`pyproject.toml` loads it with `-p`, before coverage starts: to trace the imports of the libraries
below would cost seconds and says nothing. The team's own modules are imported only by the tests,
so that their lines count.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pandera.pandas  # noqa: F401
import pytest
import sklearn.ensemble  # noqa: F401
import skops.io  # noqa: F401
from sklearn.dummy import DummyClassifier, DummyRegressor
from threadpoolctl import threadpool_limits

from . import team
from .config import Config, Read, load_config
from .data.validation import checked, personal_columns
from .modeling import metrics
from .modeling.inputs import feature_table, inputs
from .modeling.selection import cross_validate
from .modeling.storage import load_model, save_model
from .pipeline import STAGES, run_stage, stage

__all__ = [
    "checked",
    "cross_validate",
    "feature_table",
    "load_model",
    "personal_columns",
    "save_model",
    "stage",
]

N_ROWS = 800
"""Rows of the simulated table that the tests use."""

N_RESAMPLES = 20
"""Fewer than in a project: the tests need an interval, not a narrow one."""

N_FOLDS = 3
N_TRIALS = 2
"""Fewer than in a project: whether a stage works does not depend on them."""

LAST_STAGE = "evaluate"
"""Where the tests of the pipeline end. What follows it only describes the model, and the step
`pipeline` of `make verify` runs it on the whole table.
"""


@pytest.fixture(scope="session", autouse=True)
def _alone() -> Iterator[None]:
    """Use one thread and few resamples for small tables, and no tracking server of this machine."""
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
            patch.delenv(variable, raising=False)
        patch.setattr(metrics, "N_RESAMPLES", N_RESAMPLES)
        yield


@pytest.fixture(scope="session")
def project_root(pytestconfig: pytest.Config) -> Path:
    """Return the folder of params.yaml."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def config(project_root: Path) -> Config:
    """Return the project's settings with fewer folds and trials, for a small and plain CSV file."""
    settings = load_config(project_root)
    raw = Path(f"data/raw/{settings.data.name}_raw.csv")
    n_trials = min(settings.tuning.trials, N_TRIALS)
    return settings.model_copy(
        update={
            # The simulated table is written as plain CSV, whatever the team's own file is.
            "data": settings.data.model_copy(update={"raw": raw, "read": Read()}),
            "selection": settings.selection.model_copy(update={"folds": N_FOLDS}),
            "tuning": settings.tuning.model_copy(update={"trials": n_trials}),
        }
    )


@pytest.fixture(scope="session")
def raw(config: Config) -> pd.DataFrame:
    """Return a small simulated raw table that fits its schema."""
    return checked(team.raw_table(), team.simulate(N_ROWS, config.seed))


@pytest.fixture(scope="session")
def labelled(config: Config, raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and target of the rows whose outcome is known."""
    return inputs(config, raw[raw[config.data.target].notna()])


@pytest.fixture(scope="session")
def evaluated(config: Config, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the stages up to the metrics have run on the small table.

    The settings are not tuned first: the search takes longer than all of these stages.
    """
    root = _with_raw_data(config, project_root, tmp_path_factory.mktemp("evaluated"))
    for name in STAGES[: STAGES.index(LAST_STAGE) + 1]:
        if name != "tune":
            run_stage(name, config, root)
    return root


@pytest.fixture(scope="session")
def finished(config: Config, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every stage has run on the small table."""
    root = _with_raw_data(config, project_root, tmp_path_factory.mktemp("project"))
    for name in STAGES:
        run_stage(name, config, root)
    return root


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `learner` once for each candidate that is not a baseline."""
    if "learner" in metafunc.fixturenames:
        found = team.candidates(load_config(metafunc.config.rootpath))
        baselines = (DummyClassifier, DummyRegressor)
        names = [name for name, model in found.items() if not isinstance(model[-1], baselines)]
        metafunc.parametrize("learner", names)


def _with_raw_data(config: Config, project_root: Path, root: Path) -> Path:
    """Write what a fresh clone has: the raw table and the documents."""
    path = root / config.data.raw
    path.parent.mkdir(parents=True)
    team.simulate(N_ROWS, config.seed).to_csv(path, index=False)
    shutil.copytree(project_root / "docs", root / "docs")
    return root
