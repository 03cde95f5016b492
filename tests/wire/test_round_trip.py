"""What is inferred from a table holds for that table, and refuses every fault planted in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from runpy import run_path
from typing import Any

import pandas as pd
import pytest
from churn_radar.config import Read
from churn_radar.errors import ProjectError
from churn_radar.pipeline.validate import checked
from churn_radar.reading import outcomes_last, read, typed
from churn_radar.wire.facts import Facts, learn
from churn_radar.wire.roles import Wishes
from churn_radar.wire.write import card, features, params, schemas
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_tables import TABLES, nasty


def rules(facts: Facts, folder: Path) -> dict[str, Any]:
    """The classes of the schemas.py that is written for the facts."""
    path = folder / "schemas.py"
    path.write_text(schemas.text(facts), encoding="utf-8")
    module: dict[str, Any] = run_path(str(path))
    return module


def hold(
    path: Path, facts: Facts, module: dict[str, Any], table: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Read the file, or take the table, and hold it against the rules, as the pipeline does."""
    raw, request = module["RawTable"], module["Request"]
    rows = typed(read(path, facts.read) if table is None else table, raw.to_schema(), facts.read)
    held: pd.DataFrame = checked(raw, outcomes_last(rows, raw, request))
    return held


# --- any table ------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
COLUMNS = st.one_of(
    st.sampled_from(
        [
            st.integers(-(10**12), 10**12).map(str),
            st.floats(allow_nan=False, allow_infinity=False).map(str),
            st.floats(0, 1).map(lambda x: f"{x:.3f}".replace(".", ",")),
            st.sampled_from(["yes", "no", ""]),
            st.sampled_from(["0", "1"]),
            st.sampled_from(["a", "b", "c", "NA", "?"]),
            st.dates().map(str),
            st.dates().map(lambda day: day.strftime("%d.%m.%Y")),
            st.datetimes().map(str),
            st.emails(),
            WORDS,
            st.just("same"),
            st.just(""),
            st.from_regex(r"0\d{3}", fullmatch=True),
        ]
    )
)


TARGETS = st.sampled_from(
    [
        st.sampled_from(["yes", "no"]),
        st.sampled_from(["a", "b", "c", ""]),
        st.integers(0, 3).map(str),
        st.floats(-1e9, 1e9).map(str),
    ]
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Tables of text, of every kind of column, under any names; the target is the last one."""
    rows = draw(st.integers(8, 40))
    names = draw(st.lists(WORDS.filter(str.strip), min_size=2, max_size=6, unique_by=str.strip))
    kinds = [*(draw(COLUMNS) for _ in names[1:]), draw(TARGETS)]
    cells = {
        name: draw(st.lists(kind, min_size=rows, max_size=rows))
        for name, kind in zip(names, kinds, strict=True)
    }
    return pd.DataFrame(cells, dtype=object)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    frame=frames(),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_is_accepted_holds(
    frame: pd.DataFrame,
    separator: str,
    encoding: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "any.csv"
    frame.to_csv(path, index=False, sep=separator, encoding=encoding)
    try:
        facts = learn(path, Wishes(frame.columns[-1].strip()))
    except ProjectError:
        return
    assert len(hold(path, facts, rules(facts, folder))) == facts.target.rows
    compile(features.text(facts, "a 'team'"), "features.py", "exec")
    assert params.text(facts, 1, {"name": "any"})
    assert card.text(facts)


# --- real tables ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[*TABLES, "nasty"])
def wired(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Facts, dict[str, Any]]:
    """A real table in a file, all that was learned of it, and its rules."""
    folder = tmp_path_factory.mktemp(request.param)
    path = folder / f"{request.param}.csv"
    if request.param == "nasty":
        content, target = nasty()
        path.write_bytes(content)
    else:
        load, target = TABLES[request.param]
        load().to_csv(path, index=False)
    facts = learn(path, Wishes(target))
    return path, facts, rules(facts, folder)


def column(facts: Facts, *kinds: str) -> str:
    """A feature of a kind, without gaps."""
    found: list[str] = [c.name for c in facts.features if c.kind in kinds and not c.missing]
    if not found:
        pytest.skip(f"the table has no such column: {' or '.join(kinds)}")
    return found[0]


def spoilt(facts: Facts, name: str, value: str | None) -> pd.DataFrame:
    """The table with another value in row 7 of a column."""
    table: pd.DataFrame = facts.table.astype({name: object})
    table.loc[7, name] = value
    return table


def refusal(wired: tuple[Path, Facts, dict[str, Any]], table: pd.DataFrame) -> str:
    path, facts, module = wired
    with pytest.raises(ProjectError) as refused:
        hold(path, facts, module, table)
    return str(refused.value)


Wired = tuple[Path, Facts, dict[str, Any]]


def test_a_real_table_holds_its_rules(wired: Wired) -> None:
    path, facts, module = wired
    assert len(hold(path, facts, module)) == facts.target.rows


def test_a_swapped_type_is_refused(wired: Wired) -> None:
    name = column(wired[1], "integer", "number")
    message = refusal(wired, spoilt(wired[1], name, "many"))
    assert f"{name}: " in message
    assert "row 7" in message
    assert "many" in message


def test_an_unknown_category_is_refused(wired: Wired) -> None:
    name = column(wired[1], "category")
    message = refusal(wired, spoilt(wired[1], name, "mars"))
    assert f"{name}: breaks the rule isin" in message
    assert "row 7 with the value mars" in message


def test_a_constant_column_is_refused(wired: Wired) -> None:
    facts = wired[1]
    name = column(facts, "integer", "number", "category")
    message = refusal(wired, facts.table.assign(**{name: facts.table[name][7]}))
    assert f"{name}: breaks the rule more than one value in a column" in message
    assert "the first is row 0" in message


def test_a_missing_column_is_refused(wired: Wired) -> None:
    name = wired[1].features[0].name
    assert f"{name}: missing from the table" in refusal(wired, wired[1].table.drop(columns=name))


def test_a_shifted_order_is_refused(wired: Wired) -> None:
    table = wired[1].table
    shifted = table[[*table.columns[1:], table.columns[0]]]
    if [*outcomes_last(shifted, wired[2]["RawTable"], wired[2]["Request"])] == [
        c.name for c in (*wired[1].inputs, wired[1].target)
    ]:
        shifted = table[table.columns[::-1]]
    if len(wired[1].inputs) == 1:
        pytest.skip("one column has no order")
    assert "not at its place in the order of columns" in refusal(wired, shifted)


def test_a_gap_in_a_required_column_is_refused(wired: Wired) -> None:
    name = column(wired[1], "integer", "number", "category", "boolean")
    message = refusal(wired, spoilt(wired[1], name, None))
    assert f"{name}: breaks the rule not_nullable" in message
    assert "row 7" in message


# --- other files ----------------------------------------------------------------------------------


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
    facts = learn(tmp_path / name, Wishes("target"))
    assert len(hold(tmp_path / name, facts, rules(facts, tmp_path))) == len(table)
    plain = learn(tmp_path / "plain.csv", Wishes("target"))
    assert schemas.text(facts).splitlines()[5:] == schemas.text(plain).splitlines()[5:]
    assert facts.roles.features == plain.roles.features


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
    facts = learn(tmp_path / "t.parquet", Wishes("left"))
    kinds = {column.name: column.kind for column in facts.columns}
    assert kinds == {
        **{"paid": "boolean", "count": "integer", "price": "number", "day": "date", "at": "date"},
        **{"hour": "category", "nothing": "empty", "plan": "category", "left": "boolean"},
    }
    assert len(hold(tmp_path / "t.parquet", facts, rules(facts, tmp_path))) == rows


def test_a_file_may_use_its_own_names_or_those_of_the_project(tmp_path: Path) -> None:
    content, target = nasty()
    (tmp_path / "n.csv").write_bytes(content)
    facts = learn(tmp_path / "n.csv", Wishes(target))
    header, _, rest = content.decode("latin-1").partition("\r\n")
    renamed = ";".join(facts.read.names.get(name, name) for name in header.split(";"))
    (tmp_path / "m.csv").write_bytes(f"{renamed}\r\n{rest}".encode("latin-1"))
    one, two = read(tmp_path / "n.csv", facts.read), read(tmp_path / "m.csv", facts.read)
    pd.testing.assert_frame_equal(one, two)
    assert facts.read != Read()
