"""Bounds of many columns are judged at once as they are one by one."""

from __future__ import annotations

import numpy as np
import pandera.pandas as pa
import pytest
from churn_radar.mlops.data.checks import FEW_COLUMNS
from churn_radar.mlops.data.rules import Rules
from judged_alone import alone
from machinery.data.wide_table import NAMES, decimals, wide


@pytest.mark.parametrize("value", [0.0, np.nextafter(0, 1), np.nextafter(10, 0), 10.0, np.inf])
def test_bounds_that_are_judged_at_once_are_as_sharp(value: float) -> None:
    schema = wide()
    rows = decimals()
    for name in NAMES:
        broken = alone(schema, rows.assign(**{name: [1.0, value, *[2.0] * 4]}))
        found = Rules(schema).broken(rows.assign(**{name: [1.0, value, *[2.0] * 4]}))
        assert {(fault.row, fault.column) for fault in found} == set(broken)


def test_a_column_with_a_name_and_a_pattern_holds_the_rules_of_both() -> None:
    schema = wide()
    schema.__annotations__["family"] = float
    both = type(
        "Both",
        (schema,),
        {"family": pa.Field(alias="^n", regex=True, le=5), "__annotations__": {"family": float}},
    )
    rows = decimals().clip(upper=4.0)
    assert Rules(both).broken(rows) == []
    rows.loc[1, "n1"] = 6.0
    assert [(fault.row, fault.column) for fault in Rules(both).broken(rows)] == [(1, "n1")]


@pytest.mark.parametrize("n_columns", [2, FEW_COLUMNS + 4])
def test_what_was_divided_by_zero_is_refused_where_a_model_would_read_it(n_columns: int) -> None:
    names = NAMES[:n_columns]
    annotations = dict.fromkeys(names, float)
    schema = type("Ratios", (pa.DataFrameModel,), {"__annotations__": annotations})
    rows = decimals()[names]
    assert Rules(schema, finite=True).broken(rows) == []
    rows.loc[2, names[1]] = -np.inf
    rows.loc[4, names[0]] = np.inf
    found = [tuple(fault) for fault in Rules(schema, finite=True).broken(rows)]
    assert found == [(2, names[1], "finite"), (4, names[0], "finite")]
    assert Rules(schema).broken(rows) == []
