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
for name in sorted(sys.argv[1:], key="locust".__ne__):
    files = metadata.distribution(name).files or []
    tops = {file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py"}
    for top in sorted(tops):
        if top.isidentifier() and not top.startswith("_") and top not in ("distutils", "tests"):
            try:
                importlib.import_module(top)
            except Exception as error:
                print(f"{name}: import {top}: {error!r}")
"""


# The default index has torch for Linux with CUDA alone, gigabytes of it. So its pin stands in the
# tested versions of a project that asks for it, and e2e/test_frameworks.py imports it and skorch.
TORCH = "torch>=2.13"
# What the template's hooks/wire imports on top of a project's environment.
WIRING = {"charset-normalizer", "clevercsv", "python-slugify", "python-stdnum"}


def dependencies(text: str) -> set[str]:
    """Return the requirements that a pyproject.toml lists, one a line."""
    return set(re.findall(r'(?m)^    "([a-z0-9.-]+>=[0-9.]+(?:; [^"]+)?)",(?: #.*)?$', text))


def test_every_pin_is_hashed_and_names_no_address() -> None:
    blocks = re.split(r"(?m)^(?=[a-z0-9])", REQUIREMENTS)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in REQUIREMENTS


def test_the_set_holds_what_any_answer_or_wiring_asks_for() -> None:
    asked = dependencies((ROOT / "template" / "pyproject.toml.jinja").read_text(encoding="utf-8"))
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(groups["dependency-groups"]["generated"])
    assert {requirement.partition(">=")[0] for requirement in listed - asked} == WIRING
    assert asked - listed == {TORCH}
    assert {requirement.partition(">=")[0] for requirement in listed} <= PINS.keys()
    assert "torch" not in PINS


def test_a_project_starts_from_the_set(render: Callable[..., Project]) -> None:
    lines = render().text("tested-versions.txt").splitlines()[1:]
    assert {line.split("==")[0] for line in lines} == PINS.keys()
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^ ]+( ; .+)?", line) for line in lines)


def test_a_network_starts_from_a_build_for_cpus(render: Callable[..., Project]) -> None:
    usual = render().text("tested-versions.txt").splitlines()
    network = render(framework="pytorch").text("tested-versions.txt").splitlines()
    assert network[: len(usual)] == usual
    added = network[len(usual) :]
    assert not {line.split("==")[0] for line in added} & PINS.keys()
    (linux,) = (line for line in added if line.endswith(" ; sys_platform == 'linux'"))
    assert re.fullmatch(r"torch==[0-9.]+\+cpu", linux.partition(" ; ")[0])
    assert TORCH.partition(">=")[2] in linux


def test_one_version_of_uv_everywhere(render: Callable[..., Project]) -> None:
    for name in ("checks", "promote"):
        workflow = yaml.safe_load(render().text(f".github/workflows/{name}.yml"))
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
    here = sorted(PINS.keys() & {name.lower().replace("_", "-") for name in names} - {"skorch"})
    assert len(here) > 150, "run the tests in the environment that `make env` makes"
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *here], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
