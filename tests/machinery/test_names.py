"""The naming table accepts its own examples and spells offenders anew."""

import pytest
from churn_radar.mlops.names import RULES, problem
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("kind", RULES)
def test_every_example_fits_its_rule(kind: str) -> None:
    assert problem(kind, RULES[kind].example) is None


@given(kind=st.sampled_from(sorted(RULES)), name=st.text("aZ9é _-./:", max_size=20))
def test_an_offender_is_told_a_spelling_that_fits(kind: str, name: str) -> None:
    if message := problem(kind, name):
        assert problem(kind, message.rpartition("for example ")[2]) is None


@pytest.mark.parametrize(
    ("kind", "name", "spelling"),
    [
        ("column", "Monthly Charge", "monthly_charge"),
        ("feature", "tenureMonths", "tenure_months"),
        ("model", "Churn_Radar", "churn-radar"),
        ("branch", "Feature/Tenure Bands", "feature/tenure-bands"),
    ],
)
def test_an_offender_keeps_its_words(kind: str, name: str, spelling: str) -> None:
    assert str(problem(kind, name)).endswith(f"for example {spelling}")
