"""Faults to plant, by the verification step that exists to refuse them.

Each takes the root of a project, or of the template, and the folder of its package.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Plant = Callable[[Path, Path], None]


def _write(name: str, text: str) -> Plant:
    def plant(root: Path, _: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    return plant


def _module(text: str) -> Plant:
    """A module beside the others, so that nothing else is disturbed."""

    def plant(_: Path, package: Path) -> None:
        module = package / "planted.py"
        before = module.read_text(encoding="utf-8") if module.exists() else '"""A module."""\n'
        module.write_text(f"{before}\n{text}", encoding="utf-8")

    return plant


def _edit(name: str, old: str, new: str) -> Plant:
    """An edit in the package's module, or in the root's file; rendered or not."""

    def plant(root: Path, package: Path) -> None:
        places = [package / name, root / name, root / f"{name}.jinja"]
        path = next(place for place in places if place.exists())
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return plant


NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["2\n"]}],
            "source": ["print(2)\n"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
TRACKS = NOTEBOOK | {
    "cells": [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        | {"source": ["import mlflow\n"]}
    ]
}
MISTYPED = NOTEBOOK | {
    "cells": [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        | {"source": ["undefined_name\n"]}
    ]
}
UNFORMATTED = NOTEBOOK | {
    "cells": [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        | {"source": ["x  =  1\n"]}
    ]
}


def _unfiltered_notebook(root: Path, _: Path) -> None:
    """A notebook with output that git is told to keep as it is."""
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    (folder / ".gitattributes").write_text("04-look.ipynb -filter\n")
    (folder / "04-look.ipynb").write_text(json.dumps(NOTEBOOK, indent=1) + "\n")


KEY = "AKIA" + "IOSFODNN7EXAMPLX"
PRIVATE = "-----BEGIN " + "RSA PRIVATE KEY-----\n"
MARKS = "<" * 7 + " ours\na\n" + "=" * 7 + "\nb\n" + ">" * 7 + " theirs\n"

# Whoever opens an issue chooses what this shell runs.
UNSAFE = """\
name: unsafe
on: issues
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.issue.title }}"
"""

# The step, the fault, and what the message must name.
QUICK: dict[str, tuple[str, Plant, str]] = {
    "an unformatted file": ("format", _module("FACTOR  =  1\n"), "planted.py"),
    "a lint error": ("lint", _module("import os\n"), "F401"),
    "a bad Python name": ("lint", _module("def BadName() -> None:\n    pass\n"), "N802"),
    "a type error": ("types", _module('NUMBER: int = "one"\n'), "planted.py"),
    "a misspelt word": ("spelling", _write("notes.md", "We rec" + "ieve it.\n"), "notes.md"),
    "a bad column": (
        "names",
        _edit("schemas.py", "tenure_months:", "tenureMonths:"),
        "tenureMonths",
    ),
    "a bad model name": (
        "names",
        _edit("params.yaml", "  name: churn-radar", "  name: Bad_Name"),
        "Bad_Name",
    ),
    "a bad file name": ("names", _write("notebooks/Untitled.ipynb", "{}\n"), "Untitled.ipynb"),
    "an invalid workflow": ("workflows", _write(".github/workflows/bad.yml", "on: 1\n"), "bad.yml"),
    "an unsafe workflow": ("files", _write(".github/workflows/unsafe.yml", UNSAFE), "unsafe.yml"),
    "a secret": ("secrets", _write("settings.ini", f"key = {KEY}\n"), "settings.ini"),
    "a private key": ("files", _write("key.pem", PRIVATE), "key.pem"),
    "broken JSON": ("files", _write("broken.json", "{\n"), "broken.json"),
    "broken TOML": ("files", _write("broken.toml", "a =\n"), "broken.toml"),
    "broken YAML": ("files", _write("broken.yaml", "a: [\n"), "broken.yaml"),
    "a merge mark": ("files", _write("merged.txt", MARKS), "merged.txt"),
    "a rejected hunk": ("files", _write("Makefile.rej", "x\n"), "rejected hunk"),
    "a large file": ("files", _write("large.csv", "1\n" * 600_000), "large.csv"),
    "a notebook with output": ("notebooks", _unfiltered_notebook, "04-look.ipynb"),
    "an unformatted notebook": (
        "cells",
        _write("notebooks/03-plot.ipynb", json.dumps(UNFORMATTED, indent=1) + "\n"),
        "03-plot.ipynb",
    ),
    "a fault in a notebook": (
        "lint",
        _write("notebooks/05-typo.ipynb", json.dumps(MISTYPED, indent=1) + "\n"),
        "05-typo.ipynb:cell 1:1:1",
    ),
    "a run in a notebook": (
        "files",
        _write("notebooks/02-log.ipynb", json.dumps(TRACKS, indent=1) + "\n"),
        "02-log.ipynb, cell 1, line 1: import mlflow",
    ),
    "a stale model card": (
        "files",
        _edit("docs/model-card.md", "### Slices", "### Most slices"),
        "`make card` fixes it",
    ),
    "a stale lock": ("lock", _edit("pyproject.toml", '"numpy>=2.0"', '"numpy>=2.1"'), "uv.lock"),
}
SLOW: dict[str, tuple[str, Plant, str]] = {
    "a failing test": (
        "tests",
        _write(
            "tests/data/test_planted.py", "def test_sum() -> None:\n    assert sum([1, 1]) == 3\n"
        ),
        "test_planted.py",
    ),
    "a broken rule of the schema": ("data", _edit("schemas.py", "le=600", "le=6"), "tenure_months"),
}
STAGE: tuple[str, Plant, str] = (
    "pipeline",
    _edit("mlops/pipeline/split.py", "labelled = table[", "labelled = lost["),
    "split",
)
