"""The package as a project has it, so that its modules can be imported: they hold no Jinja."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import jinja2
from support import ROOT

SOURCE = ROOT / "template" / "src" / "{{ package_name }}"
DEFAULTS = {"preset": "production", "framework": "scikit-learn", "tracker": "mlflow"}
"""The answers that the names of its files ask for."""

environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)


def assemble(target: Path, **answers: str) -> None:
    """Copy the modules to target/churn_radar, under the names that the answers give them."""
    for path in SOURCE.rglob("*.py*"):
        parts = path.relative_to(SOURCE).parts
        names = [environment.from_string(part).render(DEFAULTS | answers) for part in parts]
        if all(names) and "__pycache__" not in parts:
            copy = target.joinpath("churn_radar", *names)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


@cache
def importable() -> None:
    """Assemble the package of the default answers where Python finds it.

    Call it from a conftest.py, not from a fixture: the modules of tests import the package.
    """
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    assemble(Path(folder))
    sys.path.insert(0, folder)
