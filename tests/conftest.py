"""Fixtures: the template as a tagged repository, and the projects rendered from it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import support
from plumbum import local
from support import Project


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `-n`, let the tests of a file share a process and so its fixtures, the slow ones first.

    A test can name another group with the mark `xdist_group`.
    """
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    # Whole projects take minutes: a core that began with them at the end would work alone.
    items.sort(key=lambda item: "e2e" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the settings of git and Copier that this machine happens to have.

    A run in the background has Ctrl-C switched off, and its children would inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n", encoding="utf-8")
    variables = {
        "COPIER_SETTINGS_PATH": str(settings),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
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
