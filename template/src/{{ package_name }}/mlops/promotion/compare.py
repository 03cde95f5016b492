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
from ..git import commit_of, find_commit

if TYPE_CHECKING:
    # They import libraries that take a second.
    from ..evaluation.scores import CachedModel, Rows
    from .evidence import Evidence

PAGE = Path("reports", "compare.md")
"""The same table for a pull request; git ignores it."""

CHAMPION = "champion"
"""In the place of a branch: the champion of this machine's registry."""

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


class Other(NamedTuple):
    """The model to compare with.

    Attributes:
        name: As it was asked for.
        commit: The commit of its code.
        folder: Its files.
    """

    name: str
    commit: str
    folder: Path


@dataclass(frozen=True)
class Comparison:
    """What there is to say of two models.

    Attributes:
        other: The name of the model that is not in models/.
        metric: What both are scored by.
        whole: The difference on the whole test set.
        slices: That on each slice which has enough rows to be judged.
        seconds: What training took here and there; None where no run of that model is known.
        notes: What makes the table mean less than it seems to.
    """

    other: str
    metric: str
    whole: Difference
    slices: dict[str, Difference]
    seconds: tuple[float | None, float | None]
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
        name: A branch, a tag or a commit, or CHAMPION.

    Returns:
        Both scores, as a whole and by slice.

    Raises:
        ProjectError: One of the two models is not here, or cannot be scored on these rows.
    """
    from ..modeling import manifest
    from .old_champion import bring_committed

    own = Other("models/", commit_of(root), root / "models")
    if not (own.folder / "model.skops").exists():
        raise ProjectError("models/model.skops is not there: `make pipeline` makes it")
    with TemporaryDirectory() as scratch:
        if name == CHAMPION:
            other = _champion(config, root)
        else:
            other = Other(name, find_commit(root, name), Path(scratch))
            bring_committed(root, f"{name} ({other.commit[:7]})", other.commit, other.folder)
        # Before the target was in the manifest, nobody could have compared it.
        target = manifest.read(other.folder).get("target", config.data.target)
        if target != config.data.target:
            raise ProjectError(f"it predicts {target}, and models/ {config.data.target}")
        return _compare(config, root, own, other)


def _compare(config: Config, root: Path, own: Other, other: Other) -> Comparison:
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
    hashes = [manifest.read(model.folder)["sha256"] for model in (own, other)]
    return Comparison(
        other=other.name,
        metric=config.selection.metric,
        whole=_difference(evidence.rows, here, there),
        slices=slices,
        seconds=(_seconds(config, root, hashes[0]), _seconds(config, root, hashes[1])),
        notes=_notes(config, root, own, other),
    )


def _champion(config: Config, root: Path) -> Other:
    from ..tracking import has_registry, registry

    model = config.model.name
    version = registry.by_alias(root, model, CHAMPION) if has_registry(root) else None
    if version is None:
        raise ProjectError("there is no champion here: `make registry-pull` takes the one of git")
    folder = registry.fetch(root, model, version)
    return Other(CHAMPION, version.tags.get("git_commit", ""), folder)


def _score(evidence: "Evidence", model: Other) -> "CachedModel":
    from .old_champion import score_test_set

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


def _notes(config: Config, root: Path, own: Other, other: Other) -> list[str]:
    from .. import team
    from ..checksums import file_hash
    from ..modeling import manifest

    ours = manifest.read(own.folder)
    theirs = manifest.read(other.folder)
    training_set = file_hash(root / config.table("processed", "train"))
    notes = []
    if not team.is_code(ours.get("code")) or ours.get("data") != training_set:
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
    sentences = [verdict, slices, *found.notes]
    if None in found.seconds:
        sentences.append("What training took is not compared: not both were trained here.")
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


COMMANDS = (compare,)
