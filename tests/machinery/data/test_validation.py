"""A table that breaks its schema is refused by column, rule and row; no personal value is told."""

import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops.data.validation import PERSONAL, checked, personal_columns
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
        (GOOD.assign(age=[-1, -2]), "age: breaks the rule greater_than_or_equal_to(0) in 2 row(s)"),
        (GOOD.assign(age=[-1, 20]), "the first is row 0 with the value -1"),
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
