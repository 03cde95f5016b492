"""The versions of the template: which there are, which a project has, which it could have."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from messages import RefusalError
from packaging.version import InvalidVersion, Version
from repository import Repository
from trees import ANSWERS
from wiring import REPOSITORY

TEMPLATE = Repository(REPOSITORY, REPOSITORY)
"""The template's own repository, with every tag."""


def recorded_version(answers: Mapping[str, Any]) -> str:
    """Return the version that a project has.

    Args:
        answers: What the project has stored.

    Raises:
        RefusalError: None is recorded, or the template does not have it.
    """
    version = str(answers.get("_commit", ""))
    if not version:
        raise RefusalError(
            f"{ANSWERS} records no version of the template: it was copied from a folder that is no "
            "git repository, and only versions in git can be compared"
        )
    if not commit_of(version):
        raise RefusalError(
            f"{ANSWERS} records the version {version}, and the template has no such version"
            f"{nearest(version)}"
        )
    return version


def version_to_take(recorded: str, wanted: str) -> str:
    """Return the version that an update takes.

    Args:
        recorded: The version that the project has.
        wanted: The one that the person asked for; empty means the newest release.

    Returns:
        The version; empty if the project has the newest release.

    Raises:
        RefusalError: There is no such version, or it is not newer.
    """
    if not wanted:
        releases = newer_releases(recorded)
        return releases[-1] if releases else ""
    if not commit_of(wanted):
        raise RefusalError(f"the template has no version {wanted}{nearest(wanted)}")
    # By history, not by number: what is named may be a branch or a commit.
    newer = TEMPLATE.git("rev-list", "--max-count=1", commit_of(wanted), f"^{commit_of(recorded)}")
    if not newer:
        raise RefusalError(
            f"{wanted} is not newer than {recorded}, which this project has: an update goes forward"
        )
    return wanted


def newer_releases(recorded: str) -> list[str]:
    """Return the releases that a version does not contain, the oldest first.

    Args:
        recorded: The version.
    """
    listed = TEMPLATE.git("tag", "--list", "--no-merged", commit_of(recorded)).decode()
    releases = []
    for tag in listed.split():
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        # Copier takes a version that is not final only if it is named.
        if not version.is_prerelease:
            releases.append((version, tag))
    return [tag for _, tag in sorted(releases)]


def released_on(version: str) -> str:
    """Return the day of a version's commit, as in 2026-01-31."""
    return TEMPLATE.git("log", "--max-count=1", "--format=%cs", commit_of(version)).decode().strip()


def commit_of(version: str) -> str:
    """Return the commit of a tag, a branch or the like; empty if the template has none."""
    name = f"{version}^{{commit}}"
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return TEMPLATE.git(*asked, allowed=(0, 1, 128)).decode().strip()


def nearest(version: str) -> str:
    """Return what to say of the version that was perhaps meant."""
    tags = TEMPLATE.git("tag", "--list").decode().split()
    # Any tag is better than none: whoever asks has forgotten how they are spelled.
    found = get_close_matches(version, tags, n=1, cutoff=0)
    return f": the nearest is {found[0]}" if found else ", nor any other"
