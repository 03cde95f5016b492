"""The steps that bring a merged project up to date, in place or in a second work tree."""

from __future__ import annotations

from collections.abc import Iterator

from steps import Step


def after_merge(slug: str) -> Iterator[Step]:
    """Yield the steps that bring a merged project up to date, in order.

    Args:
        slug: The project's name on the command line.
    """
    sync = ["uv", "sync", "--quiet"]
    yield Step("environment", "locks again, keeping versions; syncs .venv", [sync])
    yield verification(slug)


def verification(slug: str) -> Step:
    """Return the step that `make verify` is."""
    command = ["uv", "run", "--no-sync", slug, "verify"]
    return Step("verify", "runs the checks, the pipeline and the tests", [command], streams=True)
