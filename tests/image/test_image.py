"""The serve image, built and run by `make image`: as root, with buildah and debootstrap.

A Debian of debootstrap's stands in for the base image, so that no registry is asked. crun, which
comes with buildah, runs it: another user, a read-only root, no network and no capabilities.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import generated as generated  # a fixture
from e2e.copier_runs import Generated
from e2e.served_alone import ASK, LOG, USER, Bundle, make_bundle, model_processes, told

BASE = "docker.io/library/python:3.11-slim-bookworm"
IMAGE = "localhost/churn-radar-serve"
PLANTED = "planted-in-the-folder-of-the-build"
TMP = "/tmp"  # noqa: S108 - of the container
PACKAGES = "python3,python3-pip,ca-certificates"
CERTIFICATES = Path("etc", "ssl", "certs", "ca-certificates.crt")
# crun refuses cgroups of both versions side by side, and needs none here.
WITHOUT_CGROUPS = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"'
CRUN = ["unshare", "--mount", "sh", "-c", WITHOUT_CGROUPS, "-", "crun", "--cgroup-manager=disabled"]


def output_of(command: Sequence[str | Path], text: str = "", folder: Path | None = None) -> str:
    """What a command prints that must succeed."""
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=folder)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


class Builder:
    """buildah, with images in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Keep images below a folder."""
        self.places = ["--root", str(folder / "images"), "--runroot", str(folder / "run")]

    def __call__(self, *arguments: str | Path) -> str:
        """Run a command; return what it printed."""
        return output_of(["buildah", *self.places, *arguments])


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder that has the base image."""
    missing = [name for name in ("buildah", "crun", "debootstrap") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.fail("as root of Debian or Ubuntu: apt-get install buildah crun debootstrap")
    folder = tmp_path_factory.mktemp("images")
    system = folder / "debian"
    output_of(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", system])
    # As in the image: `python`, and a pip that may install.
    (system / "usr" / "bin" / "python").symlink_to("python3")
    (system / "usr" / "lib" / "python3.11" / "EXTERNALLY-MANAGED").unlink()
    shutil.copy(os.environ.get("SSL_CERT_FILE", "/" / CERTIFICATES), system / CERTIFICATES)
    buildah = Builder(folder)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, system, "/")
    buildah("config", "--env", f"SSL_CERT_FILE=/{CERTIFICATES}", container)
    buildah("commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(system)
    yield buildah
    buildah("rm", "--all")
    buildah("rmi", "--all", "--force")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def bundle(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A champion, and beside it what must not get into an image."""
    made = make_bundle(generated.path, tmp_path_factory.mktemp("serve_image") / "app")
    for name in (".env", "data/raw.csv", "models/mlflow.db", "src/churn_radar/__pycache__/x.pyc"):
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLANTED, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def image(builder: Builder, bundle: Bundle) -> Builder:
    """The builder, once it has built the image."""
    options = ("--isolation", "chroot", "--pull-never", "--format", "docker", "--tag", IMAGE)
    file = bundle.root / "docker" / "serve.Dockerfile"
    builder("build", *options, "--file", file, bundle.root)
    return builder


@pytest.fixture(scope="module")
def settings(image: Builder) -> dict[str, Any]:
    """What the image says about itself."""
    facts = json.loads(image("inspect", "--type", "image", IMAGE))
    return dict(facts["Docker"]["config"])


@pytest.fixture(scope="module")
def root(image: Builder) -> Path:
    """The files of the image."""
    return Path(image("mount", image("from", "--pull-never", IMAGE)))


def test_the_image_is_run_by_nobody_in_particular(settings: dict[str, Any]) -> None:
    assert settings["User"] == f"{USER}:{USER}"
    assert "/ready" in settings["Healthcheck"]["Test"][-1]
    assert not [value for value in settings["Env"] if re.search("(?i)key|token|passw|url", value)]


def test_the_image_holds_the_champion_and_no_more(root: Path, bundle: Bundle) -> None:
    app = root / "app"
    assert {path.name for path in app.iterdir()} == {
        ".venv",
        "data",
        "models",
        "params.yaml",
        "src",
    }
    kept = {path.name for path in (bundle.root / "models" / "champion").iterdir()}
    assert {path.name for path in (app / "models").iterdir()} == {"champion", "champion.json"}
    assert {path.name for path in (app / "models" / "champion").iterdir()} == kept
    assert [path for path in (app / "data").rglob("*") if path.is_file()] == []
    planted = subprocess.run(["grep", "--recursive", "--files-with-matches", PLANTED, app])
    assert planted.returncode == 1, "grep found it"


def test_the_image_has_no_library_that_trains_or_tracks(root: Path) -> None:
    folder = next(root.glob("app/.venv/lib/python3.*/site-packages"))
    names = {path.name.partition("-")[0] for path in folder.glob("*.dist-info")}
    assert {"fastapi", "scikit_learn", "skops"} <= names
    assert names.isdisjoint({"dvc", "fairlearn", "matplotlib", "mlflow", "mlflow_skinny", "optuna"})
    assert names.isdisjoint({"alembic", "locust", "pytest", "ray", "sqlalchemy", "wandb"})
    print(f"\n{len(names)} packages: {' '.join(sorted(names))}")


def mount(target: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
    """A mount, as crun is told of it."""
    return {"destination": target, "type": kind, "source": source, "options": options}


class Container:
    """The image as compose.yaml has it run, and without network."""

    def __init__(self, folder: Path, root: Path, settings: dict[str, Any], log: Path) -> None:
        """Write what crun is told; `start` starts it."""
        self.folder = folder
        output_of([*CRUN, "spec"], folder=folder)
        facts = json.loads((folder / "config.json").read_text())
        user = dict(zip(("uid", "gid"), map(int, settings["User"].split(":")), strict=True))
        facts["process"] |= {
            "terminal": False,
            "user": user,
            "cwd": settings["WorkingDir"],
            "env": settings["Env"],
            "args": settings["Entrypoint"] + settings["Cmd"],
            "capabilities": {},
            "noNewPrivileges": True,
        }
        facts["root"] = {"path": str(root), "readonly": True}
        mounts = [one for one in facts["mounts"] if one["type"] in ("proc", "sysfs", "tmpfs")]
        in_memory = ["nosuid", "nodev", "noexec", "mode=1777", "size=128m"]
        mounts.append(mount(TMP, "tmpfs", "tmpfs", in_memory))
        mounts.append(mount(f"/app/{LOG.as_posix()}", "bind", str(log), ["bind", "rw"]))
        facts["mounts"] = mounts
        (folder / "config.json").write_text(json.dumps(facts))

    def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        self.process = subprocess.Popen(
            [*CRUN, "run", "served"], cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert "/predict" in self.process.stdout.readline()
        self.front = int(json.loads(output_of([*CRUN, "state", "served"]))["pid"])

    def run(self, *command: str, text: str = "") -> str:
        """Run a command inside, as the user of the image."""
        inside = [*CRUN, "exec", "--user", f"{USER}:{USER}", "served", *command]
        return output_of(inside, text)

    def memory_mb(self) -> int:
        """Of all its processes; what they share is counted once."""
        total = 0
        children = Path(f"/proc/{self.front}/task/{self.front}/children").read_text().split()
        for number in [str(self.front), *children]:
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
            total += int(re.search(r"(?m)^Pss: +(\d+) kB", text)[1])  # type: ignore[index]
        return total // 1024


@pytest.fixture
def container(
    root: Path, settings: dict[str, Any], bundle: Bundle, tmp_path: Path
) -> Iterator[Container]:
    """A container that runs until the test ends."""
    one = Container(tmp_path, root, settings, bundle.root / LOG)
    one.start()
    yield one
    if one.process.poll() is None:
        output_of([*CRUN, "delete", "--force", "served"])
    one.process.wait()


def test_a_locked_up_container_serves(
    container: Container, settings: dict[str, Any], bundle: Bundle
) -> None:
    found = told(container.run("python", "-c", ASK, text=bundle.rows))
    bundle.require_same(found)
    print(f"\nready after {found['seconds']:.1f} s, {container.memory_mb()} MB")
    bundle.wait_for_log(len(bundle.expected))
    container.run(*settings["Healthcheck"]["Test"][1:])
    # It may write to memory and, as the other test sees, its log; nowhere else.
    container.run("touch", f"{TMP}/some")
    with pytest.raises(AssertionError, match="Read-only file system"):
        container.run("touch", "/app/some")
    assert container.run("ls", "/sys/class/net") in ("", "lo")
    status = container.run("cat", "/proc/1/status")
    assert re.search(rf"(?m)^Uid:\t{USER}\t", status)
    assert re.search(r"(?m)^CapBnd:\t0+$", status)
    assert re.search(r"(?m)^NoNewPrivs:\t1$", status)


def test_a_killed_model_process_comes_back_and_the_container_ends_in_time(
    container: Container, bundle: Bundle
) -> None:
    bundle.require_same(told(container.run("python", "-c", ASK, text=bundle.rows)))
    # What the other test asked is in it too.
    bundle.wait_for_log(2 * len(bundle.expected))
    (model,) = model_processes(container.front)
    os.kill(model, signal.SIGKILL)
    bundle.require_same(told(container.run("python", "-c", ASK, text=bundle.rows)))
    assert model_processes(container.front) != [model]
    began = time.monotonic()
    os.kill(container.front, signal.SIGTERM)
    assert container.process.wait(45) in (0, 128 + signal.SIGTERM)
    print(f"\nended after {time.monotonic() - began:.1f} s")
    bundle.wait_for_log(3 * len(bundle.expected))
