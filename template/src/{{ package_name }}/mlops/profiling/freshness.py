"""Whether the candidate was measured as it is now: an answer that needs no library of a model."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .. import team
from ..checksums import file_hash, read_with_checksum
from ..config import Config, load_config
from ..errors import ProjectError

REPORT = Path("reports", "profile.json")
MODEL = Path("models", "model.skops")

console = Console()


def profile(
    missing: Annotated[
        bool, typer.Option("--missing", help="Only if this model was not measured yet.")
    ] = False,
) -> None:
    """Measure what training and prediction take, and recommend resources."""
    root = Path.cwd()
    config = load_config(root)
    if missing and is_measured(config, root):
        return
    # Imported only now, since it takes a second.
    from .profile import measure, profile_command

    if not missing:
        profile_command(config, root, console)
        return
    # On the way to a promotion the gates judge what was measured: nothing is shown here.
    with console.status("measuring the candidate", spinner="line"):
        measure(config, root)


def is_measured(config: Config, root: Path) -> bool:
    """Say whether reports/profile.json is of this model, these tables and this code.

    Args:
        config: Names the tables.
        root: The project's folder.

    Returns:
        False where measuring would help: the report is of something else, or the measurement
        failed. True also where something is missing or was edited, which the gates refuse.
    """
    try:
        expected = fingerprint(config, root) | {"failure": None}
        # Asked second, because without a model or its tables there is nothing to measure.
        if not (root / REPORT).exists():
            return False
        report = read_with_checksum(root / REPORT)
    except ProjectError:
        return True
    return expected.items() <= report.items()


def fingerprint(config: Config, root: Path) -> dict[str, str | None]:
    """Hash everything that the measurements depend on.

    Args:
        config: Names the tables.
        root: The project's folder.

    Returns:
        The sha256 of the `model`, of the tables `train` and `test`, and of the `package`.

    Raises:
        ProjectError: One of them is missing.
    """
    paths = {
        "model": MODEL,
        "train": config.table("processed", "train"),
        "test": config.table("processed", "test"),
    }
    hashes: dict[str, str | None] = {}
    for name, path in paths.items():
        if not (root / path).exists():
            raise ProjectError(f"{path} is missing: `make pipeline` makes it")
        hashes[name] = file_hash(root / path)
    # All of the code: any module may be on the way from a row to a prediction.
    code = b"\0".join(path.read_bytes() for path in sorted(team.PACKAGE.rglob("*.py")))
    hashes["package"] = sha256(code).hexdigest()
    return hashes


COMMANDS = (profile,)
