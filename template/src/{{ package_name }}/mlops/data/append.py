"""Append new rows to the raw data: none is duplicated, none is lost, and it can be undone."""

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from .. import team
from ..config import Config
from ..errors import ProjectError
from . import MIN_ROWS, compare, drifted, independent_rows, summarize
from .cells import Where, convert_types, find_types
from .fetch import dvc, stage_of, undo
from .readers import files_of, kind_of, outcomes_last, read, row_finder
from .validation import checked, is_about_a_person, row_of_table
from .writers import write_rows

N_LISTED = 5
"""At most so many columns that drifted are named."""


def append(config: Config, root: Path, given: str) -> str:
    """Append the rows of files to the raw data and record the new version with DVC.

    A file whose rows are all there already is skipped, so that the same call may be repeated.

    Args:
        config: The settings; `data.read` says how the files are written.
        root: The project's folder.
        given: A file, a folder of files, or several of them separated by spaces.

    Returns:
        What was done, and how to undo it, in some lines.

    Raises:
        ProjectError: A file has other columns, breaks the schema, or repeats some of the rows.
            Nothing was changed.
    """
    raw = root / config.data.raw
    sources = _sources(given, config)
    _refuse_what_cannot_grow(config, root)
    how = config.data.read
    as_read = read(raw, how)
    before = _typed(as_read, config)
    table = before
    said = []
    added: list[tuple[Path, pd.DataFrame, pd.DataFrame]] = []
    for source in sources:
        try:
            texts = _same_columns(read(source, how), as_read)
            # The new rows first, in the messages too.
            where = row_finder(source, how, raw, *(earlier for earlier, _, _ in added))
            rows = _typed(texts, config, where)
            if _is_there(rows, table, config, where):
                said.append(f"{source}: all {len(rows):,} rows are there already, none was added")
                continue
            both = pd.concat([rows, table], ignore_index=True)
            checked(team.raw_table(), outcomes_last(both, team.raw_table(), team.request()), where)
        except ProjectError as error:
            raise ProjectError(f"{source}: {error}\nNothing was changed.") from None
        said.append(f"{source}: {len(rows):,} rows{_period(rows, table, config)}")
        table = pd.concat([table, rows], ignore_index=True)
        added.append((source, rows, texts))
    if not added:
        return "\n".join([*said, "Nothing was changed."])
    # Beside the raw data, so that it takes its place in one step.
    with TemporaryDirectory(prefix=".append-", dir=raw.parent) as stage:
        incoming = _write(raw, Path(stage), added, config)
        _refuse_another_table(incoming, table, config)
        with _swapped(raw, incoming):
            dvc("add", "--quiet", str(config.data.raw), cwd=root)
    said.append(f"{config.data.raw}: {len(before):,} rows before, {len(table):,} now")
    said += _drift(before, table.iloc[len(before) :], config)
    return "\n".join([*said, *_next_steps(config, root)])


def _sources(given: str, config: Config) -> list[Path]:
    """The files that a person named, those of folders in the order of their time."""
    # A path with a space in it is one file.
    names = [given]
    if not Path(given).expanduser().exists():
        try:
            names = shlex.split(given)
        except ValueError:
            raise ProjectError(f"ADD={given} has a quote that is not closed: check it") from None
    found = []
    for name in names:
        path = Path(name).expanduser()
        if not path.exists():
            raise ProjectError(f"ADD={name} is not there: check the path")
        files = files_of(path)
        if not files:
            raise ProjectError(f"ADD={name} is a folder without files")
        found += _in_order(files, config)
    return found


def _in_order(files: list[Path], config: Config) -> list[Path]:
    """Files by the earliest time in each, since june-2026.csv comes before may-2026.csv by name."""
    time = config.data.time
    if time is None or len(files) == 1:
        return sorted(files, key=_numbers_by_value)
    begins: dict[Path, tuple[bool, Any]] = {}
    for file in files:
        try:
            rows = read(file, config.data.read).filter([time])
        except ProjectError as error:
            raise ProjectError(f"{file}: {error}\nNothing was changed.") from None
        # What is not a time is refused with its row when the file has its turn.
        typed, _ = find_types(rows, team.raw_table().to_schema(), config.data.read)
        has_time = time in typed and typed[time].notna().any()
        begins[file] = (not has_time, typed[time].min() if has_time else 0)
    return sorted(files, key=lambda file: begins[file])


def _numbers_by_value(file: Path) -> list[tuple[bool, int, str]]:
    """The parts of a name by which part-2.csv comes before part-10.csv."""
    parts = re.findall(r"\d+|\D+", file.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _refuse_what_cannot_grow(config: Config, root: Path) -> None:
    """Raise ProjectError where the new version could not be kept, or undone."""
    raw = config.data.raw
    stage = stage_of(root, raw)
    if stage is not None:
        raise ProjectError(
            f"{raw} is made by the stage {stage} in dvc.yaml: add the rows to what that stage "
            "reads, `uv run dvc add` that, and `make pipeline`"
        )
    if any(kind_of(file) == "sheet" for file in files_of(root / raw)):
        raise ProjectError(
            f"{raw} is a workbook, to which no rows can be appended: save all rows as CSV and run "
            "`make wire` with REPLACE=yes"
        )
    differences = dvc("status", "--json", f"{raw}.dvc", cwd=root).strip()
    if differences != "{}":
        raise ProjectError(
            f"{raw} is not the version that {raw}.dvc records: `uv run dvc add {raw}` keeps it, "
            f"`uv run dvc checkout --force {raw}.dvc` brings the recorded one back"
        )


def _typed(table: pd.DataFrame, config: Config, where: Where = row_of_table) -> pd.DataFrame:
    return convert_types(table, team.raw_table().to_schema(), config.data.read, where)


def _same_columns(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the columns in the order of the table, which must be the same ones."""
    missing = [str(name) for name in table if name not in rows]
    unknown = []
    for name in rows.columns.difference(table.columns, sort=False):
        near = get_close_matches(str(name), missing, 1)
        unknown.append(f"{name} (did you mean {near[0]}?)" if near else str(name))
    if missing or unknown:
        raise ProjectError(
            f"has other columns than the table: missing {', '.join(missing) or 'none'}, unknown "
            f"{', '.join(unknown) or 'none'}"
        )
    return rows[list(table)]


def _is_there(rows: pd.DataFrame, table: pd.DataFrame, config: Config, where: Where) -> bool:
    """Whether the table has all of the rows; ProjectError if it has some of them."""
    n_rows = len(rows)
    both = pd.concat([rows, table], ignore_index=True)
    hashes = pd.util.hash_pandas_object(both, index=False)
    # Equal rows are counted on each side: the second of two needs a second one in the table.
    new, known = (_numbered(side) for side in (hashes[:n_rows], hashes[n_rows:]))
    n_repeated = int(new.isin(known).sum())
    if n_repeated == n_rows:
        return True
    key = list(config.data.ids)
    if config.data.time is not None:
        key.append(config.data.time)
    if not key or table.duplicated(key).any():
        # Nothing says which row is which, so only whole rows can repeat; where the table has
        # equal rows of its own, that says nothing either.
        if n_repeated and not table.duplicated().any():
            raise ProjectError(
                f"{n_repeated:,} of {n_rows:,} rows are in the table already: name a file with "
                "the new rows alone"
            )
        return False
    keys = both[key]
    is_repeated = keys.duplicated(keep=False)[:n_rows] & keys.notna().all(axis=1)[:n_rows]
    if is_repeated.any():
        raise ProjectError(
            f"{is_repeated.sum():,} of {n_rows:,} rows have the {' and '.join(key)} of another "
            f"row, of the table or of the file itself, the first is {where(is_repeated.idxmax())}; "
            f"{n_repeated:,} are in the table as they are. Name a file with the new rows alone; "
            "a corrected version of the whole table takes its place with `uv run dvc add`"
        )
    return False


def _numbered(hashes: pd.Series) -> pd.Series:
    """Each hash with the number of equal ones before it."""
    return hashes.astype(str) + "-" + hashes.groupby(hashes).cumcount().astype(str)


def _period(rows: pd.DataFrame, table: pd.DataFrame, config: Config) -> str:
    """From when to when the rows are, and whether they follow on what is there."""
    time = config.data.time
    if time is None or rows[time].isna().all():
        return ""
    begin, end, last = rows[time].min(), rows[time].max(), table[time].max()
    order = "after" if begin > last else "not all after"
    period = f", {time} from {begin} to {end}, {order} the last one so far, {last}"
    # A date is written without its midnight.
    return period.replace(" 00:00:00", "")


def _write(
    raw: Path, stage: Path, added: list[tuple[Path, pd.DataFrame, pd.DataFrame]], config: Config
) -> Path:
    """Write the whole new version of the raw data into the stage."""
    how = config.data.read
    incoming = stage / raw.name
    first = files_of(raw)[0]
    # What is text in a text file stays as it is written.
    is_text = kind_of(first) == "csv"
    if raw.is_dir():
        shutil.copytree(raw, incoming)
        for source, rows, texts in added:
            ending = first.name.removeprefix(_without_suffix(first))
            name = _without_suffix(source) + ending
            if (incoming / name).exists():
                raise ProjectError(f"{raw / name} is there with other rows: rename {source}")
            write_rows(texts if is_text else rows, incoming / name, how)
        return incoming
    shutil.copyfile(raw, incoming)
    for _, rows, texts in added:
        write_rows(texts if is_text else rows, incoming, how, behind=incoming)
    return incoming


def _without_suffix(file: Path) -> str:
    """The name without what says its kind; a dot may stand in a date, as in 2026.06.csv.gz."""
    name = file.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name


def _refuse_another_table(incoming: Path, table: pd.DataFrame, config: Config) -> None:
    """Read what was written, and demand every row that was there and every new one."""
    written = _typed(read(incoming, config.data.read), config)[list(table)]
    # Types may differ where a column of the new rows is empty.
    written = written.astype(table.dtypes)
    hashes = [
        pd.util.hash_pandas_object(rows, index=False).sort_values(ignore_index=True)
        for rows in (written, table)
    ]
    if not hashes[0].equals(hashes[1]):
        raise ProjectError(
            "the new rows cannot be written in the form of the raw data so that they are read "
            "back as they are: save them in its form first. Nothing was changed."
        )


@contextmanager
def _swapped(raw: Path, incoming: Path) -> Iterator[None]:
    """Put the new version in its place; the one before comes back if anything fails within."""
    aside = incoming.with_name("before")
    try:
        raw.rename(aside)
        incoming.rename(raw)
        yield
    except BaseException:  # Ctrl-C too
        if aside.exists():
            if raw.exists():
                raw.rename(incoming)
            aside.rename(raw)
        raise


def _drift(before: pd.DataFrame, rows: pd.DataFrame, config: Config) -> list[str]:
    """Which columns drifted in the new rows, by the measure of the gate `drift`, a line each."""
    data = config.data
    n_before, n_rows = (independent_rows(config, side) for side in (before, rows))
    found = []
    for name in map(str, before):
        about_person = is_about_a_person(team.raw_table(), name)
        if name in (*data.ids, data.time, data.group) or about_person:
            continue
        summary = summarize(before[name], n_before)
        found.append(compare(name, summary, rows[name], n_rows, "in the new rows"))
    changes = drifted(found, config.gates.drift)
    few = f" (fewer than {MIN_ROWS} show little)" if min(n_before, n_rows) < MIN_ROWS else ""
    if not changes:
        return [f"No column drifted in the new rows{few}."]
    lines = [f"  {change.text}" for change in changes[:N_LISTED]]
    return [f"Columns that drifted ({len(changes)}){few}, the largest first:", *lines]


def _next_steps(config: Config, root: Path) -> list[str]:
    raw = config.data.raw
    planned = dvc("repro", "--dry", "--force-downstream", cwd=root)
    stages = re.findall(r"Running stage '([^']+)'", planned)
    return [
        f"DVC has the new version. `make pipeline` will run: {', '.join(stages) or 'nothing'}.",
        undo(root, f"{raw}.dvc"),
    ]
