"""The file that a person points at: is it fit to be read, and how is it written?"""

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

import pyarrow
from mlops.config import Read
from mlops.data.readers import EXCEL, read, read_file, read_header
from mlops.errors import ProjectError

FORMATS = {".csv": ".csv", ".tsv": ".csv", ".txt": ".csv", ".jsonl": ".jsonl"} | {
    ".ndjson": ".jsonl",
    ".json": ".jsonl",
    ".parquet": ".parquet",
    ".pq": ".parquet",
    **dict(zip(EXCEL, EXCEL, strict=True)),
}
"""What a file may be called, and what it is called in data/raw."""

CHUNK = 1 << 20
SAMPLE = 1 << 16
WORDS = 2_000
DELIMITERS = [",", ";", "\t", "|"]
ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp1253", "cp932", "gb18030", "big5", "euc_kr"]
SYMBOLS = ("?", "-", "--", ".", "..", "*", "(null)", "missing", "unknown")
"""What may stand for nothing in a column of numbers."""

BOMB = 200
"""No table shrinks to less than this share when it is packed."""

NUMBER = r"[+-]?\d[\d.,]*([eE][+-]?\d+)?"
COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"


@dataclass(frozen=True)
class Source:
    """How a file, or the files of a folder, are written; the suffix that they get."""

    suffix: str
    read: Read


def open_source(path: Path) -> Source:
    """Look at the file, all of it; ProjectError says in a sentence why it cannot be used."""
    files = _files(path)
    suffix = _suffix(files[0])
    if strange := next((file for file in files if _suffix(file) != suffix), None):
        raise ProjectError(f"{strange} is another kind of file than {files[0]}, in the same folder")
    sizes = [_unpacked(file) for file in files]
    free = shutil.disk_usage(Path.cwd()).free
    # The raw copy, DVC's copy, and the tables made from it.
    if sum(sizes) * 3 > free:
        raise ProjectError(
            f"{path} holds {sum(sizes):,} bytes, and the project needs three times as many; "
            f"{free:,} are free: make room, or wire a part of it"
        )
    how = Read()
    if suffix.startswith(".csv"):
        encodings = Counter(_encoding(file) for file in files)
        if len(encodings) > 1:
            raise ProjectError(f"the files of {path} are in several encodings: {[*encodings]}")
        how = _dialect(files[0], next(iter(encodings)))
    if suffix.startswith(".csv") or suffix in EXCEL:
        for file in files:
            check_header(file, [*_header(file, how)])
        how = _numbers(files[0], how)
    return Source("" if path.is_dir() else suffix, how)


def check_header(path: Path, header: list[str]) -> None:
    """ProjectError unless the names are two at least, none empty, none twice."""
    if len(header) < 2:
        raise ProjectError(f"{path} has one column: features and a target need two or more")
    if "" in header:
        raise ProjectError(f"{path}: column {header.index('') + 1} has no name: give it one")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise ProjectError(f"{path} has several columns named {twice[0]!r}: rename all but one")


def _header(path: Path, how: Read) -> list[str]:
    names: list[str] = read_file(path, how).column_names if path.suffix.lower() in EXCEL else []
    return names or read_header(path, how)[0]


def _files(path: Path) -> list[Path]:
    if path.is_symlink():
        raise ProjectError(f"{path} is a symbolic link: name the file that it leads to")
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name[0] != ".")
        if not files:
            raise ProjectError(f"{path} is a folder without data: put files of one shape into it")
    elif path.is_file():
        files = [path]
    else:
        raise ProjectError(f"{path} is not there: check the path")
    for file in files:
        if file.is_symlink() or not file.is_file():
            raise ProjectError(f"{file} is no plain file: take it out, or name another path")
        if file.stat().st_size == 0:
            raise ProjectError(f"{file} is empty: it needs a line of names, and rows")
    return files


def _suffix(path: Path) -> str:
    packed = ".gz" if path.suffix.lower() == ".gz" else ""
    ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    if ending not in FORMATS or (packed and FORMATS[ending] not in (".csv", ".jsonl")):
        raise ProjectError(
            f"{path} is of no kind that can be read ({', '.join(FORMATS)}; the text ones also "
            "with .gz): unpack it, or save it as one of them"
        )
    return FORMATS[ending] + packed


def _unpacked(path: Path) -> int:
    """The bytes of a file once it is unpacked; ProjectError if it swells without reason."""
    size = path.stat().st_size
    try:
        if path.suffix.lower() == ".gz":
            whole = 0
            with gzip.open(path) as stream:
                while (chunk := stream.read(CHUNK)) and whole <= max(BOMB * size, CHUNK * 64):
                    whole += len(chunk)
        elif path.suffix.lower() in (".xlsx", ".ods"):
            with ZipFile(path) as archive:
                whole = sum(entry.file_size for entry in archive.infolist())
        else:
            return size
    except (BadZipFile, EOFError, OSError) as error:
        raise ProjectError(f"{path} cannot be unpacked: {error}") from None
    if whole > max(BOMB * size, CHUNK * 64):
        raise ProjectError(f"{path} swells to more than {BOMB} times its size: that is no table")
    return whole


def _chunks(path: Path) -> Iterator[bytes]:
    with pyarrow.input_stream(path) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _encoding(path: Path) -> str:
    """UTF-8 if every byte fits, else what the words beyond ASCII look like."""
    from charset_normalizer import from_bytes

    decoder, words = getincrementaldecoder("utf-8")(), set[bytes]()
    for chunk in _chunks(path):
        if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if b"\0" in chunk:
            raise ProjectError(f"{path} holds a NUL byte: it is no text, or a broken one")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            words |= set(re.findall(rb"[^\s,;|\"]*[\x80-\xff][^\s,;|\"]*", chunk))
            break
    else:
        return "utf-8"
    found = from_bytes(b" ".join(sorted(words)[:WORDS]), cp_isolation=ENCODINGS)
    likely = sorted(found, key=lambda f: (round(f.chaos, 2), ENCODINGS.index(f.encoding)))
    for encoding in (match.encoding for match in likely):
        with suppress(UnicodeDecodeError):
            for _ in iterdecode(_chunks(path), encoding):
                pass
            return encoding
    raise ProjectError(f"{path} is in no known encoding: save it as UTF-8")


def _dialect(path: Path, encoding: str) -> Read:
    from clevercsv import Sniffer
    from clevercsv.exceptions import NoDetectionResult

    with pyarrow.input_stream(path) as stream:
        sample = stream.read(SAMPLE).decode(encoding, errors="ignore").removeprefix("\ufeff")
    whole = sample[: sample.rfind("\n") + 1] or sample
    how = Read(encoding=encoding)
    if path.suffix.lower() == ".tsv":
        return how.model_copy(update={"delimiter": "\t"})
    try:
        found = Sniffer().sniff(whole, delimiters=DELIMITERS)
    except NoDetectionResult:
        return how
    marks = {"delimiter": found.delimiter, "quote": found.quotechar} if found else {}
    return how.model_copy(update={name: mark for name, mark in marks.items() if mark})


def _numbers(path: Path, how: Read) -> Read:
    """How numbers are written, judged by the columns that hold nothing but numbers."""
    marks, missing = Counter[str](), set[str]()
    for _, column in read(path, how).items():
        values = column.dropna().drop_duplicates().astype("str")
        symbols = values[values.str.lower().isin(SYMBOLS)]
        rest = values[~values.index.isin(symbols.index)]
        numeric = rest.str.fullmatch(NUMBER)
        words = symbols.str.fullmatch(r"\W+|\(null\)")
        missing |= set(symbols if len(rest) and numeric.all() else symbols[words])
        if len(rest) == 0 or not numeric.all():
            continue
        comma, thousands = rest.str.fullmatch(COMMA), rest.str.fullmatch(THOUSANDS)
        if (comma & ~thousands).any() or (comma.any() and how.delimiter != ","):
            marks["comma"] += 1
        elif thousands.any():
            marks["thousands"] += 1
    changes: dict[str, object] = {"missing": sorted(missing)}
    if marks["comma"]:
        changes["decimal"] = ","
    elif marks["thousands"]:
        changes["thousands"] = ","
    return how.model_copy(update=changes)
