"""One project made for real, with the hooks, the package index and every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.market import GATES, Shelf, aliases, build, measured_as_before, promote, settle, verdicts
from e2e.real import Generated, clone, copy
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


@pytest.fixture(scope="session")
def market(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first model was promoted with every gate, and whose next is as good.

    Nothing is tuned, which would take most of the time.
    """
    project = clone(generated, tmp_path_factory.mktemp("market"))
    settle(project, tuning={"trials": 0})
    build(project)
    status, refused, output = promote(project, "WHY=it's the $first")
    assert (status, refused) == (0, {}), output
    assert "as the first" in output
    assert aliases(project) == {"champion": 1}
    assert verdicts(project).keys() == GATES
    settle(project, model={"linear": {"C": 0.5}})
    build(project, "train", "evaluate", "challenge", "report")
    return project


@pytest.fixture(scope="session")
def shelf(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    measured_as_before(market)
    return Shelf(market, tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def contest(market: Path, shelf: Shelf) -> Iterator[Path]:
    """The project with a sound candidate; put back afterwards."""
    begin = git(market, "rev-parse", "HEAD").strip()
    yield market
    git(market, "reset", "--quiet", "--hard", begin)
    git(market, "clean", "--quiet", "--force", "-d")
    shelf.restore()
