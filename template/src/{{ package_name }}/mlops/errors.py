"""The one kind of error that a person can fix."""


class ProjectError(Exception):
    """Says what is wrong, where, and what to do; shown without a traceback."""

    def __init__(self, message: str) -> None:
        """Take the message, which may quote a table that nobody has checked yet."""
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Return the text with its control characters written out, which a terminal would obey.

    Args:
        text: Any text; its lines stay lines.
    """
    written = []
    for character in text:
        is_safe = character.isprintable() or character == "\n"
        written.append(character if is_safe else ascii(character)[1:-1])
    return "".join(written)
