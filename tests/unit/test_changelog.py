"""The changelog tells a team what an update does to it, for each version."""

from __future__ import annotations

import re

import pytest
from support import ROOT

ASKED = (
    "What `copier update` changes",
    "What it asks of you",
    "What it may move in your figures",
)


def parts(section: str) -> dict[str, str]:
    """The text of each part of a version, by its heading."""
    _, *listed = re.split(r"^### ", section, flags=re.M)
    found = {}
    for part in listed:
        heading, _, text = part.partition("\n")
        found[heading] = text.strip()
    return found


def unsaid(changelog: str) -> dict[str, list[str]]:
    """The versions that do not say what an update does, and what they leave out."""
    _, *sections = re.split(r"^## ", changelog, flags=re.M)
    found = {}
    for section in sections:
        said = parts(section)
        missing = [heading for heading in ASKED if not said.get(heading)]
        if missing:
            found[section.partition("\n")[0]] = missing
    return found


def test_each_version_says_what_an_update_does() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^## \[", changelog, flags=re.M)) >= 2
    assert unsaid(changelog) == {}


@pytest.mark.parametrize("heading", ASKED)
def test_a_version_that_leaves_it_out_is_found(heading: str) -> None:
    texts = dict.fromkeys(ASKED, "Nothing.")
    texts[heading] = ""
    lines = [f"### {name}\n\n{text}\n" for name, text in texts.items()]
    assert unsaid("# Changelog\n\n## [1.0.0]\n\n" + "\n".join(lines)) == {"[1.0.0]": [heading]}
