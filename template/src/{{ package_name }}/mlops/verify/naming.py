"""Holds every name of the project against the naming table."""

import subprocess
from collections.abc import Iterator
from os import environ
from pathlib import Path

import yaml

from .. import team
from ..config import load_config
from ..errors import ProjectError
from ..names import problem


def names_in(root: Path) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that the project uses; those in params.yaml are checked by reading it."""
    config = load_config(root)
    yield from (("dataset", config.data.name), ("model", config.model.name))
    for schema in (team.raw_table(), team.feature_schema()):
        columns = schema.to_schema().columns
        yield from (("column", name) for name, column in columns.items() if not column.regex)
    yield from (("feature", feature.name) for feature in team.features())
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    yield from (("stage", name) for name in stages)
    for path in sorted((root / "data").glob("*/*")):
        if path.is_file() and path.suffix != ".dvc" and not path.name.startswith("."):
            yield "data file", path.name
    yield from (("notebook", path.name) for path in sorted(root.glob("notebooks/**/*.ipynb")))
    if branch := environ.get("GITHUB_HEAD_REF") or _branch(root):
        yield "branch", branch


def _branch(root: Path) -> str:
    """The branch that is checked out; empty on a detached head or outside a repository."""
    git = ["git", "-C", str(root), "symbolic-ref", "--quiet", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def check_names(root: Path) -> int:
    """How many names were checked; ProjectError lists those that break a rule."""
    names = list(names_in(root))
    problems = [message for kind, name in names if (message := problem(kind, name))]
    if problems:
        raise ProjectError("\n".join(problems))
    return len(names)
