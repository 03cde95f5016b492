"""What every rendered project must be. A check returns its complaints, one line each."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath

import ownership
import yaml
from pathspec import GitIgnoreSpec
from support import Project

PARSERS: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
    ".yml": lambda text: list(yaml.safe_load_all(text)),
    ".dvc": yaml.safe_load,
    ".json": json.loads,
    ".baseline": json.loads,
    ".ipynb": json.loads,
}
JINJA = re.compile(r"(?<!\$)\{\{(?!\d+\}\})|\{%|\{#")  # neither GitHub's ${{ }} nor a regex's {{2}}
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
REPEAT = 7
"""Lines that stand twice in a file, so that an edit of one may be merged into the other."""
TIGHT = {".md", ".toml", ".yaml", ".yml"}
clean: set[str] = set()


def syntax(project: Project) -> list[str]:
    """Refuse what the file's own language cannot read."""
    found = []
    for name in project.paths:
        if problem := unreadable(PurePosixPath(name).suffix, project.text(name)):
            found.append(f"{name}: {problem}")
    return found


# Most files are the same in every project.
@functools.cache
def unreadable(suffix: str, text: str) -> str:
    """Why a file cannot be read in the language of its suffix; empty if it can."""
    parse = PARSERS.get(suffix)
    try:
        if parse:
            parse(text)
    except (SyntaxError, ValueError, yaml.YAMLError) as error:
        return str(error) or type(error).__name__
    return ""


def residue(project: Project) -> list[str]:
    """Refuse Jinja that was not rendered."""
    return [
        f"{name}: {match.group()} stands unrendered"
        for name in project.paths
        if "/evaluation/templates/" not in name  # the report's own, which the project fills
        and (match := JINJA.search(name) or JINJA.search(project.text(name)))
    ]


def whitespace(project: Project) -> list[str]:
    """Refuse spaces at the end of a line, carriage returns, and a wrong end of the file."""
    found = []
    for name in project.paths:
        text = project.text(name)
        if re.search(r"[ \t\r]$", text, re.M):
            found.append(f"{name}: space at the end of a line")
        if text and (not text.endswith("\n") or text.endswith("\n\n") or text == "\n"):
            found.append(f"{name}: does not end with one line break")
        if text.startswith("\n"):
            found.append(f"{name}: begins with an empty line")
        if "\n\n\n" in text and PurePosixPath(name).suffix in TIGHT:
            found.append(f"{name}: two empty lines")
    return found


def mergeable(project: Project) -> list[str]:
    """Refuse what an update cannot merge: what git ignores, what is no text, and long repeats."""
    ignored = GitIgnoreSpec.from_lines(project.text(".gitignore").splitlines())
    found = [f"{name}: git ignores it" for name in ignored.match_files(project.paths)]
    for name in project.paths:
        text = project.text(name)
        if "\0" in text:
            found.append(f"{name}: not a text")
        if line := second_begin(text.splitlines()):
            found.append(f"{name}:{line}: {REPEAT} lines as before: git may take one for the other")
    return found


def second_begin(lines: list[str]) -> int | None:
    """The number of the first line of a repeat; None if there is none."""
    seen = set()
    for begin in range(len(lines) - REPEAT + 1):
        window = tuple(lines[begin : begin + REPEAT])
        if window in seen:
            return begin + 1
        seen.add(window)
    return None


def names(project: Project) -> list[str]:
    """Refuse paths that some system cannot hold."""
    found = [f"{name}: not portable" for name in project.paths if re.search(r'[\\":*?<>|]', name)]
    found += [f"{name}: too long" for name in project.paths if len(name) > 100]
    folded = Counter(name.casefold() for name in project.paths)
    return found + [f"{name}: differs only by case" for name, count in folded.items() if count > 1]


def links(project: Project) -> list[str]:
    """Refuse links of Markdown files to what is not there."""
    found = []
    for name in project.paths:
        if name.endswith(".md"):
            folder = (project.path / name).parent
            targets = LINK.findall(project.text(name))
            found += [f"{name}: no {to}" for to in targets if not (folder / to).exists()]
    return found


def owned(project: Project) -> list[str]:
    """Refuse a path that has no owner, or two."""
    owners = {name: ownership.owners(name) for name in project.paths}
    return [f"{name}: owned by {by or 'nobody'}" for name, by in owners.items() if len(by) != 1]


def tidy(project: Project) -> list[str]:
    """Refuse what the project's own linter and formatter would change."""
    settings = tomllib.loads(project.text("pyproject.toml"))
    tools = settings["tool"]
    formatter = ["black", "--check"] if "black" in tools else ["ruff", "format", "--check"]
    code = {name: text for name, text in project.files().items() if name.endswith(".py")}
    facts = [tools["ruff"], tools.get("black"), settings["project"]["requires-python"]]
    # The linter looks at imports too, and so at all files; the formatter looks at each alone.
    files = {fingerprint(text, facts): name for name, text in code.items()}
    together = fingerprint(*code.items(), facts)
    found = []
    if together not in clean:
        found += complaints(project, ["ruff", "check", "--no-cache", "."])
    unseen = [name for key, name in files.items() if key not in clean]
    if unseen:
        found += complaints(project, [*formatter, *unseen])
    if not found:
        clean.update(files, [together])
    return found


def fingerprint(*facts: object) -> str:
    """What is the same for the same code and settings in two projects."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def complaints(project: Project, command: list[str]) -> list[str]:
    """What a tool says against a project; nothing if it is content."""
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project.path,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if result.returncode == 0:
        return []
    return [f"{' '.join(command[:2])}:\n{result.stdout}{result.stderr}"]


CHECKS = [syntax, residue, whitespace, mergeable, names, links, owned, tidy]
