"""A declared simulation: customers of a telecom who never existed. Rewrite it for yours."""

from pathlib import Path

import numpy as np
import pandas as pd

from .schemas import AGE_BANDS, CONTRACTS, GENDERS, REGIONS

RAW = Path("data/raw/customers_raw.csv")
ROWS = 8_000
MONTHS = pd.date_range("2025-01-01", periods=12, freq="MS")
LABEL_DELAY = pd.DateOffset(months=3)
EXPORTED_ON = pd.Timestamp("2026-01-01")


def simulate(rows: int, seed: int) -> pd.DataFrame:
    """Make up the raw table.

    Args:
        rows: The number of customers.
        seed: The same seed and number of rows give the same table.

    Returns:
        One row a customer, sorted by month.
    """
    rng = np.random.default_rng(seed)
    month = np.sort(rng.integers(0, len(MONTHS), rows))
    customers = _customers(rng, month)
    return _with_outcomes(rng, customers, month)


def _customers(rng: np.random.Generator, month: np.ndarray) -> pd.DataFrame:
    """What is known of each customer in their month."""
    rows = len(month)
    ids = rng.permutation(rows) + 1
    days_ago = pd.to_timedelta(rng.integers(0, 1_000, rows), unit="D")
    complaint = pd.Series(MONTHS[month] - days_ago)
    # The draws stay in this order: each takes the numbers after those of the one before.
    return pd.DataFrame(
        {
            "customer_id": ids,
            "event_month": MONTHS[month],
            "email": [f"customer{i}@example.org" for i in ids],
            "region": rng.choice(REGIONS, rows, p=[0.3, 0.2, 0.3, 0.2]),
            "contract_type": rng.choice(CONTRACTS, rows, p=[0.5, 0.3, 0.2]),
            "age_band": rng.choice(AGE_BANDS, rows, p=[0.2, 0.3, 0.3, 0.2]),
            "gender": rng.choice(GENDERS, rows, p=[0.48, 0.47, 0.05]),
            "tenure_months": rng.gamma(2, 15, rows).astype(int).clip(0, 240),
            # Prices creep up month by month: the slow drift.
            "monthly_charge": (rng.gamma(9, 5, rows) + 5 + 0.4 * month).clip(5, 200).round(2),
            "support_calls": rng.poisson(1.2, rows),
            # A network that was not measured, and customers who never complained.
            "data_gb": pd.Series(rng.gamma(2, 8, rows).round(1)).mask(rng.random(rows) < 0.06),
            "last_complaint": complaint.mask(rng.random(rows) < 0.6),
            "has_app": rng.random(rows) < 0.55,
            "network_risk": rng.beta(2, 5, rows).round(3),
            "payment_risk": rng.beta(2, 6, rows).round(3),
        }
    )


def _with_outcomes(
    rng: np.random.Generator, customers: pd.DataFrame, month: np.ndarray
) -> pd.DataFrame:
    """The same customers with what became of them, where that is known yet."""
    logit = _logit(customers)
    probability = 1 / (1 + np.exp(-logit))
    churned = pd.Series(rng.random(len(customers)) < probability, dtype="boolean")
    spend = (
        0.9 * customers["monthly_charge"]
        + 4 * customers["support_calls"]
        + 30 * customers["network_risk"]
    )
    # Who is about to leave spends less; the rest is noise.
    noise = rng.normal(0, 8, len(customers))
    spend += noise - 3 * logit - 0.1 * customers["tenure_months"]
    label_month = pd.Series(MONTHS[month] + LABEL_DELAY)
    # The last months have no outcome: labels arrive late, as they do in real exports.
    known = label_month <= EXPORTED_ON
    return customers.assign(
        label_month=label_month.where(known),
        churned=churned.where(known),
        spend_next_month=spend.clip(0).round(2).where(known),
    )


def _logit(customers: pd.DataFrame) -> pd.Series:
    """The log-odds of leaving."""
    days_since_complaint = (customers["event_month"] - customers["last_complaint"]).dt.days
    contract = {"monthly": 0.9, "yearly": 0.0, "two_years": -0.9}
    region = {"north": 0.0, "east": 0.3, "south": -0.2, "west": 0.1}
    logit: pd.Series = (
        -3.2
        - 0.045 * customers["tenure_months"]
        + 0.035 * customers["monthly_charge"]
        + 0.45 * customers["support_calls"]
        - 0.02 * customers["data_gb"].fillna(16)
        + 1.1 * (days_since_complaint < 180)
        - 0.5 * customers["has_app"]
        + 2.5 * customers["payment_risk"]
        + 2.0 * customers["network_risk"]
        + customers["contract_type"].map(contract)
        + customers["region"].map(region)
    )
    return logit
