"""What cannot be wired is refused in one sentence, which says what is wrong and where."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlops.errors import ProjectError
from wire.facts import Facts, inspect_table
from wire.roles import Overrides

ROWS = "".join(f"{n},{n * 7 % 13},{'yes' if n % 3 else 'no'}\n" for n in range(60))
GOOD = f"age,visits,left\n{ROWS}"


def wired(path: Path, target: str = "left", **overrides: Any) -> Facts:
    return inspect_table(path, Overrides(target, **overrides))


def refused(path: Path, target: str = "left", **overrides: Any) -> str:
    with pytest.raises(ProjectError) as refusal:
        wired(path, target, **overrides)
    message = str(refusal.value)
    assert "\n" not in message
    return message


TEXTS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty"),
    "header only": ("age,visits,left\n", "a header and no rows"),
    "blank lines": ("\n\n\n", "is empty"),
    "one column": ("left\nyes\nno\n", "has one column"),
    "a column twice": (GOOD.replace("visits", "age"), "several columns named 'age'"),
    "columns that collide": (GOOD.replace("visits", "Age!"), "'age' and 'Age!' would both be"),
    "a column without a name": (GOOD.replace("visits", ""), "column 2 has no name"),
    "a row too long": (GOOD + "1,2,3,4\n", "Row #62: Expected 3 columns, got 4"),
    "a row too short": (GOOD + "1,2\n", "Row #62: Expected 3 columns, got 2"),
    "a NUL byte": (GOOD + "1,\0,no\n", "NUL byte"),
    "no text at all": (os.urandom(50).replace(b"\0", b"") + b"\x81\x8d\x8f\x90" * 9, "csv"),
    "target all missing": ("age,left\n1,\n2,\n", "'left' has no value at all"),
    "target of one class": ("age,left\n" + "1,no\n2,no\n", "'left' has one value in all rows"),
    "numbers and a word": (GOOD.replace("\n7,", "\nseven,"), "'age' mixes numbers and words"),
    "infinite": (GOOD.replace("\n7,", "\ninf,"), "the first in row 9 of customers.csv"),
    "text for a target": (
        "age,left\n" + "".join(f"{n},word {n * 17 % 97} here\n" for n in range(90)),
        "'left' holds 90 different texts",
    ),
    "nothing to learn from": (
        "key,left\n" + "".join(f"{n},{n % 2}\n" for n in range(50)),
        "no column is left",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_bad_file_is_refused(case: str, tmp_path: Path) -> None:
    content, message = TEXTS[case]
    path = tmp_path / "customers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in refused(path)


def test_a_target_that_is_no_column_gets_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(GOOD)
    assert "did you mean 'left'" in refused(path, "lefft")
    assert "did you mean 'visits'" in refused(path, slices=("visit",))


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("customers.csv", content)
    return path


def link(path: Path) -> Path:
    path.with_name("real.csv").write_text(GOOD)
    path.symlink_to("real.csv")
    return path


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path


PATHS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda root: root / "customers.csv", "is not there"),
    "a folder without data": (lambda root: folder(root / "data"), "a folder without data"),
    "files of two kinds": (
        lambda root: folder(root / "data", a_csv=GOOD, b_jsonl="{}"),
        "another kind of file",
    ),
    "files of two shapes": (
        lambda root: folder(root / "data", a_csv=GOOD, b_csv=GOOD.replace("age", "years")),
        "has other columns than",
    ),
    "a link": (lambda root: link(root / "customers.csv"), "symbolic link"),
    "an archive": (lambda root: archive(root / "customers.zip", b"a,b\n1,2\n"), "unpack it"),
    "a bomb in a workbook": (
        lambda root: archive(root / "customers.xlsx", b"0" * (100 << 20)),
        "swells",
    ),
    "a broken archive": (lambda root: broken(root / "customers.csv.gz"), "cannot be unpacked"),
    "a bomb": (lambda root: bomb(root / "customers.csv.gz"), "swells to more than"),
    "no workbook": (lambda root: broken(root / "customers.xlsx"), "cannot be unpacked"),
    "no Parquet": (lambda root: broken(root / "customers.parquet"), "cannot be read"),
    "an unknown kind": (lambda root: broken(root / "customers.dat"), "of no kind that can be read"),
    "a device": (lambda root: pipe(root / "customers.csv"), "is not there"),
}


def broken(path: Path) -> Path:
    path.write_bytes(b"this is not what the name says")
    return path


def bomb(path: Path) -> Path:
    path.write_bytes(gzip.compress(b"a,b\n" + b"0" * (100 << 20)))
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("case", PATHS)
def test_a_bad_path_is_refused(case: str, tmp_path: Path) -> None:
    make, message = PATHS[case]
    assert message in refused(make(tmp_path))


def test_a_file_larger_than_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(GOOD)
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "100 are free: make room" in refused(path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"target": "left", "task": "regression"}, "regression needs numbers"),
        ({"target": "amount", "task": "classification"}, "classification needs at most 40"),
        ({"target": "left", "time": "note"}, "dates or numbers without gaps"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(
    overrides: dict[str, str], message: str, tmp_path: Path
) -> None:
    rows = range(100)
    note = [f"a note of {n % 90} words" for n in rows]
    amount, left = [n + 0.5 for n in rows], ["yes" if n % 3 else "no" for n in rows]
    table = pd.DataFrame({"amount": amount, "note": note, "left": left})
    table.to_csv(tmp_path / "customers.csv", index=False)
    assert message in refused(tmp_path / "customers.csv", **overrides)


def test_json_with_lists_is_refused(tmp_path: Path) -> None:
    (tmp_path / "customers.jsonl").write_text('{"a": [1, 2], "left": 1}\n{"a": [], "left": 0}\n')
    assert "one plain value a cell" in refused(tmp_path / "customers.jsonl")


def test_an_error_quotes_no_row(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(GOOD + "ada@example.org,2,no,4\n")
    assert "ada@example" not in refused(path)
