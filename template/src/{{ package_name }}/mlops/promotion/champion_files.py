"""The copy of the champion's files that DVC carries to every clone."""

import shutil
from pathlib import Path
from typing import Any

from ..checksums import file_hash
from ..data.fetch import dvc
from ..errors import ProjectError
from ..tracking import MODEL_FILES, files_of
from .staleness import POINTER

FOLDER = Path("models", "champion")
"""Where the copy is; git keeps DVC's pointer to it."""


def copy(root: Path, folder: Path) -> None:
    """Copy a champion's files to where DVC versions them.

    Args:
        root: The project.
        folder: The champion's files in the registry.
    """
    target = root / FOLDER
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name in files_of(folder):
        shutil.copyfile(folder / name, target / name)


def version(root: Path) -> None:
    """Let DVC version the copy.

    Args:
        root: The project.

    Raises:
        ProjectError: DVC does not take it.
    """
    try:
        dvc("add", "--quiet", str(FOLDER), cwd=root)
    except ProjectError as error:
        raise ProjectError(
            f"DVC did not take its files ({error}): fix that, then `uv run dvc add {FOLDER}`"
        ) from None


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a model, by its name.

    Args:
        folder: The model's folder.
    """
    return {name: file_hash(folder / name) for name in files_of(folder)}


def bring(root: Path, facts: dict[str, Any]) -> Path:
    """Return the folder with the recorded champion's files, pulled if they are not there.

    Args:
        root: The project.
        facts: The record of the champion.

    Raises:
        ProjectError: They cannot be had, or are not those of the recorded model.
    """
    folder = root / FOLDER
    # All of them: the code among them is run when the champion is scored.
    recorded = facts.get("files", {MODEL_FILES[0]: facts["sha256"]})
    if not recorded.items() <= hashes(folder).items():
        try:
            dvc("pull", "--quiet", "--force", POINTER, cwd=root)
        except ProjectError as error:
            raise ProjectError(
                f"{FOLDER} cannot be had from the DVC remote: who promoted it runs "
                "`uv run dvc push --all-commits`, and this clone names the same remote in "
                f".dvc/config ({error})"
            ) from None
    if not recorded.items() <= hashes(folder).items():
        raise ProjectError(
            f"{FOLDER} does not hold the model that models/champion.json names: commit both files "
            "of a promotion, and push its data with `uv run dvc push`"
        )
    return folder
