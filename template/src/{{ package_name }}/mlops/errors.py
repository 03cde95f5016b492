"""The one kind of error that a person can mend."""


class ProjectError(Exception):
    """Says what is wrong, where, and what to do; shown without a traceback."""
