"""The file that a person names: can it be read, and how is it written?"""

import gzip
import re
import shutil
from codecs import getincrementaldecoder, iterdecode
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd
import pyarrow
from mlops.config import Read
from mlops.data.readers import EXCEL, read, read_file, read_header
from mlops.errors import ProjectError

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
SAMPLE_SIZE = 1 << 16
"""Bytes from which the dialect of a CSV file is judged."""

MAX_WORDS = 2_000
"""Words from which an encoding is judged."""

DELIMITERS = [",", ";", "\t", "|"]
ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp1253", "cp932", "gb18030", "big5", "euc_kr"]
"""What a file that is not in UTF-8 may be in, the most frequent first."""

SYMBOLS = ("?", "-", "--", ".", "..", "*", "(null)", "missing", "unknown")
"""What may stand for a missing value in a column of numbers."""

MAX_SWELLING = 200
"""No table becomes so many times larger when it is unpacked."""

ALWAYS_ALLOWED = 64 * CHUNK_SIZE
COPIES = 3
"""The raw file, DVC's copy of it, and the tables made from it."""

NUMBER = r"[+-]?\d[\d.,]*([eE][+-]?\d+)?"
DECIMAL_COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"


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
        encodings = {_encoding(file) for file in files}
        if len(encodings) > 1:
            found = ", ".join(sorted(encodings))
            raise ProjectError(f"the files of {path} are in several encodings: {found}")
        how = _dialect(files[0], encodings.pop())
    if is_csv or suffix in EXCEL:
        for file in files:
            check_header(file, _header(file, how))
        how = _numbers(files[0], how)
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
    for name, count in Counter(header).items():
        if count > 1:
            raise ProjectError(f"{path} has several columns named {name!r}: rename all but one")


def _header(path: Path, how: Read) -> list[str]:
    """Return the names of the columns; a workbook has no lines from which to take them."""
    if path.suffix.lower() in EXCEL:
        names: list[str] = read_file(path, how).column_names
        if names:
            return names
    return read_header(path, how)[0]


def _files(path: Path) -> list[Path]:
    """Return the files to read, after a look at what they are."""
    if path.is_symlink():
        raise ProjectError(f"{path} is a symbolic link: name the file that it leads to")
    if path.is_dir():
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


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a text file, unpacked."""
    with pyarrow.input_stream(path) as stream:
        chunk = stream.read(CHUNK_SIZE)
        while chunk:
            yield chunk
            chunk = stream.read(CHUNK_SIZE)


def _encoding(path: Path) -> str:
    """Return UTF-8 if every byte fits, else what the words beyond ASCII look like."""
    decoder = getincrementaldecoder("utf-8")()
    for chunk in _chunks(path):
        if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if b"\0" in chunk:
            raise ProjectError(f"{path} holds a NUL byte: it is not text, or broken")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            # Words, since the ASCII around them is the same in every encoding.
            words = set(re.findall(rb"[^\s,;|\"]*[\x80-\xff][^\s,;|\"]*", chunk))
            return _other_encoding(path, words)
    return "utf-8"


def _other_encoding(path: Path, words: set[bytes]) -> str:
    """Return the likeliest encoding of the words that also decodes the whole file."""
    from charset_normalizer import from_bytes

    sample = b" ".join(sorted(words)[:MAX_WORDS])
    found = from_bytes(sample, cp_isolation=ENCODINGS)
    likely = sorted(
        found, key=lambda match: (round(match.chaos, 2), ENCODINGS.index(match.encoding))
    )
    for match in likely:
        with suppress(UnicodeDecodeError):
            for _ in iterdecode(_chunks(path), match.encoding):
                pass
            return match.encoding
    raise ProjectError(f"{path} is in no known encoding: save it as UTF-8")


def _dialect(path: Path, encoding: str) -> Read:
    """Judge delimiter and quotes by the first rows."""
    from clevercsv import Sniffer
    from clevercsv.exceptions import NoDetectionResult

    how = Read(encoding=encoding)
    if path.suffix.lower() == ".tsv":
        return how.model_copy(update={"delimiter": "\t"})
    with pyarrow.input_stream(path) as stream:
        sample = stream.read(SAMPLE_SIZE).decode(encoding, errors="ignore").removeprefix("\ufeff")
    whole_lines = sample[: sample.rfind("\n") + 1] or sample
    try:
        found = Sniffer().sniff(whole_lines, delimiters=DELIMITERS)
    except NoDetectionResult:
        return how
    changes = {}
    if found and found.delimiter:
        changes["delimiter"] = found.delimiter
    if found and found.quotechar:
        changes["quote"] = found.quotechar
    return how.model_copy(update=changes)


def _numbers(path: Path, how: Read) -> Read:
    """Judge how numbers are written, by the columns that hold nothing but numbers."""
    comma_columns = 0
    thousands_columns = 0
    missing: set[str] = set()
    for _, column in read(path, how).items():
        values = column.dropna().drop_duplicates().astype("str")
        is_symbol = values.str.lower().isin(SYMBOLS)
        symbols = values[is_symbol]
        rest = values[~is_symbol]
        numeric = bool(len(rest)) and bool(rest.str.fullmatch(NUMBER).all())
        if numeric:
            missing |= set(symbols)
        else:
            # Among words, `missing` or `unknown` may be values as good as the others.
            missing |= set(symbols[symbols.str.fullmatch(r"\W+|\(null\)")])
            continue
        if _has_decimal_comma(rest, how):
            comma_columns += 1
        elif rest.str.fullmatch(THOUSANDS).any():
            thousands_columns += 1
    changes: dict[str, object] = {"missing": sorted(missing)}
    if comma_columns:
        changes["decimal"] = ","
    elif thousands_columns:
        changes["thousands"] = ","
    return how.model_copy(update=changes)


def _has_decimal_comma(numbers: pd.Series, how: Read) -> bool:
    """Return whether a comma in the numbers can only be, or most likely is, a decimal one."""
    comma = numbers.str.fullmatch(DECIMAL_COMMA)
    thousands = numbers.str.fullmatch(THOUSANDS)
    # 1,234 could be either; whoever writes another delimiter most likely writes a decimal comma.
    only_decimal = bool((comma & ~thousands).any())
    return only_decimal or (bool(comma.any()) and how.delimiter != ",")
