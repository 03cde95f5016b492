"""Real tables that ship inside packages, and what to predict in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import palmerpenguins
import pandas as pd
from sklearn import datasets
from statsmodels import datasets as statsmodels


def scikit_learn(name: str, **options: object) -> Callable[[], pd.DataFrame]:
    """A table of scikit-learn; the classes of iris have their names instead of numbers."""

    def load() -> pd.DataFrame:
        bunch = getattr(datasets, f"load_{name}")(as_frame=True, **options)
        frame: pd.DataFrame = bunch.frame
        if name == "iris":
            frame["target"] = [bunch.target_names[number] for number in frame["target"]]
        return frame

    return load


def statsmodel(name: str) -> Callable[[], pd.DataFrame]:
    """A table of statsmodels."""
    return lambda: getattr(statsmodels, name).load_pandas().data


def eights() -> pd.DataFrame:
    """Written digits: is it an eight? 9.7 % are, and no pixel alone tells them."""
    frame: pd.DataFrame = datasets.load_digits(as_frame=True).frame
    return frame.assign(target=frame["target"] == 8)


def elnino() -> pd.DataFrame:
    """Temperatures of the eastern Pacific, each with what was known a month before."""
    by_month = statsmodels.elnino.load_pandas().data.drop(columns="YEAR").to_numpy().ravel()
    table = pd.DataFrame({"temperature": by_month})
    table.insert(0, "date", pd.date_range("1950-01-01", periods=len(table), freq="MS"))
    for name, n_months in (("last_month", 1), ("month_before_last", 2), ("last_year", 12)):
        table[name] = table["temperature"].shift(n_months)
    table["month"] = table["date"].dt.month
    return table.dropna()


TABLES: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "tumours": (scikit_learn("breast_cancer"), "target"),
    "wine": (scikit_learn("wine"), "target"),
    "iris": (scikit_learn("iris"), "target"),
    "diabetes": (scikit_learn("diabetes", scaled=False), "target"),
    "eights": (eights, "target"),
    "linnerud": (scikit_learn("linnerud"), "Weight"),
    "penguins": (palmerpenguins.load_penguins, "species"),
    "fair": (statsmodel("fair"), "affairs"),
    "randhie": (statsmodel("randhie"), "mdvis"),
    "anes96": (statsmodel("anes96"), "vote"),
    "modechoice": (statsmodel("modechoice"), "choice"),
    "strikes": (statsmodel("strikes"), "duration"),
    "elnino": (elnino, "temperature"),
}

OVERRIDES: dict[str, Mapping[str, Any]] = {"modechoice": {"ids": ["individual"]}}
"""What a person has to say beside the target, since no name of a column does."""


def nasty() -> tuple[bytes, str]:
    """A file made to be hard to read, as bytes, and its target.

    Decimal commas, Latin-1, a column of dates in three formats and two of one each, names with
    spaces, umlauts and a keyword, quotes with line breaks, gaps, and a column for nobody's eyes.
    """
    header = (
        "Kunden Nr.;Größe (m²);Straße;Eröffnet am;Letzter Besuch;Gebühr EUR;class;Tarif;"
        "Anmerkung;Telefon;Bemerkt;Gekündigt?"
    )
    rows = [header]
    for n in range(240):
        plan = ("Grün - neu", '"Basis; teh alt"')
        day = pd.Timestamp("2023-03-15") + pd.Timedelta(days=2 * n)
        visit = day - pd.Timedelta(days=5 + n % 40)
        mixed = visit.strftime(["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"][n % 3])
        size = f"{20 + n * 37 % 90},{n % 10}"
        fee = f"{1000 + n * 13 % 900}".replace("1", "1.", 1) + f",{n % 100:02}"
        rows.append(
            f"K{n:04};{size};Gasse {n % 200};{day:%d.%m.%Y};{mixed};"
            f"{fee if n % 11 else ''};{['Süd', 'Nord', 'Böhmen'][n % 3]};"
            f"{plan[n % 3 == 0]};"
            f'"sagte: ""ja, {n}"" und\nging dann {n % 7 + 1} Mal fort";+49 30 {100000 + n * 7};'
            f"{visit:%Y/%m/%d};{'JA' if (n * 37 % 90 > 45) != (n % 9 == 0) else 'nein'}"
        )
    text = "\r\n".join(rows) + "\r\n"
    return text.replace("JA", "Yes").replace("nein", "no").encode("latin-1"), "Gekündigt?"


def data_file(name: str, folder: Path) -> tuple[Path, str]:
    """Write the file of a real table, or the nasty one; return it and its target."""
    if name == "nasty":
        content, target = nasty()
        path = folder / "Kunden 2024 (neu).csv"
        path.write_bytes(content)
        return path, target
    load, target = TABLES[name]
    path = folder / f"{name}.csv"
    load().to_csv(path, index=False)
    return path, target
