"""Columns that look as if they told who somebody is, by their names and by their values."""

import re

import pandas as pd
from stdnum import iban, luhn

NAMES = re.compile(
    r"(^|_)(e_?mail|phone|telephone|tel|mobile|fax|first_?name|last_?name|full_?name|surname"
    r"|given_?name|family_?name|street|address|ssn|social_security|passport|iban|account_number"
    r"|card_number|credit_?card|ip|ip_address|license_plate|date_of_birth|birth_?date|dob)($|_)"
)
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
PHONE = r"\+[\d ()./-]{7,20}|0\d{1,4}[ /-][\d /-]{5,15}|\(\d{2,5}\)[\d -]{5,15}"
CARD = r"(\d[ -]?){12,18}\d"
IBAN = r"[A-Z]{2}\d{2}[ ]?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}"

SAMPLE = 1_000
MOST = 0.5
"""A column is personal if more of the values that were looked at are."""


def personal(name: str, values: pd.Series) -> str | None:
    """Why a column is personal; None if it does not look so. Looks at a sample of the values."""
    if found := NAMES.search(name):
        return f"named {found[2]}"
    texts = values.dropna().drop_duplicates().head(SAMPLE).astype("str").str.strip()
    if texts.empty:
        return None
    for what, pattern in (("e-mail addresses", EMAIL), ("phone numbers", PHONE)):
        if texts.str.fullmatch(pattern).mean() > MOST:
            return f"holds {what}"
    cards = texts[texts.str.fullmatch(CARD)]
    # One number in ten passes the check by chance: every one of a dozen does not.
    if len(cards) > max(12, MOST * len(texts)) and cards.map(_is_card).all():
        return "holds card numbers"
    accounts = texts[texts.str.fullmatch(IBAN)]
    if len(accounts) > MOST * len(texts) and accounts.map(iban.is_valid).mean() > MOST:
        return "holds IBANs"
    return None


def _is_card(text: str) -> bool:
    return bool(luhn.is_valid(re.sub("[ -]", "", text)))
