"""Write includes/reserved_names.jinja: the names that a generated package must not have.

Usage, in the template's own environment: python tools/reserved_names.py
"""

from __future__ import annotations

import keyword
import re
import sys
import textwrap
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "includes" / "reserved_names.jinja"
LOWEST = (3, 11)
"""Its standard library still has the modules that later versions dropped."""

UNLISTED = {"test", "annotationlib", "compression"}
"""Modules that sys.stdlib_module_names of 3.11 lacks: it hides the first, 3.14 has the others."""

TORCH = "functorch isympy mpmath sympy torch torchfrtrace torchgen torchrun"
"""What torch brings; it is never installed in the template's own environment."""

FOLDERS = "data docker docs hooks models notebooks reports src tests"

COMMANDS = "git make pip python python3 uv"
"""`uv run` would find the project's script of that name first."""

DEVICES = "aux con nul prn"
"""No file on Windows can have these names."""

VALUES = "false n no null off on true y yes"
"""YAML reads more into them than a string."""

SHELL = (
    "alias bg break case cd command continue declare do done echo elif esac eval exec exit export "
    "false fg fi function getopts hash help history jobs kill let local logout printf pwd read "
    "readonly return set shift source then time times trap true type ulimit umask unalias unset "
    "until wait"
)
"""In a stage of DVC, a builtin goes before the project's script."""

WIDTH = 98
"""Characters in a line of the file."""


def reserved() -> dict[str, set[str]]:
    """Read the reserved names in this environment.

    Returns:
        By what they are, the names that a package could have at all.
    """
    owners = {
        "a keyword of Python": {*keyword.kwlist, *keyword.softkwlist, "type"},
        "a module of Python's standard library": {*sys.stdlib_module_names, *UNLISTED},
        "a package that the project installs": dependencies(),
        "a folder of the project": set(FOLDERS.split()),
        "a command that the project calls": set(COMMANDS.split()),
        "a word that shells keep for themselves": set(SHELL.split()),
        "a value in YAML": set(VALUES.split()),
        "a device on Windows": set(DEVICES.split()),
    }
    return {owner: set(filter(valid, names)) for owner, names in owners.items()}


def dependencies() -> set[str]:
    """Return the names of the tested distributions, of their modules and of their scripts."""
    tested = set()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        # A line that begins otherwise is a hash, a comment or an option.
        if re.match(r"[a-z0-9].*==", line):
            tested.add(snake(line.split("==")[0]))
    return tested | _modules_of(tested) | _scripts_of(tested) | set(TORCH.split())


def _modules_of(tested: set[str]) -> set[str]:
    """What can be imported of these distributions."""
    modules = set()
    for module, owners in packages_distributions().items():
        if tested.intersection(map(snake, owners)):
            modules.add(snake(module))
    return modules


def _scripts_of(tested: set[str]) -> set[str]:
    """What these distributions put on PATH."""
    scripts = set()
    for distribution in distributions():
        if snake(distribution.metadata["Name"]) in tested:
            for script in distribution.entry_points.select(group="console_scripts"):
                # coverage-3.11 and its like differ between Pythons.
                if "." not in script.name:
                    scripts.add(snake(script.name))
    return scripts


def snake(name: str) -> str:
    """Spell a distribution, module or script as a package would be spelled."""
    return re.sub(r"[-.]+", "_", name.lower())


def valid(name: str) -> bool:
    """Say whether a package could have the name at all."""
    return re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None


def page(owners: dict[str, set[str]]) -> str:
    """Return the Jinja source that names.jinja imports."""
    lines = ["{# Written by tools/reserved_names.py. #}", "{% set reserved = {"]
    for owner, names in owners.items():
        lines.append(f'"{owner}": "')
        # Sorted, so that a change of one name is a change of one line.
        lines += textwrap.wrap(" ".join(sorted(names)), width=WIDTH)
        lines.append('".split(),')
    return "\n".join([*lines, "} %}", ""])


def main() -> int:
    """Write the file; refuse a Python whose standard library is not the fullest."""
    if sys.version_info[:2] != LOWEST:
        version = ".".join(map(str, LOWEST))
        print(f"Run this with Python {version}: it knows every module.", file=sys.stderr)
        return 1
    TARGET.write_text(page(reserved()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
