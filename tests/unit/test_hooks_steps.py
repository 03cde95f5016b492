"""A step shows that it lives, fails with its last lines and the right advice, and can be ended."""

from __future__ import annotations

import io
import re
import signal
import sys
import time

import pytest
import steps
from hypothesis import given
from hypothesis import strategies as st


def python(code: str, *, streams: bool = False, times: int = 1) -> steps.Step:
    """Return a step that runs Python code."""
    return steps.Step("name", "does it", [[sys.executable, "-c", code]] * times, streams)


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say so."""
        return True


# What uv 0.13, git 2.39 and Windows say.
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("failed to copy file from a to b: No space left on device (os error 28)", "disk is full"),
        ("There is not enough space on the disk. (os error 112)", "disk is full"),
        ("fatal: unable to write loose object file: No space left on device", "disk is full"),
        ("error: Failed to fetch: http://x/\n  cause: Connection refused", "package index"),
        ("cause: dns error\n cause: error sending request for url", "package index"),
        (
            "error: No solution found\ncause: Because idna was not found in the cache\n"
            "hint: Packages were unavailable because the network was disabled.",
            "package index",
        ),
        ("error: failed to create directory: Permission denied (os error 13)", "may write"),
        ("Access is denied. (os error 5)", "may write"),
        ("error: No interpreter found for Python >=3.14 in search path", "no installed Python"),
        ("error: Failed to inspect Python interpreter from search path", "no installed Python"),
        (
            "cause: No solution found when resolving dependencies\n  cause: Because there is no "
            "version of torch==2.13.0+cpu and your project depends on torch==2.13.0+cpu",
            "UV_FIND_LINKS",
        ),
        ("x==0.23.1 has no wheels with a matching Python version tag", "no build for this Python"),
        (
            "`torch==2.13.0+cpu` can't be installed because it doesn't have a source distribution "
            "or wheel for the current platform",
            "no build for this Python",
        ),
        ("Because idna was not found in the package registry", "no build for this Python"),
        ("error: unexpected argument '--constraints' found", "too old"),
        ("error: unknown switch `b'", "too old"),
        ("something else", steps.OTHERWISE),
    ],
)
def test_advice(text: str, word: str) -> None:
    assert word in steps.advice(text)


@given(st.text())
def test_advice_takes_any_text(text: str) -> None:
    assert steps.advice(text) in {*steps.ADVICE.values(), steps.OTHERWISE}


def test_a_step_prints_one_line_and_its_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    runner = steps.Runner()

    runner.run(python("print('kept to itself')", times=2))

    assert re.fullmatch(r"(✓|ok) +name +does it +0\.\d s\n", capsys.readouterr().out)
    assert 0 < runner.seconds["name"] < 10
    assert runner.current == "name"


def test_a_failed_step_stops_and_keeps_its_last_lines(capsys: pytest.CaptureFixture[str]) -> None:
    noise = "import sys; [print('line', n) for n in range(200)]; sys.stdout.flush();"
    first = [sys.executable, "-c", f"{noise} sys.stdout.buffer.write(b'\\xff'); sys.exit(3)"]
    second = [sys.executable, "-c", "print('never')"]

    with pytest.raises(steps.StepError, match="exit status 3 of") as caught:
        steps.Runner().run(steps.Step("name", "does it", [first, second]))

    assert caught.value.lines[-2:] == ["line 199", "\ufffd"]
    assert len(caught.value.lines) == 100
    assert re.match(r"(✗|FAIL) ", capsys.readouterr().out)


def test_a_step_that_streams_writes_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(steps.StepError) as caught:
        steps.Runner().run(python("print('seen at once'); raise SystemExit(1)", streams=True))

    assert caught.value.lines == []
    assert "seen at once" in capfd.readouterr().out


def test_a_step_that_asks_gets_no_answer() -> None:
    with pytest.raises(steps.StepError) as caught:
        steps.Runner().run(python("input('password? ')"))

    assert "EOFError" in caught.value.lines[-1]


def test_a_long_step_shows_once_that_it_lives(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PATIENCE", 0.05)

    steps.Runner().run(python("import time; time.sleep(1.3)"))

    assert re.fullmatch(
        r"\.\.\.  name +does it +\n(✓ |ok) +name +does it +\d\.\d s\n", capsys.readouterr().out
    )


def test_a_terminal_shows_the_seconds_and_then_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PATIENCE", 0.05)
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())

    steps.Runner().run(python("import time; time.sleep(0.4)"))

    live, done = terminal.getvalue().removeprefix("\r").split("\r")
    assert re.fullmatch(r"\.\.\.  name +does it +0 s *", live)
    assert re.fullmatch(r"✓ +name +does it +\d\.\d s *\n", done)
    assert len(live) == len(done) - 1 == 89


def test_marks_fall_back_to_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))

    assert [steps.mark(good=True), steps.mark(good=False)] == ["ok", "FAIL"]


def test_commands_see_nothing_that_misleads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "automatic")

    env = steps.environment()

    assert "elsewhere" not in env.values()
    assert env["GIT_AUTHOR_NAME"] == "Ada"
    assert (env["UV_PYTHON_DOWNLOADS"], env["GIT_TERMINAL_PROMPT"]) == ("never", "0")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
def test_a_command_that_will_not_end_is_killed_in_time() -> None:
    stubborn = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); time.sleep(60)"
    runner = steps.Runner()
    runner.stop()  # nothing runs yet, and that is no error
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)

    with pytest.raises(KeyboardInterrupt):
        runner.run(python(stubborn))
    started = time.monotonic()
    runner.stop()

    signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 0.5  # two short waits
    assert runner.child is not None
    assert runner.child.returncode == -signal.SIGKILL
