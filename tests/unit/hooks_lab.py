"""What the hooks' tests share: a template, a project made of it, and a machine with a fake uv."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HOOKS = Path(__file__).resolve().parents[2] / "hooks"

# The calls of uv, as the steps make them.
SEED = f"add --quiet --no-sync --constraints tested-versions.txt --requirements {os.devnull}"
LOCKED = "sync --quiet --locked"
SYNC = "sync --quiet"
SETUP = "run --no-sync slug setup"
VERIFY = "run --no-sync slug verify"

# Notes its arguments; where they begin as a key of FAKE_UV, it prints, waits and fails as told.
FAKE_UV = """
import json, os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.SIG_DFL)  # like uv, end without a traceback
call = " ".join(sys.argv[1:])
with open(os.environ["FAKE_LOG"], "a", encoding="utf-8") as log:
    print(call, file=log)
if call.startswith("sync"):
    Path(".venv/bin").mkdir(parents=True, exist_ok=True)
    Path("uv.lock").touch()
if "verify" in call:
    print("all checks ran", flush=True)
    Path("dvc.lock").touch()
for part, plan in json.loads(os.environ["FAKE_UV"]).items():
    if call.startswith(part):
        print(plan.get("says", ""), file=sys.stderr, flush=True)
        time.sleep(plan.get("sleeps", 0))
        sys.exit(plan.get("status", 0))
"""


def install(folder: Path, name: str, script: str) -> None:
    """Put a Python script on a PATH folder as a command."""
    folder.mkdir(exist_ok=True)
    if os.name == "nt":
        (folder / f"{name}.py").write_text(script, "utf-8")
        (folder / f"{name}.cmd").write_text(f'@"{sys.executable}" "%~dp0{name}.py" %*\n', "utf-8")
    else:
        command = folder / name
        command.write_text(f"#!{sys.executable}\n{script}", "utf-8")
        command.chmod(0o755)


@dataclass
class Lab:
    """A folder with a template, its hooks, a fake uv, and projects."""

    root: Path
    uv: dict[str, dict[str, object]] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The variables of a machine on which everything is well."""
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
        git = str(Path(shutil.which("git") or "git").parent)
        known = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
        return {
            **kept,
            **{f"GIT_{name}": "ada@example.org" for name in known},
            "PATH": os.pathsep.join([str(self.root / "bin"), git]),
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(self.root),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "FAKE_LOG": str(self.root / "uv.log"),
            "FAKE_UV": json.dumps(self.uv),
            **self.extra,
        }

    def project(self, name: str = "project") -> Path:
        """Render a project, as Copier would have done."""
        place = self.root / name
        (place / "src/slug").mkdir(parents=True)
        for file in ("Makefile", "src/code.py", ".copier-answers.yml"):
            (place / file).write_text(f"{file}\n", "utf-8")
        (place / ".gitignore").write_text(".venv/\n", "utf-8")
        return place

    def command(self, flow: str) -> list[str]:
        """Return the call that stands in copier.yml."""
        return [sys.executable, str(self.root / "template-repo/hooks/run.py"), flow, "slug", "3.11"]

    def hook(self, flow: str, place: Path, *wishes: str) -> subprocess.CompletedProcess[str]:
        """Run the hook as Copier does, for a team's own data with its wishes."""
        command = [*self.command(flow), *wishes]
        done = subprocess.run(
            command, cwd=place, env=self.env, capture_output=True, encoding="utf-8"
        )
        assert "Traceback" not in done.stderr
        return done

    def git(self, place: Path, *arguments: str, status: int = 0) -> str:
        """Run git there and return what it prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=place, env=self.env, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == status, done.stderr
        return done.stdout.strip()

    def repository(self, place: Path) -> Path:
        """Make the folder a repository of its own with one commit."""
        self.git(place, "init", "--quiet", "-b", "main")
        self.git(place, "add", "--all")
        self.git(place, "commit", "--quiet", "--message", "first")
        return place

    @property
    def calls(self) -> list[str]:
        """What uv was asked to do, without the question for an interpreter."""
        log = self.root / "uv.log"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [line for line in lines if not line.startswith("python find")]


def make_lab(root: Path) -> Lab:
    """Return a lab with the real hooks beside a small template."""
    shutil.copytree(HOOKS, root / "template-repo/hooks", ignore=lambda *_: ["__pycache__"])
    template = root / "template-repo/template"
    for folder in ("src", "{% if use_docker %}docker{% endif %}"):
        (template / folder).mkdir(parents=True)
    for name in ("Makefile", ".gitignore.jinja", "{{ _copier_conf.answers_file }}.jinja"):
        (template / name).touch()
    install(root / "bin", "uv", FAKE_UV)
    return Lab(root)


def names(place: Path) -> set[str]:
    """Return what stands in a folder."""
    return {entry.name for entry in place.iterdir()}


def git_hook(lab: Lab, name: str) -> dict[str, str]:
    """Return the variables with which a new repository has a hook that refuses."""
    hook = lab.root / "git-template/hooks" / name
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\necho planted >&2\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    return {"GIT_TEMPLATE_DIR": str(hook.parents[1])}
