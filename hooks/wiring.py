"""The team's own data: the step that fits a new project to it, and what a starter lacks for it."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps import Step

TEMPLATE = Path(__file__).resolve().parent.parent / "template"
LENT = ("reading.py", "wire")
WISHES = ("target", "ids", "segments", "sensitive", "time", "task")  # beside the data file


def wiring(options: argparse.Namespace, *, lent: bool) -> Step:
    """Return the step that `make wire` is. A project without that command reads plain CSV only."""
    wishes = [f"--{name}={getattr(options, name)}" for name in WISHES]
    flags = ["--fresh", *(["--plain"] if lent else [])]
    command = ["uv", "run", "--no-sync", options.slug, "wire", *wishes, *flags, options.data]
    return Step("wire", "fits schemas, features and tests to the data", [command], streams=True)


@contextmanager
def borrowed(place: Path, slug: str) -> Iterator[bool]:
    """Lend a project the modules that wire it, if it has none of its own; yield whether it did."""
    package = place / "src" / slug.replace("-", "_")
    lent = [
        (source, package / rendered(source.name))
        for source in TEMPLATE.glob("src/*/*")
        if rendered(source.name) in LENT and not (package / rendered(source.name)).exists()
    ]
    try:
        for source, target in lent:
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        yield bool(lent)
    finally:
        for _, target in lent:
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)


def rendered(name: str) -> str:
    """Return the pattern of the names that a template's entry can get."""
    bare = re.sub(r"{%.*?%}", "", name).removesuffix(".jinja")
    return re.sub(r"{{.*answers_file.*?}}", ".copier-answers*.yml", bare)
