"""Fixtures: the template as a tagged repository, and the projects rendered from it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import support
from plumbum import local
from support import Project

# As the projects' commands set it, before scikit-learn is imported: two workers share two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

MACHINERY = Path(__file__).parent / "machinery"

CHAMPION = ("test_champions.py", "test_promotion.py")
"""They share a project with a champion, which takes minutes to make."""

# The frameworks make projects of their own, while the other process waits for the default one.
LONGEST = (*CHAMPION, "test_frameworks.py", "test_known_tables.py", "test_faults.py")
LONG = ("test_hostile.py", "test_update.py")
"""Beside whole projects, which take minutes too."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `-n`, begin with what takes minutes in one piece, or one core would end alone."""
    if hasattr(config, "workerinput"):
        items.sort(key=turn)


def turn(item: pytest.Item) -> int:
    """When a test has its turn: those of the lowest number are the first."""
    name = item.path.name
    if name in LONGEST:
        return LONGEST.index(name)
    if "e2e" in item.path.parts or name in LONG:
        return len(LONGEST)
    return len(LONGEST) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage in the tests of the machinery alone, and in the processes that they start.

    They reach what must be reached: to trace whole projects and updates as well, with each of their
    processes, would say nothing more and take a good part of the time.
    """
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = plugin and plugin.cov_controller
    if not controller or MACHINERY in item.path.parents:
        return (yield)
    of_children = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()
        if of_children is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = of_children


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, run in one process what shares fixtures.

    The mark `xdist_group` would say the same, but xdist 3.8 does not see it with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # whole projects stay the first
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = process_group
    return scheduler


def process_group(nodeid: str) -> str:
    """Name the tests that share a process with this one: most often those of its file."""
    file, _, test = nodeid.partition("::")
    name = Path(file).name
    if name in CHAMPION:
        return "with a champion"
    # It makes a project for each parameter.
    if name == "test_frameworks.py" and "[" in test:
        return f"{name} {test.partition('[')[2]}"
    if test.startswith("test_a_copy_"):
        return f"{name} copies"
    return file


@pytest.fixture(scope="session", autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the settings of git and Copier that this machine happens to have.

    A run in the background has Ctrl-C switched off, one under nohup SIGHUP too, and its children
    would inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        # A handler is not inherited, and this run still outlives its terminal.
        signal.signal(signal.SIGHUP, lambda *_: None)
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n", encoding="utf-8")
    variables = {
        "COPIER_SETTINGS_PATH": str(settings),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        # Most of what mypy reads for a project is of libraries, and the same for the next one.
        "MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy")),
    }
    for role in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{role}_NAME": "Test", f"GIT_{role}_EMAIL": "test@example.org"}
    # Copier calls git with the environment that plumbum copied when it was imported.
    with pytest.MonkeyPatch.context() as patch, local.env(**variables):
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def template(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it stands on the disk, committed and tagged v1.0.0 elsewhere."""
    return support.copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Return the project of some answers, rendered once a session and without the hooks."""
    rendered: dict[str, Project] = {}

    def project(**answers: str | bool) -> Project:
        key = json.dumps(answers, sort_keys=True)
        if key not in rendered:
            target = tmp_path_factory.mktemp("project") / "project"
            rendered[key] = support.render(template, target, answers)
        return rendered[key]

    return project
