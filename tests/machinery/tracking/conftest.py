"""A project with one run."""

import shutil
from pathlib import Path

import pytest
from machinery.tracking.known import log, trained
from support import once


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run; a new store takes seconds, so it is made once."""

    def make(root: Path) -> None:
        (root / "reports" / "plots").mkdir(parents=True)
        for name in ("metrics.json", "plots/calibration.csv"):
            (root / "reports" / name).write_text(name)
        trained(root, "first")
        log(root)

    return once(tmp_path_factory, "begun", make)


@pytest.fixture
def root(begun: Path, tmp_path: Path) -> Path:
    """The project, moved to a folder of its own, with a name that needs care in an address."""
    return Path(shutil.copytree(begun, tmp_path / "50 % größer"))
