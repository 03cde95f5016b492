"""A repository that is there already takes the template in: over nothing of it, now and later."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import support
import yaml
from releases import Releases, first_release, with_few_files
from repository import Repository
from support import Project
from upkeep import guess

CHECKS = ".github/workflows/checks.yml"

FLAT = {
    "README.md": "# Our model\n",
    "requirements.txt": "scikit-learn\n",
    "train.py": "print('trained')\n",
    "churn.csv": "a,b\n1,2\n",
    # The template's pipeline would not be in git.
    ".gitignore": "/models/\ndvc.yaml\n",
}

PACKAGE = {
    "pyproject.toml": (
        '[project]\nname = "acme-churn"\nversion = "2.0"\nrequires-python = ">=3.12"\n'
        'description = "Who leaves Acme."\ndependencies = ["xgboost>=2", "not a requirement"]\n'
        "[tool.ruff]\nline-length = 120\n"
    ),
    "src/acme/__init__.py": "",
    "src/acme/model.py": "def fit():\n    return 1\n",
    CHECKS: "on: push\njobs: {}\n",
    ".pre-commit-config.yaml": "repos: []\n",
    "LICENSE": "MIT License\n\nCopyright (c) 2024 Acme\n",
    "Makefile": "train:\n\tpython -m acme\n",
}

NOTEBOOKS = {
    "pyproject.toml": '[tool.black]\nline-length = 99\n[tool.poetry]\nname = "2-steps"\n',
    "analysis.ipynb": json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
    "compose.yaml": "services: {}\n",
    "licence.md": "All rights reserved.\n",
}

SHAPES = {"flat": FLAT, "package": PACKAGE, "notebooks": NOTEBOOKS}

GUESSED: dict[str, dict[str, object]] = {
    "flat": {"package_name": "our_flat", "ci": "github", "use_docker": True},
    "package": {
        "package_name": "acme",
        "project_name": "Acme",
        "project_description": "Who leaves Acme.",
        "python_version": "3.12",
        "framework": "xgboost",
        "formatter": "ruff",
        "license": "MIT",
        "ci": "none",
        "github_user": "acme-inc",
    },
    "notebooks": {"package_name": "ml_2_steps", "formatter": "black", "use_docker": False},
}

YOURS = {
    "flat": {".gitignore", "README.md"},
    "package": {"pyproject.toml", ".pre-commit-config.yaml", "LICENSE", "Makefile"},
    "notebooks": {"pyproject.toml"},
}


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """A v1.0.0 of few files, which is quick to render."""
    small = with_few_files(template, tmp_path_factory.mktemp("template"))
    return first_release(small, tmp_path_factory.mktemp("releases"))


def repository(folder: Path, shape: str) -> Path:
    """A repository of that shape, as a team has it."""
    place = folder / f"our-{shape}"
    for name, text in SHAPES[shape].items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    support.commit(place, "Our work")
    support.git(place, "remote", "add", "origin", "git@github.com:acme-inc/churn.git")
    return place


def adopt(releases: Releases, place: Path, *answers: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(releases.path / "hooks/upkeep"), "adopt", "--", str(place)]
    return subprocess.run(
        [*command, *answers], capture_output=True, encoding="utf-8", check=False, cwd=place.parent
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_repository_is_adopted_and_updated_twice_over_nothing_of_it(
    shape: str, releases: Releases, tmp_path: Path
) -> None:
    place = repository(tmp_path, shape)

    done = adopt(releases, place)

    assert done.returncode == 0, done.stderr
    assert support.git(place, "diff", "--name-only", "HEAD") == ""
    answers = yaml.safe_load((place / ".copier-answers.yml").read_text())
    assert {name: answers[name] for name in GUESSED[shape]} == GUESSED[shape]
    assert set(answers["yours"]) == YOURS[shape]
    package = f"src/{answers['package_name']}"
    assert (place / package / "mlops" / "cli.py").is_file()
    assert "git checkout --patch adopt/v1.0.0 -- " in done.stdout
    bare = support.git(place, "show", "adopt/v1.0.0:pyproject.toml")
    assert answers["package_name"] in bare
    # The file that our .gitignore hides is named, and an update wants it in git.
    hidden = ["dvc.yaml"] if shape == "flat" else []
    assert ("ignored     by your .gitignore: dvc.yaml" in done.stdout) == bool(hidden)
    support.git(place, "add", "--all")
    support.git(place, "add", "--force", "--", *hidden)
    support.commit(place, "Adopt the template")

    later = releases.path.parent / f"later-{shape}"
    support.git(releases.path.parent, "clone", "--quiet", str(releases.path), str(later))
    newer = Releases(later, releases.log)
    newer.release(
        "v2.0.0",
        {
            "template/Makefile.jinja": lambda old: f"# of v2\n{old}",
            "template/pyproject.toml.jinja": lambda old: f"{old}# of v2\n",
        },
    )
    text = (place / ".copier-answers.yml").read_text().replace(str(releases.path), str(later))
    (place / ".copier-answers.yml").write_text(text)
    support.commit(place, "Say where the template is")
    for version in ("v2.0.0", "v3.0.0"):
        if version == "v3.0.0":
            newer.release(version, {"template/dvc.yaml.jinja": lambda old: f"{old}# of v3\n"})
        newer.update(Project(place))
        support.commit(place, version)
    assert "# of v3" in (place / "dvc.yaml").read_text()
    assert ("# of v2" in (place / "Makefile").read_text()) == ("Makefile" not in SHAPES[shape])
    for name, text in SHAPES[shape].items():
        assert (place / name).read_text() == text


def test_a_practice_in_whose_way_a_file_is_stays_off_until_somebody_wants_it(
    releases: Releases, tmp_path: Path
) -> None:
    place = repository(tmp_path, "package")
    done = adopt(releases, place)
    assert f"ci is off, since {CHECKS} is yours" in done.stdout
    assert sorted(path.name for path in (place / ".github/workflows").iterdir()) == ["checks.yml"]
    support.git(place, "clean", "--quiet", "--force", "-d")
    done = adopt(releases, place, "ci=github", "package_name=acme_ml")
    assert "ci is off" not in done.stdout
    assert (place / ".github/workflows/promote.yml").is_file()
    assert (place / CHECKS).read_text() == PACKAGE[CHECKS]
    assert (place / "src/acme_ml/mlops").is_dir()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("nowhere", "is no folder"),
        ("bare", "has no commit of git"),
        ("dirty", "commit what changed"),
        ("twice", "has the template already"),
        ("file", "docs is a file, and the template has a folder there"),
        ("folder", "Makefile is a folder, and the template has a file there"),
        ("answer", "an answer is refused"),
        ("text", "formatter is no answer"),
    ],
)
def test_what_could_not_be_brought_back_is_refused(
    fault: str, said: str, releases: Releases, tmp_path: Path
) -> None:
    place = repository(tmp_path, "flat")
    answers = {"answer": ["package_name=Not a name"], "text": ["formatter"]}.get(fault, [])
    if fault == "dirty":
        (place / "train.py").write_text("print('better')\n")
    if fault in ("twice", "file"):
        name = {"twice": ".copier-answers.yml", "file": "docs"}[fault]
        (place / name).write_text("x\n")
        support.commit(place, "Add")
    if fault == "folder":
        (place / "Makefile").mkdir()
        (place / "Makefile" / "x").touch()
        support.commit(place, "Add")
    if fault == "nowhere":
        place = tmp_path / "nowhere"
    if fault == "bare":
        place = tmp_path / "bare"
        place.mkdir()
    before = Project(place).files() if place.exists() else {}

    done = adopt(releases, place, *answers)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (Project(place).files() if place.exists() else {}) == before


@pytest.mark.parametrize(
    ("required", "version"),
    [(">=3.12", "3.12"), (">=3.9", "3.11"), (">=3.11.4,<4", "3.11"), ("", ""), ("newest", "")],
)
def test_the_lowest_version_that_a_project_allows_is_taken(required: str, version: str) -> None:
    assert guess.python_version(required) == version


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["src/one/__init__.py"], "one"),
        (["src/one/__init__.py", "src/two/__init__.py"], "our_project"),
        (["our_project/__init__.py"], "our_project_ml"),
        (["our_project.py"], "our_project_ml"),
    ],
)
def test_the_package_has_a_name_of_its_own(files: list[str], name: str, tmp_path: Path) -> None:
    place = tmp_path / "Our Project"
    for file in files:
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).touch()
    assert guess.package_name(place, {}) == name


def test_a_remote_elsewhere_names_no_account(tmp_path: Path) -> None:
    support.commit(tmp_path, "Start")
    repository = Repository(tmp_path, tmp_path)
    assert guess.github_user(repository) == ""
    support.git(tmp_path, "remote", "add", "origin", "https://gitlab.com/acme/x.git")
    assert guess.github_user(repository) == ""
