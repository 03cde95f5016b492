"""The one kind of error that a person can fix."""


class ProjectError(Exception):
    """Says what is wrong, where, and what to do; shown without a traceback."""
