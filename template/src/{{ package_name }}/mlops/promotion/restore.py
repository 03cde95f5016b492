"""The ways back to a champion that was judged before: the previous one, and the one git names.

A rollback is urgent, so nothing here imports what scores a model.
"""

import json
from pathlib import Path
from typing import Any

from ..config import Config
from ..data.fetch import dvc
from ..errors import ProjectError
from ..modeling import manifest
from ..tracking import MODEL_FILES, hashes_of, registry
from . import POINTER, record
from .record import FILES, RECORD


def rollback(config: Config, root: Path, why: str) -> str:
    """Make the version `previous` the champion again.

    Args:
        config: The project's settings.
        root: The project.
        why: The reason, for the record.

    Returns:
        What was done, in a sentence.

    Raises:
        ProjectError: There is no previous champion, or none that fits its record and the libraries
            here; nothing was changed.
            Or it is champion again, and DVC did not take its files.
    """
    model = config.model.name
    with record.lock(root):
        champion = registry.by_alias(root, model, "champion")
        previous = registry.by_alias(root, model, "previous")
        if previous is None or champion is None or previous.number == champion.number:
            raise ProjectError("there is no previous champion to return to; nothing was changed")
        missing = record.missing_champion(config, root, champion)
        if missing:
            raise ProjectError(f"{missing}; nothing was changed")
        if previous.tags["sha256"] in (record.read(root) or {}).get("withdrawn", {}):
            raise ProjectError("the champion before was withdrawn; nothing was changed")
        # Checked and not loaded: that takes a second, and whoever serves it loads it anyway.
        folder = registry.fetch(root, model, previous)
        manifest.check(folder)
        record.copy_files(root, folder)
        facts = record.who_and_why(why)
        registry.tag(root, model, previous.number, "restored", json.dumps(facts))
        registry.tag(root, model, champion.number, "withdrawn", json.dumps(facts))
        # In this order, so that there is a champion wherever the process is stopped.
        registry.set_alias(root, model, "champion", previous.number)
        registry.drop_alias(root, model, "previous")
        record.write(root, record.of_restored(root, previous, champion, facts))
        # DVC takes a second, in which the service would answer with the model that is not wanted.
        try:
            record.version_files(root)
        except ProjectError as error:
            restored = f"version {previous.number} is champion again"
            raise ProjectError(f"{restored}, but {error}") from None
    summary = (
        f"Version {previous.number} of {model} is champion again, version {champion.number} not."
    )
    numbers = {"version": previous.number, "champion": champion.number}
    record.write_report(root, numbers | {"summary": summary} | facts)
    return summary


def pull(config: Config, root: Path) -> str:
    """Make the recorded champion the champion of this registry.

    Args:
        config: Names the registered model.
        root: The project.

    Returns:
        What was done, in a sentence.

    Raises:
        ProjectError: No champion is recorded, or its files cannot be brought.
    """
    with record.lock(root):
        return _pull(config, root)


def _pull(config: Config, root: Path) -> str:
    facts = record.read(root)
    if facts is None:
        raise ProjectError(f"{RECORD} is not there: no champion was promoted, or git pull first")
    model = config.model.name
    champion = registry.by_alias(root, model, "champion")
    if champion and champion.tags.get("sha256") == facts["sha256"]:
        return f"Version {champion.number} of {model} is the recorded champion already."
    tags = {
        "git_commit": facts["commit"],
        "chosen": facts["chosen"],
        "promoted": json.dumps({name: facts[name] for name in ("who", "when", "why")}),
        "record": json.dumps(facts),
        "behind_best": str(facts.get("behind_best", 0)),
    }
    version = registry.register(root, model, _bring_files(root, facts), None, tags)
    if "withdrawn" in version.tags and not facts.get("again"):
        by = json.loads(version.tags["withdrawn"])
        raise ProjectError(
            f"{RECORD} names a model that {by['who']} withdrew at {by['when']}: {by['why']}. Bring "
            f"the record before it back (`git log -- {RECORD}`), pull that, promote with AGAIN="
        )
    if champion and champion.tags.get("sha256") in facts.get("withdrawn", {}):
        registry.drop_alias(root, model, "previous")
    elif champion:
        registry.set_alias(root, model, "previous", champion.number)
    registry.set_alias(root, model, "champion", version.number)
    return (
        f"Version {version.number} of {model} is champion here: git names it, promoted by "
        f"{facts['who']} at {facts['when']}."
    )


def _bring_files(root: Path, facts: dict[str, Any]) -> Path:
    """The folder with the recorded champion's files, pulled if they are not there."""
    folder = root / FILES
    # All of them: the code among them is run when the champion is scored.
    recorded = facts.get("files", {MODEL_FILES[0]: facts["sha256"]})
    if not recorded.items() <= hashes_of(folder).items():
        try:
            dvc("pull", "--quiet", "--force", POINTER, cwd=root)
        except ProjectError as error:
            raise ProjectError(
                f"{FILES} cannot be had from the DVC remote: who promoted it runs "
                "`uv run dvc push --all-commits`, and this clone names the same remote in "
                f".dvc/config ({error})"
            ) from None
    if not recorded.items() <= hashes_of(folder).items():
        raise ProjectError(
            f"{FILES} does not hold the model that {RECORD} names: commit both files of a "
            "promotion, and push its data with `uv run dvc push`"
        )
    return folder
