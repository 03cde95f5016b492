"""Raw files of every kind become the same table, and what cannot be read is said to be so."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops.config import Read
from churn_radar.mlops.data.cells import convert, convert_types
from churn_radar.mlops.data.readers import outcomes_last, read
from churn_radar.mlops.errors import ProjectError
from pandas.testing import assert_frame_equal

TEXT = "When;How much;Paid;Note\n31.12.2025;1.234,5;jo;a\n01.01.2026;;nope;\n"
GERMAN = Read(
    delimiter=";",
    decimal=",",
    dates={"day": ["%d.%m.%Y"]},
    names={"When": "day", "How much": "amount", "Paid": "paid", "Note": "note"},
)


class Bill(pa.DataFrameModel):
    day: pd.Timestamp
    amount: float = pa.Field(nullable=True)
    paid: pd.BooleanDtype
    note: str = pa.Field(nullable=True, metadata={"personal": True})


class Numbers(pa.DataFrameModel):
    count: pd.Int64Dtype = pa.Field(nullable=True, metadata={"personal": True})
    size: float = pa.Field(alias="^size_", regex=True)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "bills_raw.csv", TEXT.replace("jo", "yes").replace("nope", "No"))
    table = convert_types(read(path, GERMAN), Bill.to_schema(), GERMAN)
    assert [*table] == ["day", "amount", "paid", "note"]
    assert [*table["day"]] == [pd.Timestamp("2025-12-31"), pd.Timestamp("2026-01-01")]
    assert table["amount"][0] == 1234.5
    assert [*table["paid"]] == [True, False]
    assert table.isna().sum().sum() == 2


def test_what_is_no_such_value_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "bills_raw.csv", TEXT)
    with pytest.raises(ProjectError, match=r"paid: is not a boolean in 2 row\(s\).* row 0 .* jo"):
        convert_types(read(path, GERMAN), Bill.to_schema(), GERMAN)


def test_what_is_personal_is_not_quoted() -> None:
    table = pd.DataFrame({"count": ["4711x"], "size_a": ["1,000"]})
    with pytest.raises(ProjectError, match="count: is not an integer") as refusal:
        convert_types(table, Numbers.to_schema(), Read(thousands=","))
    assert "4711" not in str(refusal.value)


def test_a_family_is_known_by_the_beginning_of_its_names_as_pandera_has_it() -> None:
    table = pd.DataFrame({"size_a": ["1,5"]})
    typed = convert_types(table, Numbers.to_schema(), Read(decimal=","))
    assert [*typed["size_a"]] == [1.5]


@pytest.mark.parametrize("half", [["1.5"], [1.5], [pd.Timestamp("2025-01-01")]])
def test_half_a_thing_is_no_integer(half: list[object]) -> None:
    with pytest.raises(ProjectError, match="count: is not an integer"):
        convert_types(pd.DataFrame({"count": half}), Numbers.to_schema(), Read())


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", None, "b"], "count": [1, 2, 3], "size": [0.5, 1.0, 2.0]})
    table.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    table.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    when = table.assign(when=pd.Timestamp("2025-01-01", tz="Europe/Berlin"))
    when["name"] = when["name"].astype("category")
    when.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "folder").mkdir()
    for part in ("one", "two"):
        table.to_csv(tmp_path / "folder" / f"{part}.csv", index=False)
    text = table.astype({"count": "str", "size": "str"})
    for name in ("t.csv", "t.csv.gz"):
        assert_frame_equal(read(tmp_path / name, Read()), text)
    assert_frame_equal(read(tmp_path / "t.jsonl", Read()), table)
    moments = read(tmp_path / "t.parquet", Read())
    assert moments["when"][0] == pd.Timestamp("2024-12-31 23:00")
    assert_frame_equal(moments.drop(columns="when"), table)
    assert len(read(tmp_path / "folder", Read())) == 6


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": "x,y\n1,2,3\n"}, "Expected 2 columns, got 3$"),
        ({"a.csv": "x,y\n"}, "no rows"),
        ({"a.csv": "\n"}, "it is empty"),
        ({"a.jsonl": '{"x": [1]}\n'}, "column 'x' holds list"),
        ({"a.parquet": "none"}, "cannot be read"),
        ({"a.csv": "x,y\n1,2\n", "b.csv": "x,z\n1,2\n"}, "b.csv has other columns than .*a.csv"),
        ({"a.csv": "x,y,x\n1,2,3\n"}, "several columns named 'x': rename all but one"),
        ({"a.csv": "x,y\n1,2\n", "b.csv": "x,y,x\n1,2,3\n"}, "b.csv has several columns named"),
        ({}, "is a folder without data"),
    ],
)
def test_a_bad_file_is_refused(files: dict[str, str], message: str, tmp_path: Path) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(ProjectError, match=message):
        read(tmp_path / next(iter(files)) if len(files) == 1 else tmp_path, Read())


def test_a_column_under_both_of_its_names_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "When,day\n1,2\n")
    with pytest.raises(ProjectError, match="several columns named 'day'"):
        read(path, GERMAN.model_copy(update={"delimiter": ","}))


def test_the_files_of_a_folder_may_have_their_columns_in_any_order(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "x,y\n1,2\n")
    write(tmp_path / "b.csv", "y,x\n4,3\n")
    assert_frame_equal(read(tmp_path, Read()), pd.DataFrame({"x": ["1", "3"], "y": ["2", "4"]}))


@pytest.mark.parametrize(
    ("january", "february", "both"),
    [([1], [1.5], [1.0, 1.5]), ([None], ["a"], [None, "a"]), ([None], [None], [None, None])],
)
def test_the_files_of_a_folder_may_differ_in_their_types(
    january: list[object], february: list[object], both: list[object], tmp_path: Path
) -> None:
    pd.DataFrame({"x": january}).to_parquet(tmp_path / "01.parquet")
    pd.DataFrame({"x": february}).to_parquet(tmp_path / "02.parquet")
    dtype = "float64" if both[0] else "str"
    assert_frame_equal(read(tmp_path, Read()), pd.DataFrame({"x": both}, dtype=dtype))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [("a", 1, "cannot be read: .* Field x"), (2**60 + 1, 1.5, "value not in range")],
)
def test_types_that_have_nothing_in_common_are_refused(
    first: object, second: object, message: str, tmp_path: Path
) -> None:
    pd.DataFrame({"x": [first]}).to_parquet(tmp_path / "01.parquet")
    pd.DataFrame({"x": [second]}).to_parquet(tmp_path / "02.parquet")
    with pytest.raises(ProjectError, match=message) as refusal:
        read(tmp_path, Read())
    assert str(2**60 + 1) not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "number", "marks"),
    [
        ("1.234,5", 1234.5, {"decimal": ","}),
        ("-1.234.567", -1234567, {"decimal": ","}),
        ("17,25", 17.25, {"decimal": ","}),
        ("1.234.5", None, {"decimal": ","}),
        ("1.2345,6", None, {"decimal": ","}),
        ("1,2,3", None, {"decimal": ","}),
        ("31.12.2025", None, {"decimal": ","}),
        ("1 234,56", 1234.56, {"decimal": ",", "thousands": " "}),
        ("1 234.56", None, {"decimal": ",", "thousands": " "}),
        ("1 23", None, {"decimal": ",", "thousands": " "}),
        ("1,234.5", 1234.5, {"thousands": ","}),
        ("1,234,5", None, {"thousands": ","}),
        ("12,34", None, {"thousands": ","}),
        ("0,250", 250, {"thousands": ","}),
        ("1'234.5", 1234.5, {"thousands": "'"}),
    ],
)
def test_marks_in_numbers(text: str, number: float | None, marks: dict[str, str]) -> None:
    (found,) = convert(pd.Series([text]), "number", Read(**marks), "x")
    assert found == number if number else pd.isna(found)


@pytest.mark.parametrize(
    ("text", "number", "marks"),
    [
        ("44.6%", 0.446, {}),
        ("-5 %", -0.05, {}),
        ("1.2k", 1200, {}),
        ("1.2M", 1_200_000, {}),
        ("3bn", 3_000_000_000, {}),
        ("$1,200.50", 1200.5, {"thousands": ","}),
        ("USD 5", 5, {}),
        ("CHF 1'200.50", 1200.5, {}),
        ("€ 1.200,50", 1200.5, {"decimal": ","}),
        ("€ 1.200,50", 1200.5, {"decimals": {"x": ","}}),
        ("1 200,50 €", 1200.5, {"decimal": ","}),
        ("1.200", 1200, {"decimals": {"x": ","}}),
        ("44.6%", 0.446, {"decimal": ",", "decimals": {"x": "."}}),
        # The mark of another convention is a mistake, whatever else is written there.
        ("€ 1.200,50", None, {}),
        ("$1,200.50", None, {"decimal": ","}),
        ("44.6%", None, {"decimal": ","}),
        ("5kg", None, {}),
        ("k", None, {}),
        ("12-13", None, {}),
        ("1 23", None, {}),
    ],
)
def test_amounts_with_a_currency_or_a_unit_are_numbers(
    text: str, number: float | None, marks: dict[str, Any]
) -> None:
    (found,) = convert(pd.Series([text]), "number", Read(**marks), "x")
    assert found == number if number else pd.isna(found)


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_boolean_is_written_in_words_or_as_a_number(decimal: str) -> None:
    texts = ["Yes", "off", "1", f"0{decimal}0", f"1{decimal}000", "2", "100%", "\u20ac 1", "maybe"]
    found = convert(pd.Series(texts), "boolean", Read(decimal=decimal), "x")
    assert found.astype("object").where(found.notna(), None).tolist() == [
        True, False, True, False, True, None, None, None, None
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["%Q", "%d.%d"])
def test_a_format_that_is_none_is_named(form: str) -> None:
    with pytest.raises(ProjectError, match=f"data.read.dates has the format '{form}'"):
        convert(pd.Series(["31.12.2025"]), "date", Read(dates={"x": [form]}), "x")


def test_outcomes_go_last() -> None:
    class Request(pa.DataFrameModel):
        a: int
        b: int

    class Raw(Request):
        y: int

    assert [*outcomes_last(pd.DataFrame(columns=["a", "y", "b"]), Raw, Request)] == ["a", "b", "y"]
