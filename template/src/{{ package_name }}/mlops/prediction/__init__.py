"""Predicting with a registered model: whole files, and from Python.

Here stands how a version is found: no file is taken that registry or git does not know by its hash.
"""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ..checksums import file_hash
from ..config import Config, find_root, load_config
from ..errors import ProjectError
from ..tracking import has_registry

if TYPE_CHECKING:
    # Both import libraries that take a second.
    from ..tracking import Version


ALIASES = ("champion", "previous", "challenger")
"""What a version may be called beside its number."""

MODEL, MANIFEST = ("model.skops", "manifest.json")


@dataclass(frozen=True)
class Found:
    """A version of the model whose files are here and are those that were registered.

    Attributes:
        model: The name of the registered model.
        version: The number of the version.
        commit: The commit that it was made of; empty if none was recorded.
        sha256: The hash of the model's file.
        folder: The files, which are only to be read.
    """

    model: str
    version: int
    commit: str
    sha256: str
    folder: Path

    def __str__(self) -> str:
        """Say which version it is, for a message."""
        return f"version {self.version} of {self.model}"


def find(config: Config, root: Path, which: str) -> Found:
    """Find a version in the registry; the champion also in the files that git names.

    Args:
        config: Names the registered model.
        root: The project.
        which: An alias, such as `champion`, or the number of a version.

    Raises:
        ProjectError: There is no such version, or its files are not those that were registered.
    """
    version = None
    if has_registry(root):
        version = _by_name(root, config.model.name, which)
    if version is not None:
        try:
            return _from_registry(config, root, version)
        except ProjectError:
            # The champion's files are with DVC as well.
            if which != "champion" or not _is_recorded(root, version):
                raise
    if which == "champion":
        return _from_git(config, root)
    if which in ALIASES:
        raise ProjectError(f"no version of {config.model.name} is called {which}")
    raise ProjectError(_unknown(config, root, which))


def _is_recorded(root: Path, version: "Version") -> bool:
    """Whether git names this version as champion, and its files are here."""
    from ..promotion import record

    facts = record.read(root)
    is_same = facts is not None and facts["sha256"] == version.tags.get("sha256")
    return is_same and (root / record.FILES).is_dir()


def _by_name(root: Path, model: str, which: str) -> "Version | None":
    from ..tracking import registry

    if which in ALIASES:
        return registry.by_alias(root, model, which)
    for version in registry.versions(root, model):
        if str(version.number) == which:
            return version
    return None


def _unknown(config: Config, root: Path, which: str) -> str:
    """Say which versions there are."""
    from ..tracking import registry

    numbers = []
    if has_registry(root):
        numbers = [str(version.number) for version in registry.versions(root, config.model.name)]
    known = ", ".join(reversed(numbers)) or "none: `make promote` registers the first"
    return (
        f"MODEL={which} is no version of {config.model.name}: name {', '.join(ALIASES)} or a "
        f"number; there are {known}"
    )


def _from_registry(config: Config, root: Path, version: "Version") -> Found:
    from ..tracking import registry

    model = config.model.name
    if "pruned" in version.tags:
        raise ProjectError(
            f"the files of {model} version {version.number} are gone: choose a version that has "
            "them"
        )
    folder = registry.fetch(root, model, version)
    known = {MODEL: version.tags.get("sha256", "")}
    # Registered before there was that tag, a version is known by its model file alone.
    if "manifest" in version.tags:
        known[MANIFEST] = version.tags["manifest"]
    found = Found(model, version.number, version.tags.get("git_commit", ""), known[MODEL], folder)
    _require_files(found, known)
    return found


def _from_git(config: Config, root: Path) -> Found:
    """The champion as models/champion.json records it, with the files that DVC brings."""
    from ..promotion import record

    facts = record.read(root)
    if facts is None:
        raise ProjectError(
            f'there is no champion of {config.model.name} yet: `make promote WHY="..."` makes the '
            "first"
        )
    folder = root / record.FILES
    if not folder.is_dir():
        raise ProjectError(
            f"git names version {facts['version']} of {config.model.name} as champion, and its "
            "files are not here: `make registry-pull` brings them"
        )
    found = Found(config.model.name, facts["version"], facts["commit"], facts["sha256"], folder)
    _require_files(found, facts.get("files", {MODEL: facts["sha256"]}))
    return found


def _require_files(found: Found, known: dict[str, str]) -> None:
    """Demand that each file has the hash that is known of it, before anything is loaded."""
    for name, sha256 in known.items():
        path = found.folder / name
        if not path.is_file() or file_hash(path) != sha256:
            raise ProjectError(
                f"{path} is not the file that was registered as {found}: nothing was loaded"
            )


def predict(
    source: Annotated[str, typer.Option(help="The file, or a folder of files.")] = "",
    out: Annotated[str, typer.Option(help="Where the predictions go.")] = "",
    model: Annotated[str, typer.Option(help="champion, previous, challenger or a number.")] = "",
    engine: Annotated[str, typer.Option(help="local, or ray.")] = "",
) -> None:
    """Predict every row of a file with the champion, and set aside those that break a rule."""
    # Imported here: `--help` imports this module, and needs none of it.
    from .batch import Order, default_out, run

    if not source:
        raise ProjectError("say which file: make predict IN=customers.parquet")
    path = Path(source)
    target = Path(out) if out else default_out(path)
    order = Order(path, target, model or "champion", engine or "local")
    try:
        root = find_root(Path.cwd())
        said = run(load_config(root), root, order)
    except KeyboardInterrupt:
        Console().print("\nInterrupted: the same command goes on from here.", highlight=False)
        raise typer.Exit(128 + signal.SIGINT) from None
    Console().print(escape(said), highlight=False, soft_wrap=True)
