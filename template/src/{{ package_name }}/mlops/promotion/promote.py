"""The one way to a new champion, and the way back."""

import getpass
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..config import Config
from ..errors import ProjectError
from ..gates import Verdict, judge
from ..modeling import manifest
from ..tracking import registry
from ..tracking.records import Version, logged_run
from .evidence import Evidence

Tell = Callable[[str, Verdict], None]


@dataclass(frozen=True)
class Outcome:
    """What a promotion came to."""

    promoted: bool
    version: int
    champion: int | None  # before it
    verdicts: dict[str, Verdict]
    summary: str


def promote(
    config: Config, root: Path, why: str, tell: Tell, *, uncompared: bool = False
) -> Outcome:
    """Register the candidate, let every gate judge it, and move the alias `champion` to it.

    A refusal leaves every alias as it was and tags the version with the reasons. Either way
    reports/promotion.json and promotion.md say what was found.
    """
    with _alone(root):
        champion = registry.by_alias(root, config.model.name, "champion")
        folder = registry.fetch(root, config.model.name, champion) if champion else None
        evidence = Evidence(config, root, champion, folder, uncompared)
        version = candidate(config, root, evidence.commit)
        verdicts: dict[str, Verdict] = {}
        for name, verdict in judge(evidence):
            verdicts[name] = verdict
            tell(name, verdict)
        refusals = [f"{n}: {v.reason}" for n, v in verdicts.items() if v.status == "refused"]
        if not refusals:
            _move(config, root, champion, version, record(why) | {"commit": evidence.commit})
        elif champion is None or champion.number != version.number:
            _tag(config, root, version, "refused", "; ".join(refusals)[:4_000])
    outcome = Outcome(
        not refusals,
        version.number,
        champion.number if champion else None,
        verdicts,
        _summary(config, version, champion, verdicts, evidence.measured if not refusals else {}),
    )
    _report(root, asdict(outcome) | record(why) | {"commit": evidence.commit})
    return outcome


def candidate(config: Config, root: Path, commit: str) -> Version:
    """The model in models/ as a version in the registry: the one it has, or a new one."""
    facts = manifest.read(root / "models")
    tags = {"git_commit": commit, "chosen": str(facts.get("chosen"))}
    run = logged_run(root, facts["sha256"])
    return registry.register(root, config.model.name, root / "models", run, tags)


def rollback(config: Config, root: Path, why: str) -> str:
    """Make the version `previous` the champion again; says so.

    ProjectError, and nothing changed, if there is none or it cannot be loaded.
    """
    model = config.model.name
    with _alone(root):
        champion = registry.by_alias(root, model, "champion")
        previous = registry.by_alias(root, model, "previous")
        if previous is None or champion is None or previous.number == champion.number:
            raise ProjectError("there is no previous champion to return to; nothing was changed")
        manifest.load(registry.fetch(root, model, previous))
        _tag(config, root, previous, "restored", json.dumps(record(why)))
        _tag(config, root, champion, "withdrawn", json.dumps(record(why)))
        registry.set_alias(root, model, "champion", previous.number)
        registry.drop_alias(root, model, "previous")
    summary = (
        f"Version {previous.number} of {model} is champion again, version {champion.number} not."
    )
    facts = {"version": previous.number, "champion": champion.number, "summary": summary}
    _report(root, facts | record(why))
    return summary


def record(why: str) -> dict[str, str]:
    """Who did it, when (UTC) and why."""
    git = ["git", "config", "user.name"]
    name = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "who": name or getpass.getuser(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": why,
    }


def _move(
    config: Config, root: Path, champion: Version | None, version: Version, told: dict[str, str]
) -> None:
    """Set the aliases. Stopped at any point, one champion is left that can be loaded."""
    model = config.model.name
    now = registry.by_alias(root, model, "champion")
    if (now and now.number) != (champion and champion.number):
        raise ProjectError("another promotion came first: look at it, then promote again")
    manifest.load(registry.fetch(root, model, version))
    if version.tags.get("git_commit") != told["commit"]:  # it was refused before it was committed
        _tag(config, root, version, "git_commit", told["commit"])
    _tag(config, root, version, "promoted", json.dumps(told))
    if champion:
        registry.set_alias(root, model, "previous", champion.number)
    registry.set_alias(root, model, "champion", version.number)


def _tag(config: Config, root: Path, version: Version, key: str, value: str) -> None:
    registry.tag(root, config.model.name, version.number, key, value)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the aliases for one process of this machine at a time."""
    (root / "models").mkdir(exist_ok=True)
    try:
        with FileLock(root / "models" / "promotion.lock", timeout=0):
            yield
    except Timeout:
        raise ProjectError(
            "another promotion or rollback is running: wait for its end, then look again"
        ) from None


def _summary(
    config: Config,
    version: Version,
    champion: Version | None,
    verdicts: dict[str, Verdict],
    measured: dict[str, float],
) -> str:
    name, metric = config.model.name, config.selection.metric
    refused = [gate for gate, verdict in verdicts.items() if verdict.status == "refused"]
    if refused:
        stays = (
            f"Version {champion.number} stays champion." if champion else "There is no champion."
        )
        reasons = " ".join(f"{gate}: {verdicts[gate].reason}." for gate in refused)
        by = ", ".join(refused)
        return f"Version {version.number} of {name} was refused by {by}. {stays} {reasons}"
    low, high = measured[f"{metric}_low"], measured[f"{metric}_high"]
    since = f"in the place of version {champion.number}" if champion else "as the first"
    open_ = [gate for gate, verdict in verdicts.items() if verdict.status == "inconclusive"]
    doubt = f" Nothing can be said by {', '.join(open_)}." if open_ else ""
    return (
        f"Version {version.number} of {name} is champion, {since}: {metric} {measured[metric]:.3f} "
        f"[{low:.3f}, {high:.3f}] on {measured['rows']:,} held-out rows; "
        f"{len(verdicts)} gates judged it.{doubt}"
    )


def _report(root: Path, facts: dict[str, Any]) -> None:
    folder = root / "reports"
    folder.mkdir(exist_ok=True)
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / "promotion.json").write_text(text, encoding="utf-8")
    when = f"{facts['when']}, {facts['who']}: {facts['why'] or 'no reason given'}"
    (folder / "promotion.md").write_text(f"{facts['summary']}\n\n{when}\n", encoding="utf-8")
