"""The sets of answers that the render and update tests go through."""

from __future__ import annotations

from allpairspy import AllPairs
from support import Answers

# One option a row: another answer than the default, and the only paths that it may change.
DOCS = ["README.md", "CONTRIBUTING.md", "docs/*"]
CI = [".github/*", ".pre-commit-config.yaml", "Makefile", "pyproject.toml", *DOCS]
CONTAINER = ["docker/*", "compose.yaml", ".dockerignore", "Makefile", "README.md", "docs/adr/*"]
FORMATTER = [".pre-commit-config.yaml", "Makefile", "pyproject.toml", *DOCS]
FRAMEWORK = ["src/*/model.py", "params.yaml", "pyproject.toml", "tested-versions.txt"]
TRACKING = ["src/*/mlops/tracking/*", "Makefile", "pyproject.toml", ".gitignore", *DOCS]
IMAGE = ["docker/*", "compose.yaml", ".dockerignore"]
SERVICE = ["src/*/mlops/serving/*", *IMAGE, "Makefile", "pyproject.toml", ".gitignore", *DOCS]
PROMOTION = ["src/*/mlops/*", "dvc.yaml", "params.yaml", ".gitignore"]
FLIPS: dict[str, tuple[str | bool, list[str]]] = {
    "license": ("MIT", ["LICENSE", "README.md", "docker/*", "pyproject.toml"]),
    "task": ("regression", ["params.yaml", "tests/*", *DOCS]),
    "python_version": ("3.13", [".github/*", "docker/*", "pyproject.toml", *DOCS]),
    "formatter": ("ruff", FORMATTER),
    "framework": ("pytorch", FRAMEWORK),
    "preset": ("starter", [*CI, *CONTAINER, *PROMOTION, "notebooks/*", "tests/*"]),
    "tracker": ("wandb", TRACKING),
    "ci": ("none", [*CI, "docker/*"]),
    "use_serving": (False, SERVICE),
    "use_docker": (False, [*CONTAINER, ".github/*", ".pre-commit-config.yaml"]),
}

CHOICES: dict[str, list[str | bool]] = {
    "task": ["auto", "classification", "regression"],
    "formatter": ["black", "ruff"],
    "framework": ["scikit-learn", "xgboost", "lightgbm", "pytorch"],
    "preset": ["production", "starter", "custom"],
    "tracker": ["mlflow", "wandb", "none"],
    "ci": ["github", "none"],
    "use_docker": [True, False],
    "use_serving": [True, False],
    "python_version": ["3.11", "3.12", "3.13"],
    "license": ["proprietary", "MIT", "BSD-3-Clause", "Apache-2.0"],
}

TITLES = {
    "apostrophe": "O'Brien & Söhne – Prognose",
    "chinese": "客户流失",
    "punctuation": "Risk: A/B #1, 100 % *[v2]* @home!",
    "boolean": "- No: ~ yes",
    "longest": "W" * 60,
}


def has_a_tracker_for_its_preset(row: list[str | bool]) -> bool:
    """Whether a row, as far as it is filled, tracks runs unless it is a starter, which does not."""
    answers = dict(zip(CHOICES, row, strict=False))
    if "tracker" not in answers:
        return True
    return (answers["preset"] == "starter") == (answers["tracker"] == "none")


def answer_sets() -> dict[str, Answers]:
    """Return every set by a name for the test report."""
    sets: dict[str, Answers] = {"defaults": {}}
    sets |= {f"preset-{name}": {"preset": name} for name in ("starter", "custom")}
    sets |= {f"flip-{name}": {name: answer} for name, (answer, _) in FLIPS.items()}
    sets |= {f"title-{name}": {"project_name": title} for name, title in TITLES.items()}
    sets["shortest"] = {"project_name": "X", "user_email": "o'brien@example.org"}
    sets["sentences"] = {
        "user_name": "Dr. O'Hara: R&D #1",
        "project_description": "Café: what's next? 100 % – yes & no, #1",
        "code_owners": "@ada @acme/data-science grace@example.org",
        "license": "MIT",
    }
    rows = AllPairs(list(CHOICES.values()), filter_func=has_a_tracker_for_its_preset)
    for number, row in enumerate(rows, start=1):
        sets[f"pair-{number}"] = dict(zip(CHOICES, row, strict=True))
    return sets


SETS = answer_sets()
