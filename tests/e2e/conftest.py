"""One project made for real, with the hooks, the package index and every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.real import Generated, copy
from support import git


@pytest.fixture(scope="session")
def generated(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The project of the default answers, made once. Change only what `project` puts back."""
    return copy(template, tmp_path_factory.mktemp("e2e") / "churn-radar")


@pytest.fixture
def project(generated: Generated) -> Iterator[Path]:
    """The default project, free to be changed: tracked and new files are put back."""
    assert generated.status == 0, generated.output
    yield generated.path
    git(generated.path, "reset", "--quiet", "--hard")
    git(generated.path, "clean", "--quiet", "--force", "-d")
