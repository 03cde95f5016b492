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
    """The raw table, sorted by month; the same seed and number of rows give the same table."""
    rng = np.random.default_rng(seed)
    month = np.sort(rng.integers(0, len(MONTHS), rows))
    return _outcomes(rng, _people(rng, month), month)


def _people(rng: np.random.Generator, month: np.ndarray) -> pd.DataFrame:
    rows = len(month)
    ids = rng.permutation(rows) + 1
    days_ago = pd.to_timedelta(rng.integers(0, 1_000, rows), unit="D")
    complaint = pd.Series(MONTHS[month] - days_ago)
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
            "data_gb": pd.Series(rng.gamma(2, 8, rows).round(1)).mask(rng.random(rows) < 0.06),
            "last_complaint": complaint.mask(rng.random(rows) < 0.6),
            "has_app": rng.random(rows) < 0.55,
            "network_risk": rng.beta(2, 5, rows).round(3),
            "payment_risk": rng.beta(2, 6, rows).round(3),
        }
    )


def _outcomes(rng: np.random.Generator, table: pd.DataFrame, month: np.ndarray) -> pd.DataFrame:
    fresh_complaint = (table["event_month"] - table["last_complaint"]).dt.days < 180
    logit = (
        -3.2
        - 0.045 * table["tenure_months"]
        + 0.035 * table["monthly_charge"]
        + 0.45 * table["support_calls"]
        - 0.02 * table["data_gb"].fillna(16)
        + 1.1 * fresh_complaint
        - 0.5 * table["has_app"]
        + 2.5 * table["payment_risk"]
        + 2.0 * table["network_risk"]
        + table["contract_type"].map({"monthly": 0.9, "yearly": 0.0, "two_years": -0.9})
        + table["region"].map({"north": 0.0, "east": 0.3, "south": -0.2, "west": 0.1})
    )
    churned = pd.Series(rng.random(len(table)) < 1 / (1 + np.exp(-logit)), dtype="boolean")
    spend = 0.9 * table["monthly_charge"] + 4 * table["support_calls"] + 30 * table["network_risk"]
    spend += rng.normal(0, 8, len(table)) - 3 * logit - 0.1 * table["tenure_months"]
    spend = spend.clip(0).round(2)
    label_month = pd.Series(MONTHS[month] + LABEL_DELAY)
    outcomes = {"label_month": label_month, "churned": churned, "spend_next_month": spend}
    known = label_month <= EXPORTED_ON
    return table.assign(**{name: column.where(known) for name, column in outcomes.items()})
