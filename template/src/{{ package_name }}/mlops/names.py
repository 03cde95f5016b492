"""The naming table: one pattern a kind of thing, with an example that fits."""

import re
from collections.abc import Callable
from dataclasses import dataclass

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
    "candidate": Rule(SNAKE, "forest", "lower-case words joined by _"),
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
