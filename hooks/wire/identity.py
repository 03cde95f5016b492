"""Columns that identify a row, or what several rows are about: a customer, a contract."""

import re

from .columns import Column


def words_of(text: str) -> frozenset[str]:
    """Return the words that are separated by spaces in a text."""
    return frozenset(text.split())


KEYS = words_of(
    "id ids uuid guid key identifier identifiant identificador identificativo kennung schluessel "
    "cle clef clave chiave chave sleutel klucz"
)
"""Words that are said of an identifier alone; here and below also in de, fr, es, it, pt, nl, pl."""

FIRST_KEYS = words_of("id uuid guid")
"""Those that may also come first, as in `id_cliente`."""

NUMBERS = words_of("no nr num number nummer numero nro ndeg numer")
"""Words for a number that is given to somebody, but also for one that counts."""

CODES = words_of("code codes cod codigo codice kod index rowname rownames")
"""Words for an identifier if no value comes back; else more often for a category."""

ENTITIES = words_of(
    "customer client kunde kunden cliente klant klient klienta patient patienten paciente paziente "
    "pacjent pacjenta person personen persona personne persoon pessoa osoba user benutzer usuario "
    "utente utilizador utilisateur gebruiker member mitglied mitglieds membre miembro socio lid "
    "account konto konta compte cuenta conto conta rekening household haushalt foyer hogar "
    "contract vertrag vertrags contrat contrato contratto umowa umowy policy police poliza polizza "
    "employee subscriber device machine"
)
"""What rows are about, in the singular: the plural counts them, as in `num_clientes`."""

OF_NO_ENTITY = words_of(
    "of house haus room zimmer floor street zip postal post plz area country version model week "
    "month day year quarter class channel line error status"
)
"""Beside these words a number tells places, times and kinds apart, not whom a row is about."""

COMPOUND = re.compile(r"(\w+?)(nummer|nr|kennung|schluessel|sleutel)")
"""German and Dutch write `kundennummer` as one word."""

MIN_ROWS = 10
MAX_CLASSES = 20
"""Up to as many values tell kinds of rows apart."""

MAX_ROWS_PER_VALUE = 20
"""A number that comes back more often on average counts or measures something."""


def identifies(column: Column) -> str | None:
    """Return why a column identifies a row or what it is about; None if it does not.

    Args:
        column: Its name, and how often its values come back.
    """
    words = _words(column.name)
    is_named = any(word in KEYS | NUMBERS | CODES for word in words)
    if column.kind == "text" and column.unique:
        return "a different value in every row" if is_named or column.code else None
    if column.kind == "integer" and column.unique and column.rows >= MIN_ROWS:
        # A row number has no gaps, so it needs no telling name.
        counts_rows = column.high - column.low + 1 == column.rows
        if is_named or counts_rows:
            return "a different number in every row"
    # What is measured or happens at a time has no name of its own.
    if column.kind in ("date", "boolean", "empty") or column.distinct <= MAX_CLASSES:
        return None
    if column.kind == "number" and not column.whole:
        return None
    if words[-1] in KEYS or words[0] in FIRST_KEYS:
        return _repeats(column)
    ends = {words[0], words[-1]}
    is_numbered = bool(ends & (KEYS | NUMBERS | CODES))
    if is_numbered and ENTITIES & set(words) and "of" not in words:
        return _repeats(column)
    rows_per_value = (column.rows - column.missing) / column.distinct
    is_about_one = words[-1] in NUMBERS and not OF_NO_ENTITY & set(words)
    if is_about_one and rows_per_value <= MAX_ROWS_PER_VALUE:
        return _repeats(column)
    return None


def _repeats(column: Column) -> str:
    """How often the values come back, in words."""
    values = f"{column.distinct:,} values in {column.rows - column.missing:,} rows"
    return f"by its name, and {values}"


def _words(name: str) -> list[str]:
    """The words of a name, a compound as two."""
    words: list[str] = []
    for word in name.split("_"):
        compound = COMPOUND.fullmatch(word)
        words += compound.groups() if compound else [word]
    return words
