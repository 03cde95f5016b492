"""The steps of the verification, as data: what each one runs, and what to do when it fails."""

import json
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..config import load_config
from ..data.fetch import missing
from ..errors import ProjectError
from ..git import tracked_files

HOOKS_WITH_A_STEP = "format,cells,lint,types,spelling,names,workflows,secrets,notebooks,lock"
"""Pre-commit hooks that are steps of their own here; the step `files` runs all others."""

MAX_BYTES = 1 << 20
"""The step `files` refuses larger files; to read their lines would take minutes."""

NO_SECRETS = r"((uv|dvc)\.lock|tested-versions\.txt|\.dvc)$"
"""Files with hashes, which look like keys; .pre-commit-config.yaml has the same pattern."""

CLI = __package__.rpartition(".")[0] + ".cli"

Summary = Callable[[str], str]
"""Turns what a command printed into the few words that a person wants to know."""


@dataclass(frozen=True)
class Step:
    """One command that must succeed, on the files that it is given.

    Attributes:
        name: One word, by which the step can be run alone.
        description: What holds if the step passes.
        command: The program and its arguments; the files follow them.
        fix: What to do when the step fails.
        files: Paths from the project's root.
        independent: Whether it runs even if the step before it in its chain failed.
        summary: What to print, given the output. Without it, the number of files is printed.
    """

    name: str
    description: str
    command: tuple[str, ...]
    fix: str
    files: Sequence[str] = ()
    independent: bool = False
    summary: Summary | None = None

    def summarize(self, output: str) -> str:
        """Return what a person wants to know about a step that passed.

        Args:
            output: What the command printed.

        Returns:
            A value from the output, or how many files were read.
        """
        if self.summary:
            return self.summary(output)
        if len(self.files) == 1:
            return "1 file"
        return f"{len(self.files)} files"


def _summarize_match(pattern: str) -> Summary:
    """A summary: what the pattern's groups caught, where it was found last."""

    def summarize(output: str) -> str:
        found = list(re.finditer(pattern, output))
        if not found:
            return ""
        # Of alternatives, only the one that fits has a value.
        return ", ".join(filter(None, found[-1].groups()))

    return summarize


def checks(root: Path, verified: Collection[str] = ()) -> list[Step]:
    """Return the quick steps: those that need neither the data nor a model.

    Args:
        root: The project's folder.
        verified: Files that are as they were when a verification passed; the step `secrets` skips
            them.

    Returns:
        The steps that have something to check in this project.

    Raises:
        ProjectError: git cannot list the files.
    """
    files = tracked_files(root)
    # Notebooks have a step of their own, which reads what git keeps of them.
    text = [file for file in files if not file.endswith(".ipynb")]
    small = [file for file in text if (root / file).stat().st_size <= MAX_BYTES]
    steps = _whole_project(files) + _by_line(small, verified) + _by_language(files)
    # Without files there is nothing to check, unless the command finds them itself; of secrets it
    # is said that every file passed before.
    return [step for step in steps if step.summary or step.files]


def _whole_project(files: list[str]) -> list[Step]:
    """The steps that look at everything at once."""
    return [
        Step(
            name="types",
            description="types hold everywhere",
            command=("mypy",),
            fix="correct what mypy reports",
            summary=_summarize_match(r"in (\d+ source files)"),
        ),
        Step(
            name="names",
            description="names follow the table",
            command=("python", "-m", CLI, "names", "--check"),
            fix="rename it",
            summary=_summarize_match(r"(\d+ names)"),
        ),
        Step(
            name="files",
            description="no merge marks, keys, broken files",
            command=("pre-commit", "run", "--hook-stage", "pre-commit", "--files"),
            fix="see the hook",
            files=files,
            # After the pipeline, whatever came of it: pre-commit would take its files for changed.
            independent=True,
        ),
        Step(
            name="lock",
            description="uv.lock fits pyproject.toml",
            command=("uv", "lock", "--check"),
            fix="run `uv lock`",
            summary=_summarize_match(r"(\d+ packages)"),
        ),
    ]


def _by_line(small: list[str], verified: Collection[str]) -> list[Step]:
    """The steps that read every line of every file."""
    unverified = [name for name in small if name not in verified]
    all_files = f"{len(small)} files"
    searched = f"{len(unverified)} of {all_files}; the others passed before"
    return [
        Step(
            name="secrets",
            description="no secrets in the files",
            command=("detect-secrets-hook", "--exclude-files", NO_SECRETS),
            fix="take it out and revoke it; a false alarm ends with `# pragma: allowlist secret`",
            files=unverified,
            summary=lambda _: searched if verified else all_files,
        ),
        Step(
            name="spelling",
            description="words are spelled right",
            command=("codespell",),
            fix="respell it",
            files=small,
        ),
    ]


def _by_language(files: list[str]) -> list[Step]:
    """The steps for one kind of file."""
    python = [file for file in files if file.endswith(".py")]
    notebooks = [file for file in files if file.endswith(".ipynb")]
    workflows = [f for f in files if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", f)]
    # Asked of this environment: another black on PATH would format by rules of its own.
    formatter: tuple[str, ...] = ("ruff", "format", "--force-exclude")
    if find_spec("black"):
        formatter = ("black",)
    return [
        Step(
            name="format",
            description="code is formatted",
            command=(*formatter, "--check"),
            fix="run `make format`, then fix what is left",
            files=python,
        ),
        Step(
            name="lint",
            description="code is clean",
            command=("ruff", "check", "--force-exclude"),
            fix="run `make format`, then fix what is left",
            files=python + notebooks,
        ),
        Step(
            name="cells",
            description="cells of notebooks are formatted",
            # By ruff in any case: black would need IPython in every environment.
            command=("ruff", "format", "--force-exclude", "--check"),
            fix="run `make format`, then fix what is left",
            files=notebooks,
        ),
        Step(
            name="workflows",
            description="workflows are valid",
            command=("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
            fix="correct the key",
            files=workflows,
        ),
        Step(
            name="notebooks",
            description="git keeps notebooks without output",
            command=("python", "-m", CLI, "notebook-content"),
            fix="see the last line",
            files=notebooks,
        ),
    ]


def pipeline(root: Path) -> list[Step]:
    """Return the steps that check the data and bring everything made from it up to date.

    Args:
        root: The project's folder.

    Returns:
        A chain: the second step needs the first.
    """
    return [
        Step(
            name="data",
            description="raw data fits its schema",
            command=("dvc", "repro", "validate"),
            fix=_fix_data(root),
            summary=_summarize_match(r"validate: ([\d,]+ rows)|(up to date)"),
        ),
        Step(
            name="pipeline",
            description="split, train, evaluate",
            command=("dvc", "repro"),
            fix="run `make pipeline` to see the stage alone",
            summary=_score(root),
        ),
    ]


def _fix_data(root: Path) -> str:
    """What to do if the raw data does not pass."""
    # Settings that cannot be read fail the step as well, which says so.
    with suppress(ProjectError):
        problem = missing(load_config(root), root)
        if problem:
            return problem
    return "fix the data, or the rule in schemas.py if the rule is wrong"


TESTS = Step(
    name="tests",
    description="tests pass, branches are covered",
    command=("pytest", "-q", "--cov"),
    fix="run the test that failed: `uv run pytest -k NAME`",
    # --cov prints its total before pytest's last line.
    summary=_summarize_match(r"Total coverage: ([\d.]+%)[\s\S]*?(\d+ passed)"),
)


def select(steps: list[Step], names: Sequence[str]) -> list[Step]:
    """Return the steps that were asked for.

    Args:
        steps: The steps to choose from.
        names: Names of steps; none means all.

    Returns:
        The chosen steps, in their own order.

    Raises:
        ProjectError: No step has one of these names.
    """
    known = [step.name for step in steps]
    for name in names:
        if name not in known:
            raise ProjectError(f"there is no step {name!r} here: choose from {', '.join(known)}")
    if not names:
        return steps
    return [step for step in steps if step.name in names]


def _score(root: Path) -> Summary:
    """A summary: the model's score and its interval.

    They are read from the report, since DVC prints nothing of a stage that is up to date.
    """

    def summarize(_: str) -> str:
        metric = load_config(root).selection.metric
        metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
        score = metrics[metric]
        low = metrics[f"{metric}_low"]
        high = metrics[f"{metric}_high"]
        return f"{metric} {score:.3f} [{low:.3f}, {high:.3f}]"

    return summarize
