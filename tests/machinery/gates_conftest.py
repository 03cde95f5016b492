"""A finished pipeline in a repository of its own, and the evidence about it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from {{ package_name }} import passport
from {{ package_name }}.config import Config
from {{ package_name }}.gates.evidence import Evidence
from {{ package_name }}.gates.seal import write_sealed

Make = Callable[..., Evidence]


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    def run(*arguments: str) -> None:
        author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True, capture_output=True)

    return run


@pytest.fixture
def project(
    config: Config,
    finished: Path,
    tmp_path: Path,
    git: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A copy that may be changed: committed, measured, and without a champion."""
    for name in ("data", "models", "reports"):
        shutil.copytree(finished / name, tmp_path / name)
    (tmp_path / f"{config.data.raw}.dvc").write_text("outs: []\n")
    (tmp_path / ".gitignore").write_text("/models/*\n/reports/*\n/data/**/*.parquet\n")
    git("init", "--quiet", "-b", "main")
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Start")
    write_sealed(tmp_path / "reports" / "profile.json", profile(tmp_path))
    # DVC's own word on what changed is heard in the template's repository: it takes seconds.
    monkeypatch.setattr(Evidence, "stale", [])
    return tmp_path


def profile(root: Path) -> dict[str, object]:
    return {
        "model": passport.read(root / "models")["sha256"],
        "measured_at": "2999-01-01T00:00:00Z",
    }


@pytest.fixture
def evidence(config: Config, project: Path) -> Evidence:
    return Evidence(config, project, None, None)
