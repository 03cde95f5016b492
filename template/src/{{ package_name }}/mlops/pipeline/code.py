"""Stage `code`: what the package does, whatever its comments and layout."""

import json
from pathlib import Path

from .. import team
from ..config import Config


def code(_: Config, root: Path) -> str:
    """Write reports/code.json: the fingerprint of every file of the package.

    The stages that compute features or models depend on this file and not on the package itself, so
    that a comment, a docstring or the formatter does not make them run again.

    Args:
        root: The project's folder.

    Returns:
        How many files there are.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    found = team.package_fingerprints()
    path = root / team.FINGERPRINTS
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return f"{len(found)} files"
