"""Gate `budget`: what takes more than it may is named."""

import pytest
from churn_radar.mlops.bounds import Budget
from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import budget
from churn_radar.mlops.gates.budget import MEANING
from machinery.profiling.known import PROFILE, allowing, judged


@pytest.mark.parametrize("name", Budget.model_fields)
def test_a_broken_budget_is_named(name: str, config: Config) -> None:
    bound = PROFILE[name] / 2
    verdict = judged(budget.budget, allowing(config, **{name: bound}))
    assert (verdict.status, verdict.value, verdict.threshold) == ("refused", PROFILE[name], bound)
    assert f"{MEANING[name][0]} takes {PROFILE[name]:g}" in verdict.reason
    assert f"of {bound:g}" in verdict.reason
    kept = judged(budget.budget, allowing(config, **{name: PROFILE[name]}))
    assert (kept.status, kept.value) == ("passed", PROFILE[name])
