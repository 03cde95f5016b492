"""What the benchmark needs: a project with a champion, and an environment for each peer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from e2e.copier_runs import copy, succeed
from e2e.promotions import edit, say_verified
from sklearn import datasets
from support import ROOT, commit, copy_template, git

LINEAR = '            "linear": LogisticRegression(**{"max_iter": 1000} | linear),\n'
PINNED = ("scikit-learn", "pandas", "numpy", "scipy", "joblib", "mlflow")
"""What has the tested version in every environment: the model's libraries, and its tracker."""


class InstallError(Exception):
    """A peer's environment cannot be made."""


def project(folder: Path) -> Path:
    """Make a project whose champion is a boosted model of thirty features.

    One that was made of the same commit of the template is taken as it is.
    """
    made = folder / "project"
    stamp = folder / "commit.txt"
    head = git(ROOT, "rev-parse", "HEAD")
    if stamp.exists() and stamp.read_text() == head:
        return made
    stamp.unlink(missing_ok=True)
    for left in (made, folder / "model", folder / "template"):
        shutil.rmtree(left, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "tumours.csv"
    datasets.load_breast_cancer(as_frame=True).frame.to_csv(table, index=False)
    template = copy_template(folder / "template")
    copied = copy(template, made, data_file=str(table), target_column="target")
    if copied.status:
        sys.exit(copied.output)
    keep_all_columns(made, table)
    leave_boosting_alone(made)
    succeed(made, "make", "pipeline")
    commit(made, "Next candidate")
    say_verified(made)
    succeed(made, "make", "promote", "WHY=a benchmark")
    commit(made, "Promote")
    stamp.write_text(head)
    return made


def keep_all_columns(project: Path, table: Path) -> None:
    """Wire again: measurements that tell a tumor almost alone are no leaks here."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = params["data"]["read"]["names"].values()
    params["gates"]["leakage"]["explained"] = dict.fromkeys(names, "Seen under the microscope.")
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    commit(project, "Explain")
    succeed(project, "make", "wire", f"DATA={table}", "TARGET=target", "REPLACE=yes")


def leave_boosting_alone(project: Path) -> None:
    """Take the linear model away, which is as good and would be chosen."""
    edit(project, "model.py", LINEAR, "")
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    del params["model"]["linear"]
    del params["tuning"]["search"]["linear"]
    params["tuning"]["trials"] = 0
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def environment(folder: Path, name: str, packages: tuple[str, ...]) -> Path:
    """Make an environment, and return the folder of its programs; InstallError if uv cannot."""
    place = folder / name.replace(" ", "-").lower()
    programs = place / "bin"
    done = place / "packages.txt"
    wanted = ["scikit-learn", "pandas", "joblib", *packages]
    if done.exists() and done.read_text().split() == wanted:
        return programs
    run = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(place)]
    subprocess.run(run, check=True)
    pins = folder / "pins.txt"
    pins.write_text("\n".join(versions()) + "\n")
    install = ["uv", "pip", "install", "--quiet", "--python", str(programs / "python")]
    install += ["--constraint", str(pins), *wanted]
    result = subprocess.run(install, capture_output=True, text=True)
    if result.returncode:
        raise InstallError(result.stderr)
    done.write_text("\n".join(wanted))
    return programs


def versions() -> list[str]:
    """The tested versions of what is pinned."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    tested = re.findall(r"(?m)^([\w.-]+==[^ ;]+(?: ;[^\\]+)?) \\$", text)
    return [line.strip() for line in tested if line.split("==")[0] in PINNED]


def size(programs: Path) -> tuple[float, int]:
    """Megabytes of an environment, and how many packages it has."""
    place = programs.parent
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    n_packages = sum(1 for _ in place.glob("lib/*/site-packages/*.dist-info"))
    compiled = {path for path in files if path.suffix == ".pyc"}
    megabytes = sum(path.stat().st_size for path in files if path not in compiled) / 1e6
    return megabytes, n_packages


def who_commits() -> None:
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "bench@example.org" for part in ("NAME", "EMAIL")}
