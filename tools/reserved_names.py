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
LOWEST = (3, 11)  # its standard library still has the modules that later ones dropped
UNLISTED = {"test", "annotationlib", "compression"}  # Python hides the first; 3.14 has the others
TORCH = "functorch isympy mpmath sympy torch torchfrtrace torchgen torchrun"  # never installed here
FOLDERS = "data docker docs hooks models notebooks reports src tests"
COMMANDS = "git make pip python python3 uv"  # `uv run` would find the project's script first
DEVICES = "aux con nul prn"  # no file on Windows can have these names
VALUES = "false n no null off on true y yes"  # YAML reads more into them than a string
SHELL = (  # builtins go before the project's script in a DVC stage
    "alias bg break case cd command continue declare do done echo elif esac eval exec exit export "
    "false fg fi function getopts hash help history jobs kill let local logout printf pwd read "
    "readonly return set shift source then time times trap true type ulimit umask unalias unset "
    "until wait"
)


def reserved() -> dict[str, set[str]]:
    """Return what can be read in this environment: the reserved names by what they are."""
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
    return {owner: {name for name in names if valid(name)} for owner, names in owners.items()}


def dependencies() -> set[str]:
    """Return the names of the tested distributions, of their modules and of their scripts."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    tested = {snake(line.split("==")[0]) for line in lines if re.match(r"[a-z0-9].*==", line)}
    imports = {
        snake(module)
        for module, owners in packages_distributions().items()
        if tested.intersection(map(snake, owners))
    }
    scripts = {
        snake(script.name)
        for distribution in distributions()
        if snake(distribution.metadata["Name"]) in tested
        for script in distribution.entry_points.select(group="console_scripts")
        if "." not in script.name  # coverage-3.11 and its like differ between Pythons
    }
    return tested | imports | scripts | set(TORCH.split())


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
        lines += textwrap.wrap(" ".join(sorted(names)), width=98)
        lines.append('".split(),')
    return "\n".join([*lines, "} %}", ""])


def main() -> int:
    """Write the file; refuse a Python whose standard library is not the fullest."""
    if sys.version_info[:2] != LOWEST:
        print(
            f"Run this with Python {LOWEST[0]}.{LOWEST[1]}: it knows every module.", file=sys.stderr
        )
        return 1
    TARGET.write_text(page(reserved()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
