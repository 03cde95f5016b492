"""From facts to a project that is wired: everything is written, checked, and put in place."""

import filecmp
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from runpy import run_path

from ..config import Config
from ..errors import ProjectError
from ..pipeline.validate import checked
from ..reading import outcomes_last, read, typed
from . import place
from .facts import Facts
from .write import card, features, params, schemas

SOURCE = f"src/{(__package__ or '').partition('.')[0]}"
EXAMPLE = Path(__file__).with_name("example.py")
OF_EXAMPLE = ("tests/data/test_example.py", "tests/model/test_example.py")
"""Tests that hold for the simulated customers alone."""


def wire_project(
    facts: Facts, config: Config, root: Path, *, replace: bool, fresh: bool
) -> list[str]:
    """Write every file for the table, and put the table beside them; the names of what changed.

    ProjectError, and nothing changed, if the table does not hold the rules that were inferred from
    it, or if somebody edited a file that would be replaced and did not ask for that. In a `fresh`
    project nobody did.
    """
    raw, old = facts.raw.as_posix(), config.data.raw.as_posix()
    with place.staged(root) as stage:
        files = place.formatted(root, stage, _texts(facts, config, root))
        words = place.strange_words(root, stage)
        incoming = _incoming(facts, stage)
        _hold(facts, incoming, stage / SOURCE / "schemas.py")
        changed = [name for name, text in files.items() if text != place.present(root / name)]
        if not changed and (root / f"{raw}.dvc").exists() and _same(incoming, root / raw):
            return []
        dropped = [name for name in OF_EXAMPLE if (root / name).exists()]
        if not fresh:
            place.refuse_to_overwrite(root, [*changed, *dropped], replace=replace)
        files |= _record(facts, files) | _spelling(root, words)
        pointers = [f"{raw}.dvc", f"{old}.dvc", "data/raw/.gitignore"]
        with (
            place.all_or_nothing(root, [*files, *dropped, *pointers]),
            swapped(root / raw, incoming),
        ):
            for name in dropped:
                (root / name).unlink()
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(text)
            if raw != old and (root / f"{old}.dvc").exists():
                place.run(root, "dvc", "remove", "--quiet", f"{old}.dvc")
            place.run(root, "dvc", "add", "--quiet", raw)
    if raw != old:
        _remove(root / old)
    return [*changed, raw]


def _texts(facts: Facts, config: Config, root: Path) -> dict[str, str]:
    """Every file that is the team's and depends on the data, by its path."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner = project.get("authors", [{}])[0].get("name", project["name"])
    return {
        "params.yaml": params.text(facts, config),
        f"{SOURCE}/schemas.py": schemas.text(facts),
        f"{SOURCE}/features.py": features.text(facts, owner),
        f"{SOURCE}/example.py": EXAMPLE.read_text(encoding="utf-8").replace("from ..", "from ."),
        "docs/data-card.md": card.text(facts),
    }


def _record(facts: Facts, files: dict[str, bytes]) -> dict[str, bytes]:
    """What was decided and why, and what was written: so that edits are seen later."""
    columns = {name: [facts.roles.of(name), why] for name, why in facts.roles.why.items()}
    digests = {name: place.digest(text) for name, text in files.items()}
    record = {"source": facts.path.name, "columns": columns, "files": digests}
    return {place.RECORD.as_posix(): json.dumps(record, indent=2).encode() + b"\n"}


def _spelling(root: Path, words: set[str]) -> dict[str, bytes]:
    """pyproject.toml with the words of the data, if the spelling check does not know them."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    known = tomllib.loads(text)["tool"]["codespell"].get("ignore-words-list", "").split(",")
    if words <= {*known}:
        return {}
    line = f'ignore-words-list = "{",".join(sorted(filter(None, {*known, *words})))}"'
    text = re.sub(r"(?m)^ignore-words-list = .*\n", "", text)
    changed = text.replace("[tool.codespell]\n", f"[tool.codespell]\n{line}\n")
    return {"pyproject.toml": changed.encode()}


def _incoming(facts: Facts, stage: Path) -> Path:
    """The data as it will lie in data/raw, ready to be moved there."""
    path = stage / facts.raw.name
    if facts.rewritten:
        facts.table.to_csv(path, index=False, lineterminator="\n")
    elif facts.path.is_dir():
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(facts.path, path, ignore=hidden, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(facts.path, path)
    return path


def _hold(facts: Facts, incoming: Path, path: Path) -> None:
    """Read the data as the pipeline will, and hold it against the schema that was written."""
    module = run_path(str(path))
    raw, request = module["RawTable"], module["Request"]
    table = typed(read(incoming, facts.read), raw.to_schema(), facts.read)
    try:
        checked(raw, outcomes_last(table, raw, request))
    except ProjectError as error:
        raise ProjectError(f"the data does not hold the rules inferred from it: {error}") from None


def _same(one: Path, two: Path) -> bool:
    """Whether two files, or two folders of files, hold the same bytes."""
    if not one.is_dir() or not two.is_dir():
        return two.is_file() and one.is_file() and filecmp.cmp(one, two, shallow=False)
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in two.iterdir()):
        return False
    return not any(filecmp.cmpfiles(one, two, names, shallow=False)[1:])


@contextmanager
def swapped(path: Path, incoming: Path) -> Iterator[None]:
    """`incoming` at `path`; what was there comes back if anything fails within."""
    aside = incoming.with_name("aside")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(aside)
    incoming.rename(path)
    try:
        yield
    except BaseException:
        _remove(path)
        if aside.exists():
            aside.rename(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
