"""Which versions are to be served, and where their files and their code are.

`python -m <package>.mlops.serving.versions` looks again and again, in a process of its own since
the registry's client is large, and prints a line whenever something changed.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Iterator
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from .. import team
from ..checksums import file_hash, file_stamp
from ..config import Config, load_config
from ..errors import ProjectError
from ..modeling import manifest
from ..tracking import CARD, has_registry
from . import ONE_THREAD, traffic

PAUSE = 0.25
"""Seconds between two looks at the files that change with every promotion."""

SERVER_PAUSE = 2.0
"""Seconds between two questions to a tracking server, whose files nobody sees."""

LONGEST_PAUSE = 5.0
"""Seconds between two looks at the registry here, if no file changes."""

LONGEST_LINE = 2**24
"""Bytes of a line: model cards may be long."""

CODE = Path("modeling", "inputs.py")
"""The module of the machinery that makes predictions with the team's."""

Facts = dict[str, Any]


async def follow(root: Path, scratch: Path) -> AsyncGenerator[Facts]:
    """Yield what `find_all` finds, now and after every change, for as long as its process runs.

    Args:
        root: The project.
        scratch: Where the code of the versions is unpacked.
    """
    # Of this project: what is installed may be another one.
    source = str(team.PACKAGE.parent)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(root), str(scratch)),
        stdout=PIPE,
        limit=LONGEST_LINE,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": source},
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        while line := await process.stdout.readline():
            yield json.loads(line)
    finally:
        # It ends by itself only when it finds that nobody listens.
        if process.returncode is None:
            process.kill()
        await process.wait()


def main() -> None:
    """Print what is to be served, now and after every change, until nobody listens."""
    root, scratch = map(Path, sys.argv[1:])
    line_before = ""
    # The front ends this process; a signal to the whole group reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    is_in_registry = False
    for _ in changes(root):
        # Once there is a registry it is what counts: one that is away names nobody else.
        is_in_registry = is_in_registry or has_registry(root)
        found = find_all(root, scratch, from_registry=is_in_registry)
        # Sorted, so that equal facts are equal lines.
        line = json.dumps(found, sort_keys=True)
        if line != line_before:
            print(line, flush=True)
            line_before = line


def changes(root: Path) -> Iterator[None]:
    """Yield now, and whenever the champion or the traffic may have changed.

    Args:
        root: The project.
    """
    database = root / "models" / "mlflow.db"
    inode = 0
    longest = SERVER_PAUSE if os.environ.get("MLFLOW_TRACKING_URI") else LONGEST_PAUSE
    before: object = None
    looked = monotonic()
    parent = os.getppid()
    # A front that was killed leaves this process to another parent.
    while os.getppid() == parent:
        now = [file_stamp(path) for path in (database, root / "models/champion.json")]
        now.append(file_stamp(root / traffic.STATE))
        before_that = inode
        inode = database.stat().st_ino if database.exists() else inode
        # The open connection reads the file that was there: a new process opens the new one.
        if before_that not in (0, inode):
            return
        # Also after a while without a change: the last look may have failed.
        if now != before or monotonic() - looked >= longest:
            before = now
            looked = monotonic()
            yield
        sleep(PAUSE)


def find_all(root: Path, scratch: Path, *, from_registry: bool) -> Facts:
    """Return the facts about `champion` and `challenger`, None if there is none, and `problems`.

    `previous` is the version that a rollback makes the champion; None without a registry.

    Args:
        root: The project.
        scratch: Where the code of a version is unpacked.
        from_registry: Whether to ask the registry; else the bundle in models/ is all there is.
    """
    found: Facts = dict.fromkeys(("champion", "challenger", "previous", "traffic"))
    found["problems"] = []
    try:
        config = load_config(root)
        wanted = {"champion": "champion"}
        state = traffic.read(root)
        # So that a change of the traffic alone is a change.
        found["traffic"] = traffic.as_json(state)
        if state.challenger is not None:
            wanted["challenger"] = str(state.challenger)
        if from_registry:
            wanted["previous"] = "previous"
    except ProjectError as error:
        found["problems"].append(str(error))
        return found
    # One that cannot be had does not keep the other from being served.
    for role, name in wanted.items():
        try:
            look = _from_registry if from_registry else _from_bundle
            facts = look(config, root, name)
            facts["source"] = str(_source(Path(facts["folder"]), scratch))
            found[role] = facts
        except ProjectError as error:
            # Most often there is none; of one that cannot be had a rollback says why.
            if role != "previous":
                found["problems"].append(f"{role}: {error}")
        # A tag that somebody edited, or code that cannot be unpacked.
        except Exception as error:
            found["problems"].append(f"{role}: it cannot be read: {error!r}")
    return found


def _from_registry(config: Config, root: Path, name: str) -> Facts:
    """The version behind an alias, or with a number."""
    if not has_registry(root):
        raise ProjectError("models/mlflow.db is gone: bring it back, or start the service again")
    # Imported here: an image for serving has no registry.
    from ..tracking import registry

    model = config.model.name
    if name in ("champion", "previous"):
        version = registry.by_alias(root, model, name)
    else:
        numbered = {str(one.number): one for one in registry.versions(root, model)}
        version = numbered.get(name)
    if version is None and name == "champion":
        raise ProjectError(f"{model} has no champion: `make promote` makes one")
    if version is None:
        raise ProjectError(f"{model} has no version {name}: `make traffic` names another")
    tags = version.tags
    known = {
        "model.skops": tags.get("sha256", ""),
        "manifest.json": tags.get("manifest", ""),
        "golden.json": tags.get("golden", ""),
    }
    # Versions that were registered before there were cards have none.
    if "card" in tags:
        known[CARD] = tags["card"]
    try:
        folder = registry.fetch(root, model, version)
    except ProjectError:
        if name != "champion":
            raise
        # The champion's files are with DVC as well.
        bundle = _from_bundle(config, root, name)
        if bundle["sha256"] != tags.get("sha256"):
            raise
        return bundle
    record = json.loads(tags.get("record", "{}"))
    return _facts(config, folder, known, version.number, tags.get("git_commit", ""), record)


def _from_bundle(config: Config, root: Path, name: str) -> Facts:
    """The champion that git names, whose files stand beside its record."""
    path = root / "models" / "champion.json"
    if name != "champion":
        raise ProjectError(f"version {name} needs the registry: here is the champion alone")
    if not path.exists():
        raise ProjectError("models/champion.json is not there: promote a model first")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        number, commit, known = int(record["version"]), record["commit"], record["files"]
    except (ValueError, KeyError, TypeError):
        raise ProjectError(
            "models/champion.json cannot be read, or is of an older template: promote again"
        ) from None
    return _facts(config, root / "models" / "champion", known, number, commit, record)


def _facts(
    config: Config, folder: Path, known: dict[str, str], number: int, commit: str, record: Facts
) -> Facts:
    """What the front and its model processes need to know of a version."""
    # Before its code is unpacked, since that is what runs next.
    for name, recorded in known.items():
        path = folder / name
        if not recorded:
            raise ProjectError(
                f"version {number} was registered without {name}, as before there was a service: "
                "train and promote again"
            )
        if not path.exists() or _hash(path, file_stamp(path)) != recorded:
            raise ProjectError(
                f"{path.name} of version {number} is not the file that was registered: it is not "
                "loaded. Bring the registry's files back, or promote again"
            )
    card = folder / CARD
    # A challenger has no record: nobody promoted it.
    measured = {}
    if "metric" in record:
        measured = {record["metric"]: [record[key] for key in ("score", "low", "high")]}
    return {
        "version": number,
        "model": config.model.name,
        "commit": commit,
        "sha256": known["model.skops"],
        "files": known,
        "folder": str(folder.resolve()),
        "package": team.PACKAGE.name,
        "chosen": record.get("chosen", ""),
        "promoted": record.get("when"),
        "data": manifest.read(folder).get("data"),
        "metrics": measured,
        "rows": record.get("rows"),
        "card": card.read_text(encoding="utf-8") if card.exists() else None,
    }


@cache
def _hash(path: Path, _: object) -> str:
    """The hash of a file, computed again once its stamp is another one."""
    return file_hash(path)


def _source(folder: Path, scratch: Path) -> Path:
    """The folder with the version's own code, as it was when the version was trained."""
    recorded = manifest.read(folder).get("snapshot", "")
    if not (folder / manifest.SNAPSHOT).exists():
        raise ProjectError("its code was not kept: train and promote it again")
    return _unpack(folder, recorded, scratch)


@cache
def _unpack(folder: Path, recorded: str, scratch: Path) -> Path:
    """Unpack the code of a version, with today's machinery where it computes the same."""
    # A folder for each look of a new watcher: processes may still run what an old one unpacked.
    target = Path(tempfile.mkdtemp(dir=scratch))
    try:
        _lay_out(folder, recorded, target)
    except BaseException:
        # It is tried again and again.
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _lay_out(folder: Path, recorded: str, target: Path) -> None:
    manifest.unpack_snapshot(folder, recorded, target)
    theirs = target / team.PACKAGE.name / team.MACHINERY.name
    # Corrections of the service reach versions that were trained before them.
    if (theirs / CODE).read_bytes() == (team.MACHINERY / CODE).read_bytes():
        shutil.rmtree(theirs)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(team.MACHINERY, theirs, ignore=ignored)
    elif not (theirs / "serving").is_dir():
        raise ProjectError(
            "it was trained before this project had a service, by other machinery than today's: "
            "train and promote again"
        )


if __name__ == "__main__":
    main()
