"""The template is fetched in the recorded version to wire, and in the newest to look after."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from churn_radar.mlops import wiring
from churn_radar.mlops.errors import ProjectError
from support import commit, git
from typer import Exit, Typer
from typer.testing import CliRunner

SHOWS = """
import sys
from pathlib import Path
print({version!r}, "in", Path.cwd().name, *sys.argv[1:])
sys.exit({status})
"""
ENDS = """
import os, signal, sys, time
def stop(number, frame):
    time.sleep(0.5)
    print("put back after", signal.Signals(number).name, flush=True)
    sys.exit(1)
signal.signal(signal.{name}, stop)
os.kill({pid}, signal.{name})
time.sleep(20)
"""
UV = """#!{python}
import os, sys
command = sys.argv[1:]
at = command.index("--with-requirements")
options, (file, program, *arguments) = command[:at], command[at + 1:]
alone = ["run", "--isolated", "--no-project", "--python=>=3.11"]
assert options == (alone if file.endswith("upkeep/requirements.txt") else ["run", "--no-sync"])
assert program == "python"
assert os.path.isfile(file)
if "unheard-of" in open(file).read():
    print("error: No solution found\\n  cause: unheard-of was not found", file=sys.stderr)
    sys.exit(1)
# In its own place, as a signal for uv reaches what it runs.
os.execv(sys.executable, [sys.executable, *arguments])
"""
Answers = Callable[..., Path]


@pytest.fixture(autouse=True)
def _uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a uv on PATH that knows no project, and runs this interpreter."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV.format(python=sys.executable))
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent), prepend=os.pathsep)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a template of two versions that show what they are asked."""
    folder = tmp_path / "template"
    for version in ("v1.0.0", "v2.0.0"):
        wire = folder / "hooks" / "wire"
        wire.mkdir(parents=True, exist_ok=True)
        (wire / "requirements.txt").write_text("")
        (wire / "__main__.py").write_text(SHOWS.format(version=version, status=0))
        shutil.copytree(wire, folder / "hooks" / "upkeep", dirs_exist_ok=True)
        commit(folder, version, version)
    return folder


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Return a function that makes the current folder a project with recorded answers."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)

    def write(**recorded: object) -> Path:
        text = yaml.safe_dump({f"_{name}": value for name, value in recorded.items()})
        (root / ".copier-answers.yml").write_text(text)
        return root

    return write


def wire(*arguments: str, source: object = "") -> int:
    """Run the command as the Makefile does; return its exit status."""
    app = Typer()
    app.command()(wiring.wire)
    command = ["--source", str(source), "--", "my data.csv", "left", *arguments]
    result = CliRunner().invoke(app, command, standalone_mode=False)
    if isinstance(result.exception, ProjectError):
        raise result.exception
    return result.return_value if result.exception is None else result.exit_code


def refused(**options: object) -> str:
    with pytest.raises(ProjectError) as refusal:
        wire(**options)
    message = str(refusal.value)
    assert "\n" not in message
    return message


def test_the_recorded_version_counts(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers(src_path=str(template), commit="v1.0.0")
    assert wire("--ids=a,b", "--replace") == 0
    shown = capfd.readouterr().out
    assert shown == "v1.0.0 in project --ids=a,b --replace --target=left -- my data.csv\n"


def test_a_version_between_two_tags(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    git(template, "checkout", "--quiet", "-b", "other", "v1.0.0")
    (template / "new").touch()
    commit(template, "After v1.0.0")
    described = git(template, "describe", "--tags").strip()
    git(template, "checkout", "--quiet", "main")
    answers(src_path=f"git+file://{template}", commit=described)
    assert wire() == 0
    assert "v1.0.0 in project" in capfd.readouterr().out


def test_a_named_folder_is_used_as_it_is(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers(src_path="gh:nobody/nothing", commit="v1.0.0")
    assert wire(source=template) == 0
    assert "v2.0.0 in project" in capfd.readouterr().out


def test_a_named_address_is_cloned_in_the_recorded_version(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers(src_path="gh:nobody/nothing", commit="v1.0.0")
    assert wire(source=f"file://{template}") == 0
    assert "v1.0.0 in project" in capfd.readouterr().out


def test_a_template_outside_git_has_one_version(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers(src_path=str(template))
    assert wire() == 0
    assert "v2.0.0 in project" in capfd.readouterr().out


def test_the_status_of_the_template_is_passed_on(template: Path, answers: Answers) -> None:
    answers(src_path=str(template), commit="v1.0.0")
    (template / "hooks/wire/__main__.py").write_text(SHOWS.format(version="v3", status=1))
    assert wire(source=template) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_is_passed_on_and_waited_for(
    name: str, template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers(src_path=str(template), commit="v1.0.0")
    script = ENDS.format(name=name, pid=os.getpid())
    (template / "hooks/wire/__main__.py").write_text(script)
    received: list[int] = []

    def receive(number: int, frame: object) -> None:
        received.append(number)

    number = getattr(signal, name)
    before = signal.signal(number, receive)
    try:
        assert wire(source=template) == 1
        assert signal.getsignal(number) is receive
    finally:
        signal.signal(number, before)
    assert received == []
    assert capfd.readouterr().out == f"put back after {name}\n"


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ({}, "records no template"),
        ({"src_path": "/no/such/template", "commit": "v1.0.0"}, "/no/such/template cannot be had"),
        ({"src_path": "https://template.invalid/x", "commit": "v1.0.0"}, "cannot be had"),
        ({"src_path": "https://template.invalid/x"}, "records no version"),
        ({"src_path": "{template}", "commit": "v9.0.0"}, "invalid reference: v9.0.0"),
        ({"src_path": "{template}", "commit": "--orphan=x"}, "records no version"),
        ({"src_path": "--upload-pack=touch hacked:x", "commit": "v1.0.0"}, "cannot be had"),
        ({"src_path": "ext::touch hacked", "commit": "v1.0.0"}, "cannot be had"),
        ({"src_path": "../copier-mlops", "commit": "v1.0.0"}, "a path from the folder in which"),
        ({"src_path": ".", "commit": "v1.0.0"}, "a path from the folder in which"),
    ],
)
def test_a_template_that_cannot_be_had_is_one_sentence(
    recorded: dict[str, str], message: str, template: Path, answers: Answers
) -> None:
    root = answers(**{k: v.format(template=template) for k, v in recorded.items()})
    refusal = refused()
    assert message in refusal
    assert "SOURCE=" in refusal
    assert [path.name for path in root.iterdir()] == [".copier-answers.yml"]


def test_no_answers_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "records no template" in refused()


def test_a_repository_that_is_no_such_template(tmp_path: Path, answers: Answers) -> None:
    other = tmp_path / "other"
    other.mkdir()
    commit(other, "Something else", "v1.0.0")
    answers(src_path="gh:nobody/nothing", commit="v1.0.0")
    assert "has no hooks/wire in version v1.0.0" in refused(source=other)


def test_packages_that_cannot_be_had_are_one_sentence(template: Path, answers: Answers) -> None:
    answers(src_path=str(template), commit="v1.0.0")
    (template / "hooks" / "wire" / "requirements.txt").write_text("unheard-of\n")
    refusal = refused(source=template)
    assert refusal.startswith("the packages in hooks/wire/requirements.txt of the template")
    assert refusal.endswith("unheard-of was not found")


def test_the_newest_release_looks_after_a_project(
    template: Path, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    (template / "not released").touch()
    (template / "hooks/upkeep/__main__.py").write_text(SHOWS.format(version="main", status=1))
    commit(template, "After v2.0.0")
    answers(src_path=str(template), commit="v1.0.0")
    with pytest.raises(Exit) as end:
        wiring.update(version="v9", preview=True)
    assert end.value.exit_code == 0
    assert capfd.readouterr().out == "v2.0.0 in project update --version=v9 --preview\n"


@pytest.mark.parametrize(
    ("ask", "asked"),
    [
        (wiring.doctor, "doctor"),
        (lambda: wiring.doctor(json=True), "doctor --json"),
        (wiring.template_diff, "template-diff"),
        (lambda: wiring.own("Makefile"), "own -- Makefile"),
        (lambda: wiring.disown("-x"), "disown -- -x"),
    ],
)
def test_what_is_asked_reaches_the_template(
    ask: Callable[[], None],
    asked: str,
    template: Path,
    answers: Answers,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answers(src_path=str(template), commit="v1.0.0")
    with pytest.raises(Exit):
        ask()
    assert capfd.readouterr().out == f"v2.0.0 in project {asked}\n"


def test_a_file_is_named_from_any_folder_of_the_project(
    template: Path,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = answers(src_path=str(template), commit="v1.0.0")
    (root / "params.yaml").touch()
    (root / "docker").mkdir()
    monkeypatch.chdir(root / "docker")
    with pytest.raises(Exit):
        wiring.own("train.Dockerfile")
    name = root.resolve() / "docker/train.Dockerfile"
    assert capfd.readouterr().out == f"v2.0.0 in project own -- {name}\n"


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ({"src_path": "../copier-mlops", "commit": "v1.0.0"}, "a path from the folder in which"),
        ({"src_path": "/no/such/template", "commit": "v1.0.0"}, "/no/such/template cannot be had"),
        ({"src_path": "/no/such/template"}, "records no version"),
    ],
)
def test_a_template_that_cannot_be_had_for_upkeep_is_one_sentence(
    recorded: dict[str, str], message: str, answers: Answers
) -> None:
    answers(**recorded)
    with pytest.raises(ProjectError, match=message) as refusal:
        wiring.update()
    assert "after `_src_path:` in .copier-answers.yml" in str(refusal.value)


@pytest.mark.parametrize(("data", "target"), [("", "left"), ("mine.csv", "")])
def test_data_and_target_are_asked_for_before_anything_is_fetched(data: str, target: str) -> None:
    with pytest.raises(ProjectError, match=r"DATA=customers\.csv TARGET=churned"):
        wiring.wire(data, target)


def test_a_missing_tool_is_one_sentence(
    template: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(src_path="gh:owner/name", commit="v1.0.0")
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused().startswith("git is not on PATH")
    assert refused(source=template).startswith("uv is not on PATH")


@pytest.mark.parametrize(
    ("address", "expanded"),
    [
        ("gh:owner/name", "https://github.com/owner/name.git"),
        ("gh:/owner/name.git", "https://github.com/owner/name.git"),
        ("gl:owner/name", "https://gitlab.com/owner/name.git"),
        ("git+https://example.org/name", "https://example.org/name"),
        ("git@example.org:name.git", "git@example.org:name.git"),
        ("~/template", str(Path.home() / "template")),
        ("/srv/template", "/srv/template"),
    ],
)
def test_addresses_are_expanded_as_copier_does(address: str, expanded: str) -> None:
    assert wiring.expand(address) == expanded
