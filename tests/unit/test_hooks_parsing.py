"""Files that a merge made unreadable are found, and no others."""

from __future__ import annotations

import pytest
from parsing import problem

GOOD = {
    "params.yaml": "a: 1\nb: {a: 2}\n",
    "merged.yml": "base: &base {a: 1}\nmore: {<<: *base, b: 2}\n",
    "pyproject.toml": "[a]\nb = 1\n",
    "report.json": "{}",
    "code.py": "x = 1\n",
    "Makefile": "help:\n\techo help\n",
    "README.md": "<<<\n",
}

BAD = {
    "twice.yaml": ("stages:\n  a: 1\n  b: 1\n  a: 2\n", "line 4: the key a is there twice"),
    "open.yml": ("a: [\n", "expected the node content"),
    "twice.toml": ("[a]\n[a]\n", "Cannot declare ('a',) twice"),
    "open.json": ("{", "Expecting property name"),
    "open.py": ("x = (\n", "was never closed"),
    "Makefile": ("help:\n        echo spaces\n", "missing separator"),
    "latin.py": ("x = '\udce9'\n", "codec can't decode"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_read_has_no_problem(name: str) -> None:
    assert problem(name, GOOD[name].encode()) == ""


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_has_a_reason(name: str) -> None:
    content, reason = BAD[name]
    assert reason in problem(name, content.encode(errors="surrogateescape"))
