"""What the model is worth on the test set, and how that is written for people."""

from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def render(template: str, **facts: object) -> str:
    """Fill a template of the folder `templates` beside this module.

    In a template for HTML whatever is inserted is escaped, unless the template says that it is
    safe. One for Markdown escapes with the filter `cell`.

    Args:
        template: The name of the file.
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
    environment.filters["thousands"] = thousands
    environment.globals["interval"] = interval
    return environment.get_template(template).render(facts)


def cell(value: object) -> str:
    """Return a value that may hold anything as text in a cell of a Markdown table."""
    one_line = " ".join(str(value).split())
    text = escape(one_line, quote=False)
    # As entities, since a backslash is not understood within code.
    return text.replace("|", "&#124;").replace("`", "&#96;")


def thousands(number: int) -> str:
    """Return a whole number with its thousands apart: 1,286."""
    return f"{number:,}"


def interval(value: float, low: float, high: float, kind: str = ".3f") -> str:
    """Return a value with the ends of its interval: 0.827 [0.801, 0.853].

    Args:
        value: The value.
        low: The lower end.
        high: The upper end.
        kind: How Python formats each of them.
    """
    return f"{value:{kind}} [{low:{kind}}, {high:{kind}}]"
