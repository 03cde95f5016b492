"""The naming table: one pattern for each kind of thing, with an example that fits."""

import re
from collections.abc import Callable
from dataclasses import dataclass

SNAKE = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
TAG = r"[a-z0-9][a-z0-9._-]*"
PURPOSES = "feature|fix|refactor|data|experiment|test|docs|chore|release"
STEPS = "raw|ingest|validate|train|test"


@dataclass(frozen=True)
class Rule:
    """What a name of one kind looks like.

    Attributes:
        pattern: A regular expression that fits the whole name.
        example: A name that fits.
        meaning: The pattern in words.
        joint: What joins the words of a name.
    """

    pattern: str
    example: str
    meaning: str
    joint: str = "_"


# Python's own names are not here: they follow PEP 8, and ruff checks them (rules N).
RULES = {
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
    "run": Rule(
        rf"{KEBAB}-\d{{8}}-\d{{6}}",
        "linear-feature-tenure-bands-20260131-142530",
        "<what>-<branch>-<day>-<time>",
        "-",
    ),
    "branch": Rule(
        # The last ones are bots: they choose their branches' names themselves.
        rf"main|master|develop|({PURPOSES})/{TAG}|(dependabot|renovate|(template-)?update)/.+",
        "feature/tenure-bands",
        f"main, or <purpose>/<words>, with the purpose one of {PURPOSES.replace('|', ', ')}",
        "-",
    ),
    "notebook": Rule(rf"\d{{2}}-{KEBAB}\.ipynb", "01-explore.ipynb", "<number>-<words>.ipynb", "-"),
    "image": Rule(rf"{KEBAB}(:{TAG})?", "churn-radar-train:1.2.0", "<words>[:<tag>]", "-"),
}


def problem(kind: str, name: str) -> str | None:
    """Validate a name against its rule.

    Args:
        kind: A key of RULES.
        name: The name of a thing of that kind.

    Returns:
        None for a good name; else one sentence with a spelling that fits.
    """
    rule = RULES[kind]
    if re.fullmatch(rule.pattern, name):
        return None
    # First camelCase to words, then whatever separates words to the joint of this kind.
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    spelling = re.sub(r"[^a-z0-9.:/]+", rule.joint, words).strip(rule.joint)
    if not re.fullmatch(rule.pattern, spelling):
        spelling = rule.example
    return f"{kind} name {name!r} breaks the rule '{rule.meaning}': for example {spelling}"


def validator(kind: str) -> Callable[[str], str]:
    """Make a pydantic validator that accepts only good names of one kind.

    Args:
        kind: A key of RULES.

    Returns:
        A function that returns a good name, and raises ValueError for another.
    """

    def check(name: str) -> str:
        message = problem(kind, name)
        if message:
            # pydantic turns it into a ValidationError that says which setting it was.
            raise ValueError(message)
        return name

    return check
