"""Columns that look as if they identify a person (PII), by their names and by their values."""

import re

import pandas as pd
from stdnum import iban, luhn

NAMES = re.compile(
    r"(^|_)(e_?mail|phone|telephone|tel|mobile|fax|first_?name|last_?name|full_?name|surname"
    r"|given_?name|family_?name|street|address|ssn|social_security|passport|iban|account_number"
    r"|card_number|credit_?card|ip|ip_address|license_plate|date_of_birth|birth_?date|dob"
    r"|geburtsdatum|geburtstag|date_(de_)?naissance|fecha_(de_)?nacimiento|data_(di_)?nascita"
    r"|data_(de_)?nascimento|geboortedatum|data_urodzenia)($|_)"
)
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
PHONE = r"\+[\d ()./-]{7,20}|0\d{1,4}[ /-][\d /-]{5,15}|\(\d{2,5}\)[\d -]{5,15}"
CARD = r"(\d[ -]?){12,18}\d"
IBAN = r"[A-Z]{2}\d{2}[ ]?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}"

SAMPLE_SIZE = 1_000
MOST = 0.5
"""A column is personal if more than that share of the sampled values is."""

MIN_CARDS = 12
"""One number in ten passes the check of a card number by chance: all of a dozen do not."""


def personal(name: str, values: pd.Series) -> str | None:
    """Judge whether a column is personal, by its name and a sample of its values.

    Args:
        name: What the project calls the column.
        values: What it holds.

    Returns:
        The reason why it is personal; None if it does not look so.
    """
    found = NAMES.search(name)
    if found:
        return f"named {found[2]}"
    sample = values.dropna().drop_duplicates().head(SAMPLE_SIZE)
    texts = sample.astype("str").str.strip()
    if texts.empty:
        return None
    if texts.str.fullmatch(EMAIL).mean() > MOST:
        return "holds e-mail addresses"
    if texts.str.fullmatch(PHONE).mean() > MOST:
        return "holds phone numbers"
    cards = texts[texts.str.fullmatch(CARD)]
    if len(cards) > max(MIN_CARDS, MOST * len(texts)) and cards.map(_is_card).all():
        return "holds card numbers"
    accounts = texts[texts.str.fullmatch(IBAN)]
    if len(accounts) > MOST * len(texts) and accounts.map(iban.is_valid).mean() > MOST:
        return "holds IBANs"
    return None


def _is_card(text: str) -> bool:
    """Return whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812)."""
    return bool(luhn.is_valid(re.sub("[ -]", "", text)))
