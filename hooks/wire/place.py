"""Puts files into the project: all of them or none, and never over somebody's work."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..errors import ProjectError

RECORD = Path("reports", "wiring.json")
STAGE = "wiring.tmp"


def run(root: Path, *command: str, fails: bool = False) -> str:
    """What a tool of this environment prints; ProjectError if it fails and may not."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = os.environ | {"PATH": path, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode and not fails:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise ProjectError(f"`{' '.join(command[:2])}` failed: {last}")
    return done.stdout


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """A folder in the project, for what is not whole yet; gone afterwards."""
    stage = root / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def formatted(root: Path, stage: Path, texts: dict[str, str]) -> dict[str, bytes]:
    """The texts as the project's linter and formatter leave them; they are in `stage` then."""
    for name, text in texts.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text, encoding="utf-8", newline="\n")
    code = [f"{stage.name}/{name}" for name in texts if name.endswith(".py")]
    formatter = ("black", "--quiet") if find_spec("black") else ("ruff", "format", "--quiet")
    for command in (("ruff", "check", "--select", "I", "--fix", "--quiet"), formatter):
        run(root, *command, *code)
    return {name: (stage / name).read_bytes() for name in texts}


def strange_words(root: Path, stage: Path) -> set[str]:
    """Words of the data that the spelling check would take for errors."""
    found = run(root, "codespell", stage.name, fails=True)
    return {word.lower() for word in re.findall(r":\d+: (\S+) ==>", found)}


def refuse_to_overwrite(root: Path, names: list[str], *, replace: bool) -> None:
    """ProjectError if somebody's edits would be lost: not asked for, or not in git."""
    record = root / RECORD
    written = json.loads(record.read_text(encoding="utf-8"))["files"] if record.exists() else {}
    lost = []
    for name in names:
        text = present(root / name)
        if text is not None and digest(text) != (written.get(name) or _first(root, name)):
            lost.append(name)
    if lost and not replace:
        raise ProjectError(
            f"you edited {', '.join(lost)}, and wiring would replace them: nothing was changed. "
            "Commit them, then run it again with REPLACE=yes"
        )
    if not lost or not run(root, "git", "rev-list", "--all", "--max-count=1"):
        return
    status = run(root, "git", "status", "--porcelain", "-z", "--", *lost)
    if unsaved := [entry[3:] for entry in status.split("\0") if entry]:
        raise ProjectError(f"commit {', '.join(unsaved)} first: git keeps what will be replaced")


def present(path: Path) -> bytes | None:
    """What a file holds; None if there is none."""
    return path.read_bytes() if path.is_file() else None


def digest(content: bytes) -> str:
    """The SHA-256 of a text, whatever its line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _first(root: Path, name: str) -> str:
    """The digest of a file as it was when git first held it; empty if git never did."""
    added = run(root, "git", "log", "--all", "--diff-filter=A", "--format=%H", "--", name).split()
    command = ["git", "cat-file", "blob", f"{added[-1]}:./{name}"] if added else []
    return digest(subprocess.run(command, cwd=root, stdout=-1, check=True).stdout) if added else ""


@contextmanager
def all_or_nothing(root: Path, names: list[str]) -> Iterator[None]:
    """If anything fails within, the files are again what they were, or absent."""
    before = {name: present(root / name) for name in names}
    try:
        yield
    except BaseException:
        for name, content in before.items():
            if content is None:
                (root / name).unlink(missing_ok=True)
            else:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(content)
        raise
