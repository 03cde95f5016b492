"""Columns that compare groups of people: sex, religion, age and the like."""

import re

from .columns import Column
from .identity import words_of

NAMES = re.compile(
    r"(^|_)(sex|gender|race|ethnic\w*|religio\w*|national\w*|disab\w*|marital\w*|orientation"
    r"|minority)($|_)"
)
BIRTH = re.compile(r"(^|_)(birth|born|dob|geburt|naiss|nacim|nascim|nascita|geboort|urodz)")

AGES = words_of(
    "age ages alter edad eta idade leeftijd wiek altersgruppe altersklasse altersband "
    "leeftijdsgroep leeftijdsklasse"
)
"""Age in en, de, fr, es, it, pt, nl, pl, and its bands where they are one word."""

BESIDE_AGE = words_of(
    "in at of de d di do da der des years year yrs jahre jahren ans anos anni jaar lat "
    "group groups band bands class range bracket bucket category gruppe groupe grupo gruppo groep "
    "grupa tranche classe clase fascia faixa rango przedzial "
    "entry admission start diagnosis birth current now "
    "customer client kunde kunden cliente klant klient klienta patient patienten paciente paziente "
    "pacjenta person persona user member driver applicant employee borrower insured subject "
    "respondent holder"
)
"""Words that leave an age that of a person: `vehicle_age` and `complaint_age` have others."""

OLDEST = 130
FIRST_YEAR = 1880
LAST_YEAR = 2100
MAX_GROUPS = 20
"""Words with more values compare no groups; ages and years are cut into quarters."""


def protected(column: Column) -> str | None:
    """Return why a column compares groups of people; None if it does not look so.

    Args:
        column: Its name, and what it holds.
    """
    is_number = column.kind in ("integer", "number")
    if NAMES.search(column.name) and column.distinct <= MAX_GROUPS:
        return "by its name; compares groups, never predicts"
    if is_age(column):
        return "age; compares groups, never predicts"
    is_year = is_number and column.low >= FIRST_YEAR and column.high <= LAST_YEAR
    if BIRTH.search(column.name) and is_year:
        return "year of birth; compares groups, never predicts"
    return None


def is_birthday(column: Column) -> bool:
    """Return whether a column holds days of birth, which identify people and tell their age."""
    return column.kind == "date" and bool(BIRTH.search(column.name))


def is_age(column: Column) -> bool:
    """Return whether a column holds the age of people: a number of years, or bands."""
    words = set(column.name.split("_"))
    others = words - AGES
    if not words & AGES or not all(word in BESIDE_AGE or word.isdigit() for word in others):
        return False
    # An estimated time of arrival; Italian writes its word for age with an accent.
    if "eta" in words and "à" not in column.original.lower():
        return False
    if column.kind in ("integer", "number"):
        return bool(column.low >= 0 and column.high <= OLDEST)
    return column.kind in ("category", "text") and column.distinct <= MAX_GROUPS
