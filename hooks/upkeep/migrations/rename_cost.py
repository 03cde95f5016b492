"""`cost` in params.yaml is called `hosting`: it was one letter from `costs`, those of errors."""

from __future__ import annotations

from pathlib import Path

import yaml

from upkeep.places import Migration, Place

OLD, NEW = "cost", "hosting"
FILE = "params.yaml"


def find(project: Path) -> list[Place]:
    """Find the section of the old name.

    Args:
        project: The project's folder.

    Returns:
        Its key, or what a person has to do.
    """
    try:
        # As it is, since a position counts both characters of a line's end.
        text = (project / FILE).read_bytes().decode("utf-8")
        settings = yaml.compose(text, yaml.SafeLoader)
    except FileNotFoundError:
        return []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return [Place(FILE, 1, f"cannot be read, so correct it first: {first_line(error)}")]
    if not isinstance(settings, yaml.MappingNode):
        return []
    keys = {key.value: key for key, _ in settings.value}
    if OLD not in keys:
        return []
    key = keys[OLD]
    line = key.start_mark.line + 1
    if NEW in keys:
        return [Place(FILE, line, f"`{NEW}` is there too: take `{OLD}` out")]
    # The end of a quoted key is behind its quotation mark.
    span = (key.start_mark.index, key.end_mark.index)
    return [Place(FILE, line, f"`{OLD}` is called `{NEW}`", span, NEW)]


def first_line(error: Exception) -> str:
    """Return what is wrong with a file, in one line."""
    return " ".join(str(error).split())


MIGRATION = Migration(
    name="rename-cost",
    since="v0.2.0",
    until="version 0.3.0, in June 2027",
    why="`cost`, what machines cost, was one letter from `costs`, what errors cost.",
    find=find,
)
