"""A file in chunks is the same table as the file as a whole."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow
import pytest
from churn_radar.mlops.config import Read
from churn_radar.mlops.data import chunks, readers
from churn_radar.mlops.data.chunks import column_names, read_chunks
from churn_radar.mlops.errors import ProjectError
from pyarrow import parquet

BIG = 2**53 + 1
"""A whole number that no decimal number holds."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "ROWS", 3)
    monkeypatch.setattr(chunks, "BLOCK", 64)


def written(folder: Path, kind: str) -> Path:
    """Ten rows in a file."""
    table = pd.DataFrame({"id": range(10), "Name": [*"abcde", None, *"ghij"], "x": [0.5] * 10})
    path = folder / f"t.{kind}"
    if kind.startswith("csv"):
        text = table.to_csv(index=False).replace("\nb", '\n"b\nb"').encode()
        path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    elif kind == "parquet":
        table.to_parquet(path, row_group_size=4)
    else:
        table.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "jsonl"])
def test_chunks_are_the_file(kind: str, tmp_path: Path) -> None:
    how = Read(names={"Name": "name"})
    path = written(tmp_path, kind)
    assert column_names(path, how) == ["id", "name", "x"]
    parts = list(read_chunks(path, how, ["id", "name"]))
    assert [part.first for part in parts] == [
        sum(len(before.rows) for before in parts[:n]) for n in range(len(parts))
    ]
    assert max(len(part.rows) for part in parts) <= 3
    assert parts[-1].share == 1
    whole = readers.read(path, how)[["id", "name"]]
    together = pd.concat([part.rows for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(together, whole, check_dtype=False)


def test_large_whole_numbers_with_gaps_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"id": [BIG, None]}), path)
    (chunk,) = read_chunks(path, Read(), ["id"])
    assert chunk.rows["id"][0] == BIG


def test_a_key_that_some_lines_lack_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = [{"id": n, "note": "a" * 20} for n in range(5)] + [{"id": n} for n in range(5, 12)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    notes = pd.concat([chunk.rows for chunk in read_chunks(path, Read(), ["id", "note"])])["note"]
    assert (len(notes), notes.notna().sum()) == (12, 5)


def test_groups_of_rows_are_read_by_themselves(tmp_path: Path) -> None:
    path = written(tmp_path, "parquet")
    parts = list(read_chunks(path, Read(), ["id"], [1]))
    assert [(part.first, [*part.rows["id"]]) for part in parts] == [(4, [4, 5, 6]), (7, [7])]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "a,b,a\n1,2,3\n", "several columns named 'a'"),
        ("t.csv", "a,Name,name\n1,2,3\n", "several columns named 'name'"),
        ("t.csv", "a,name\n1,2\n1,2,3\n", r"cannot be read: .*Expected 2 columns, got 3$"),
        ("t.parquet", "none", "cannot be read"),
        ("t.jsonl", "none", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused(name: str, content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    how = Read(names={"Name": "name"})
    with pytest.raises(ProjectError, match=said):
        list(read_chunks(path, how, column_names(path, how)))
