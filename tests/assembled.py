"""The package as a project has it, so that its modules can be imported: they hold no Jinja."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import jinja2
import yaml
from pathspec import GitIgnoreSpec
from support import ROOT

SOURCE = ROOT / "template" / "src" / "{{ package_name }}"
PACKAGE = "churn_radar"
DEFAULTS: dict[str, str | bool] = {
    "_copier_operation": "copy",
    "ci": "github",
    "framework": "scikit-learn",
    "license": "proprietary",
    "preset": "production",
    "tracker": "mlflow",
    "use_docker": True,
    "use_serving": True,
}
"""The answers that decide which files a project has."""

environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)


def assemble(target: Path, package: str = PACKAGE, **answers: str | bool) -> Path:
    """Copy the modules of these answers to the folder target/package, and return that."""
    known = DEFAULTS | answers
    excluded = left_out(known)
    for path in filter(Path.is_file, SOURCE.rglob("*")):
        parts = path.relative_to(SOURCE).parts
        names = [environment.from_string(part).render(known) for part in parts]
        in_project = "/".join(["src", package, *names])
        if all(names) and "__pycache__" not in parts and not excluded.match_file(in_project):
            copy = target.joinpath(package, *names)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return target / package


def left_out(answers: dict[str, str | bool]) -> GitIgnoreSpec:
    """Return what copier.yml excludes with these answers, as patterns for a project's paths."""
    settings = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    rows = [environment.from_string(row).render(answers) for row in settings["_exclude"]]
    return GitIgnoreSpec.from_lines("\n".join(rows).splitlines())


@cache
def importable(package: str = PACKAGE, **answers: str) -> None:
    """Assemble the package, of the default answers if none are named, where Python finds it.

    Call it from a conftest.py, not from a fixture: the modules of tests import the package.
    """
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    assemble(Path(folder), package, **answers)
    sys.path.insert(0, folder)
