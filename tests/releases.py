"""A template with versions and with a hook that only writes down its calls."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import copier
import support
from support import Answers, Project

RECORDER = '''"""Write down each call: how, where, and what a file holds at that moment."""

import json
import shutil
import os
import sys
from pathlib import Path

call = {"argv": sys.argv[1:], "cwd": os.getcwd(), "makefile": Path("Makefile").read_text("utf-8")}
with Path(LOG).open("a", encoding="utf-8") as log:
    log.write(json.dumps(call) + "\\n")
'''


@dataclass(frozen=True)
class Releases:
    """A repository of the template, and the log of its hook."""

    path: Path
    log: Path

    def release(self, version: str, edits: Mapping[str, Callable[[str], str] | None]) -> None:
        """Edit files of the template, or delete them, and tag the result."""
        for name, edit in edits.items():
            file = self.path / name
            if edit is None:
                file.unlink()
            else:
                old = file.read_text("utf-8") if file.exists() else ""
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(edit(old).encode("utf-8"))
        support.commit(self.path, version, version)

    def project(self, target: Path, answers: Answers | None = None) -> Project:
        """Make a project of v1.0.0 with its hook, in a repository where all is committed."""
        copier.run_copy(
            str(self.path),
            target,
            data=dict(answers or {}),
            vcs_ref="v1.0.0",
            defaults=True,
            quiet=True,
            unsafe=True,
        )
        support.commit(target, "Start")
        return Project(target)

    def update(self, project: Project, **answers: str | bool) -> Project:
        """Update to the newest version with the hook, and forget what it wrote down before."""
        self.log.unlink(missing_ok=True)
        copier.run_update(
            project.path, data=answers, defaults=True, overwrite=True, quiet=True, unsafe=True
        )
        return Project(project.path)

    def calls(self) -> list[dict[str, object]]:
        """Return what the hook wrote down, call by call."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


def with_few_files(template: Path, folder: Path) -> Path:
    """Return a copy of the template without the rooms of the machinery, which is quick to render.

    Enough where nothing depends on which files there are.
    """
    small = shutil.copytree(template, folder / "small")
    for room in (small / "template/src/{{ package_name }}/mlops").iterdir():
        if room.is_dir():
            shutil.rmtree(room)
    return small


def first_release(template: Path, folder: Path) -> Releases:
    """Return the template's v1.0.0 with the recording hook, in a folder of its own."""
    path = shutil.copytree(template, folder / "template")
    log = folder / "calls.jsonl"
    recorder = RECORDER.replace("LOG", repr(str(log)))
    support.git(path, "tag", "--delete", "v1.0.0")
    releases = Releases(path, log)
    releases.release("v1.0.0", {"hooks/run.py": lambda _: recorder})
    return releases
