"""Gate `floor`: even the lower end of the interval must reach it."""

from types import SimpleNamespace

import pytest
from churn_radar.mlops.gates import floor


def test_the_floor_holds_for_the_lower_end(known: SimpleNamespace) -> None:
    assert floor.check(known).status == "passed"
    known.measured["r2_low"] = -0.1
    verdict = floor.check(known)
    assert verdict.status == "refused"
    assert verdict.value == pytest.approx(-0.1, abs=0.01)
    known.measured["r2_low"] = float("nan")
    assert floor.check(known).status == "refused"
