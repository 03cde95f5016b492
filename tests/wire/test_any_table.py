"""What is inferred from any table at all holds for that table: no traceback, no false alarm."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlops.config import Config
from mlops.errors import ProjectError
from wire.facts import inspect_table
from wire.roles import Overrides
from wire.write import card, features, params
from written_schemas import PRESENT, hold, rules

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
        facts = inspect_table(path, Overrides(frame.columns[-1].strip()))
    except ProjectError:
        return
    assert len(hold(path, facts, rules(facts, folder))) == facts.target.rows
    compile(features.text(facts, "a 'team'"), "features.py", "exec")
    Config.model_validate(yaml.safe_load(params.text(facts, PRESENT)))
    assert card.text(facts)
