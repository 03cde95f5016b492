"""The versions as repositories, and Copier made quick: each version is cloned and rendered once.

What is kept are files that Copier itself has written, by everything that they depend on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import copier._main
import copier._template
import copier._vcs
import jinja2
import pytest
import support
from histories.versions import ALIKE, FIRST, NIGHTLY, PACKAGE, VERSIONS, Version

PARTS = ("copier.yml", "hooks", "includes", "requirements.txt", "template", "tools")
"""Of this repository; nothing else has a part in an update."""


def make_versions(source: Path, target: Path, *, engine: bool) -> Path:
    """Make a repository of the template with a tag for each version.

    Args:
        source: This repository, or a copy.
        target: The folder to make.
        engine: Whether updates go through our guard and our merge; without, they are Copier's own.

    Returns:
        The repository.
    """
    target.mkdir()
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(
                source / part, target / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source / part, target / part)
    settings = target / "copier.yml"
    text = settings.read_text("utf-8")
    tasks = text.index("_tasks:\n")
    migrations = text.index("_migrations:\n")
    end = text.index("# --- messages")
    # Neither the environment nor the verification: what is looked at are the files.
    kept = text[migrations:end].partition("  - command: ")
    kept_guard = kept[2].partition("  - command: ")[0]
    text = (
        text[:tasks] + (f"_migrations:\n  - command: {kept_guard}\n" if engine else "") + text[end:]
    )
    settings.write_text(text, "utf-8")
    in_template(target, NIGHTLY).write_text(ALIKE, "utf-8")
    support.commit(target, FIRST, FIRST)
    for name, version in VERSIONS.items():
        change(target, version)
        support.commit(target, name, name)
    return target


def change(target: Path, version: Version) -> None:
    """Make the changes of a version in the template's files."""
    for name, swaps in version.swaps.items():
        apply(source_of(target, name), swaps)
    for name, swaps in version.own.items():
        apply(target / name, swaps)
    for name in version.retired:
        source_of(target, name).unlink()
    for old, new in version.moved.items():
        source = source_of(target, old)
        suffix = ".jinja" if source.suffix == ".jinja" else ""
        moved = in_template(target, f"{new}{suffix}")
        moved.parent.mkdir(parents=True, exist_ok=True)
        source.rename(moved)
    for name, text in version.added.items():
        added = in_template(target, name)
        added.parent.mkdir(parents=True, exist_ok=True)
        added.write_text(text, "utf-8")


def apply(path: Path, swaps: list[Any]) -> None:
    """Make changes in one file; each must find its place, or the versions are out of date."""
    text = path.read_text("utf-8")
    for swap in swaps:
        assert swap.old in text, f"{path.name} has no place for the change of {swap.old!r}"
        text = swap.apply(text, text)
    path.write_text(text, "utf-8")


def in_template(target: Path, name: str) -> Path:
    """Return where a file of a project comes from."""
    return target / "template" / name.replace(PACKAGE, "src/{{ package_name }}")


def source_of(target: Path, name: str) -> Path:
    """Return where a file of a project comes from, rendered or copied."""
    plain = in_template(target, name)
    return plain if plain.exists() else plain.with_name(f"{plain.name}.jinja")


@dataclass
class Cache:
    """Clones of the template's versions, and what they render."""

    folder: Path
    clones: dict[tuple[str, str], str] = field(default_factory=dict)
    renders: dict[str, Path] = field(default_factory=dict)
    questions: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def clone(self, url: str, ref: str = "HEAD", location: str | None = None) -> str:
        """Do what Copier's function of that name does, once for each version."""
        key = (url, ref)
        if key not in self.clones:
            place = mkdtemp(dir=self.folder)
            self.clones[key] = real_clone(url, ref, location=place)
        return self.clones[key]

    def render(self, worker: copier._main.Worker) -> None:
        """Do what Copier's `_render_template` does, once for each version and set of answers."""
        facts = [
            worker.template.commit_hash,
            copier._main._operation.get(),
            sorted(set(worker.all_exclusions)),
            dict(worker._answers_to_remember()),
            str(worker.answers_relpath),
        ]
        key = json.dumps(facts, sort_keys=True, default=str)
        if key not in self.renders:
            place = Path(mkdtemp(dir=self.folder))
            alone = replace(
                worker,
                dst_path=place,
                src_path=worker.template.url,
                vcs_ref=worker.resolved_vcs_ref,
                quiet=True,
            )
            alone.answers = worker.answers
            real_render(alone)
            self.renders[key] = place
        write_over(self.renders[key], worker.subproject.local_abspath)

    def settings(self, path: Path, quiet: bool = False) -> dict[str, Any]:
        """Do what Copier's `load_template_config` does, once for each clone."""
        if path not in self.questions:
            self.questions[path] = real_settings(path, quiet)
        return deepcopy(self.questions[path])


real_clone = copier._vcs.clone
real_settings = copier._template.load_template_config
real_render = copier._main.Worker._render_template


def write_over(source: Path, target: Path) -> None:
    """Write the files of a render over those of a project, in the way that Copier does."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        written = target / path.relative_to(source)
        if path.is_dir():
            written.mkdir(parents=True, exist_ok=True)
            continue
        if written.is_symlink():
            written.unlink()
        content = path.read_bytes()
        if not written.exists() or written.read_bytes() != content:
            written.write_bytes(content)
        if written.stat().st_mode & 0o111 != path.stat().st_mode & 0o111:
            written.chmod(path.stat().st_mode)


def compiled(real: Callable[..., Any]) -> Callable[..., Any]:
    """Let Jinja compile each text once: Copier asks for the same paths in every render."""
    known: dict[tuple[Any, ...], Any] = {}

    def compile_once(environment: jinja2.Environment, source: Any, *arguments: Any) -> Any:
        if (source, *arguments) not in known:
            known[(source, *arguments)] = real(environment, source, *arguments)
        return known[(source, *arguments)]

    return compile_once


@contextmanager
def quick_copier(folder: Path) -> Iterator[Cache]:
    """Let Copier clone and render each version once, and leave its clones alone."""
    cache = Cache(folder)

    def render_once(worker: copier._main.Worker) -> None:
        cache.render(worker)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copier._template, "clone", cache.clone)
        patch.setattr(copier._template, "load_template_config", cache.settings)
        patch.setattr(jinja2.Environment, "compile", compiled(jinja2.Environment.compile))
        patch.setattr(copier._template.Template, "_cleanup", lambda self: None)
        patch.setattr(copier._main.Worker, "_render_template", render_once)
        yield cache
