"""The team's package as it was when a model was trained, in a file beside the model.

A champion is scored by the code that it was trained with, whatever became of the commit: a squash
or a shallow clone takes that away.
"""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .. import team
from ..checksums import file_hash
from ..errors import ProjectError

SNAPSHOT = "code.zip"


def write_snapshot(folder: Path) -> str:
    """Write the package with all its files; the same files always give the same bytes.

    Args:
        folder: Where to write it: the folder of the model.

    Returns:
        The sha256 of the snapshot.
    """
    package = team.PACKAGE
    path = folder / SNAPSHOT
    with ZipFile(path, "w") as snapshot:
        for file in sorted(package.rglob("*")):
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            name = file.relative_to(package.parent).as_posix()
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
