"""What the serve image holds is enough to serve; `make image` builds it and runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.copier_runs import Generated, run, succeed
from e2e.served_alone import ASK, USER, Bundle, make_bundle, model_processes, told

pytestmark = pytest.mark.skipif(
    not shutil.which("unshare") or os.geteuid() != 0,
    reason="only root of Linux can take away the network and become another user",
)

TRAINS = {"dvc", "fairlearn", "matplotlib", "optuna", "ray", "time-machine"}
TRACKS = {"alembic", "mlflow", "mlflow-skinny", "sqlalchemy", "wandb"}
TESTS = {"locust", "mypy", "pytest", "ruff"}

IMPORTS = """
import importlib, uvicorn, uvicorn.protocols.http.httptools_impl, uvloop
for name in ("commands", "app", "versions", "backend"):
    importlib.import_module("churn_radar.mlops.serving." + name)
"""

ALONE = """
import fcntl, os, socket, struct, sys
UP, SET_FLAGS = 1, 0x8914  # of the network interface
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh22x", b"lo", UP))
# It may read what is root's, as where this test's folder is, and write nothing.
reads = "-all,+dac_read_search"
who = ["--reuid", sys.argv[1], "--regid", sys.argv[1], "--clear-groups", "--no-new-privs"]
caps = ["--inh-caps", reads, "--ambient-caps", reads, "--bounding-set", reads]
os.execvp("setpriv", ["setpriv", *who, *caps, *sys.argv[2:]])
"""
"""Starts a command as another user, with no network but the loopback of its own."""


@pytest.fixture(scope="module")
def bundle(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A champion, and an environment of the group `serve` alone."""
    made = make_bundle(generated.path, tmp_path_factory.mktemp("serve_image") / "app")
    (python,) = generated.path.glob(".venv/*/python")
    sync = ("uv", "sync", "--quiet", "--locked", "--only-group", "serve", "--no-install-project")
    succeed(made.root, *sync, "--python", str(python.resolve()))
    return made


def test_the_group_has_no_library_that_trains_or_tracks(bundle: Bundle) -> None:
    listed = succeed(bundle.root, "uv", "pip", "list", "--format", "freeze")
    names = set(re.findall(r"(?m)^([\w.-]+)==", listed))
    assert {"fastapi", "scikit-learn", "skops"} <= names
    assert names & (TRAINS | TRACKS | TESTS) == set()


def test_all_that_serves_can_be_imported(bundle: Bundle) -> None:
    # This also compiles it, which the user that serves could not.
    succeed(bundle.root, "env", "PYTHONPATH=src", ".venv/bin/python", "-c", IMPORTS)


def test_make_asks_for_a_champion_before_it_builds(bundle: Bundle, tmp_path: Path) -> None:
    champion = bundle.root / "models" / "champion"
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho built with $*\n")
    docker.chmod(0o755)
    make = ("env", f"PATH={tmp_path}:{os.environ['PATH']}", "make", "image-serve")
    assert "built with build --file docker/serve.Dockerfile" in succeed(bundle.root, *make)
    for path, remedy in ((champion, "dvc pull"), (champion.with_suffix(".json"), "make promote")):
        moved = path.rename(tmp_path / path.name)
        status, output = run(bundle.root, *make)
        moved.rename(path)
        assert status != 0
        assert remedy in output
        assert "built" not in output


@pytest.fixture
def service(bundle: Bundle) -> Iterator[subprocess.Popen[str]]:
    python = str(bundle.root / ".venv" / "bin" / "python")
    serve = [python, "-m", "churn_radar.mlops.serving.commands"]
    process = subprocess.Popen(
        ["unshare", "--net", python, "-c", ALONE, str(USER), *serve],
        cwd=bundle.root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        # Until then it may still be in the network of this machine.
        assert "/predict" in process.stdout.readline()
        yield process
        process.kill()


def ask(service: subprocess.Popen[str], bundle: Bundle) -> str:
    """Let the client ask from inside."""
    inside = f"/proc/{service.pid}/ns/net"
    python = str(bundle.root / ".venv" / "bin" / "python")
    command = ["nsenter", f"--net={inside}", python, "-c", ASK]
    return subprocess.check_output(command, input=bundle.rows, text=True)


def test_another_user_serves_without_network(
    bundle: Bundle, service: subprocess.Popen[str]
) -> None:
    bundle.require_same(told(ask(service, bundle)))
    assert re.search(rf"(?m)^Uid:\t{USER}\t", Path(f"/proc/{service.pid}/status").read_text())
    bundle.wait_for_log(len(bundle.expected))
    (model,) = model_processes(service.pid)
    os.kill(model, signal.SIGKILL)
    bundle.require_same(told(ask(service, bundle)))
    assert model_processes(service.pid) != [model]
    began = time.monotonic()
    service.terminate()
    assert service.wait(45) in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 10
    bundle.wait_for_log(2 * len(bundle.expected))
