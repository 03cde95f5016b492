"""The file that a person names: is it fit to be read?"""

import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from mlops.config import Read
from mlops.data.readers import EXCEL, read_file, read_header, refuse_duplicates
from mlops.errors import ProjectError

from .dialect import encoding_of, find_dialect, find_number_marks

SUFFIXES = {
    ".csv": ".csv",
    ".tsv": ".csv",
    ".txt": ".csv",
    ".jsonl": ".jsonl",
    ".ndjson": ".jsonl",
    ".json": ".jsonl",
    ".parquet": ".parquet",
    ".pq": ".parquet",
}
"""How a file's name may end, and how it ends in data/raw."""

SUFFIXES |= {suffix: suffix for suffix in EXCEL}

CHUNK_SIZE = 1 << 20
MAX_SWELLING = 200
"""No table becomes so many times larger when it is unpacked."""

ALWAYS_ALLOWED = 64 * CHUNK_SIZE
COPIES = 3
"""The raw file, DVC's copy of it, and the tables made from it."""


@dataclass(frozen=True)
class Source:
    """How a file, or the files of a folder, are written; the suffix that they get."""

    suffix: str
    read: Read


def open_source(path: Path) -> Source:
    """Look at a file, all of it.

    Args:
        path: The file, or a folder of files of one shape.

    Returns:
        How it is written.

    Raises:
        ProjectError: It cannot be used; the message says why in a sentence.
    """
    files = _files(path)
    suffix = _suffix(files[0])
    for file in files:
        if _suffix(file) != suffix:
            raise ProjectError(
                f"{file} is another kind of file than {files[0]}, in the same folder"
            )
    _check_space(path, files)
    how = Read()
    is_csv = suffix.startswith(".csv")
    if is_csv:
        encodings = {encoding_of(file) for file in files}
        if len(encodings) > 1:
            found = ", ".join(sorted(encodings))
            raise ProjectError(f"the files of {path} are in several encodings: {found}")
        how = find_dialect(files[0], encodings.pop())
    if is_csv or suffix in EXCEL:
        for file in files:
            check_header(file, _header(file, how))
        # The first file stands for all: they are of one shape.
        how = find_number_marks(files[0], how)
    return Source("" if path.is_dir() else suffix, how)


def check_header(path: Path, header: list[str]) -> None:
    """Check the names of a table's columns.

    Args:
        path: The file, for the message.
        header: The names.

    Raises:
        ProjectError: There are fewer than two names, or one is empty or duplicated.
    """
    if len(header) < 2:
        raise ProjectError(f"{path} has one column: features and a target need two or more")
    if "" in header:
        raise ProjectError(f"{path}: column {header.index('') + 1} has no name: give it one")
    refuse_duplicates(path, header)


def _header(path: Path, how: Read) -> list[str]:
    """Return the names of the columns; a workbook has no lines from which to take them."""
    if path.suffix.lower() in EXCEL:
        names: list[str] = read_file(path, how).column_names
        if names:
            return names
    return read_header(path, how)[0]


def _files(path: Path) -> list[Path]:
    """Return the files to read, after a look at what they are."""
    # DVC would store the link, not the data.
    if path.is_symlink():
        raise ProjectError(f"{path} is a symbolic link: name the file that it leads to")
    if path.is_dir():
        # Hidden files are the system's, like .DS_Store.
        files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
        if not files:
            raise ProjectError(f"{path} is a folder without data: put files of one shape into it")
    elif path.is_file():
        files = [path]
    else:
        raise ProjectError(f"{path} is not there: check the path")
    for file in files:
        if file.is_symlink() or not file.is_file():
            raise ProjectError(f"{file} is not a plain file: remove it, or name another path")
        if file.stat().st_size == 0:
            raise ProjectError(f"{file} is empty: it needs a line of names, and rows")
    return files


def _suffix(path: Path) -> str:
    """Return the suffix that a file gets in data/raw, with .gz if it is packed."""
    packed = ".gz" if path.suffix.lower() == ".gz" else ""
    ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    suffix = SUFFIXES.get(ending)
    if suffix is None or (packed and suffix not in (".csv", ".jsonl")):
        raise ProjectError(
            f"{path} is of no kind that can be read ({', '.join(SUFFIXES)}; the text ones also "
            "with .gz): unpack it, or save it as one of them"
        )
    return suffix + packed


def _check_space(path: Path, files: list[Path]) -> None:
    """Refuse what does not fit on the disk."""
    size = sum(_unpacked_size(file) for file in files)
    free = shutil.disk_usage(Path.cwd()).free
    if size * COPIES > free:
        raise ProjectError(
            f"{path} holds {size:,} bytes, and the project needs three times as many; "
            f"{free:,} are free: make room, or wire a part of it"
        )


def _unpacked_size(path: Path) -> int:
    """Return the bytes of a file once it is unpacked; refuse one that swells without reason."""
    size = path.stat().st_size
    allowed = max(MAX_SWELLING * size, ALWAYS_ALLOWED)
    try:
        if path.suffix.lower() == ".gz":
            unpacked = _gzip_size(path, allowed)
        elif path.suffix.lower() in (".xlsx", ".ods"):
            with ZipFile(path) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        else:
            return size
    except (BadZipFile, EOFError, OSError) as error:
        raise ProjectError(f"{path} cannot be unpacked: {error}") from None
    if unpacked > allowed:
        raise ProjectError(
            f"{path} swells to more than {MAX_SWELLING} times its size: that is not a table"
        )
    return unpacked


def _gzip_size(path: Path, allowed: int) -> int:
    """Count the bytes in a gzip file, until there are more than allowed: it does not say them."""
    unpacked = 0
    with gzip.open(path) as stream:
        while unpacked <= allowed:
            chunk = stream.read(CHUNK_SIZE)
            if not chunk:
                break
            unpacked += len(chunk)
    return unpacked
