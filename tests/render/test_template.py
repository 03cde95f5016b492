"""The rules for the template's own files: Jinja, budgets, the questions, what an option changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import checks
import jinja2
import ownership
import pytest
import support
import yaml
from answers import CHOICES, FLIPS
from support import ROOT, Project

TEMPLATE = ROOT / "template"
TAG = re.compile(r"(?<!\$)\{[{%#].*?[}%#]\}", re.S)
GRAMMAR = ["type", "help", "choices", "placeholder", "default", "ask", "when", "validator"]
COMPUTED = {"project_slug", "first_package_name", "yours"}


def template_files() -> list[Path]:
    """Return the files of template/ that git would commit."""
    listed = support.git(TEMPLATE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [TEMPLATE / name for name in listed.split("\0") if name and (TEMPLATE / name).is_file()]


# --- Jinja ----------------------------------------------------------------------------------------


def test_suffix_tells_whether_a_file_holds_jinja() -> None:
    wrong = [
        path.name
        for path in template_files()
        # A project's own templates, of its report and its card, are rendered by the project.
        if path.parent.name != "templates"
        and (path.suffix == ".jinja") != bool(checks.JINJA.search(path.read_text("utf-8")))
    ]
    assert wrong == []


def test_package_holds_no_jinja_and_tests_only_the_name_of_the_package() -> None:
    for path in template_files():
        if ".py" in path.name:  # the name may go on with a condition
            tags = set(TAG.findall(path.read_text("utf-8"))) if path.suffix == ".jinja" else set()
            assert tags <= {"{{ package_name }}"}, path
            assert not tags or "tests" in path.relative_to(TEMPLATE).parts, path


def test_only_pyproject_has_many_conditions() -> None:
    for path in template_files():
        if path.name != "pyproject.toml.jinja":
            assert path.read_text("utf-8").count("{% if") <= 10, path


def test_git_commits_every_file_of_the_template() -> None:
    ignored = support.git(TEMPLATE, "ls-files", "--others", "--ignored", "--exclude-standard")
    lost = [name for name in ignored.splitlines() if "cache" not in name]
    assert lost == [], "template/.gitignore hides these from git"


def test_names_of_files_hold_no_double_quote() -> None:
    assert not [path for path in template_files() if '"' in str(path.relative_to(ROOT))]


# --- bounds on what a team must read: DESIGN.md, rule 9 -------------------------------------------


def team_python(project: Project) -> int:
    """Count the lines of Python that are the team's: the package without mlops/, and the tests."""
    found = 0
    for name in project.paths:
        if name.endswith(".py") and ownership.owners(name) == ["team"]:
            found += project.text(name).count("\n")
    return found


def test_a_starter_can_be_read_in_one_sitting(render: Callable[..., Project]) -> None:
    project = render(preset="starter")
    assert len(project.paths) <= 58  # the target is 45
    assert team_python(project) <= 700


def test_a_default_project_is_small_to_live_in(render: Callable[..., Project]) -> None:
    project = render()
    assert len(project.paths) <= 150
    assert team_python(project) <= 700


def test_questions_fit_on_a_few_pages() -> None:
    assert (ROOT / "copier.yml").read_text("utf-8").count("\n") <= 250


def test_paths_hold_no_condition_but_the_variants_of_the_model() -> None:
    """What an answer leaves out is a row of `_exclude` in copier.yml."""
    model = "{{ package_name }}/{% if framework == '[a-z-]+' %}model.py{% endif %}"
    plain = re.compile(rf"src/{model}|{{{{ _copier_conf.answers_file }}}}\.jinja")
    for path in template_files():
        name = path.relative_to(TEMPLATE).as_posix()
        if not plain.fullmatch(name):
            assert not TAG.search(name.replace("{{ package_name }}", "package")), name


def test_rows_of_what_is_left_out_can_be_tried_on_the_first_versions_answers() -> None:
    """An update renders the old version with the rows of the new one: a question may be unknown."""
    settings = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    # v0.1.0 asked for these, and for no service.
    answers = {"ci": "github", "use_docker": True, "tracker": "mlflow", "preset": "custom"}
    for operation in ("copy", "update"):
        for row in settings["_exclude"]:
            environment.from_string(row).render(answers, _copier_operation=operation)


# --- questions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", support.questions())
def test_question_follows_the_grammar(name: str) -> None:
    question = support.questions()[name]
    assert list(question) == [key for key in GRAMMAR if key in question]
    assert "type" in question
    assert "default" in question
    if name not in COMPUTED:
        assert str(question["help"]).endswith((".", "?"))
    assert name.startswith("use_") == (question["type"] == "bool")


# --- options --------------------------------------------------------------------------------------


def test_every_option_is_flipped() -> None:
    questions = support.questions().items()
    options = {name for name, asked in questions if asked["type"] == "bool" or "choices" in asked}
    assert options - {"data_remote"} == FLIPS.keys()  # there is only one choice so far


@pytest.mark.parametrize("option", FLIPS)
def test_option_changes_only_its_own_files(render: Callable[..., Project], option: str) -> None:
    answer, declared = FLIPS[option]
    before, after = render().files(), render(**{option: answer}).files()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    changed.remove(".copier-answers.yml")
    assert changed, f"{option} changes nothing"
    stray = [name for name in changed if not any(fnmatchcase(name, rule) for rule in declared)]
    assert stray == []


@pytest.mark.parametrize("framework", CHOICES["framework"])
def test_a_framework_is_a_model_with_its_library_and_settings(
    render: Callable[..., Project], framework: str
) -> None:
    project, plain = render(framework=framework), render()
    assert project.paths == plain.paths
    library = {"scikit-learn": "sklearn", "pytorch": "torch"}.get(framework, framework)
    assert f"\nfrom {library}" in project.text("src/churn_radar/model.py")
    settings = "network" if framework == "pytorch" else "boosting"
    assert list(yaml.safe_load(project.text("params.yaml"))["model"])[-1] == settings
    # Of all wheels LightGBM's alone brings no OpenMP.
    assert ("libgomp1" in project.text("docker/train.Dockerfile")) == (framework == "lightgbm")


@pytest.mark.parametrize("practice", [{"ci": "github"}, {"use_docker": True}])
def test_starter_takes_what_is_asked_for(
    render: Callable[..., Project], practice: dict[str, str | bool]
) -> None:
    off, on = render(preset="starter"), render(preset="starter", **practice)
    assert set(off.paths) < set(on.paths)


def test_a_starter_has_no_tracker_whatever_is_answered(render: Callable[..., Project]) -> None:
    starter = render(preset="starter", tracker="wandb")
    assert "wandb" not in starter.text("pyproject.toml")
    assert not any("/tracking/" in name for name in starter.paths)
    assert '"wandb>=' in render(tracker="wandb").text("pyproject.toml")


def test_custom_takes_the_defaults_of_production(render: Callable[..., Project]) -> None:
    custom, production = render(preset="custom").files(), render().files()
    assert {name for name in production if custom.get(name) != production[name]} == {
        ".copier-answers.yml"
    }


def test_template_renders_without_its_repository(template: Path, tmp_path: Path) -> None:
    """A downloaded archive is enough to make a project, though not to update it."""
    shutil.copytree(template, tmp_path / "archive", ignore=shutil.ignore_patterns(".git"))
    project = support.render(tmp_path / "archive", tmp_path / "project", {}, version="")
    assert "pyproject.toml" in project.paths


def test_a_missing_uv_is_one_sentence(render: Callable[..., Project], tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "verify"],
        cwd=render().path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode != 0
    assert "uv is not on PATH: https://docs.astral.sh/uv/" in done.stderr


RECORD_ARGUMENTS = """\
#!/bin/sh
printf '%s\\n' "$@" >> "$LOG"
"""


def make_with_a_recording_uv(
    project: Project, folder: Path, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run make with a uv that only writes down how it was called: one argument a line."""
    uv = folder / "uv"
    uv.write_text(RECORD_ARGUMENTS, encoding="utf-8")
    uv.chmod(0o755)
    log = folder / "log"
    log.touch()
    env = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "LOG": str(log)}
    env.pop("WHY", None)
    done = subprocess.run(
        ["make", *arguments], cwd=project.path, env=env, capture_output=True, encoding="utf-8"
    )
    return done, log.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("command", ["promote", "rollback"])
@pytest.mark.parametrize("why", [[], ["WHY="], ["WHY= \t"]])
def test_a_missing_reason_is_asked_for_before_anything_runs(
    render: Callable[..., Project], tmp_path: Path, command: str, why: list[str]
) -> None:
    done, called_with = make_with_a_recording_uv(render(), tmp_path, command, *why)
    assert done.returncode != 0
    assert f'say why, for the record: make {command} WHY="..."' in done.stderr
    assert called_with == []


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_a_reason_is_no_code(render: Callable[..., Project], tmp_path: Path, command: str) -> None:
    reason = """it's "so", (a; `touch code`) | b) > code & $5, $(shell touch code) #1"""
    done, called_with = make_with_a_recording_uv(render(), tmp_path, command, f"WHY={reason}")
    assert done.returncode == 0, done.stderr
    assert called_with[called_with.index("--why") + 1] == reason
    assert not (render().path / "code").exists()


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        (["update"], ["churn-radar", "update", "--version="]),
        (
            ["update", "VERSION=v2.0.0", "PREVIEW=1"],
            ["churn-radar", "update", "--version=v2.0.0", "--preview"],
        ),
        (["doctor", "JSON=1"], ["churn-radar", "doctor", "--json"]),
        (["template-diff"], ["churn-radar", "template-diff"]),
        (["own", "FILE=a b"], ["churn-radar", "own", "--", "a b"]),
        (["disown"], ["churn-radar", "disown", "--", ""]),
    ],
)
def test_make_passes_on_what_the_template_is_asked(
    render: Callable[..., Project], tmp_path: Path, asked: list[str], passed: list[str]
) -> None:
    done, called_with = make_with_a_recording_uv(render(), tmp_path, *asked)
    assert done.returncode == 0, done.stderr
    assert called_with == ["run", "--no-sync", *passed]


def test_doctor_lists_unmerged_files_though_nothing_may_start(
    render: Callable[..., Project], tmp_path: Path
) -> None:
    project = render().copy(tmp_path / "project")
    support.commit(project.path, "Start")
    blob = support.git(project.path, "rev-parse", "HEAD:Makefile").strip()
    support.git(project.path, "rm", "--cached", "--quiet", "pyproject.toml")
    stage = subprocess.run(
        ["git", "update-index", "--index-info"],
        cwd=project.path,
        input=f"100644 {blob} 2\tpyproject.toml\n100644 {blob} 3\tpyproject.toml\n",
        encoding="utf-8",
    )
    assert stage.returncode == 0
    done, called_with = make_with_a_recording_uv(project, tmp_path, "doctor")
    assert done.returncode == 2
    assert "git holds two versions of these files:\npyproject.toml\n" in done.stderr
    assert called_with == []


def test_remedies_call_tools_by_uv_since_nothing_else_is_on_path() -> None:
    tools = "black|dvc|jupyter|locust|mypy|pre-commit|pytest|ruff|wandb"
    found = []
    for path in template_files():
        if path.name.removesuffix(".jinja").endswith((".md", ".ipynb")):
            continue
        # A message is written over several lines, and is one string all the same.
        text = re.sub(r'"\n\s*f?"', "", path.read_text(encoding="utf-8"))
        found += [f"{path.name}: {call}" for call in re.findall(f"`(?:{tools})(?: [^`]*)?`", text)]
    assert found == []


def test_the_model_card_leads_to_what_is_known_of_the_data(render: Callable[..., Project]) -> None:
    project = render()
    evidence = project.text("docs/model-card.md").partition("## Evidence")[2].partition("<!--")[0]
    assert "balance of the classes" in evidence
    assert "(data-card.md)" in evidence
    # Of a team's own table wiring writes that page.
    for page in (
        project.text("docs/data-card.md"),
        (ROOT / "hooks/wire/write/card.py").read_text(),
    ):
        assert "| balance |" in page
        assert "## Not in the features" in page
