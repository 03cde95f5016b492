"""The champion as git names it, and its files, which DVC carries to every clone.

A registry is on one machine, unless there is a tracking server. The record is what clones share: a
registry that lacks the recorded champion says so, and no model becomes first where a champion was.
"""

import getpass
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..config import Config
from ..data.fetch import dvc
from ..errors import ProjectError
from ..gates import Verdict, changed_thresholds
from ..git import author, commit_of, edited_machinery, git
from ..tracking import Version, files_of, hashes_of, registry, write_json
from . import POINTER

if TYPE_CHECKING:
    from .evidence import Evidence

RECORD = Path("models", "champion.json")
"""Committed with the promotion: who is champion, by which verdicts, since when and why."""

FILES = Path("models", "champion")
"""A copy of the champion's files; git keeps DVC's pointer to it."""

TEXTS = ("sha256", "commit", "chosen", "who", "when", "why")
"""What every record has, beside the number of the version."""


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Hold the aliases for one process of this machine at a time.

    Args:
        root: The project.

    Raises:
        ProjectError: Another process holds them.
    """
    folder = root / "models"
    folder.mkdir(exist_ok=True)
    try:
        # Not to wait: what the other one decides changes what there is to promote.
        with FileLock(folder / "promotion.lock", timeout=0):
            yield
    except Timeout:
        raise ProjectError(
            "another promotion or rollback is running: wait for its end, then look again"
        ) from None


def read(root: Path) -> dict[str, Any] | None:
    """Return what is recorded of the champion; None if nothing is.

    Raises:
        ProjectError: The record cannot be read, or lacks what others read of it.
    """
    path = root / RECORD
    if not path.exists():
        return None
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        texts = {name: str(facts[name]) for name in TEXTS}
        return facts | texts | {"version": int(facts["version"])}
    except (ValueError, KeyError, TypeError):
        raise ProjectError(
            f"{RECORD} cannot be read: bring it back with `git checkout HEAD -- {RECORD}`"
        ) from None


def copy_files(root: Path, folder: Path) -> None:
    """Copy a champion's files to where DVC versions them.

    Args:
        root: The project.
        folder: The champion's files in the registry.
    """
    target = root / FILES
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name in files_of(folder):
        shutil.copyfile(folder / name, target / name)


def version_files(root: Path) -> None:
    """Let DVC version the copy.

    Args:
        root: The project.

    Raises:
        ProjectError: DVC does not take it.
    """
    try:
        dvc("add", "--quiet", str(FILES), cwd=root)
    except ProjectError as error:
        raise ProjectError(
            f"DVC did not take its files ({error}): fix that, then `uv run dvc add {FILES}`"
        ) from None


def of_promotion(
    evidence: "Evidence", version: Version, verdicts: dict[str, Verdict]
) -> dict[str, Any]:
    """Return what git is to know of a new champion, beside who promoted it, when and why.

    Args:
        evidence: What it was judged by.
        version: Its version in the registry.
        verdicts: The verdict of each gate.
    """
    # Imported here, since a rollback is urgent and needs neither.
    from ..gates import drift
    from ..gates.slices import judged_slices

    metric = evidence.config.selection.metric
    measured = evidence.measured
    thresholds = evidence.config.gates.model_dump(mode="json")
    before = evidence.recorded.get("thresholds", thresholds)
    champion = evidence.champion_version
    return {
        "model": evidence.config.model.name,
        "dataset": evidence.config.data.name,
        "version": version.number,
        "champion_before": champion.number if champion else None,
        "sha256": evidence.manifest["sha256"],
        "code": evidence.manifest.get("code"),
        "chosen": str(evidence.manifest.get("chosen")),
        "rows": measured["rows"],
        "train_rows": len(evidence.train),
        "metric": metric,
        "score": measured[metric],
        "low": measured[f"{metric}_low"],
        "high": measured[f"{metric}_high"],
        "behind_best": round(evidence.behind_best, 6),
        "edited_machinery": edited_machinery(evidence.root),
        "withdrawn": _still_withdrawn(evidence),
        "files": hashes_of(evidence.candidate_folder or evidence.root / "models"),
        "slices": judged_slices(evidence),
        "columns": drift.summaries(evidence),
        "thresholds": thresholds,
        "changed_thresholds": changed_thresholds(before, thresholds),
        "verdicts": {name: asdict(verdict) for name, verdict in verdicts.items()},
    }


def _still_withdrawn(evidence: "Evidence") -> dict[str, Any]:
    """The models that were withdrawn, without this one, which is champion for a reason now."""
    withdrawn = dict(evidence.recorded.get("withdrawn", {}))
    withdrawn.pop(evidence.manifest["sha256"], None)
    return withdrawn


def of_restored(
    root: Path, version: Version, withdrawn: Version, facts: dict[str, str]
) -> dict[str, Any]:
    """Return what git is to know of a champion that is one again.

    Args:
        root: The project, with the record of the model that is withdrawn.
        version: Its version in the registry, with its own record as a tag.
        withdrawn: The version that was champion until now.
        facts: Who restored it, when and why.
    """
    tags = version.tags
    before = read(root) or {}
    all_withdrawn = before.get("withdrawn", {}) | {withdrawn.tags["sha256"]: facts}
    # Registered before there were records, a version has only its tags.
    of_version = {
        "version": version.number,
        "sha256": tags["sha256"],
        "chosen": tags.get("chosen", ""),
        "commit": tags.get("git_commit", ""),
    }
    recorded: dict[str, Any] = json.loads(tags.get("record", "{}"))
    return of_version | recorded | facts | {"restored": True, "withdrawn": all_withdrawn}


def write(root: Path, facts: dict[str, Any]) -> None:
    """Write the record, as a whole or not at all.

    Args:
        root: The project.
        facts: What is recorded; `sha256` and `version` are among it.
    """
    write_json(root / RECORD, facts)


def who_and_why(why: str) -> dict[str, str]:
    """Record who acts, when and why.

    Args:
        why: The reason.

    Returns:
        `who` as git knows the person, else the system; `when` as an ISO time in UTC; `why`.
    """
    return {
        "who": author(Path.cwd()) or getpass.getuser(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": why,
    }


def write_report(root: Path, facts: dict[str, Any]) -> None:
    """Write reports/promotion.json for programs, promotion.md for a pull request.

    Args:
        root: The project.
        facts: What came of it; `summary`, `when`, `who` and `why` are among it.
    """
    folder = root / "reports"
    folder.mkdir(exist_ok=True)
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / "promotion.json").write_text(f"{text}\n", encoding="utf-8")
    why = facts["why"] or "no reason given"
    page = f"{facts['summary']}\n\n{facts['when']}, {facts['who']}: {why}\n"
    (folder / "promotion.md").write_text(page, encoding="utf-8")


def missing_champion(config: Config, root: Path, champion: Version | None) -> str:
    """Say whether git names another champion than this registry.

    Args:
        config: Names the registered model.
        root: The project.
        champion: The champion of the registry; None if it has none.

    Returns:
        One sentence with the way out; empty if record and registry agree.

    Raises:
        ProjectError: The record cannot be read.
    """
    recorded = read(root)
    do_without = "to do without it: UNCOMPARED= with a reason"
    if recorded is None:
        last = "" if champion else _last_change(root)
        if last:
            return (
                f"git had {RECORD} before or in commit {last}, and no model is the first where a "
                f"champion was: `git checkout {last} -- {RECORD} {POINTER}` (if that "
                f"commit removed it, `{last}~`), then `make registry-pull`; {do_without}"
            )
        return ""
    of_champion = champion.tags.get("sha256") if champion else None
    if recorded["sha256"] == of_champion:
        return ""
    was_withdrawn = of_champion in recorded.get("withdrawn", {})
    # The one before: a promotion was stopped before it could write the record.
    previous = registry.by_alias(root, config.model.name, "previous")
    if previous and recorded["sha256"] == previous.tags.get("sha256") and not was_withdrawn:
        return ""
    return (
        f"git names another champion than this registry, promoted by {recorded['who']} at "
        f"{recorded['when']}: `make registry-pull` brings it, or name the tracking server in "
        f"MLFLOW_TRACKING_URI; {do_without}"
    )


def _last_change(root: Path) -> str:
    """The last commit that changed the record; empty if none ever did."""
    if not commit_of(root):
        return ""
    # Of all branches and merges: on this one nobody may have been promoted yet.
    return git(root, "log", "-1", "--all", "--full-history", "--format=%h", "--", str(RECORD))
