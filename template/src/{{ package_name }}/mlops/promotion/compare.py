"""Compares the model in models/ with that of another branch, both on the same rows."""

import html
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import Config, load_config
from ..errors import ProjectError
from ..git import commit_of

if TYPE_CHECKING:
    # They import libraries that take a second.
    from ..evaluation.scores import CachedModel, Rows
    from ..gates import Verdict
    from .evidence import Evidence
    from .rescoring import NamedModel

PAGE = Path("reports", "compare.md")
"""The same table for a pull request; git ignores it."""

MODEL = "model.skops"

console = Console()


class Difference(NamedTuple):
    """The scores of both models on some rows, and the 95 % interval of their difference."""

    n_rows: int
    here: float
    there: float
    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """What there is to say of two models.

    Attributes:
        other: The name of the model that is not in models/.
        metric: What both are scored by.
        whole: The difference on the whole test set.
        slices: That on each slice which has enough rows to be judged.
        seconds: What training took here and there; None where no run of that model is known.
        sizes: The bytes of both models' files.
        verdicts: Of the gates that judge the quality of the model in models/.
        notes: What makes the table mean less than it seems to.
    """

    other: str
    metric: str
    whole: Difference
    slices: dict[str, Difference]
    seconds: tuple[float | None, float | None]
    sizes: tuple[int, int]
    verdicts: dict[str, "Verdict"]
    notes: list[str]


def compare(
    name: Annotated[str, typer.Option("--with", help="A branch, or `champion`.")] = "main",
) -> None:
    """Compare the model in models/ with that of a branch, on the same rows."""
    root = Path.cwd()
    config = load_config(root)
    try:
        with console.status("scoring both models", spinner="line"):
            found = compare_with(config, root, name)
    except ProjectError as error:
        # For CI, whose summary says why there is no table.
        _write(root, html.escape(f"Not compared with {name}: {error}\n", quote=False))
        raise
    lines = _lines(found)
    # A slice or a branch may be called what Rich takes for a style.
    table = Table(*map(escape, _header(found)), box=None)
    for line in lines:
        table.add_row(*map(escape, line))
    console.print(table)
    for sentence in _sentences(found):
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    _write(root, _page(found, lines))


def compare_with(config: Config, root: Path, name: str) -> Comparison:
    """Score the model in models/ and another one on the test set that is here.

    Args:
        config: The project's settings.
        root: The project, with a model in models/ and a test set.
        name: A branch, a tag or a commit, or `champion`.

    Returns:
        Both scores, as a whole and by slice.

    Raises:
        ProjectError: One of the two models is not here, or cannot be scored on these rows.
    """
    from ..modeling import manifest
    from .rescoring import NamedModel, bring_model

    own = NamedModel("models/", commit_of(root), root / "models")
    if not (own.folder / MODEL).exists():
        raise ProjectError("models/model.skops is not there: `make pipeline` makes it")
    with TemporaryDirectory() as scratch:
        other = bring_model(config, root, name, Path(scratch))
        # Before the target was in the manifest, nobody could have compared it.
        target = manifest.read(other.folder).get("target", config.data.target)
        if target != config.data.target:
            raise ProjectError(f"it predicts {target}, and models/ {config.data.target}")
        return _compare(config, root, own, other)


def _compare(config: Config, root: Path, own: "NamedModel", other: "NamedModel") -> Comparison:
    from ..gates import QUALITY, judge
    from ..gates.slices import judged_slices, slices_of
    from ..modeling import manifest
    from .evidence import Evidence

    evidence = Evidence(config, root)
    here = _score(evidence, own)
    there = _score(evidence, other)
    # Small slices are as noisy here as they are for the gate.
    judged = judged_slices(evidence)
    slices = {}
    for name, rows in slices_of(evidence).items():
        if name in judged:
            slices[name] = _difference(rows, here, there)
    # The champion's own gate is left out: it is this table that compares.
    gates = [name for name in QUALITY if name != "champion"]
    hashes = [manifest.read(model.folder)["sha256"] for model in (own, other)]
    return Comparison(
        other=other.name,
        metric=config.selection.metric,
        whole=_difference(evidence.rows, here, there),
        slices=slices,
        seconds=(_seconds(config, root, hashes[0]), _seconds(config, root, hashes[1])),
        sizes=(_size(own), _size(other)),
        # Gates judge the model by today's code.
        verdicts={} if _is_stale(config, root, own) else dict(judge(evidence, gates)),
        notes=_notes(config, root, own, other),
    )


def _size(model: "NamedModel") -> int:
    return (model.folder / MODEL).stat().st_size


def _is_stale(config: Config, root: Path, own: "NamedModel") -> bool:
    """Whether code or training set were changed since the model in models/ was trained."""
    from .. import team
    from ..checksums import file_hash
    from ..modeling import manifest

    facts = manifest.read(own.folder)
    training_set = root / config.table("processed", "train")
    return not team.is_code(facts.get("code")) or facts.get("data") != file_hash(training_set)


def _score(evidence: "Evidence", model: "NamedModel") -> "CachedModel":
    from .rescoring import score_test_set

    try:
        found = score_test_set(evidence, model.folder, model.commit)
    except ProjectError as error:
        raise ProjectError(
            f"the model of {model.name} cannot be scored on these rows: {error}"
        ) from None
    if len(found.predictions) != len(evidence.test):
        raise ProjectError(f"the model of {model.name} does not predict every row of the test set")
    return found


def _difference(rows: "Rows", here: "CachedModel", there: "CachedModel") -> Difference:
    value, low, high = rows.difference(here, there)
    return Difference(len(rows.numbers), rows.score(here), rows.score(there), value, low, high)


def _seconds(config: Config, root: Path, sha256: str) -> float | None:
    """The seconds of training, if the run that made this model was logged here."""
    from ..tracking import has_registry, runs

    if not has_registry(root):
        return None
    experiment = f"{config.model.name}/pipeline"
    found = runs.recent(root, 1, experiment, f"tags.sha256 = '{sha256}'")
    return found[0].metrics.get("train.seconds") if found else None


def _notes(config: Config, root: Path, own: "NamedModel", other: "NamedModel") -> list[str]:
    from ..modeling import manifest

    ours = manifest.read(own.folder)
    theirs = manifest.read(other.folder)
    notes = []
    if _is_stale(config, root, own):
        notes.append(
            "Code or training set were changed since the model in models/ was trained: `make "
            "pipeline`, then compare again."
        )
    elif ours["sha256"] == theirs["sha256"]:
        notes.append(
            f"models/ has the very model of {other.name}: after a change `make pipeline` comes "
            "first."
        )
    if ours.get("data") != theirs.get("data"):
        notes.append(
            f"{other.name} was trained on another training set. If rows of this test set are in "
            "it, its score is too high."
        )
    return notes


def _header(found: Comparison) -> tuple[str, ...]:
    return found.metric, "rows", "here", found.other, "difference [95 % interval]"


def _lines(found: Comparison) -> list[tuple[str, ...]]:
    """The cells of the table: the whole test set, the slices that moved, what training took."""
    shown = {"all rows": found.whole}
    # Those whose interval holds 0 say nothing, and there may be dozens.
    shown |= {name: change for name, change in found.slices.items() if change.is_shown}
    lines = [_line(name, change) for name, change in shown.items()]
    # A model that was trained elsewhere has no run here.
    here, there = found.seconds
    if here is not None and there is not None:
        seconds = (f"{here:.1f}", f"{there:.1f}", f"{here - there:+.1f}")
        lines.append(("seconds of training", "", *seconds))
    here_kb, there_kb = (size / 1000 for size in found.sizes)
    # With a decimal, or a rounded difference may contradict its rounded sizes.
    sizes = (f"{here_kb:,.1f}", f"{there_kb:,.1f}", f"{here_kb - there_kb:+,.1f}")
    lines.append(("kB of the model", "", *sizes))
    return lines


def _line(name: str, change: Difference) -> tuple[str, ...]:
    from ..evaluation import digits

    # As many digits for all of them, so that they can be compared.
    kind = digits(change.here)
    interval = f"{change.value:+{kind}} [{change.low:+{kind}}, {change.high:+{kind}}]"
    scores = (f"{change.here:{kind}}", f"{change.there:{kind}}")
    return name, f"{change.n_rows:,}", *scores, interval


def _sentences(found: Comparison) -> list[str]:
    """What the table comes to, and what there is to know about it."""
    # Both ends are NaN where too many draws lack a class.
    if not found.whole.low <= found.whole.high:
        verdict = f"The difference to {found.other} is undefined on so few rows."
    elif not found.whole.is_shown:
        verdict = f"No difference to {found.other} is shown: the interval holds 0."
    else:
        word = "higher" if found.whole.low > 0 else "lower"
        verdict = f"{found.metric} is {word} than that of {found.other}: the interval excludes 0."
    n_moved = sum(change.is_shown for change in found.slices.values())
    slices = f"{n_moved} of {len(found.slices)} slices moved; about 1 of 20 does so by chance."
    sentences = [verdict, slices, *_verdicts(found), *found.notes]
    if None in found.seconds:
        sentences.append("What training took is not compared: not both were trained here.")
    return sentences


def _verdicts(found: Comparison) -> list[str]:
    """What the gates say of the model in models/: the reasons of those that do not pass."""
    sentences = []
    passed = [name for name, verdict in found.verdicts.items() if verdict.status == "passed"]
    if passed:
        sentences.append(f"Gates that pass: {', '.join(passed)}. `make promote` asks them all.")
    for name, verdict in found.verdicts.items():
        if name not in passed:
            sentences.append(f"Gate {name}, {verdict.status}: {verdict.reason}.")
    return sentences


def _page(found: Comparison, lines: list[tuple[str, ...]]) -> str:
    """The table and the sentences as Markdown."""
    from ..evaluation import cell

    header = _header(found)
    rows = [header, ("---",) * len(header), *lines]
    table = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    sentences = [html.escape(sentence, quote=False) for sentence in _sentences(found)]
    return "\n".join([*table, "", "\n\n".join(sentences), ""])


def _write(root: Path, text: str) -> None:
    (root / PAGE).parent.mkdir(exist_ok=True)
    (root / PAGE).write_text(text, encoding="utf-8")
