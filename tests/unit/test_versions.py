"""The tested set: complete, hashed, importable, and the same wherever a version is written."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable

import yaml
from support import ROOT, Project

REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^ ;\\]+)", REQUIREMENTS))
IMPORT = """
import importlib, importlib.metadata as metadata, sys, warnings
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    files = metadata.distribution(name).files or []
    tops = {file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py"}
    for top in sorted(tops):
        if top.isidentifier() and not top.startswith("_") and top not in ("distutils", "tests"):
            try:
                importlib.import_module(top)
            except Exception as error:
                print(f"{name}: import {top}: {error!r}")
"""


def dependencies(text: str) -> set[str]:
    """Return the requirements that a pyproject.toml lists, one a line."""
    return set(re.findall(r'(?m)^    "([a-z0-9.-]+>=[0-9.]+)",$', text))


def test_every_pin_is_hashed_and_names_no_address() -> None:
    blocks = re.split(r"(?m)^(?=[a-z0-9])", REQUIREMENTS)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in REQUIREMENTS


def test_the_set_holds_what_any_answer_asks_for() -> None:
    asked = dependencies((ROOT / "template" / "pyproject.toml.jinja").read_text(encoding="utf-8"))
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert asked == set(groups["dependency-groups"]["generated"])
    assert {requirement.partition(">=")[0] for requirement in asked} <= PINS.keys()


def test_a_project_starts_from_the_set(render: Callable[..., Project]) -> None:
    lines = render().text("tested-versions.txt").splitlines()[1:]
    assert {line.split("==")[0] for line in lines} == PINS.keys()
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^ ]+( ; .+)?", line) for line in lines)


def test_one_version_of_uv_everywhere(render: Callable[..., Project]) -> None:
    workflow = yaml.safe_load(render().text(".github/workflows/checks.yml"))
    assert workflow["env"]["UV_VERSION"] == PINS["uv"]
    assert f"uv=={PINS['uv']}" in render().text("docker/train.Dockerfile")


def test_every_library_of_the_set_imports() -> None:
    installed = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "list", "--python", sys.executable],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = [line.split()[0] for line in installed.splitlines()[2:]]
    here = sorted(PINS.keys() & {name.lower().replace("_", "-") for name in names})
    assert len(here) > 150, "run the tests in the environment that `make env` makes"
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *here], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
