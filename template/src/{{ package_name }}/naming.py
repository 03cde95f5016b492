"""The naming table: one pattern a kind of thing, with an example that fits."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import environ
from pathlib import Path

from .errors import ProjectError

SNAKE = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
TAG = r"[a-z0-9][a-z0-9._-]*"
PURPOSES = "feature|fix|data|experiment|docs|chore|release"
STEPS = "raw|ingest|validate|train|test"


@dataclass(frozen=True)
class Rule:
    """What a name of this kind looks like."""

    pattern: str
    example: str
    meaning: str
    joint: str = "_"


RULES = {  # Python's own names follow PEP 8 and are checked by ruff (rules N)
    "column": Rule(SNAKE, "monthly_charge", "lower-case words joined by _"),
    "dataset": Rule(SNAKE, "customers", "lower-case words joined by _"),
    "data file": Rule(
        rf"{SNAKE}_({STEPS})\.((csv|jsonl)(\.gz)?|parquet|xlsx?|ods)",
        "customers_raw.csv",
        f"<dataset>_<step>, with the step one of {STEPS.replace('|', ', ')}",
    ),
    "stage": Rule(r"[a-z]+", "train", "one lower-case verb"),
    "feature": Rule(SNAKE, "months_since_complaint", "lower-case words joined by _"),
    "model": Rule(KEBAB, "churn-radar", "lower-case words joined by -", "-"),
    "experiment": Rule(rf"{KEBAB}/{KEBAB}", "churn-radar/tune-linear", "<model>/<purpose>", "-"),
    "run": Rule(rf"{KEBAB}-\d{{8}}-[0-9a-f]{{7}}", "linear-20260131-1a2b3c4", "<what>-<day>-<sha>"),
    "branch": Rule(
        rf"main|master|develop|({PURPOSES})/{TAG}|(dependabot|renovate|template-update)/.+",
        "feature/tenure-bands",
        f"main, or <purpose>/<words>, with the purpose one of {PURPOSES.replace('|', ', ')}",
        "-",
    ),
    "notebook": Rule(rf"\d{{2}}-{KEBAB}\.ipynb", "01-explore.ipynb", "<number>-<words>.ipynb", "-"),
    "image": Rule(rf"{KEBAB}(:{TAG})?", "churn-radar-train:1.2.0", "<words>[:<tag>]", "-"),
}


def problem(kind: str, name: str) -> str | None:
    """Why `name` is no good name for a thing of this kind, with a spelling that is; else None."""
    rule = RULES[kind]
    if re.fullmatch(rule.pattern, name):
        return None
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    spelling = re.sub(r"[^a-z0-9.:/]+", rule.joint, words).strip(rule.joint)
    example = spelling if re.fullmatch(rule.pattern, spelling) else rule.example
    return f"{kind} name {name!r} breaks the rule '{rule.meaning}': for example {example}"


def validator(kind: str) -> Callable[[str], str]:
    """A pydantic validator that accepts only good names of this kind."""

    def check(name: str) -> str:
        if message := problem(kind, name):
            raise ValueError(message)
        return name

    return check


def names_in(root: Path) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that the project uses; those in params.yaml are checked by reading it."""
    import yaml

    from .config import load_config
    from .features import FEATURES
    from .schemas import FeatureTable, RawTable

    config = load_config(root)
    yield from (("dataset", config.data.name), ("model", config.model.name))
    for schema in (RawTable, FeatureTable):
        columns = schema.to_schema().columns
        yield from (("column", name) for name, column in columns.items() if not column.regex)
    yield from (("feature", feature.name) for feature in FEATURES)
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    yield from (("stage", name) for name in stages)
    for path in sorted((root / "data").glob("*/*")):
        if path.is_file() and path.suffix != ".dvc" and not path.name.startswith("."):
            yield "data file", path.name
    yield from (("notebook", path.name) for path in sorted(root.glob("notebooks/**/*.ipynb")))
    if branch := environ.get("GITHUB_HEAD_REF") or _branch(root):
        yield "branch", branch


def _branch(root: Path) -> str:
    """The branch that is checked out; empty on a detached head or outside a repository."""
    git = ["git", "-C", str(root), "symbolic-ref", "--quiet", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def check_names(root: Path) -> int:
    """How many names were checked; ProjectError lists those that break a rule."""
    names = list(names_in(root))
    problems = [message for kind, name in names if (message := problem(kind, name))]
    if problems:
        raise ProjectError("\n".join(problems))
    return len(names)
