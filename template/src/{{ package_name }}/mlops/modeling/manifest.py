"""What stands beside a model file: its hash, its inputs, the code and libraries it is made with."""

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .. import team
from ..checksums import file_hash
from ..config import Config
from ..errors import ProjectError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "skops"),
    *("lightgbm", "xgboost", "xgboost-cpu", "torch", "skorch"),
)


SNAPSHOT = "code.zip"
"""The team's package as it was when the model was trained.

A champion is scored by the code that it was trained with, whatever became of the commit: a squash
or a shallow clone takes that away.
"""


def write(config: Config, root: Path) -> None:
    """Write models/manifest.json for the model that was just trained, and its code beside it."""
    # Imported where a model is loaded: to read a manifest no model's library is needed.
    from .storage import load_model

    folder = root / "models"
    model = load_model(folder / "model.skops")
    selection = json.loads((root / "reports" / "selection.json").read_text(encoding="utf-8"))
    facts = {
        "sha256": file_hash(folder / "model.skops"),
        "chosen": selection["chosen"],
        "target": config.data.target,
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
        "features": {feature.name: feature.kind for feature in team.features()},
        "code": team.code_hash(),
        "snapshot": write_snapshot(folder),
        "data": file_hash(root / config.table("processed", "train")),
        "libraries": libraries(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`; ProjectError if there is none that can be read."""
    try:
        facts: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return {"sha256": facts["sha256"], "features": facts["features"]} | facts
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"the model's manifest.json cannot be read: {error!r}") from None


def check(folder: Path) -> dict[str, Any]:
    """Check what can be known of a model without loading it, which takes seconds.

    Args:
        folder: The folder of the model.

    Returns:
        Its manifest.

    Raises:
        ProjectError: The file is not the one that the manifest describes, or the libraries here
            are not those that it was made with.
    """
    manifest = read(folder)
    path = folder / "model.skops"
    if not path.exists() or file_hash(path) != manifest["sha256"]:
        raise ProjectError(f"{path.name} is not the file that its manifest describes: train again")
    _refuse_other_libraries(manifest.get("libraries", {}))
    return manifest


def load(folder: Path) -> "Pipeline":
    """The model in `folder`; ProjectError unless hash, libraries and inputs fit."""
    from .storage import load_model

    manifest = check(folder)
    model = load_model(folder / "model.skops")
    listed = list(manifest["features"])
    # An estimator of the team's own need not remember the names that it was fitted with.
    fitted_with = list(getattr(model, "feature_names_in_", listed))
    if fitted_with != listed:
        raise ProjectError(f"the model reads {fitted_with}, its manifest names {listed}")
    return model


def _refuse_other_libraries(recorded: dict[str, str]) -> None:
    """Raise ProjectError unless the libraries here have the versions of a manifest."""
    installed = libraries()
    differences = []
    for name, recorded_version in recorded.items():
        if recorded_version != installed.get(name):
            differences.append(f"{name} {recorded_version}, here {installed.get(name)}")
    if differences:
        raise ProjectError(
            f"the model was made with {'; '.join(differences)}: `uv sync` brings back what uv.lock "
            "pins; after an upgrade train again"
        )


def libraries() -> dict[str, str]:
    """The version of each of LIBRARIES that is installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_snapshot(folder: Path) -> str:
    """Write the package with all its files; the same files always give the same bytes.

    Args:
        folder: Where to write it: the folder of the model.

    Returns:
        The sha256 of the snapshot.
    """
    path = folder / SNAPSHOT
    with ZipFile(path, "w") as snapshot:
        for file in team.package_files():
            name = file.relative_to(team.PACKAGE.parent).as_posix()
            # Dated 1980, since the time of a checkout must not make it another file.
            snapshot.writestr(ZipInfo(name), file.read_bytes(), ZIP_DEFLATED)
    return file_hash(path)


def unpack_snapshot(folder: Path, recorded: str, target: Path) -> None:
    """Unpack the snapshot of a model's folder.

    Args:
        folder: The folder with the snapshot.
        recorded: The sha256 in the model's manifest.
        target: Where to unpack it; the package's folder is made there.

    Raises:
        ProjectError: The snapshot is not the file that the manifest names.
    """
    path = folder / SNAPSHOT
    if file_hash(path) != recorded:
        raise ProjectError(f"{path.name} is not the code that the model's manifest names")
    with ZipFile(path) as snapshot:
        snapshot.extractall(target)
