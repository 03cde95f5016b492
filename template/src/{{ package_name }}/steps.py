"""The steps of the verification, as data: what each one does, how it runs, how it is mended."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import load_config
from .errors import ProjectError

HOOKS_WITH_A_STEP = "format,lint,types,spelling,names,workflows,secrets,notebooks,lock"
"""Pre-commit hooks that are steps of their own here; the step `files` runs all others."""

LOCK = ("uv", "lock", "--check")
MAKE_FORMAT = "run `make format`"


def _seen(pattern: str) -> Callable[[str], str]:
    """A figure: what the pattern's groups caught, where it was found last."""

    def read(output: str) -> str:
        found = list(re.finditer(pattern, output))
        return ", ".join(filter(None, found[-1].groups())) if found else ""

    return read


@dataclass(frozen=True)
class Step:
    """One command that must succeed; `figure` reads from its output what a person wants to know."""

    name: str
    does: str
    command: tuple[str, ...]
    mend: str
    figure: Callable[[str], str] = str.strip
    files: Sequence[str] = ()


def checks(root: Path) -> list[Step]:
    """The quick steps: what can be said without running the project's own code on data."""
    files = _tracked(root)
    python = _counted("file", [f for f in files if f.endswith(".py")])
    workflows = [f for f in files if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", f)]
    notebooks = [f for f in files if f.endswith(".ipynb")]
    formatter = ("black",) if shutil.which("black") else ("ruff", "format")
    hooks = ("pre-commit", "run", "--hook-stage", "pre-commit", "--files")
    secrets = ("detect-secrets-hook", "--baseline", ".secrets.baseline")
    schema = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    revoke = "take it out and revoke it; a false alarm ends with `# pragma: allowlist secret`"
    every = _counted("file", files)
    types, names = _seen(r"(\d+ source files)"), _seen(r"(\d+ names)")
    packages = _seen(r"(\d+ packages)")
    steps = [
        Step("types", "types hold everywhere", ("mypy",), "correct what mypy names", types),
        Step("names", "names follow the table", _own("names", "--check"), "rename it", names),
        Step(
            "files",
            "no merge marks, keys, broken files",
            hooks,
            "see the hook's name",
            every,
            files,
        ),
        Step("secrets", "no secrets in the files", secrets, revoke, every, files),
        Step("lock", "uv.lock fits pyproject.toml", LOCK, "run `uv lock`", packages),
        Step("format", "code is formatted", (*formatter, "--check", "."), MAKE_FORMAT, python),
        Step("lint", "code is clean", ("ruff", "check"), f"{MAKE_FORMAT}; edit the rest", python),
        Step("spelling", "words are spelled right", ("codespell",), "respell it", every, files),
    ]
    if workflows:
        count = _counted("workflow", workflows)
        fit = "workflows are valid"
        steps.append(Step("workflows", fit, schema, "correct the key", count, workflows))
    if notebooks:
        strip, mend = ("nbstripout", "--verify"), "run `nbstripout FILE`"
        count = _counted("notebook", notebooks)
        steps.append(Step("notebooks", "no output in notebooks", strip, mend, count, notebooks))
    return steps


def pipeline(root: Path) -> list[Step]:
    """The data, then everything made from it: the second step needs the first."""
    mend = "mend the data, or the rule in schemas.py if the rule is wrong"
    rows = _seen(r"([\d,]+ rows) hold|(up to date)")
    alone = "run `make pipeline` to see the stage alone"
    return [
        Step("data", "raw data holds its schema", ("dvc", "repro", "validate"), mend, rows),
        Step("pipeline", "split, train, evaluate", ("dvc", "repro"), alone, lambda _: _score(root)),
    ]


TESTS = Step(
    "tests",
    "tests pass, branches are covered",
    ("pytest", "-q", "--cov"),
    "run the test that is named: `uv run pytest -k NAME`",
    _seen(r"Total coverage: ([\d.]+%)[\s\S]*?(\d+ passed)"),
)


def _own(*arguments: str) -> tuple[str, ...]:
    return ("python", "-m", f"{__package__}.cli", *arguments)


def _counted(noun: str, things: list[str]) -> Callable[[str], str]:
    """A figure: how many there are, whatever the output says."""
    return lambda _: f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _tracked(root: Path) -> list[str]:
    """Every file that git tracks or would track, and that is there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(
            f"git does not list the files here; `make setup` mends that: {done.stderr}"
        )
    return sorted(name for name in set(done.stdout.split("\0")) if name and (root / name).is_file())


def _score(root: Path) -> str:
    metric = load_config(root).selection.metric
    metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
    low, high = metrics[f"{metric}_low"], metrics[f"{metric}_high"]
    return f"{metric} {metrics[metric]:.3f} [{low:.3f}, {high:.3f}]"
