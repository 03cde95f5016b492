"""The package as a project of the default answers has it, so that its modules can be imported."""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
from pathlib import Path

from support import ROOT

NOT_DEFAULT = re.compile(r"preset == 'starter'|framework == '(?!scikit-learn)")
SOURCE = ROOT / "template" / "src" / "{{ package_name }}"


def assemble(target: Path) -> None:
    """Copy the modules, which hold no Jinja, under the names that the default answers give them."""
    for path in SOURCE.rglob("*.py*"):
        name = path.relative_to(SOURCE).as_posix()
        if not NOT_DEFAULT.search(name) and "__pycache__" not in name:
            copy = target / "churn_radar" / re.sub(r"{%.*?%}", "", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


# Here and not in a fixture: the modules of tests import the package.
folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder, ignore_errors=True)
assemble(Path(folder))
sys.path.insert(0, folder)
