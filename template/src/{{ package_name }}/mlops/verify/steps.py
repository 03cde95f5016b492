"""The steps of the verification, as data: what each one does, how it runs, how it is mended."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..config import load_config
from ..errors import ProjectError

HOOKS_WITH_A_STEP = "format,lint,types,spelling,names,workflows,secrets,notebooks,lock"
"""Pre-commit hooks that are steps of their own here; the step `files` runs all others."""

STRIP = ("nbstripout", "--verify")


def _seen(pattern: str) -> Callable[[str], str]:
    """A figure: what the pattern's groups caught, where it was found last."""

    def read(output: str) -> str:
        found = list(re.finditer(pattern, output))
        return ", ".join(filter(None, found[-1].groups())) if found else ""

    return read


@dataclass(frozen=True)
class Step:
    """One command that must succeed, on the files that it is given."""

    name: str
    does: str
    command: tuple[str, ...]
    mend: str
    files: Sequence[str] = ()
    alone: bool = False  # it runs whatever came before it in its chain
    figure: Callable[[str], str] | None = None

    def seen(self, output: str) -> str:
        """What a person wants to know: a figure from the output, or how many files were read."""
        files = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        return self.figure(output) if self.figure else files


def checks(root: Path) -> list[Step]:
    """The quick steps: what can be said without running the project's own code on data."""
    files = _tracked(root)
    # The step `files` refuses larger ones, and their lines would take minutes to read.
    small = [f for f in files if (root / f).stat().st_size <= 1 << 20]
    python = [f for f in files if f.endswith(".py")]
    workflows = [f for f in files if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", f)]
    notebooks = [f for f in files if f.endswith(".ipynb")]
    # In this environment: another black on PATH would format by rules of its own.
    formatter = ("black",) if find_spec("black") else ("ruff", "format", "--force-exclude")
    hooks = ("pre-commit", "run", "--hook-stage", "pre-commit", "--files")
    secrets = ("detect-secrets-hook", "--baseline", ".secrets.baseline")
    revoke = "take it out and revoke it; a false alarm ends with `# pragma: allowlist secret`"
    schema = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    table = ("python", "-m", f"{__package__.rpartition('.')[0]}.cli", "names", "--check")
    types, names = _seen(r"in (\d+ source files)"), _seen(r"(\d+ names)")
    lock, packages = ("uv", "lock", "--check"), _seen(r"(\d+ packages)")
    mend = "run `make format`, then mend what is left"
    steps = [
        Step("types", "types hold everywhere", ("mypy",), "correct what mypy names", figure=types),
        Step("names", "names follow the table", table, "rename it", figure=names),
        # pre-commit takes files that the pipeline writes meanwhile for its hooks' work.
        Step(
            "files", "no merge marks, keys, broken files", hooks, "see the hook", files, alone=True
        ),
        Step("secrets", "no secrets in the files", secrets, revoke, small),
        Step("lock", "uv.lock fits pyproject.toml", lock, "run `uv lock`", figure=packages),
        Step("format", "code is formatted", (*formatter, "--check"), mend, python),
        Step("lint", "code is clean", ("ruff", "check", "--force-exclude"), mend, python),
        Step("spelling", "words are spelled right", ("codespell",), "respell it", small),
        Step("workflows", "workflows are valid", schema, "correct the key", workflows),
        Step("notebooks", "no output in notebooks", STRIP, "run `nbstripout FILE`", notebooks),
    ]
    return [step for step in steps if step.figure or step.files]


def named(steps: list[Step], names: Sequence[str]) -> list[Step]:
    """Return the steps of these names, or all if none is named; ProjectError for an unknown one."""
    known = [step.name for step in steps]
    for name in names:
        if name not in known:
            raise ProjectError(f"there is no step {name!r} here: choose from {', '.join(known)}")
    return [step for step in steps if not names or step.name in names]


def pipeline(root: Path) -> list[Step]:
    """The data, then everything made from it: the second step needs the first."""
    mend = "mend the data, or the rule in schemas.py if the rule is wrong"
    rows = _seen(r"([\d,]+ rows) hold|(up to date)")
    alone = "run `make pipeline` to see the stage alone"
    return [
        Step("data", "raw data holds its schema", ("dvc", "repro", "validate"), mend, figure=rows),
        Step("pipeline", "split, train, evaluate", ("dvc", "repro"), alone, figure=_score(root)),
    ]


TESTS = Step(
    "tests",
    "tests pass, branches are covered",
    ("pytest", "-q", "--cov"),
    "run the test that is named: `uv run pytest -k NAME`",
    figure=_seen(r"Total coverage: ([\d.]+%)[\s\S]*?(\d+ passed)"),
)


def _tracked(root: Path) -> list[str]:
    """Every file that git tracks or would track, and that is there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError("git does not list the files here: `make setup` mends that")
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0")}
    # The pipeline may be writing its files just now; a name may begin like an option.
    mine = (f"./{n}" if n[:1] == "-" else n for n in names if not re.match("(reports|models)/", n))
    return sorted(name for name in mine if name and (root / name).is_file())


def _score(root: Path) -> Callable[[str], str]:
    """A figure: the model's score and its interval, from the report and not from the output."""

    def read(_: str) -> str:
        metric = load_config(root).selection.metric
        metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
        low, high = metrics[f"{metric}_low"], metrics[f"{metric}_high"]
        return f"{metric} {metrics[metric]:.3f} [{low:.3f}, {high:.3f}]"

    return read
