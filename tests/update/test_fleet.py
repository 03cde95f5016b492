"""A fleet: each project is reported as it is, and only what is verified is pushed, a few first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import support
from messages import RefusalError
from releases import Releases, first_release, with_few_files
from unit.hooks_lab import FAKE_UV, install
from upkeep import fleet, forecast
from upkeep.forecast import Forecast

VERIFY = "run --no-sync churn-radar verify"


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """A v1.0.0 of few files and a v2.0.0 with another Makefile; the project of v1.0.0 is there."""
    small = with_few_files(template, tmp_path_factory.mktemp("template"))
    releases = first_release(small, tmp_path_factory.mktemp("releases"))
    releases.project(releases.path.parent / "project")
    releases.release("v2.0.0", {"template/Makefile.jinja": lambda old: f"# of v2\n{old}"})
    return releases


class Fleet:
    """Copies of one project, and what `make fleet` makes of them."""

    def __init__(self, releases: Releases, folder: Path) -> None:
        self.releases = releases
        self.folder = folder
        self.lines: list[str] = []
        install(folder / "bin", "uv", FAKE_UV)

    def add(self, name: str, skip: str = "") -> Path:
        """Add a project of v1.0.0, and return its folder."""
        path = shutil.copytree(self.releases.path.parent / "project", self.folder / name)
        # Somebody is at work there: a branch that is pushed is none that is checked out.
        self.lines.append(f"{path} skip: {skip}" if skip else str(path))
        return Path(path)

    def run(self, *options: str, **uv: object) -> subprocess.CompletedProcess[str]:
        """Run the command as the Makefile does, on a machine with a fake uv."""
        listed = self.folder / "repos.txt"
        listed.write_text("# all of ours\n\n" + "\n".join(self.lines) + "\n", encoding="utf-8")
        variables = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "FAKE_LOG": str(self.folder / "uv.log"),
            "FAKE_UV": json.dumps({VERIFY: uv["verify"]} if uv else {}),
        }
        command = [sys.executable, str(self.releases.path / "hooks/upkeep"), "fleet"]
        command += [f"--state={self.folder / 'state'}", *options, "--", str(listed)]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | variables,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture
def many(releases: Releases, tmp_path: Path) -> Fleet:
    """A fleet without a project."""
    return Fleet(releases, tmp_path)


def row(out: str, name: str) -> list[str]:
    """The cells of a project's line in the table."""
    (line,) = [line for line in out.splitlines() if line.split("  ")[0].endswith(f"/{name}")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_each_project_is_reported_as_it_is(many: Fleet) -> None:
    many.add("clean")
    other = many.add("other")
    makefile = other / "Makefile"
    makefile.write_text(f"# of the team\n{makefile.read_text('utf-8')}", encoding="utf-8")
    support.commit(other, "A line where the template has one")
    broken = many.add("broken")
    (broken / ".copier-answers.yml").write_text("[", encoding="utf-8")
    support.commit(broken, "Break the answers")
    many.add("left", skip="it is archived")
    many.lines.append(str(many.folder / "nowhere"))

    done = many.run()

    assert done.returncode == 1
    # Without a champion, whose cell is empty.
    assert row(done.stdout, "clean")[1:] == ["v1.0.0", "1", "0+0", "0", "clean"]
    assert row(done.stdout, "other")[1:] == ["v1.0.0", "1", "1+0", "0", "1 conflict"]
    assert f"{other}: 1 conflict\n  - Makefile" in done.stdout
    assert row(done.stdout, "broken")[-1] == "not examined"
    assert ".copier-answers.yml cannot be read" in done.stdout
    assert "git cannot clone it" in done.stdout
    assert "left: skipped, it is archived" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_an_interrupted_run_goes_on_and_a_project_that_moved_is_examined_again(
    many: Fleet,
) -> None:
    many.add("one")
    two = many.add("two")
    assert many.run().returncode == 0
    support.git(two, "commit", "--quiet", "--allow-empty", "--message", "More work")

    done = many.run()

    assert "1 of 2 projects are as they were at the last run." in done.stdout
    assert "2/2" in done.stdout
    assert "two: clean" in done.stdout
    assert row(done.stdout, "one") == [str(many.folder / "one"), *row(done.stdout, "two")[1:]]


def test_what_is_clean_and_verified_is_pushed_once(many: Fleet) -> None:
    project = many.add("clean")
    before = support.git(project, "rev-parse", "HEAD")

    assert many.run("--open").returncode == 0

    assert support.git(project, "show", "update/v2.0.0:Makefile").startswith("# of v2\n")
    assert support.git(project, "rev-parse", "HEAD", "update/v2.0.0^") == 2 * before
    support.git(project, "branch", "-m", "update/v2.0.0", "update/theirs")
    done = many.run("--open")
    assert done.returncode == 0
    assert "update/v2.0.0 was closed, and stays so" in done.stdout
    assert support.git(project, "branch", "--list", "update/v2.0.0") == ""
    # A branch of that name is not touched, whoever made it.
    support.git(project, "branch", "update/v2.0.0")
    done = many.run("--open")
    assert "update/v2.0.0 is there already" in done.stdout
    assert support.git(project, "rev-parse", "update/v2.0.0") == before


def test_what_does_not_verify_is_not_pushed_and_ends_the_rings(many: Fleet) -> None:
    projects = [many.add(f"p{number}") for number in range(fleet.RINGS[0] + 1)]

    done = many.run("--open", verify={"status": 1, "says": "a test fails"})

    assert done.returncode == 1
    assert "Ring 1: 3 project(s)" in done.stdout
    assert "This ring is not green, so the next one was not begun." in done.stdout
    assert "Ring 2" not in done.stdout
    assert done.stdout.count(": not updated, ") == fleet.RINGS[0]
    for project in projects:
        assert support.git(project, "branch", "--list", "update/*") == ""


def test_a_server_that_takes_no_branch_is_quoted(many: Fleet) -> None:
    project = many.add("guarded")
    hook = project / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no right to write workflows >&2\nexit 1\n")
    hook.chmod(0o755)

    done = many.run("--open")

    assert done.returncode == 1
    assert "update/v2.0.0 was not taken" in done.stdout
    assert "no right to write workflows" in done.stdout


@pytest.mark.parametrize(("n_clean", "sizes"), [(0, []), (2, [2]), (3, [3]), (30, [3, 20, 7])])
def test_a_few_are_first(n_clean: int, sizes: Sequence[int]) -> None:
    projects = [Forecast(str(number)) for number in range(n_clean)]
    found = list(fleet.rings(projects))
    assert [len(ring) for ring in found] == sizes
    assert [one for ring in found for one in ring] == projects


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no repository"),
        ("# none\n", "lists no repository"),
        ("a\nb\na\n", "line 3: a is listed twice"),
        ("a skip:  \n", "line 1: say after `skip:` why"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(text: str, said: str, tmp_path: Path) -> None:
    listed = tmp_path / "repos.txt"
    listed.write_text(text, encoding="utf-8")
    with pytest.raises(RefusalError, match=said):
        fleet.read_list(listed)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"make fleet REPOS=repos\.txt takes a file"):
        fleet.read_list(tmp_path / "repos.txt")


def test_a_champion_is_read_from_its_record(tmp_path: Path) -> None:
    assert forecast.champion(tmp_path) == ""
    (tmp_path / "models").mkdir()
    record = {"version": 3, "metric": "roc_auc", "score": 0.82691, "when": "2026-11-28T06:14:40"}
    (tmp_path / "models" / "champion.json").write_text(json.dumps(record), encoding="utf-8")
    assert forecast.champion(tmp_path) == "3, roc_auc 0.827, 2026-11-28"
