"""Whether the candidate was measured as it is now: an answer that needs no library of a model."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .. import team
from ..config import Config, load_config
from ..errors import ProjectError
from ..hashing import file_hash
from ..promotion.checksums import read_with_checksum

REPORT = Path("reports", "profile.json")
MODEL = Path("models", "model.skops")


console = Console()


def profile(
    missing: Annotated[
        bool, typer.Option("--missing", help="Only if this model was not measured yet.")
    ] = False,
) -> None:
    """Measure what training and prediction take, and recommend resources."""
    config = load_config(Path.cwd())
    if missing and is_measured(config, Path.cwd()):
        return
    # Imported here, since it takes a second.
    from .profile import measure, profile_command

    if missing:
        with console.status("measuring the candidate", spinner="line"):
            measure(config, Path.cwd())
        return
    profile_command(config, Path.cwd(), console)


def is_measured(config: Config, root: Path) -> bool:
    """Whether reports/profile.json is of this model, these tables and this code, and succeeded.

    What is missing or was edited is left to the gates, which refuse it: True.
    """
    try:
        wanted = fingerprint(config, root) | {"failure": None}
        if not (root / REPORT).exists():
            return False
        return wanted.items() <= read_with_checksum(root / REPORT).items()
    except ProjectError:
        return True


def fingerprint(config: Config, root: Path) -> dict[str, str | None]:
    """The hash of everything that the figures depend on."""
    tables = {step: config.table("processed", step) for step in ("train", "test")}
    paths = {"model": MODEL} | tables
    if absent := [path for path in paths.values() if not (root / path).exists()]:
        raise ProjectError(f"{absent[0]} is missing: `make pipeline` makes it")
    code = b"\0".join(path.read_bytes() for path in sorted(team.PACKAGE.rglob("*.py")))
    hashes: dict[str, str | None] = {name: file_hash(root / path) for name, path in paths.items()}
    return hashes | {"package": sha256(code).hexdigest()}


COMMANDS = (profile,)
