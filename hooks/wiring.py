"""The team's own data: the step that fits a new project to it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from steps import Step

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "template"
WISHES = ("target", "ids", "segments", "sensitive", "time", "task")  # beside the data file


def wiring(options: argparse.Namespace) -> Step:
    """Return the step that `make wire` is, with the template that is being copied."""
    command = ["uv", "run", "--no-sync", options.slug, "wire", f"--source={REPOSITORY}"]
    command += ["--", options.data, options.target, "--fresh"]
    for name in WISHES:
        if name != "target":
            command.append(f"--{name}={getattr(options, name)}")
    return Step("wire", "fits schemas, features and tests to the data", [command], streams=True)


def render_name(name: str) -> str:
    """Return the pattern of the names that a template's entry can get."""
    bare = re.sub(r"{%.*?%}", "", name).removesuffix(".jinja")
    return re.sub(r"{{.*answers_file.*?}}", ".copier-answers*.yml", bare)
