"""The model card (Mitchell et al., 2019, doi:10.1145/3287560.3287596): its part that is measured.

The team writes the page; what is between the two marks is what the pipeline found.
"""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..checksums import file_hash
from ..config import Config, load_config
from ..errors import ProjectError
from . import digits, figure, interval, render

console = Console()

CARD = Path("docs", "model-card.md")
LOAD = Path("reports", "load.json")
FACTS = Path("reports", "slices.json")
METRICS = Path("reports", "metrics.json")
RESOURCES = Path("docker", "resources.env")

# Written into the team's page once, so their wording cannot change any more.
MARKS = ("<!-- evidence: `make card` writes what stands below -->", "<!-- end of evidence -->")

EMPTY_CARD = f"""\
# Model card

Write here what the model is for, what it must not be used for, who owns it, and its limits.

## Evidence

{MARKS[0]}
{MARKS[1]}
"""
"""The page of a project that was made before there were cards."""

MAX_LISTED_SLICES = 60
"""The weakest of more."""

HASH_DIGITS = 12
"""Of a sha256: enough to tell two files apart, and short enough to read."""


def write_card(config: Config, root: Path) -> str:
    """Bring the part between the marks up to date, and nothing else.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        Which model the card is about.

    Raises:
        ProjectError: The marks are missing, or the evidence is missing or about another model.
    """
    before, _, after = _parts(_read(root))
    facts = _facts(config, root)
    text = before + _evidence(config, root, facts) + after
    (root / CARD).parent.mkdir(exist_ok=True)
    # As bytes, so that the team's line ends stay as they are.
    (root / CARD).write_bytes(text.encode())
    return _subject(facts)


def check_card(config: Config, root: Path) -> str:
    """Compare the card with what the pipeline found last.

    Args:
        config: The settings, of which the card names some.
        root: The project's folder.

    Returns:
        Which model both are about.

    Raises:
        ProjectError: They differ, the marks are missing, or there is no evidence.
    """
    facts = _facts(config, root)
    _, evidence, _ = _parts(_read(root))
    if evidence != _evidence(config, root, facts):
        raise ProjectError(
            f"{CARD.as_posix()} is stale, or was edited between its marks: `make card` fixes it"
        )
    return _subject(facts)


def _subject(facts: dict[str, Any]) -> str:
    return f"{CARD.as_posix()} is about {facts['model'][:HASH_DIGITS]}"


def fingerprints(config: Config, root: Path) -> dict[str, str]:
    """Hash the files that the evidence is about.

    Args:
        config: Names the tables.
        root: The project's folder.

    Returns:
        The sha256 of the `model` and of the tables `train` and `test`, of those that are there: a
        fresh clone has none of them.
    """
    files = {
        "model": Path("models", "model.skops"),
        "train": config.table("processed", "train"),
        "test": config.table("processed", "test"),
    }
    found = {}
    for name, file in files.items():
        if (root / file).exists():
            found[name] = file_hash(root / file)
    return found


def _read(root: Path) -> str:
    path = root / CARD
    return path.read_bytes().decode() if path.exists() else EMPTY_CARD


def _parts(text: str) -> tuple[str, str, str]:
    """What is before, between and after the marks, marks with the outer parts."""
    start, end = MARKS
    is_marked = text.count(start) == 1 and text.count(end) == 1
    if not is_marked or text.index(start) > text.index(end):
        raise ProjectError(
            f"{CARD.as_posix()} needs once each, on lines of their own and in this order: "
            f"{start} and {end}; `git log -p {CARD.as_posix()}` shows how it was"
        )
    start_of_evidence = text.index(start) + len(start)
    end_of_evidence = text.index(end)
    evidence = text[start_of_evidence:end_of_evidence]
    return text[:start_of_evidence], evidence, text[end_of_evidence:]


def _facts(config: Config, root: Path) -> dict[str, Any]:
    path = root / FACTS
    if not path.exists():
        raise ProjectError(f"{FACTS.as_posix()} is not there: `make pipeline` makes it")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    others = []
    for name, value in fingerprints(config, root).items():
        if facts.get(name) != value:
            others.append(name)
    if others:
        raise ProjectError(
            f"{FACTS.as_posix()} is about another {' and '.join(others)}: run `make pipeline`"
        )
    return facts


def _evidence(config: Config, root: Path, facts: dict[str, Any]) -> str:
    clear = [found for found in facts["slices"] if found["status"] == "ok"]
    clear.sort(key=lambda found: float(found["skill"]))
    unclear = [found for found in facts["slices"] if found["status"] != "ok"]
    text = render(
        "card.md",
        facts=facts,
        model_name=config.model.name,
        settings=[f"{name} {value}" for name, value in facts["settings"].items()],
        tables=_tables(config, facts),
        other_metrics=_other_metrics(root, facts["metric"]),
        resources=_resources(root),
        load=load_report(root, facts["model"]),
        hash_digits=HASH_DIGITS,
        min_rows=config.gates.slices.min_rows,
        clear=clear[:MAX_LISTED_SLICES],
        unclear=unclear[:MAX_LISTED_SLICES],
        n_more=max(0, len(unclear) - MAX_LISTED_SLICES),
    )
    # An empty line after the mark, without which Markdown sees no table.
    return f"\n\n{text}\n"


def _tables(config: Config, facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "training set": {
            "rows": facts["train_rows"],
            "file": config.table("processed", "train").name,
            "hash": facts["train"],
        },
        "test set": {
            "rows": facts["rows"],
            "file": config.table("processed", "test").name,
            "hash": facts["test"],
        },
    }


def _other_metrics(root: Path, metric: str) -> list[str]:
    """Every metric but the one that selects, which has a line of its own."""
    metrics = json.loads((root / METRICS).read_text(encoding="utf-8"))
    found = []
    for name, value in metrics.items():
        if name in ("rows", metric) or name.endswith(("_low", "_high", "_baseline")):
            continue
        if f"{name}_low" not in metrics:
            found.append(f"{name} {figure(value)}")
            continue
        ends = metrics[f"{name}_low"], metrics[f"{name}_high"]
        found.append(f"{name} {interval(value, *ends, digits(value))}")
    return found


def _resources(root: Path) -> list[str]:
    """The limits that `make profile` wrote; none before it did, and none without containers."""
    path = root / RESOURCES
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            found.append(line.replace("=", " "))
    return found


def card(
    check: Annotated[
        bool, typer.Option("--check", help="Only report whether it is stale.")
    ] = False,
) -> None:
    """Write into the model card what the evidence says."""
    root = Path.cwd()
    config = load_config(root)
    done = check_card(config, root) if check else write_card(config, root)
    console.print(done, highlight=False)


def load_report(root: Path, model: str) -> dict[str, Any] | None:
    """Return the report of the load test, if there is one about this model.

    Args:
        root: The project's folder.
        model: The sha256 of the model's file.
    """
    path = root / LOAD
    if not path.exists():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report if report["model"] == model else None


def merge_cards(base: Path, ours: Path, theirs: Path) -> int:
    """Merge what people wrote, and keep our evidence, which `make pipeline` writes again.

    Args:
        base: The page as it was where the branches parted.
        ours: Our page, which is overwritten by the merged one.
        theirs: Their page, whose evidence is overwritten by ours.

    Returns:
        The number of conflicts that are left to people.
    """
    with suppress(ProjectError):  # without marks a page is text like any other
        _, evidence, _ = _parts(ours.read_bytes().decode())
        for page in (base, theirs):
            before, _, after = _parts(page.read_bytes().decode())
            page.write_bytes((before + evidence + after).encode())
    command = ["git", "merge-file", "-L", "ours", "-L", "base", "-L", "theirs"]
    return subprocess.run([*command, ours, base, theirs], check=False).returncode


if __name__ == "__main__":
    base, ours, theirs = sys.argv[1:]  # git's %O, %A and %B
    sys.exit(merge_cards(Path(base), Path(ours), Path(theirs)))
