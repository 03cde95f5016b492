"""A step that fails or is stopped: it is named, and the files are where the message says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from unit.hooks_lab import LOCKED, SEED, SETUP, VERIFY, Lab, git_hook, names

GO_ON = "`make setup && make verify` goes on"
FULL = {"status": 2, "says": "error: failed\n  cause: No space left on device (os error 28)"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and devices of POSIX")


@pytest.mark.parametrize(
    ("call", "step"),
    [(SEED, "lock"), (LOCKED, "environment"), (SETUP, "setup"), (VERIFY, "verify")],
)
def test_each_failing_step_is_named_and_the_files_are_kept(lab: Lab, call: str, step: str) -> None:
    place = lab.project()
    lab.uv = {call: FULL}

    done = lab.hook("copy", place)

    kept = lab.root / "project.failed"
    assert done.returncode == 1
    assert f"\nFailed at {step}: exit status 2 of `uv " in done.stderr
    assert f"The files are kept in {kept}; cd there, and {GO_ON}." in done.stderr
    assert {"Makefile", "src", ".git", ".gitignore", ".copier-answers.yml"} <= names(kept)
    assert ".venv" not in names(kept)
    assert names(place) == set()
    assert lab.git(kept, "log", status=128) == ""
    assert "is ready" not in done.stdout


def test_a_full_disk_in_the_middle(lab: Lab) -> None:
    lab.uv = {LOCKED: FULL}

    done = lab.hook("copy", lab.project())

    assert done.returncode == 1
    assert "  |   cause: No space left on device (os error 28)\n" in done.stderr
    assert "What to do: the disk is full" in done.stderr
    assert lab.calls == [SEED, LOCKED]


def test_no_network(lab: Lab) -> None:
    lab.uv = {SEED: {"status": 2, "says": "error: Failed to fetch: x\n  cause: dns error"}}

    done = lab.hook("copy", lab.project())

    assert "Failed at lock" in done.stderr
    assert "What to do: the package index did not serve: check the network" in done.stderr


def test_a_failed_verification_shows_its_lines_once(lab: Lab) -> None:
    lab.uv = {VERIFY: {"status": 1}}

    done = lab.hook("copy", lab.project())

    assert done.returncode == 1
    assert done.stdout.count("all checks ran") == 1
    assert "✗    verify" in done.stdout
    assert "fix what the lines above report" in done.stderr


def test_a_failed_commit_is_told(lab: Lab) -> None:
    lab.extra = git_hook(lab, "prepare-commit-msg")  # --no-verify does not skip this one

    done = lab.hook("copy", lab.project())

    assert done.returncode == 1
    assert "Failed at commit: exit status 1 of `git commit" in done.stderr
    assert "  | planted\n" in done.stderr


def test_a_second_failure_is_kept_beside_the_first(lab: Lab) -> None:
    lab.uv = {VERIFY: {"status": 1}}
    (lab.root / "project.failed").touch()

    assert f"{lab.root / 'project.failed-2'};" in lab.hook("copy", lab.project()).stderr
    assert (lab.root / "project.failed-2/Makefile").exists()


def test_a_folder_with_files_of_its_own_stays_where_it_is(lab: Lab) -> None:
    place = lab.project()
    (place / "mine.txt").touch()
    lab.uv = {VERIFY: {"status": 1}}

    done = lab.hook("copy", place)

    assert done.returncode == 1
    assert f"The files are kept in {place}; cd there" in done.stderr
    assert {"mine.txt", "Makefile", ".venv"} <= names(place)
    assert not (lab.root / "project.failed").exists()


@posix
def test_files_that_cannot_be_moved_are_told(lab: Lab) -> None:
    place = lab.project("d" * 252)  # a name ends at 255 bytes
    lab.uv = {VERIFY: {"status": 1}}

    done = lab.hook("copy", place)

    assert done.returncode == 1
    assert "could not be moved" in done.stderr
    assert "--no-cleanup" in done.stderr
    assert (place / "Makefile").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_output_to_a_full_disk_is_no_traceback(lab: Lab) -> None:
    place = lab.project()

    with open("/dev/full", "w") as full:
        done = subprocess.run(
            lab.command("copy"), cwd=place, env=lab.env, stdout=full, stderr=subprocess.PIPE
        )

    told = done.stderr.decode()
    assert done.returncode != 0
    assert "Traceback" not in told
    assert "What to do: the disk is full" in told
    assert "project.failed" in told


def fall_asleep(lab: Lab, place: Path, call: str) -> subprocess.Popen[str]:
    """Start the hook, and wait until it waits for this call of uv."""
    lab.uv = {call: {"sleeps": 60}}
    process = subprocess.Popen(
        lab.command("copy"),
        cwd=place,
        env=lab.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while call not in lab.calls:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)  # from the note in the log to the sleep
    return process


@posix
@pytest.mark.parametrize("whole_group", [True, False])
@pytest.mark.parametrize(("call", "step"), [(LOCKED, "environment"), (VERIFY, "verify")])
def test_ctrl_c_in_the_middle(lab: Lab, call: str, step: str, whole_group: bool) -> None:
    place = lab.project()
    process = fall_asleep(lab, place, call)

    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    started = time.monotonic()
    _, told = process.communicate(timeout=10)

    assert time.monotonic() - started < 5
    assert process.returncode == 130
    own = [line for line in told.splitlines() if line.startswith("Stopped")]
    assert own == [f"Stopped at {step}. The files are kept in {place}; cd there, and {GO_ON}."]
    assert {"Makefile", "src", ".git"} <= names(place)
    assert "run.py" not in told  # no traceback of the hook; the fake uv may print its own
    with pytest.raises(ProcessLookupError):  # nothing is left running
        os.killpg(process.pid, 0)


@posix
def test_a_second_ctrl_c_is_no_traceback(lab: Lab) -> None:
    process = fall_asleep(lab, lab.project(), LOCKED)
    assert process.stderr is not None

    os.kill(process.pid, signal.SIGINT)
    while not process.stderr.readline().startswith("Stopped"):
        pass
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=10)

    assert process.returncode == 130
    assert told == ""
