"""A table that breaks its schema is refused by column, rule and row; no personal value is told."""

import inspect
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops.config import Read
from churn_radar.mlops.data.cells import Where
from churn_radar.mlops.data.readers import row_finder
from churn_radar.mlops.data.validation import PERSONAL, checked, personal_columns, row_of_table
from churn_radar.mlops.errors import ProjectError


class People(pa.DataFrameModel):
    name: str = pa.Field(str_length={"max_value": 3}, metadata=PERSONAL)
    age: int = pa.Field(ge=0)

    class Config:
        strict = True
        ordered = True

    @pa.dataframe_check(error="somebody is grown up")
    def grown_up(cls, rows: pd.DataFrame) -> bool:
        return bool((rows["age"] >= 18).any())


GOOD = pd.DataFrame({"name": ["Ada", "Bob"], "age": [36, 2]})


def test_a_sound_table_comes_back() -> None:
    assert checked(People, GOOD).equals(GOOD)
    assert personal_columns(People) == ["name"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (GOOD.assign(age=[-1, -2]), "age: breaks the rule greater_than_or_equal_to(0) (People in "),
        (GOOD.assign(age=[-1, 20]), "in 1 row(s): row 0 has -1"),
        (GOOD.assign(age=[1, 2]), "the table: breaks the rule somebody is grown up"),
        (GOOD.drop(columns="age"), "age: missing from the table"),
        (GOOD.assign(town="x"), "town: not declared in the schema"),
        (GOOD[["age", "name"]], "age, name: not at its place in the order of columns"),
    ],
)
def test_a_fault_is_named(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ProjectError) as refused:
        checked(People, table)
    message = str(refused.value)
    assert message.startswith("the data breaks People:\n")
    assert said in message


class Brackets(pa.DataFrameModel):
    price: float = pa.Field(alias="price (EUR", ge=0)
    wild: float = pa.Field(alias="x.*", ge=0)
    xyz: float = pa.Field(ge=0)
    added: float = pa.Field(alias="a+b[z]", ge=0)


@pytest.mark.parametrize("name", ["price (EUR", "x.*", "xyz", "a+b[z]"])
def test_a_name_of_special_characters_is_no_pattern(name: str) -> None:
    table = pd.DataFrame({column: [1.0] for column in Brackets.to_schema().columns})
    with pytest.raises(ProjectError) as refused:
        checked(Brackets, table.assign(**{name: -1.0}))
    lines, start = inspect.getsourcelines(Brackets)
    (line,) = [
        start + n for n, text in enumerate(lines) if f'"{name}"' in text or f"{name}:" in text
    ]
    place = f"(Brackets in test_validation.py, line {line})"
    assert f"{name}: breaks the rule greater_than_or_equal_to(0) {place}" in str(refused.value)


class Documented(pa.DataFrameModel):
    name: str = pa.Field(str_length={"max_value": 3}, metadata=PERSONAL | {"unit": "none"})
    age: int = pa.Field(metadata={"unit": "years"})


class Family(pa.DataFrameModel):
    names: str = pa.Field(
        alias="name.*", regex=True, str_length={"max_value": 3}, metadata=PERSONAL
    )


class Prefix(Family):
    names: str = pa.Field(alias="^n", regex=True, str_length={"max_value": 3}, metadata=PERSONAL)


@pytest.mark.parametrize("schema", [People, Documented, Family, Prefix])
def test_a_personal_value_is_not_quoted(schema: type[pa.DataFrameModel]) -> None:
    with pytest.raises(ProjectError, match="name: breaks the rule str_length") as refused:
        checked(schema, GOOD.assign(name=["Grace", "Bob"]))
    assert "Grace" not in str(refused.value)


def test_a_column_is_personal_beside_other_metadata() -> None:
    assert personal_columns(Documented) == ["name"]


class Measured(pa.DataFrameModel):
    width: float = pa.Field(ge=0)
    length: float = pa.Field(ge=0)

    @pa.check("length", error="no longer than a mile")
    def short(cls, lengths: pd.Series) -> pd.Series:
        return lengths < 1609


class Stored(Measured):
    shelf: int = pa.Field(ge=0)


def line_of(text: str) -> int:
    """The first line of this file that begins with a text."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))


def refusal(table: pd.DataFrame, where: Where = row_of_table) -> str:
    with pytest.raises(ProjectError) as refused:
        checked(Stored, table, where)
    return str(refused.value)


SOUND = pd.DataFrame({"width": [1.0] * 9, "length": [2.0] * 9, "shelf": [3] * 9})


def test_a_rule_is_located_in_the_class_that_declares_it() -> None:
    here = Path(__file__).name
    said = refusal(SOUND.assign(width=-1.0))
    assert f"(Measured in {here}, line {line_of('width: float')})" in said
    said = refusal(SOUND.assign(shelf=-1))
    assert f"(Stored in {here}, line {line_of('shelf: int')})" in said
    said = refusal(SOUND.assign(length=2000.0))
    assert f"no longer than a mile (Measured in {here}, line {line_of('def short')})" in said


def test_up_to_five_rows_are_shown_as_they_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    SOUND.to_csv(path, index=False)
    said = refusal(SOUND.assign(shelf=range(-7, 2)), row_finder(path, Read()))
    assert "in 7 row(s): row 2 of boxes.csv has -7, row 3 of boxes.csv has -6, " in said
    assert said.endswith("row 6 of boxes.csv has -3, ...")


def test_a_row_of_a_folder_is_found_in_its_file(tmp_path: Path) -> None:
    SOUND.head(4).to_csv(tmp_path / "2024-01.csv", index=False)
    SOUND.tail(5).to_csv(tmp_path / "2024-02.csv", index=False)
    where = row_finder(tmp_path, Read())
    assert [where(3), where(4)] == ["row 5 of 2024-01.csv", "row 2 of 2024-02.csv"]
    SOUND.to_parquet(tmp_path / "t.parquet")
    assert row_finder(tmp_path / "t.parquet", Read())(0) == "row 1 of t.parquet"


@pytest.mark.parametrize("number", [float("inf"), float("-inf")])
def test_infinity_is_no_number_of_a_table(number: float) -> None:
    said = refusal(SOUND.assign(width=[1.0, number, *[1.0] * 7], shelf=-1))
    problem = "is infinite" if number > 0 else "breaks the rule greater_than_or_equal_to(0)"
    assert f"width: {problem} (Measured in" in said
    assert "in 1 row(s): row 1 has" in said
    assert "shelf: breaks the rule" in said
