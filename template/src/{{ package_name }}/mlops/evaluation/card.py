"""The model card (Mitchell et al., 2019, doi:10.1145/3287560.3287596): its part that is measured.

The team writes the page; between the two marks stands what the pipeline found.
"""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..config import Config, load_config
from ..errors import ProjectError
from ..hashing import file_hash

console = Console()

CARD = Path("docs", "model-card.md")
MARKS = ("<!-- evidence: `make card` writes what stands below -->", "<!-- end of evidence -->")
BARE = f"""\
# Model card

Write here what the model is for, what it must not be used for, who owns it, and its limits.

## Evidence

{MARKS[0]}
{MARKS[1]}
"""
"""The page of a project that was made before there were cards."""
FACTS = Path("reports", "slices.json")
LIMIT = 60
"""So many slices are listed, the weakest of more."""
DIGITS = 12
"""So much of a hash is shown."""


def write_card(config: Config, root: Path) -> str:
    """Bring the part between the marks up to date, nothing else; says what the card is about."""
    before, _, after = _parts(root)
    facts = _facts(config, root)
    text = before + _evidence(config, root, facts) + after
    (root / CARD).parent.mkdir(exist_ok=True)
    (root / CARD).write_bytes(text.encode())
    return f"{CARD.as_posix()} is about {facts['model'][:DIGITS]}"


def check_card(config: Config, root: Path) -> str:
    """Says what the card is about; ProjectError if that is not what the pipeline found last."""
    facts = _facts(config, root)
    if _parts(root)[1] != _evidence(config, root, facts):
        raise ProjectError(
            f"{CARD.as_posix()} is stale, or was edited between its marks: `make card` mends it"
        )
    return f"{CARD.as_posix()} is about {facts['model'][:DIGITS]}"


def fingerprints(config: Config, root: Path) -> dict[str, str]:
    """The hashes of the files that the evidence is about; a fresh clone has none of them."""
    tables = {step: config.table("processed", step) for step in ("train", "test")}
    files = {"model": Path("models", "model.skops"), **tables}
    return {n: file_hash(root / file) for n, file in files.items() if (root / file).exists()}


def _parts(root: Path) -> tuple[str, str, str]:
    """What stands before, between and after the marks, marks with the outer parts."""
    path = root / CARD
    text = path.read_bytes().decode() if path.exists() else BARE
    start, end = MARKS
    if [text.count(mark) for mark in MARKS] != [1, 1] or text.index(start) > text.index(end):
        raise ProjectError(
            f"{CARD.as_posix()} needs once each, on lines of their own and in this order: "
            f"{start} and {end}; `git log -p {CARD.as_posix()}` shows how it was"
        )
    cut, rest = text.index(start) + len(start), text.index(end)
    return text[:cut], text[cut:rest], text[rest:]


def _facts(config: Config, root: Path) -> dict[str, Any]:
    path = root / FACTS
    if not path.exists():
        raise ProjectError(f"{FACTS.as_posix()} is not there: `make pipeline` makes it")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    present = fingerprints(config, root)
    if stale := [name for name, value in present.items() if facts.get(name) != value]:
        raise ProjectError(
            f"{FACTS.as_posix()} tells of another {' and '.join(stale)}: run `make pipeline`"
        )
    return facts


def _evidence(config: Config, root: Path, facts: dict[str, Any]) -> str:
    lines = [
        *("", "", "| | |", "|---|---|"),
        *(f"| {name} | {text} |" for name, text in _summary(config, root, facts)),
        *("", "### Slices", "", *_slices(config, facts)),
        *("", "### Groups", "", *_groups(config, facts)),
        *("", ""),
    ]
    return "\n".join(lines)


def _summary(config: Config, root: Path, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
    own = {"rows", *(f"{facts['metric']}{end}" for end in ("", "_low", "_high"))}
    others = [f"{name} {value:.3f}" for name, value in metrics.items() if name not in own]
    settings = (f"{cell(name)} {cell(value)}" for name, value in facts["settings"].items())
    env = root / "docker" / "resources.env"
    limits = env.read_text(encoding="utf-8").splitlines() if env.exists() else []
    use = [cell(line.replace("=", " ")) for line in limits if line and not line.startswith("#")]
    yield "model", f"{cell(config.model.name)}, {cell(facts['chosen'])}"
    yield "file", f"models/model.skops, sha256 {facts['model'][:DIGITS]}"
    yield "settings", ", ".join(settings) or "none"
    yield "predicts", f"{cell(facts['target'])} from {', '.join(map(cell, facts['features']))}"
    tables = (("training set", "train", "train_rows"), ("test set", "test", "rows"))
    for name, step, count in tables:
        table = cell(config.table("processed", step).name)
        yield name, f"{facts[count]:,} rows, {table}, sha256 {facts[step][:DIGITS]}"
    score = f"{_interval(facts, 'score', '')}; a trivial model {facts['baseline']:.3f}"
    yield facts["metric"], score
    yield "skill", f"{_interval(facts, 'skill', 'skill_')}: 0 is trivial, 1 is perfect"
    yield "other metrics", ", ".join(others)
    yield "resources", ", ".join(use) or "not in docker/resources.env: `make profile` measures them"


def _slices(config: Config, facts: dict[str, Any]) -> Iterator[str]:
    if not facts["slices"]:
        yield "No column of slices is declared in params.yaml, so no slices were judged."
        return
    if clear := [s for s in facts["slices"] if s["status"] == "ok"]:
        yield "The weakest first, with 95 % intervals of the bootstrap."
        yield from ("", f"| slice | rows | {facts['metric']} | skill |", "|---|---|---|---|")
        for s in sorted(clear, key=lambda s: float(s["skill"]))[:LIMIT]:
            ends = (_interval(s, "score", ""), _interval(s, "skill", "skill_"))
            yield f"| {_name(s)} | {s['rows']:,} | {' | '.join(ends)} |"
        yield ""
    few = [f"{_name(s)} ({s['rows']:,} rows)" for s in facts["slices"] if s["status"] != "ok"]
    more = f" and {len(few) - LIMIT} more" if len(few) > LIMIT else ""
    least = config.gates.slices.min_rows
    yield f"Inconclusive, by fewer than {least} rows or an undefined metric: " + (
        f"{', '.join(few[:LIMIT])}{more}." if few else "none."
    )


def _groups(config: Config, facts: dict[str, Any]) -> Iterator[str]:
    if not facts["groups"]:
        yield "No sensitive column is declared in params.yaml, so no groups were compared."
        return
    yield "The widest gap between two groups, and the lower end of its 95 % interval: what is sure."
    yield from ("", "| column | measure | widest gap | surely |", "|---|---|---|---|")
    for g in facts["groups"]:
        gap, low = "inconclusive: too few rows", ""
        if g["status"] == "ok":
            pair = f"{cell(g['highest'])} {g['highest_value']:.2f}, {cell(g['lowest'])}"
            gap, low = f"{g['gap']:.2f}: {pair} {g['lowest_value']:.2f}", f"{g['low']:.2f}"
        yield f"| {cell(g['column'])} | {g['measure']} | {gap} | {low} |"


def _interval(facts: dict[str, Any], value: str, prefix: str) -> str:
    low, high = facts[f"{prefix}low"], facts[f"{prefix}high"]
    return f"{facts[value]:.3f} [{low:.3f}, {high:.3f}]"


def _name(found: dict[str, Any]) -> str:
    return cell(f"{found['column']}={found['value']}")


def cell(value: object) -> str:
    """A value that may hold anything, as text in a cell of a Markdown table."""
    text = escape(" ".join(str(value).split()), quote=False)
    return text.replace("|", "&#124;").replace("`", "&#96;")


def card(
    check: Annotated[
        bool, typer.Option("--check", help="Only report whether it is stale.")
    ] = False,
) -> None:
    """Write into the model card what the evidence says."""
    act = check_card if check else write_card
    console.print(act(load_config(Path.cwd()), Path.cwd()), highlight=False)


COMMANDS = (card,)
