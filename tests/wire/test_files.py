"""Every kind of file gives the same table and the same rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlops.config import Config, Read
from mlops.data.cells import convert_types
from mlops.data.readers import read
from mlops.names import problem
from real_tables import TABLES, nasty
from wire.columns import infer
from wire.facts import inspect_table
from wire.naming import dataset_name
from wire.place import all_or_nothing
from wire.project import swap
from wire.roles import Overrides
from wire.write import params, schemas
from written_schemas import PRESENT, hold, rules


def workbook(path: Path, table: pd.DataFrame) -> None:
    """Write a workbook as simple as the format allows (ECMA-376, part 1)."""
    import zipfile
    from xml.sax.saxutils import escape

    def cell(value: object) -> str:
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    rows: list[tuple[object, ...]] = [(*table.columns,), *table.itertuples(index=False)]
    sheet = "".join(f"<row>{''.join([cell(value) for value in row])}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{kinds}"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        )


def folder_of(path: Path, table: pd.DataFrame) -> None:
    path.mkdir()
    table.head(100).to_csv(path / "2024.csv", index=False)
    table.tail(-100).to_csv(path / "2025.csv", index=False)


WRITERS: dict[str, Callable[[Path, pd.DataFrame], object]] = {
    "iris.csv": lambda path, table: table.to_csv(path, index=False),
    "iris.csv.gz": lambda path, table: table.to_csv(path, index=False),
    "iris.tsv": lambda path, table: table.to_csv(path, index=False, sep="\t"),
    "iris.txt": lambda path, table: table.to_csv(path, index=False, sep="|", encoding="utf-16"),
    "iris.pq": lambda path, table: table.to_parquet(path),
    "iris.NDJSON": lambda path, table: table.to_json(path, orient="records", lines=True),
    "iris.parquet": lambda path, table: table.to_parquet(path),
    "iris.jsonl": lambda path, table: table.to_json(path, orient="records", lines=True),
    "iris.xlsx": workbook,
    "iris": folder_of,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_rules(name: str, tmp_path: Path) -> None:
    table = TABLES["iris"][0]()
    WRITERS["iris.csv"](tmp_path / "plain.csv", table)
    WRITERS[name](tmp_path / name, table)
    facts = inspect_table(tmp_path / name, Overrides("target"))
    assert len(hold(tmp_path / name, facts, rules(facts, tmp_path))) == len(table)
    plain = inspect_table(tmp_path / "plain.csv", Overrides("target"))
    assert schemas.text(facts).splitlines()[5:] == schemas.text(plain).splitlines()[5:]
    assert facts.roles.features == plain.roles.features


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("customers.csv", "customers"),
        ("customers_raw.csv.gz", "customers"),
        ("Kunden 2024 (neu).csv", "kunden_2024_neu"),
        ("2024.csv", "data_2024"),
        ("2024", "data_2024"),
        ("churn/raw.csv", "churn"),
        ("2024/raw.csv", "data_2024"),
        ("raw/raw.csv", "data"),
        ("churn/!!!.csv", "churn"),
        ("class.csv", "class"),
    ],
)
def test_the_data_set_is_called_like_its_file(path: str, name: str, tmp_path: Path) -> None:
    found = dataset_name(tmp_path / path)
    assert found == name
    assert problem("dataset", found) is None


def test_a_file_in_the_current_folder_is_called_like_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "churn").mkdir()
    monkeypatch.chdir(tmp_path / "churn")
    assert dataset_name(Path("raw.csv")) == "churn"


def test_typed_columns_keep_their_types(tmp_path: Path) -> None:
    rows = 60
    table = pd.DataFrame(
        {
            "paid": pd.Series([True, False, None] * 20, dtype="boolean"),
            "count": pd.Series([1, None, 3] * 20, dtype="Int64"),
            "price": [Decimal("1.50"), Decimal("2.25"), None] * 20,
            "day": [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)] * 20,
            "at": pd.date_range("2024-01-01", periods=rows, tz="Europe/Berlin"),
            "hour": [time(8, 30), time(9, 45)] * 30,
            "nothing": [None] * rows,
            "plan": pd.Series(["a", "b"] * 30, dtype="category"),
            "left": ["yes", "no", "no"] * 20,
        }
    )
    table.to_parquet(tmp_path / "t.parquet")
    facts = inspect_table(tmp_path / "t.parquet", Overrides("left"))
    kinds = {column.name: column.kind for column in facts.columns}
    assert kinds == {
        **{"paid": "boolean", "count": "integer", "price": "number", "day": "date", "at": "date"},
        **{"hour": "category", "nothing": "empty", "plan": "category", "left": "boolean"},
    }
    assert len(hold(tmp_path / "t.parquet", facts, rules(facts, tmp_path))) == rows


def test_a_file_may_use_its_own_names_or_those_of_the_project(tmp_path: Path) -> None:
    content, target = nasty()
    (tmp_path / "n.csv").write_bytes(content)
    facts = inspect_table(tmp_path / "n.csv", Overrides(target))
    header, _, rest = content.decode("latin-1").partition("\r\n")
    renamed = ";".join(facts.read.names.get(name, name) for name in header.split(";"))
    (tmp_path / "m.csv").write_bytes(f"{renamed}\r\n{rest}".encode("latin-1"))
    one, two = read(tmp_path / "n.csv", facts.read), read(tmp_path / "m.csv", facts.read)
    pd.testing.assert_frame_equal(one, two)
    assert facts.read != Read()


def test_an_interruption_changes_nothing(tmp_path: Path) -> None:
    for name in ("kept.txt", "data.csv"):
        (tmp_path / name).write_text("before\n")
    (tmp_path / "stage").mkdir()
    incoming = tmp_path / "stage" / "data.csv"
    incoming.write_text("after\n")

    def put() -> None:
        names = ["kept.txt", "new.txt"]
        with all_or_nothing(tmp_path, names), swap(tmp_path / "data.csv", incoming):
            (tmp_path / "kept.txt").unlink()
            (tmp_path / "new.txt").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put()
    assert (tmp_path / "kept.txt").read_text() == "before\n"
    assert (tmp_path / "data.csv").read_text() == "before\n"
    assert not (tmp_path / "new.txt").exists()


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_an_interruption_between_two_moves_loses_no_data(
    moves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes before the old data is moved aside, after that, or as the new is in place."""
    (tmp_path / "data.csv").write_text("before\n")
    (tmp_path / "stage").mkdir()
    incoming = tmp_path / "stage" / "data.csv"
    incoming.write_text("after\n")
    move = Path.rename
    left = moves

    def rename(source: Path, target: Path) -> Path:
        nonlocal left
        if left == 0:
            monkeypatch.setattr(Path, "rename", move)
            raise KeyboardInterrupt
        left -= 1
        return move(source, target)

    def put() -> None:
        with swap(tmp_path / "data.csv", incoming):
            monkeypatch.setattr(Path, "rename", move)
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        put()
    assert (tmp_path / "data.csv").read_text() == "before\n"


def test_columns_of_one_file_may_have_different_decimal_marks(tmp_path: Path) -> None:
    rows = ["Rate;Price;Turnover;Left"]
    for n in range(60):
        rows.append(
            f"{n % 50}.{n % 9 + 1}%;€ 1.{n % 7}00,50;{n % 8 + 1}.5k;{'yes' if n % 3 else 'no'}"
        )
    path = tmp_path / "amounts.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    facts = inspect_table(path, Overrides("Left"))
    assert [column.kind for column in facts.features] == ["number"] * 3
    assert (facts.read.decimal, facts.read.decimals) == (".", {"price": ","})
    # As the pipeline and `make predict` read it, from the settings alone.
    settings = yaml.safe_load(params.text(facts, PRESENT))
    how = Config.model_validate(settings).data.read
    schema = rules(facts, tmp_path)["RawTable"].to_schema()
    table = convert_types(read(path, how), schema, how)
    assert table.iloc[1][["rate", "price", "turnover"]].tolist() == [0.012, 1100.5, 2500]


@pytest.mark.parametrize(
    ("delimiter", "cells", "numbers"),
    [
        (",", ["0,250", "0,007"], [0.25, 0.007]),
        (",", ["0.250", "1.250"], [0.25, 1.25]),
        (",", ["0,000", "1,250"], [0, 1250]),
        (",", ["0,012", "3,000,000"], [12, 3_000_000]),
        (",", ["012,500", "001,250"], [12_500, 1250]),
        (";", ["0,000", "1,250"], [0, 1.25]),
        (";", ["1,250", "3,000,000"], [1250, 3_000_000]),
        (";", ["0.012", "3.000.000", "1,5"], [12, 3_000_000, 1.5]),
    ],
)
def test_a_mark_is_of_decimals_or_of_thousands_as_the_column_says(
    delimiter: str, cells: list[str], numbers: list[float], tmp_path: Path
) -> None:
    columns = read_amounts(tmp_path, delimiter, [(cell, "1") for cell in cells])
    assert columns["amount"].tolist() == numbers


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ([("1,100,000", "0,001"), ("2,000,000", "0,250")], [1_100_000, 2_000_000]),
        ([("0.000", "0,5"), ("1.250", "1,5")], [0, 1250]),
        ([("0.250", "0,5"), ("1.250", "1,5")], [0.25, 1.25]),
    ],
)
def test_a_column_of_another_decimal_mark_is_read_by_its_own(
    rows: list[tuple[str, str]], numbers: list[float], tmp_path: Path
) -> None:
    columns = read_amounts(tmp_path, ";", rows)
    assert columns["amount"].tolist() == numbers
    assert columns["other"].max() < 2


def read_amounts(folder: Path, delimiter: str, rows: list[tuple[str, str]]) -> pd.DataFrame:
    """The first rows of a table that has each of these rows twenty times."""
    lines = [delimiter.join(["amount", "other", "left"])]
    for n in range(20):
        for cells in rows:
            lines.append(
                delimiter.join([*(f'"{cell}"' for cell in cells), "yes" if n % 3 else "no"])
            )
    path = folder / "amounts.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return inspect_table(path, Overrides("left")).table.head(len(rows))


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["€ 5", "$ 6", "€ 7"], "several currencies"),
        (["5%", "6", "7%"], "percentages beside plain numbers"),
        (["5m", "10m", "20m"], "may be millions or metres"),
    ],
)
def test_numbers_of_several_units_stay_text(cells: list[str], why: str) -> None:
    texts = [cells[n % 3].replace("5", str(n + 100)) for n in range(90)]
    (column,) = infer(pd.DataFrame({"x": texts}), Read(), {})
    assert column.kind != "number"
    assert why in column.why
