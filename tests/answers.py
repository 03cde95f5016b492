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
WIRING = ["src/*/wire/*", "src/*/reading.py", "src/*/pipeline/ingest.py", "dvc.yaml"]
GATES = [
    *("src/*/commands.py", "src/*/evaluation/*", "src/*/gates/*", "src/*/passport.py"),
    *("src/*/pipeline/*", "src/*/practices.py", "src/*/profiling/*", "src/*/promotion.py"),
    *("src/*/recording.py", "src/*/tracking/*", "params.yaml", ".gitignore"),
]
TRACKING = ["src/*/tracking/*", "Makefile", "pyproject.toml", ".gitignore", "README.md", "docs/*"]
FLIPS: dict[str, tuple[str | bool, list[str]]] = {
    "license": ("MIT", ["LICENSE", "README.md", "docker/*", "pyproject.toml"]),
    "task": ("regression", ["params.yaml", "tests/*", *DOCS]),
    "python_version": ("3.13", [".github/*", "docker/*", "pyproject.toml", *DOCS]),
    "formatter": ("ruff", FORMATTER),
    "framework": ("pytorch", FRAMEWORK),
    "preset": ("starter", [*CI, *CONTAINER, *WIRING, *GATES, "tests/*"]),
    "tracker": ("none", TRACKING),
    "ci": ("none", [*CI, "docker/*"]),
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
    for number, row in enumerate(AllPairs(list(CHOICES.values())), start=1):
        sets[f"pair-{number}"] = dict(zip(CHOICES, row, strict=True))
    return sets


SETS = answer_sets()
