"""Every set of answers gives a clean project, and every check refuses a planted fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import checks
import ownership
import pytest
import support
import yaml
from answers import SETS
from support import Project

PYPROJECT = """\
[project]
name = "churn"
version = "1"
requires-python = ">=3.11"

[tool.ruff]
line-length = 100
"""
CLEAN = {
    ".gitignore": "/data/\n",
    "pyproject.toml": PYPROJECT,
    "README.md": "# Title\n\nSee [how](CONTRIBUTING.md).\n",
    "CONTRIBUTING.md": "# How\n",
    "src/churn/__init__.py": '"""A package."""\n',
    ".github/workflows/checks.yml": "run: ${{ matrix.python }}\n",
}
FAULTS = [
    ("syntax", "src/churn/cli.py", "def broken(:\n"),
    ("syntax", "pyproject.toml", "[project\n"),
    ("syntax", "params.yaml", "a: b: c\n"),
    ("syntax", "reports/metrics.json", "{,}\n"),
    ("residue", "README.md", "# {{ project_name }}\n"),
    ("residue", "Makefile", "{% if ci %}\n"),
    ("whitespace", "README.md", "# Title \n"),
    ("whitespace", "README.md", "# Title\r\n"),
    ("whitespace", "README.md", "# Title"),
    ("whitespace", "README.md", "# Title\n\n"),
    ("whitespace", "README.md", "\n# Title\n"),
    ("whitespace", "params.yaml", "a: 1\n\n\nb: 2\n"),
    ("mergeable", ".gitignore", "/README.md\n"),
    ("mergeable", "params.yaml", 2 * "a:\n\n- 1\n- 2\n- 3\n- 4\n- 5\n"),
    ("mergeable", "README.md", "# Title\0\n"),
    ("names", "docs/what?.md", "# What\n"),
    ("names", f"docs/{'w' * 100}.md", "# What\n"),
    ("names", "Readme.md", "# Another\n"),
    ("links", "README.md", "[gone](docs/gone.md)\n"),
    ("owned", "src/churn/new/room.py", ""),
    ("tidy", "src/churn/cli.py", "import os\n"),
    ("tidy", "src/churn/cli.py", "x = 'single'\n"),
]


@pytest.mark.parametrize("check", checks.CHECKS)
@pytest.mark.parametrize("answers", SETS.values(), ids=SETS.keys())
def test_every_project_is_clean(
    render: Callable[..., Project],
    answers: dict[str, Any],
    check: Callable[[Project], list[str]],
) -> None:
    complaints = check(render(**answers))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(("check", "name", "text"), FAULTS)
def test_check_refuses_a_planted_fault(tmp_path: Path, check: str, name: str, text: str) -> None:
    for path, content in CLEAN.items():
        write(tmp_path / path, content)
    accepts = getattr(checks, check)
    assert accepts(Project(tmp_path)) == []
    try:
        write(tmp_path / name, text)
    except OSError:
        pytest.skip("this system cannot hold such a name")
    assert len(accepts(Project(tmp_path))) == 1


def test_an_owner_too_many_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "params.yaml", "seed: 1\n")
    rules = ownership.RULES
    monkeypatch.setattr(ownership, "RULES", [*rules, rules[0]])
    assert checks.owned(Project(tmp_path)) == ["params.yaml: owned by ['team', 'team']"]


@pytest.mark.parametrize("answers", SETS.values(), ids=SETS.keys())
def test_answers_are_kept_as_they_were_given(
    render: Callable[..., Project], answers: dict[str, Any]
) -> None:
    stored = yaml.safe_load(render(**answers).text(".copier-answers.yml"))
    assert {name: stored[name] for name in answers} == answers


@pytest.mark.parametrize("name", ["defaults", "preset-starter", "sentences"])
def test_two_renders_are_equal_byte_by_byte(
    render: Callable[..., Project], template: Path, tmp_path: Path, name: str
) -> None:
    again = support.render(template, tmp_path / "again", SETS[name])
    assert again.files() == render(**SETS[name]).files()


def test_an_answer_to_no_question_is_an_error(render: Callable[..., Project]) -> None:
    with pytest.raises(ValueError, match="no such question: use_dokcer"):
        render(use_dokcer=True)


def write(path: Path, text: str) -> None:
    """Write a file as it is given, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
