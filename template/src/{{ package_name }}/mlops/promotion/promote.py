"""The one way to a new champion: every gate judges."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..config import Config
from ..errors import ProjectError
from ..gates import NO_REASONS, Reasons, Verdict, judge
from ..git import commit_of
from ..modeling import manifest
from ..tracking import Version, logged_run, registry
from . import golden, record
from .evidence import Evidence

OnVerdict = Callable[[str, Verdict], None]
"""Called with the name of a gate and its verdict, as soon as it is known."""

LONGEST_TAG = 4_000
"""Characters: enough to find the cause. All reasons are in reports/promotion.json."""


@dataclass(frozen=True)
class Outcome:
    """What a promotion came to.

    Attributes:
        promoted: Whether the candidate is champion now.
        version: The candidate's number in the registry.
        champion: The number of the champion before; None if there was none.
        verdicts: The verdict of each gate.
        summary: All of it in a few sentences.
    """

    promoted: bool
    version: int
    champion: int | None
    verdicts: dict[str, Verdict]
    summary: str


def promote(
    config: Config, root: Path, why: str, on_verdict: OnVerdict, reasons: Reasons = NO_REASONS
) -> Outcome:
    """Register the candidate, let every gate judge it, and move the alias `champion` to it.

    A refusal leaves every alias as it was and tags the version with the reasons. Either way
    reports/promotion.json and promotion.md say what was found.

    Args:
        config: The project's settings.
        root: The project, with the candidate in models/.
        why: The reason, for the record.
        on_verdict: Called after each gate.
        reasons: Why what a gate would refuse is wanted all the same.

    Returns:
        What it came to.

    Raises:
        ProjectError: There is no candidate, or another promotion or rollback came in between.
    """
    model = config.model.name
    with record.lock(root):
        champion = registry.by_alias(root, model, "champion")
        version = register_candidate(config, root, commit_of(root))
        folder = registry.fetch(root, model, version)
        evidence = Evidence(config, root, champion, version, folder, reasons)
        verdicts: dict[str, Verdict] = {}
        for name, verdict in judge(evidence):
            verdicts[name] = verdict
            on_verdict(name, verdict)
        allowed = all(verdict.allows for verdict in verdicts.values())
        facts = record.who_and_why(why)
        facts |= {"commit": evidence.commit, "sha256": version.tags["sha256"]}
        facts |= {name: reason for name, reason in asdict(reasons).items() if reason}
        if allowed:
            summary = _make_champion(evidence, version, verdicts, facts)
        else:
            _tag_refusal(config, root, champion, version, verdicts)
            summary = _refusal_summary(config, version, champion, verdicts)
    outcome = Outcome(
        promoted=allowed,
        version=version.number,
        champion=champion.number if champion else None,
        verdicts=verdicts,
        summary=summary,
    )
    record.write_report(root, asdict(outcome) | facts)
    return outcome


def _make_champion(
    evidence: Evidence, version: Version, verdicts: dict[str, Verdict], facts: dict[str, str]
) -> str:
    """Move the aliases and write the record; return the summary."""
    config = evidence.config
    root = evidence.root
    # Again, since the gates take seconds in which somebody may change a file.
    evidence.require_one_identity()
    # All that can fail comes before the alias moves. Without golden requests no service takes it.
    golden.record(config, root / "models")
    summary = _promotion_summary(evidence, version, verdicts)
    _tag(config, root, version, "behind_best", f"{evidence.behind_best:.6f}")
    of_champion = record.of_promotion(evidence, version, verdicts) | facts
    _tag(config, root, version, "record", json.dumps(of_champion))
    record.copy_files(root, registry.fetch(root, config.model.name, version))
    record.version_files(root)
    _move_aliases(config, root, evidence.champion_version, version, facts)
    record.write(root, of_champion)
    edited = of_champion["edited_machinery"]
    return f"{summary} The machinery was edited here: {', '.join(edited)}." if edited else summary


def register_candidate(config: Config, root: Path, commit: str) -> Version:
    """Register the candidate, unless it is registered already.

    Args:
        config: The project's settings.
        root: The project, with the candidate in models/.
        commit: The commit that is checked out, for a tag of a new version.

    Returns:
        The candidate's version in the registry.

    Raises:
        ProjectError: There is no candidate.
    """
    folder = root / "models"
    facts = manifest.read(folder)
    tags = {"git_commit": commit, "chosen": str(facts.get("chosen"))}
    # What is wrong with the model is for the gates to say.
    with suppress(ProjectError):
        golden.record(config, folder)
    run = logged_run(root, facts["sha256"])
    return registry.register(root, config.model.name, folder, run, tags)


def _move_aliases(
    config: Config, root: Path, champion: Version | None, version: Version, facts: dict[str, str]
) -> None:
    """Set the aliases. Stopped at any point, one champion is left that can be loaded."""
    model = config.model.name
    # The lock holds for this machine alone: look whether somebody else was faster.
    now = registry.by_alias(root, model, "champion")
    if _number(now) != _number(champion):
        raise ProjectError("another promotion came first: look at it, then promote again")
    manifest.load(registry.fetch(root, model, version))
    # It was refused before it was committed, and has the tag of an earlier commit.
    if version.tags.get("git_commit") != facts["commit"]:
        _tag(config, root, version, "git_commit", facts["commit"])
    _tag(config, root, version, "promoted", json.dumps(facts))
    if champion:
        registry.set_alias(root, model, "previous", champion.number)
    # Last, since until then the old champion is the champion.
    registry.set_alias(root, model, "champion", version.number)


def _number(version: Version | None) -> int | None:
    return version.number if version else None


def _tag_refusal(
    config: Config,
    root: Path,
    champion: Version | None,
    version: Version,
    verdicts: dict[str, Verdict],
) -> None:
    """Tag the version with the reasons, unless it is the champion: that was accepted once."""
    if _number(champion) == version.number:
        return
    _tag(config, root, version, "refused", _reasons(verdicts)[:LONGEST_TAG])


def _reasons(verdicts: dict[str, Verdict]) -> str:
    """Each gate that refused, with its reason."""
    return "; ".join(
        f"{name}: {verdicts[name].reason}" for name in _gates_that(verdicts, "refused")
    )


def _tag(config: Config, root: Path, version: Version, key: str, value: str) -> None:
    registry.tag(root, config.model.name, version.number, key, value)


def _gates_that(verdicts: dict[str, Verdict], status: str) -> list[str]:
    """The names of the gates whose verdict has this status."""
    return [name for name, verdict in verdicts.items() if verdict.status == status]


def _refusal_summary(
    config: Config, version: Version, champion: Version | None, verdicts: dict[str, Verdict]
) -> str:
    """The summary of a refusal."""
    gates = ", ".join(_gates_that(verdicts, "refused"))
    n_others = len(_gates_that(verdicts, "not judged"))
    others = f" {n_others} gates did not judge, since that comes first." if n_others else ""
    state = "There is no champion."
    if champion:
        state = f"Version {champion.number} stays champion."
    return (
        f"Version {version.number} of {config.model.name} was refused by {gates}. {state} "
        f"{_reasons(verdicts)}.{others}"
    )


def _promotion_summary(evidence: Evidence, version: Version, verdicts: dict[str, Verdict]) -> str:
    """The summary of a promotion."""
    config = evidence.config
    champion = evidence.champion_version
    measured = evidence.measured
    metric = config.selection.metric
    score = measured[metric]
    low = measured[f"{metric}_low"]
    high = measured[f"{metric}_high"]
    place = "as the first"
    if evidence.missing_champion:
        place = "in the place of one that is not here"
    elif champion:
        place = f"in the place of version {champion.number}"
    inconclusive = ", ".join(_gates_that(verdicts, "inconclusive"))
    doubt = f" Inconclusive: {inconclusive}." if inconclusive else ""
    return (
        f"Version {version.number} of {config.model.name} is champion, {place}: "
        f"{metric} {score:.3f} [{low:.3f}, {high:.3f}] on {measured['rows']:,} held-out rows; "
        f"{len(verdicts)} gates judged it.{doubt}"
    )
