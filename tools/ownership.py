"""Who owns which path of a generated project: the one table.

Usage: python tools/ownership.py writes docs/reference/ownership.md. The team's rows are in
copier.yml too, in `_exclude`; tests/unit/test_ownership.py compares the two.
"""

from __future__ import annotations

from pathlib import Path

from pathspec import GitIgnoreSpec

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "ownership.md"

OWNERS = {
    "team": "Yours. An update leaves these paths alone, whatever you did to them, always.",
    "shared": "Both write here. An update merges; write below the comment that ends our part.",
    "template": "Ours. An update brings the new version, and merges it with what you changed.",
    "tools": "Nobody edits these. Copier, uv, DVC and `make verify` write them.",
}

# Patterns are those of .gitignore, as in copier.yml. A path has exactly one owner.
TABLE = [
    ("/params.yaml", "team"),
    ("/data/", "team"),
    ("/src/*/*.py", "team"),
    ("/tests/", "team"),
    ("/docs/*-card.md", "team"),
    ("/docs/adr/", "team"),
    ("/notebooks/", "team"),
    # In these, a comment ends the template's part.
    ("/pyproject.toml", "shared"),
    ("/README.md", "shared"),
    ("/.gitignore", "shared"),
    ("/dvc.yaml", "shared"),
    ("/.dockerignore", "template"),
    ("/.dvc/", "template"),
    ("/.dvcignore", "template"),
    ("/.gitattributes", "template"),
    ("/.github/", "template"),
    ("/.pre-commit-config.yaml", "template"),
    ("/CONTRIBUTING.md", "template"),
    ("/LICENSE", "template"),
    ("/Makefile", "template"),
    ("/compose.yaml", "template"),
    ("/docker/*.Dockerfile", "template"),
    ("/src/*/mlops/", "template"),
    ("/tested-versions.txt", "template"),
    # An edited answers file would make the next update wrong.
    ("/.copier-answers.yml", "tools"),
    ("/.dvc-storage/", "tools"),
    ("/docker/resources.env", "tools"),
    ("/dvc.lock", "tools"),
    ("/models/", "tools"),
    ("/reports/", "tools"),
    ("/uv.lock", "tools"),
]

# Compiled once: the tests ask about every path of every project that they render.
RULES = [(GitIgnoreSpec.from_lines([pattern]), owner) for pattern, owner in TABLE]


def owners(path: str) -> list[str]:
    """Find who owns a path of the project.

    Args:
        path: From the project's root, with slashes.

    Returns:
        One owner for each row of the table that fits.
    """
    found = []
    for rule, owner in RULES:
        if rule.match_file(path):
            found.append(owner)
    return found


def patterns(owner: str) -> list[str]:
    """Return the patterns of one owner, in the order of the table."""
    return [pattern for pattern, of in TABLE if of == owner]


def page() -> str:
    """Return docs/reference/ownership.md."""
    lines = [
        "# Who owns which file of a generated project",
        "",
        "Written by `python tools/ownership.py`. `*` in a path is the package's name.",
        "A path that stands nowhere here is yours, and no update knows of it.",
    ]
    for owner, meaning in OWNERS.items():
        lines += ["", f"## {owner.capitalize()}", "", meaning, ""]
        for pattern in patterns(owner):
            # The first slash ties a pattern to the root; here every path starts there.
            lines.append(f"- `{pattern.removeprefix('/')}`")
    # A text file ends with a line break.
    lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(), encoding="utf-8", newline="\n")
