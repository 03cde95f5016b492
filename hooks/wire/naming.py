"""Names that the project gives to the columns of a file, and to the data set itself."""

import keyword
import re
from pathlib import Path

import pandera.pandas as pa
from mlops.errors import ProjectError

RESERVED = ("pa", "pd", "int", "float", "str", "varies")
"""What schemas.py itself uses within its classes, beside the attributes of pandera's."""

MAX_NAME_LENGTH = 40
"""Characters of a name: lines of code must hold it twice."""


def normalize(names: list[str]) -> dict[str, str]:
    """Find a name that follows the naming table for each name of the file.

    Args:
        names: What the file calls its columns.

    Returns:
        The new name for each name of the file.

    Raises:
        ProjectError: Two columns would get the same name.
    """
    found: dict[str, str] = {}
    for original in names:
        name = snake_case(original)
        if not name:
            name = f"column_{len(found) + 1}"
        elif not re.match("[a-z]", name):
            name = f"column_{name}"
        # The column is an attribute of a class in schemas.py, which has attributes of its own.
        in_use = name in RESERVED or hasattr(pa.DataFrameModel, name)
        if in_use or keyword.iskeyword(name):
            name = f"{name}_value"
        for other, taken in found.items():
            if taken == name:
                raise ProjectError(
                    f"the columns {other!r} and {original!r} would both be called {name}: "
                    "rename one"
                )
        found[original] = name
    return found


def dataset_name(path: Path) -> str:
    """Return the name of a data set, from its file's.

    Args:
        path: The file or folder. customers_raw.csv.gz is the data set `customers`, which is stored
            as customers_raw.csv.gz; a file whose name says nothing more is called like its folder.

    Returns:
        A name that follows the naming table: 2024.csv is `data_2024`.
    """
    # The folder may be the current one, which a relative path does not name.
    whole = path.resolve()
    for part in (whole, whole.parent):
        stem = part.name.split(".")[0]
        name = snake_case(re.sub(r"[ _-]?raw$", "", stem, flags=re.IGNORECASE))
        if name:
            return name if name[0].isalpha() else f"data_{name}"
    return "data"


def snake_case(text: str) -> str:
    """Return a text as lower-case words joined by _; empty if it holds no letter or digit.

    Args:
        text: In any language and script.
    """
    from slugify import slugify
    from slugify.special import GERMAN

    # tenureMonths is two words.
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    name: str = slugify(
        words,
        separator="_",
        max_length=MAX_NAME_LENGTH,
        word_boundary=True,
        replacements=GERMAN,
    )
    return name
