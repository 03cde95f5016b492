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

from mlops.config import Config
from mlops.data.cells import convert_types
from mlops.data.readers import outcomes_last, read
from mlops.data.validation import checked
from mlops.errors import ProjectError

from . import place
from .facts import Facts
from .write import card, example, features, params, schemas

OF_EXAMPLE = ("tests/test_example.py",)
"""Tests that hold for the simulated customers alone."""


def wire_project(
    facts: Facts, config: Config, root: Path, *, replace: bool, fresh: bool
) -> list[str]:
    """Write every file that depends on the table, and put the table beside them.

    Args:
        facts: What was found out about the table.
        config: The settings as they are now; those that name no column are kept.
        root: The project's folder.
        replace: Whether files that somebody edited and committed may be replaced.
        fresh: Whether the project was made just now, so that nobody can have edited a file.

    Returns:
        The paths of what changed; empty if the project was wired like this before.

    Raises:
        ProjectError: The table breaks the rules that were inferred from it, or somebody edited a
            file that would be replaced. Nothing was changed.
    """
    raw = facts.raw.as_posix()
    raw_before = config.data.raw.as_posix()
    package = find_package(root)
    with place.open_stage(root) as stage:
        files = place.format_texts(root, stage, _texts(facts, config, root, package))
        unknown_words = place.unknown_words(root, stage)
        # On the same disk as data/raw, so that it can be moved there in one step.
        incoming = _copy_in(facts, stage)
        _validate(facts, incoming, stage / package / "schemas.py")
        changed = [name for name, text in files.items() if text != place.present(root / name)]
        if not changed and _is_tracked(root, raw) and _same(incoming, root / raw):
            return []
        dropped = [name for name in OF_EXAMPLE if (root / name).exists()]
        if not fresh:
            _refuse_to_lose(facts, config, root, replace=replace)
            place.refuse_to_overwrite(root, [*changed, *dropped], replace=replace)
        files |= _record(facts, files)
        files |= _learn_spelling(root, unknown_words)
        # What `dvc add` and `dvc remove` write.
        pointers = [f"{raw}.dvc", f"{raw_before}.dvc", "data/raw/.gitignore"]
        with (
            place.all_or_nothing(root, [*files, *dropped, *pointers]),
            swap(root / raw, incoming),
        ):
            for name in dropped:
                (root / name).unlink()
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(text)
            if raw != raw_before and _is_tracked(root, raw_before):
                place.run(root, "dvc", "remove", "--quiet", f"{raw_before}.dvc")
            place.run(root, "dvc", "add", "--quiet", raw)
    # Last of all, since it cannot be taken back: DVC has no copy of what was never added.
    if raw != raw_before:
        try:
            _remove(root / raw_before)
        except KeyboardInterrupt:
            # Too late to go back: all else is in place, and only this is left to be done.
            _remove(root / raw_before)
    changed.append(raw)
    return changed


def _refuse_to_lose(facts: Facts, config: Config, root: Path, *, replace: bool) -> None:
    """Make sure that no table of the team's is replaced unasked by one that holds less."""
    # Without a record the table is the example's, which is there to be replaced.
    if replace or not (root / place.RECORD).exists():
        return
    raw = config.data.raw.as_posix()
    if not (root / raw).exists():
        raise ProjectError(
            f"{raw}, which would be replaced, is not here to be compared: `make data` brings it; "
            "REPLACE=yes replaces it unseen"
        )
    before = read(root / raw, config.data.read)
    lost = [str(name) for name in before if name not in facts.table]
    n_rows = facts.target.rows
    if not lost and n_rows >= len(before):
        return
    without = f", without the columns {', '.join(lost)}" if lost else ""
    raise ProjectError(
        f"{facts.path} has {n_rows:,} rows{without}, and would replace {raw} with its "
        f"{len(before):,}: nothing was changed. `make data ADD=...` appends rows to what is there; "
        "REPLACE=yes replaces all of it"
    )


def find_package(root: Path) -> str:
    """Return the path of the project's package, which is the one that holds the machinery."""
    for init in sorted(root.glob("src/*/mlops/__init__.py")):
        return init.parent.parent.relative_to(root).as_posix()
    raise ProjectError(f"{root} has no src/*/mlops: run the command in the project's folder")


def _texts(facts: Facts, config: Config, root: Path, package: str) -> dict[str, str]:
    """Return every file that is the team's and depends on the data, by its path."""
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(pyproject)["project"]
    authors = project.get("authors", [{}])
    owner = authors[0].get("name", project["name"])
    return {
        "params.yaml": params.text(facts, config),
        f"{package}/schemas.py": schemas.text(facts),
        f"{package}/features.py": features.text(facts, owner),
        f"{package}/example.py": example.text(),
        "docs/data-card.md": card.text(facts),
    }


def _record(facts: Facts, files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the record of what was decided and written, from which later edits are seen."""
    columns = {name: [facts.roles.of(name), why] for name, why in facts.roles.why.items()}
    checksums = {name: place.checksum(text) for name, text in files.items()}
    record = {"source": facts.path.name, "columns": columns, "files": checksums}
    text = json.dumps(record, indent=2) + "\n"
    return {place.RECORD.as_posix(): text.encode()}


def _learn_spelling(root: Path, words: set[str]) -> dict[str, bytes]:
    """Return pyproject.toml with the words of the data, unless the spelling check has them all."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    ignored = tomllib.loads(text)["tool"]["codespell"].get("ignore-words-list", "")
    known = {word for word in ignored.split(",") if word}
    if words <= known:
        return {}
    line = f'ignore-words-list = "{",".join(sorted(known | words))}"'
    # By hand, since no library that is always there writes TOML and keeps its comments.
    text = re.sub(r"(?m)^ignore-words-list = .*\n", "", text)
    changed = text.replace("[tool.codespell]\n", f"[tool.codespell]\n{line}\n")
    return {"pyproject.toml": changed.encode()}


def _copy_in(facts: Facts, stage: Path) -> Path:
    """Copy the data as it will be in data/raw, ready to be moved there."""
    path = stage / facts.raw.name
    if facts.path.is_dir():
        hidden = shutil.ignore_patterns(".*")
        # Without the mode of the original: a file that is read-only there could not be replaced.
        shutil.copytree(facts.path, path, ignore=hidden, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(facts.path, path)
    return path


def _validate(facts: Facts, incoming: Path, path: Path) -> None:
    """Read the data as the pipeline will, and validate it against the schema at `path`."""
    # By its path: the package may already have imported the schema that is replaced.
    module = run_path(str(path))
    raw, request = module["RawTable"], module["Request"]
    table = convert_types(read(incoming, facts.read), raw.to_schema(), facts.read)
    try:
        checked(raw, outcomes_last(table, raw, request))
    except ProjectError as error:
        raise ProjectError(f"the data breaks the rules inferred from it: {error}") from None


def _is_tracked(root: Path, name: str) -> bool:
    """Return whether DVC has a pointer to the file."""
    return (root / f"{name}.dvc").exists()


def _same(one: Path, two: Path) -> bool:
    """Return whether two files, or two folders of files, hold the same bytes."""
    if one.is_file() and two.is_file():
        return filecmp.cmp(one, two, shallow=False)
    if not one.is_dir() or not two.is_dir():
        return False
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in two.iterdir()):
        return False
    _, different, unreadable = filecmp.cmpfiles(one, two, names, shallow=False)
    return not different and not unreadable


@contextmanager
def swap(path: Path, incoming: Path) -> Iterator[None]:
    """Move `incoming` to `path`; what was there comes back if anything fails within.

    Args:
        path: Where the file or folder belongs.
        incoming: The file or folder, on the same disk.
    """
    aside = incoming.with_name("aside")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Within `try`: a signal between the two must not leave the data aside, where it is deleted.
        if path.exists():
            path.rename(aside)
        incoming.rename(path)
        yield
    except BaseException:  # Ctrl-C too
        # Until it was moved there, what is at `path` is the team's own, with no other copy.
        if not incoming.exists():
            _remove(path)
        if aside.exists():
            aside.rename(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
