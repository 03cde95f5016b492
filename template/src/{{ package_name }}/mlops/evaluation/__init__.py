"""What the model is worth on the test set, and how that is written for people."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def render(template: str, block: str = "", **facts: object) -> str:
    """Fill a template of the folder `templates` beside this module, or one block of it.

    In a template for HTML whatever is inserted is escaped, unless the template says that it is
    safe. One for Markdown escapes with the filter `cell`.

    Args:
        template: The name of the file.
        block: The name of a block, if that alone is wanted.
        facts: What the template refers to; a name that is missing is an error.

    Returns:
        The text, which ends with a line break.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        # A line that holds nothing but a tag leaves no empty line behind.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = cell
    environment.filters["figure"] = figure
    environment.filters["thousands"] = thousands
    environment.globals["interval"] = interval
    found = environment.get_template(template)
    if not block:
        return found.render(facts)
    return "".join(found.blocks[block](found.new_context(facts)))


def cell(value: object) -> str:
    """Return a value that may hold anything as text in a cell of a Markdown table."""
    one_line = " ".join(str(value).split())
    text = escape(one_line, quote=False)
    # As entities, since a backslash is not understood within code.
    return text.replace("|", "&#124;").replace("`", "&#96;")


def thousands(number: int) -> str:
    """Return a whole number with its thousands apart: 1,286."""
    return f"{number:,}"


def digits(value: float) -> str:
    """Return how Python formats a number of any size, so that about three digits tell something."""
    if abs(value) >= 100:
        return ",.0f"
    return ".3f" if abs(value) < 10 else ".1f"


def figure(value: float) -> str:
    """Return a number of any size as text: 0.827, 12.4 or 1,286."""
    return f"{value:{digits(value)}}"


def interval(value: float, low: float, high: float, kind: str = ".3f") -> str:
    """Return a value with the ends of its interval: 0.827 [0.801, 0.853].

    Args:
        value: The value.
        low: The lower end.
        high: The upper end.
        kind: How Python formats each of them.

    Returns:
        The text. Where both ends are the value no draw differed from another, as where a model
        makes no error: that is no interval, and is not written as one.
    """
    if low == value == high:
        return f"{value:{kind}} (no interval: too few errors)"
    return f"{value:{kind}} [{low:{kind}}, {high:{kind}}]"


def class_names(target: str, classes: Sequence[object]) -> list[str]:
    """Name classes for people: `not churned` and `churned`, and not 0 and 1.

    Args:
        target: The name of the target.
        classes: The classes, in the model's order.

    Returns:
        Their names, in the same order; classes that have words keep them.
    """
    # True is 1 and False is 0 in Python, so booleans are among them.
    if list(classes) == [0, 1]:
        return [f"not {target}", target]
    return [str(value) for value in classes]
