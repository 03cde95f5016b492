"""YOURS. The model's inputs: pure functions and one registry of features."""

import pandas as pd

from .mlops import Feature

NEVER = 36.0
"""Months since the last complaint of somebody who never complained, and the cap for all."""


def complaint_age(customers: pd.DataFrame) -> pd.Series:
    """Compute the whole months between the last complaint and the month of the prediction.

    Args:
        customers: The raw table.

    Returns:
        Months, between 0 and NEVER.
    """
    days = (customers["event_month"] - customers["last_complaint"]).dt.days
    months = (days // 30).astype(float)
    return months.clip(upper=NEVER).fillna(NEVER)


def has_app(customers: pd.DataFrame) -> pd.Series:
    """Compute who has the app.

    Args:
        customers: The raw table, in which the column may be missing.

    Returns:
        1 with the app, 0 without, missing where the export does not say.
    """
    if "has_app" not in customers:
        return pd.Series(float("nan"), index=customers.index)
    # By way of Float64, which takes plain and nullable booleans alike.
    return customers["has_app"].astype("Float64").astype(float)


# In each line: name, kind, owner, source, reason, and the function if it is not a raw column.
FEATURES = (
    Feature("tenure_months", "numeric", "billing-team", "billing", "Most who leave do so early."),
    Feature("monthly_charge", "numeric", "billing-team", "billing", "A high price drives away."),
    Feature("support_calls", "numeric", "care-team", "call centre", "Trouble shows up as calls."),
    Feature("data_gb", "numeric", "network-team", "usage", "Who uses it a lot stays."),
    Feature("months_since_complaint", "numeric", "care-team", "calls", "It warns.", complaint_age),
    Feature("has_app", "numeric", "app-team", "app", "The app ties customers in.", has_app),
    Feature("payment_risk", "numeric", "finance-team", "scoring", "Late payers are cut off."),
    Feature("network_risk", "numeric", "network-team", "scoring", "Bad reception drives away."),
    Feature("region", "categorical", "sales-team", "billing", "Competitors differ by region."),
    Feature("contract_type", "categorical", "sales-team", "billing", "A long contract binds."),
)
