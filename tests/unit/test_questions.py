"""Answers: the good ones reach the files as they are, the bad ones end with one sentence."""

from __future__ import annotations

import json
import keyword
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reserved_names
import support
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from support import ROOT
from typed_answers import BAD_OTHERS, BAD_PACKAGES, BAD_TITLES, GOOD_TITLES


def macros() -> Any:
    """Return the macros of includes/names.jinja, as Copier sees them."""
    options = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_envops"]
    filters = "jinja2_ansible_filters.AnsibleCoreFiltersExtension"
    options |= {"undefined": StrictUndefined, "extensions": [filters]}
    env = SandboxedEnvironment(loader=FileSystemLoader(ROOT), **options)
    return env.get_template("includes/names.jinja").module


NAMES = macros()
RESERVED = set().union(*reserved_names.reserved().values())


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with the real questions and two files: quick to render."""
    root = tmp_path_factory.mktemp("small")
    shutil.copy(ROOT / "copier.yml", root)
    shutil.copytree(ROOT / "includes", root / "includes")
    package = root / "template" / "{{ package_name }}"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    page = "{{ [project_name, package_name, project_slug] | to_json }}"
    (root / "template" / "facts.json.jinja").write_text(page, encoding="utf-8")
    return root


def refused(template: Path, target: Path, question: str, answer: str) -> str:
    """Render; assert that the answer was refused and nothing created; return what was said."""
    said = rf"^Validation error for question '{question}': |Invalid choice"
    with pytest.raises(ValueError, match=said) as error:
        support.render(template, target, {question: answer}, version="")
    assert not target.exists()
    return str(error.value)


# --- the macros -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("title", "package"), GOOD_TITLES.items())
def test_good_title_names_its_package(title: str, package: str) -> None:
    assert NAMES.title_problem(title).strip() == ""
    assert NAMES.package_for(title) == package


@pytest.mark.parametrize(("title", "problem"), BAD_TITLES.items())
def test_bad_title_gets_one_sentence(title: str, problem: str) -> None:
    said = NAMES.title_problem(title).strip()
    assert problem in said
    assert said.count("\n") == 0


def test_title_may_clash_once_the_package_has_its_own_name() -> None:
    assert NAMES.title_problem("Calendar")
    assert NAMES.title_problem("Calendar", True).strip() == ""


@pytest.mark.parametrize(("name", "problem"), BAD_PACKAGES.items())
def test_bad_package_gets_one_sentence(name: str, problem: str) -> None:
    said = NAMES.package_problem(name).strip()
    assert problem in said
    assert said.count("\n") == 0


def test_package_of_a_project_keeps_its_name_even_if_a_dependency_takes_it() -> None:
    assert NAMES.package_problem("numpy", "numpy").strip() == ""
    assert "It stays churn" in NAMES.package_problem("numpy", "churn")


@given(st.text())
def test_any_title_is_refused_in_one_line_or_names_a_package(title: str) -> None:
    said = NAMES.title_problem(title).strip()
    assert "\n" not in said
    if not said:
        package = NAMES.package_for(title)
        assert package.isidentifier()
        assert package.isascii()
        assert NAMES.package_problem(package).strip() == ""


@given(st.text() | st.from_regex(r"[a-z][a-z0-9_]{0,45}\n?", fullmatch=True))
def test_accepted_package_can_be_imported(name: str) -> None:
    if not NAMES.package_problem(name).strip():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
        assert len(name) <= 39
        assert not keyword.iskeyword(name)
        assert name not in RESERVED


@given(st.text())
def test_accepted_line_stays_one_line_in_any_format(text: str) -> None:
    if not NAMES.line_problem(text).strip():
        assert text.isprintable()
        assert not set(text) & set('"\\`${}<>|')


@given(st.text())
def test_what_a_project_of_any_table_does_is_an_accepted_line(target: str) -> None:
    assert NAMES.line_problem(NAMES.description_for(target)).strip() == ""


def test_a_project_of_a_table_is_described_by_its_target() -> None:
    assert NAMES.description_for("Größe") == "Predicts Größe for each row of our own data."
    assert NAMES.description_for("a|b") == "Predicts the outcome in our own data."


# --- the reserved names ---------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="pywin32 adds modules; the list is from Linux")
def test_reserved_names_are_current() -> None:
    env = SandboxedEnvironment(loader=FileSystemLoader(ROOT))
    page: Any = env.get_template("includes/reserved_names.jinja").module
    for owner, names in reserved_names.reserved().items():
        missing = names - set(page.reserved[owner])
        assert not missing, f"run tools/reserved_names.py: {owner}"


# --- through Copier -------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["Churn Radar", "O'Brien & Söhne – Prognose", "客户流失"])
def test_good_title_reaches_the_files(small: Path, tmp_path: Path, title: str) -> None:
    project = support.render(small, tmp_path / "project", {"project_name": title}, version="")
    package = GOOD_TITLES[title]
    facts = [title, package, package.replace("_", "-")]
    assert json.loads(project.text("facts.json")) == facts
    assert f"{package}/__init__.py" in project.paths


@pytest.mark.parametrize(("title", "problem"), BAD_TITLES.items())
def test_bad_title_creates_nothing(small: Path, tmp_path: Path, title: str, problem: str) -> None:
    assert problem in refused(small, tmp_path / "project", "project_name", title)


@pytest.mark.parametrize(("name", "problem"), BAD_PACKAGES.items())
def test_bad_package_creates_nothing(small: Path, tmp_path: Path, name: str, problem: str) -> None:
    assert problem in refused(small, tmp_path / "project", "package_name", name)


@pytest.mark.parametrize(("question", "answer", "problem"), BAD_OTHERS)
def test_bad_answer_creates_nothing(
    small: Path, tmp_path: Path, question: str, answer: str, problem: str
) -> None:
    assert problem in refused(small, tmp_path / "project", question, answer)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(title=st.text(max_size=70))
def test_any_title_renders_or_creates_nothing(small: Path, tmp_path: Path, title: str) -> None:
    target = tmp_path / "project"
    if NAMES.title_problem(title).strip():
        refused(small, target, "project_name", title)
    else:
        project = support.render(small, target, {"project_name": title}, version="")
        assert json.loads(project.text("facts.json"))[0] == title
        shutil.rmtree(target)


def test_longest_package_has_good_defaults_behind_it(small: Path, tmp_path: Path) -> None:
    support.render(small, tmp_path / "project", {"package_name": "a" * 39}, version="")


@pytest.mark.parametrize("title", ["", "$(touch x)", "{{ 7*7 }}", "NumPy"])
def test_command_line_ends_with_the_message(small: Path, tmp_path: Path, title: str) -> None:
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--skip-tasks", "--quiet"]
    result = subprocess.run(
        [*command, "--data", f"project_name={title}", str(small), "project"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 1
    said = re.escape(BAD_TITLES[title])
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch(rf".*Validation error for question 'project_name': .*{said}.*", last)
    assert list(tmp_path.iterdir()) == []
