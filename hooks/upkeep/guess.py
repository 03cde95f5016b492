"""Answers that an existing repository gives by itself: what `make adopt` need not ask."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from guard import choices
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from repository import GitError, Repository
from wiring import REPOSITORY

LICENSES = {
    "MIT License": "MIT",
    "Apache License": "Apache-2.0",
    "Redistribution and use in source and binary forms": "BSD-3-Clause",
}
"""Words of a licence's text, and the answer they mean."""

FRAMEWORKS = {"torch": "pytorch", "lightgbm": "lightgbm", "xgboost": "xgboost"}
"""Packages that a project depends on, and the answer they mean."""


def guess_answers(repository: Repository) -> dict[str, Any]:
    """Read answers from what is in a repository.

    Args:
        repository: The one to adopt.

    Returns:
        The answers that it gives; all others have their defaults.
    """
    place = repository.place
    project = project_table(place)
    name = package_name(place, project)
    guessed: dict[str, Any] = {
        "project_name": name.replace("_", " ").title(),
        "package_name": name,
        "python_version": python_version(str(project.get("requires-python", ""))),
        "formatter": formatter(place),
        "license": license_of(place),
        "framework": framework(project.get("dependencies", [])),
        "github_user": github_user(repository),
    }
    description = project.get("description")
    if isinstance(description, str) and description.strip().isprintable():
        guessed["project_description"] = description.strip()
    return {question: answer for question, answer in guessed.items() if answer}


def project_table(place: Path) -> dict[str, Any]:
    """Return the table `project` of pyproject.toml, or Poetry's; empty if there is none.

    Args:
        place: The repository's folder.
    """
    read = settings(place)
    project = read.get("project") or read.get("tool", {}).get("poetry")
    return project if isinstance(project, dict) else {}


def settings(place: Path) -> dict[str, Any]:
    """Return what pyproject.toml holds; nothing if it cannot be read."""
    try:
        return tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def package_name(place: Path, project: dict[str, Any]) -> str:
    """Return the name of the package: the one in src/, or the project's.

    A package beside src/ keeps its name to itself: two folders of one name are one package to
    Python.

    Args:
        place: The repository's folder.
        project: The table `project` of pyproject.toml.
    """
    # One package is the project; of several nobody can tell which.
    packages = sorted(path.parent.name for path in (place / "src").glob("*/__init__.py"))
    if len(packages) == 1:
        return packages[0]
    name = str(project.get("name") or place.name)
    name = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "ml_project"
    # As the question of the template makes a name of a title.
    name = f"ml_{name}" if name[0].isdigit() else name
    taken = (place / name).exists() or (place / f"{name}.py").exists() or name in packages
    return f"{name}_ml" if taken else name


def python_version(required: str) -> str:
    """Return the lowest version on offer that a project allows; empty if it does not say.

    Args:
        required: `requires-python`, as in `>=3.12`.
    """
    try:
        allowed = SpecifierSet(required)
    except InvalidSpecifier:
        return ""
    if not required:
        return ""
    for version in choices(REPOSITORY / "copier.yml")["python_version"]:
        # A later fix of it too: `>=3.11.4` allows 3.11.
        if any(allowed.contains(f"{version}.{fix}") for fix in (0, 99)):
            return str(version)
    return ""


def formatter(place: Path) -> str:
    """Return the formatter that the repository uses: of ruff and black; empty if neither."""
    hooks = place / ".pre-commit-config.yaml"
    configured = hooks.read_text(encoding="utf-8", errors="replace") if hooks.is_file() else ""
    tools = settings(place).get("tool", {})
    # Who formats with black may lint with ruff, and not the other way round.
    if "black" in tools or re.search(r"id:\s*black", configured):
        return "black"
    if "ruff" in tools or "ruff-format" in configured:
        return "ruff"
    return ""


def license_of(place: Path) -> str:
    """Return the licence whose words are in a file of that name; empty if none is known."""
    for path in sorted(place.glob("LICEN[CS]E*")):
        # Wrapped otherwise in each repository.
        text = " ".join(path.read_text(encoding="utf-8", errors="replace").split())
        for words, answer in LICENSES.items():
            if words in text:
                return answer
    return ""


def framework(dependencies: Any) -> str:
    """Return the library that learns, by what the project depends on; empty if none is known.

    Args:
        dependencies: A list of requirements; Poetry has a table.
    """
    listed: Iterable[Any] = dependencies if isinstance(dependencies, list | dict) else []
    names = set()
    for requirement in listed:
        # A table of Poetry's has names alone; what is no requirement says nothing.
        try:
            names.add(Requirement(str(requirement)).name.lower())
        except InvalidRequirement:
            continue
    for package, answer in FRAMEWORKS.items():
        if package in names:
            return answer
    return ""


def github_user(repository: Repository) -> str:
    """Return the account on GitHub that the remote `origin` names; empty if it names none."""
    try:
        address = repository.git("remote", "get-url", "origin").decode().strip()
    except GitError:
        return ""
    found = re.search(r"github\.com[:/]([A-Za-z0-9-]+)/", address)
    return found[1] if found else ""


def colliding_practices(place: Path, names: Iterable[str]) -> dict[str, tuple[Any, str]]:
    """Return the practices that a file of the repository stands in the way of.

    Args:
        place: The repository's folder.
        names: The paths that the template would render.

    Returns:
        By question: the answer that leaves the practice out, and the file.
    """
    found: dict[str, tuple[Any, str]] = {}
    for name in sorted(names):
        if not os.path.lexists(place / name):
            continue
        if name.startswith(".github/"):
            found.setdefault("ci", ("none", name))
        elif name.startswith(("docker/", "compose.yaml", ".dockerignore")):
            found.setdefault("use_docker", (False, name))
    return found
