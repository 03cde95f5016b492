"""YOURS. What the data must look like; whatever breaks a rule never reaches a model."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

REGIONS = ["north", "east", "south", "west"]
CONTRACTS = ["monthly", "yearly", "two_years"]
AGE_BANDS = ["18-29", "30-44", "45-59", "60+"]
GENDERS = ["female", "male", "undisclosed"]
FIRST_MONTH = pd.Timestamp("2020-01-01")

MIN_ROWS_TO_VARY = 30
"""With fewer rows, one value in a whole column can be chance."""


class Request(pa.DataFrameModel):
    """What is known of a customer on the day of a prediction."""

    customer_id: int = pa.Field(ge=1, unique=True)
    event_month: pd.Timestamp = pa.Field(ge=FIRST_MONTH)
    # No message shows a personal value, and no model reads one.
    email: str = pa.Field(str_contains="@", metadata={"personal": True})
    region: str = pa.Field(isin=REGIONS)
    contract_type: str = pa.Field(isin=CONTRACTS)
    age_band: str = pa.Field(isin=AGE_BANDS)
    gender: str = pa.Field(isin=GENDERS)
    tenure_months: int = pa.Field(ge=0, le=600)
    monthly_charge: float = pa.Field(gt=0, le=500)
    support_calls: int = pa.Field(ge=0, le=100)
    data_gb: float = pa.Field(ge=0, le=2000, nullable=True)
    last_complaint: pd.Timestamp = pa.Field(ge=FIRST_MONTH, nullable=True)
    # The column may be missing as a whole: older exports did not have it.
    has_app: Series[pd.BooleanDtype] | None = pa.Field(nullable=True)
    # A family of columns: every name that ends in _risk.
    risk: float = pa.Field(alias=r"^[a-z]+_risk$", regex=True, ge=0, le=1)

    class Config:
        """Nothing undeclared, in this order, text turned into the declared types."""

        strict = True
        ordered = True
        coerce = True

    @pa.dataframe_check(error="no complaint after event_month")
    def complaint_is_past(cls, rows: pd.DataFrame) -> pd.Series:
        """Refuse a complaint from the future, which would leak the outcome."""
        no_complaint = rows["last_complaint"].isna()
        return no_complaint | (rows["last_complaint"] <= rows["event_month"])


class RawTable(Request):
    """A request with its outcome, which arrives months later and is empty until then."""

    label_month: pd.Timestamp = pa.Field(ge=FIRST_MONTH, nullable=True)
    churned: pd.BooleanDtype = pa.Field(nullable=True)
    spend_next_month: float = pa.Field(ge=0, nullable=True)

    @pa.check(".*", regex=True, ignore_na=False, error="more than one value in a column")
    def varies(cls, column: pd.Series) -> bool:
        """Refuse one value in a whole column, as a stuck export has it."""
        return len(column) < MIN_ROWS_TO_VARY or column.nunique(dropna=False) > 1


class FeatureTable(pa.DataFrameModel):
    """What the model reads: one column for each entry of FEATURES, in that order."""

    tenure_months: float = pa.Field(ge=0)
    monthly_charge: float = pa.Field(gt=0)
    support_calls: float = pa.Field(ge=0)
    data_gb: float = pa.Field(ge=0, nullable=True)
    months_since_complaint: float = pa.Field(ge=0, le=36)
    has_app: float = pa.Field(isin=[0, 1], nullable=True)
    payment_risk: float = pa.Field(ge=0, le=1)
    network_risk: float = pa.Field(ge=0, le=1)
    region: str = pa.Field(isin=REGIONS)
    contract_type: str = pa.Field(isin=CONTRACTS)

    class Config:
        """As strict as the raw table."""

        strict = True
        ordered = True
        coerce = True
