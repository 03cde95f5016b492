"""How a text file is written: encoding, delimiter, quotes, and the marks in its numbers."""

import re
from codecs import getincrementaldecoder, iterdecode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow
from mlops.config import Read
from mlops.data.cells import split_amounts
from mlops.data.readers import read
from mlops.errors import ProjectError

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

NUMBER = r"[+-]?\d[\d.,]*([eE][+-]?\d+)?"
DECIMAL_COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
DECIMAL_POINT = r"[+-]?(\d+|\d{1,3}(,\d{3})+)\.\d+([eE][+-]?\d+)?"
POINT_OF_THOUSANDS = r"[+-]?\d{1,3}(\.\d{3})+"

# A quarter, as 0,250 or 0.250: behind a lone zero there are no thousands.
COMMA_FRACTION = r"[+-]?0,\d*[1-9]\d*"
POINT_FRACTION = r"[+-]?0\.\d*[1-9]\d*"

# A mark that is there twice parts thousands: beside 1,234,567 even 0,250 is 250.
COMMA_MILLIONS = r"[+-]?\d{1,3}(,\d{3}){2,}(\.\d+)?"
POINT_MILLIONS = r"[+-]?\d{1,3}(\.\d{3}){2,}(,\d+)?"


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a text file, unpacked."""
    with pyarrow.input_stream(path) as stream:
        chunk = stream.read(CHUNK_SIZE)
        while chunk:
            yield chunk
            chunk = stream.read(CHUNK_SIZE)


def encoding_of(path: Path) -> str:
    """Judge the encoding of a text file, by every byte of it.

    Args:
        path: The file, which may be packed.

    Returns:
        UTF-8 if every byte fits, else what the words beyond ASCII look like.

    Raises:
        ProjectError: It is not text, or in no known encoding.
    """
    decoder = getincrementaldecoder("utf-8")()
    for chunk in _chunks(path):
        # The byte order mark of UTF-16, which is full of NUL bytes.
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
    # Short words say little: among equals the more frequent encoding wins.
    found = from_bytes(sample, cp_isolation=ENCODINGS)
    likely = sorted(
        found, key=lambda match: (round(match.chaos, 2), ENCODINGS.index(match.encoding))
    )
    for match in likely:
        with suppress(UnicodeDecodeError):
            # A guess from a sample may fail on the rest.
            for _ in iterdecode(_chunks(path), match.encoding):
                pass
            return match.encoding
    raise ProjectError(f"{path} is in no known encoding: save it as UTF-8")


def find_dialect(path: Path, encoding: str) -> Read:
    """Judge delimiter and quotes by the first rows.

    Args:
        path: The file, which may be packed.
        encoding: What it is written in.

    Returns:
        How it is written; commas and double quotes if nothing else was found.
    """
    from clevercsv import Sniffer
    from clevercsv.exceptions import NoDetectionResult

    how = Read(encoding=encoding)
    if path.suffix.lower() == ".tsv":
        return how.model_copy(update={"delimiter": "\t"})
    with pyarrow.input_stream(path) as stream:
        sample = stream.read(SAMPLE_SIZE).decode(encoding, errors="ignore").removeprefix("\ufeff")
    # A line that is cut off would look like one of fewer columns.
    whole_lines = sample[: sample.rfind("\n") + 1] or sample
    try:
        found = Sniffer().sniff(whole_lines, delimiters=DELIMITERS)
    except NoDetectionResult:  # one column, or no regular rows: the header will be refused
        return how
    changes = {}
    if found and found.delimiter:
        changes["delimiter"] = found.delimiter
    if found and found.quotechar:
        changes["quote"] = found.quotechar
    return how.model_copy(update=changes)


def find_number_marks(path: Path, how: Read) -> Read:
    """Judge how numbers are written, by the columns that hold nothing but numbers.

    Args:
        path: The file.
        how: Its encoding, delimiter and quotes.

    Returns:
        The same with the decimal mark, the thousands mark, and what stands for a missing value.
    """
    comma_columns = []
    point_columns = []
    has_thousands = False
    missing: set[str] = set()
    for name, column in read(path, how).items():
        values = column.dropna().drop_duplicates().astype("str")
        is_symbol = values.str.lower().isin(SYMBOLS)
        symbols = values[is_symbol]
        rest = values[~is_symbol]
        # Without a currency or a unit, if there is one.
        numbers = split_amounts(rest)["digits"].fillna(rest)
        numeric = bool(len(rest)) and bool(numbers.str.fullmatch(NUMBER).all())
        if numeric:
            missing |= set(symbols)
        else:
            # Among words, `missing` or `unknown` may be values as good as the others.
            missing |= set(symbols[symbols.str.fullmatch(r"\W+|\(null\)")])
            continue
        if _has_decimal_comma(numbers, how):
            comma_columns.append(str(name))
        elif _has_decimal_point(numbers):
            point_columns.append(str(name))
        if numbers.str.fullmatch(THOUSANDS).any():
            has_thousands = True
    # As most columns have it; the others are recorded one by one.
    is_comma = bool(comma_columns) and len(comma_columns) >= len(point_columns)
    changes: dict[str, object] = {"missing": sorted(missing)}
    if is_comma:
        changes["decimal"] = ","
        changes["decimals"] = dict.fromkeys(point_columns, ".")
    else:
        changes["decimals"] = dict.fromkeys(comma_columns, ",")
        if has_thousands:
            changes["thousands"] = ","
    return how.model_copy(update=changes)


def _has_decimal_point(numbers: pd.Series) -> bool:
    """Return whether a point in the numbers can only be a decimal one."""
    if numbers.str.fullmatch(POINT_MILLIONS).any():
        return False
    point = numbers.str.fullmatch(DECIMAL_POINT) & ~numbers.str.fullmatch(POINT_OF_THOUSANDS)
    sure = point | numbers.str.fullmatch(f"{POINT_FRACTION}|{COMMA_MILLIONS}")
    return bool(sure.any())


def _has_decimal_comma(numbers: pd.Series, how: Read) -> bool:
    """Return whether a comma in the numbers can only be, or most likely is, a decimal one."""
    if numbers.str.fullmatch(COMMA_MILLIONS).any():
        return False
    comma = numbers.str.fullmatch(DECIMAL_COMMA)
    thousands = numbers.str.fullmatch(THOUSANDS) & ~numbers.str.fullmatch(COMMA_FRACTION)
    # 1,234 could be either; whoever writes another delimiter most likely writes a decimal comma.
    only_decimal = bool((comma & ~thousands).any())
    return only_decimal or (bool(comma.any()) and how.delimiter != ",")
