"""Model versions and their aliases in MLflow's registry, and their files, which runs keep."""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..checksums import file_hash
from ..config import Config
from ..errors import ProjectError
from . import CARD, GOLDEN, MODEL_FILES, Run, Version, files_of, require_name, run_name
from .runs import files, log, recent, store

if TYPE_CHECKING:
    # MLflow takes a second to import: only `store` does, when it is needed.
    from mlflow.entities.model_registry import ModelVersion


def register(
    root: Path, model: str, folder: Path, run: str | None, tags: Mapping[str, str]
) -> Version:
    """Register the model in a folder, unless one of its versions has the same file and manifest.

    The same file may come of other code, by which a champion is scored later.

    Args:
        root: The project.
        model: The name of the registered model.
        folder: The folder with MODEL_FILES.
        run: The id of the run that made it; without one a run is logged, since a version's files
            are kept with a run.
        tags: Tags for a new version, beside its `sha256`.

    Returns:
        The version of this model: the newest that still has its files, or a new one.

    Raises:
        ProjectError: The name breaks the naming table, a file is missing, or there is no such run.
    """
    require_name("model", model)
    for name in MODEL_FILES:
        if not (folder / name).is_file():
            raise ProjectError(f"{folder / name} is missing: run `make pipeline`, then try again")
    sha256 = file_hash(folder / MODEL_FILES[0])
    # MLflow itself would make a new version of the same file at each attempt.
    manifest = file_hash(folder / MODEL_FILES[1])
    golden = {}
    if (folder / GOLDEN).exists():
        golden["golden"] = file_hash(folder / GOLDEN)
    for version in versions(root, model):
        # Registered before there was that tag, a version is known by its file alone; one without
        # golden requests cannot be served.
        is_same = version.tags.get("manifest", manifest) == manifest
        can_serve = golden.keys() <= version.tags.keys()
        has_files = "pruned" not in version.tags
        if version.tags.get("sha256") == sha256 and is_same and can_serve and has_files:
            return version
    if run is None:
        name = run_name("version", sha256[:7])
        run = log(root, Run(f"{model}/registry", name, {}, {}, {}))
    all_tags = dict(tags) | {"sha256": sha256, "manifest": manifest, **golden}
    card = root / "docs" / CARD
    if card.exists():
        all_tags["card"] = file_hash(card)
    return add(root, model, folder, run, all_tags)


def add(root: Path, model: str, folder: Path, run: str, tags: Mapping[str, str]) -> Version:
    """Store a folder's model with a run, as a new version.

    Args:
        root: The project.
        model: The name of the registered model, which is made if it is the first version.
        folder: The folder with MODEL_FILES.
        run: The id of the run to keep the files with.
        tags: Tags of the version; `sha256` is one of them.

    Returns:
        The new version.
    """
    # A run may have more than one model: each has a folder of its own.
    name = f"model-{tags['sha256'][:12]}"
    with store(root) as client:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        uri = client.get_run(run).info.artifact_uri
        # The client itself would remember where the run's files were before they were moved.
        repository = get_artifact_repository(uri, client.tracking_uri)
        paths = [folder / file for file in files_of(folder)]
        card = root / "docs" / CARD
        # A version that comes from another clone has its own.
        if not (folder / CARD).exists() and card.exists():
            paths.append(card)
        for path in paths:
            repository.log_artifact(str(path), name)  # type: ignore[no-untyped-call]
        if not client.search_registered_models(f"name = '{model}'"):
            client.create_registered_model(model)
        # Last: a version is only seen once its files are there.
        made = client.create_model_version(model, f"{uri}/{name}", run, dict(tags))
    return _version(made)


def versions(root: Path, model: str) -> list[Version]:
    """Return every version of the model, newest first."""
    with store(root) as client:
        query = f"name = '{model}'"
        found = client.search_model_versions(query, order_by=["version_number DESC"])
    return [_version(version) for version in found]


def aliases(root: Path) -> dict[str, dict[str, int]]:
    """Return the number of the version behind each alias, of every model."""
    numbers: dict[str, dict[str, int]] = {}
    token = None
    with store(root) as client:
        while True:
            # A store answers with one page of the models at a time.
            page = client.search_registered_models(page_token=token)
            for model in page:
                of_model = {alias: int(number) for alias, number in model.aliases.items()}
                numbers[model.name] = of_model
            token = page.token
            if not token:
                return numbers


def by_alias(root: Path, model: str, alias: str) -> Version | None:
    """Return the version that has the alias now; None if none has."""
    with store(root) as client:
        # Searched for, since MLflow raises an error for a model that is not there.
        models = client.search_registered_models(f"name = '{model}'")
        if not models or alias not in models[0].aliases:
            return None
        return _version(client.get_model_version(model, models[0].aliases[alias]))


def set_alias(root: Path, model: str, alias: str, number: int) -> None:
    """Give the alias to a version, and take it from another that has it.

    Args:
        root: The project.
        model: The name of the registered model.
        alias: `champion`, `previous` or `challenger`.
        number: The number of the version.

    Raises:
        ProjectError: There is no such version.
    """
    with store(root) as client:
        client.set_registered_model_alias(model, alias, str(number))


def drop_alias(root: Path, model: str, alias: str) -> None:
    """Take the alias away, if a version has it."""
    if by_alias(root, model, alias) is None:
        return
    with store(root) as client:
        client.delete_registered_model_alias(model, alias)


def tag(root: Path, model: str, number: int, key: str, value: str) -> None:
    """Write a tag of a version, over one with that key.

    Args:
        root: The project.
        model: The name of the registered model.
        number: The number of the version.
        key: The name of the tag.
        value: Its text.

    Raises:
        ProjectError: There is no such version.
    """
    with store(root) as client:
        client.set_model_version_tag(model, str(number), key, value)


def fetch(root: Path, model: str, version: Version) -> Path:
    """Bring a version's files to this machine.

    Args:
        root: The project.
        model: The name of the registered model.
        version: The version.

    Returns:
        A folder with MODEL_FILES, which is the store's own: it is only to be read.

    Raises:
        ProjectError: The files are gone.
    """
    if version.source.startswith("file:"):
        folder = Path(url2pathname(urlsplit(version.source).path))
    else:
        folder = _download(root, version)
    if not (folder / MODEL_FILES[0]).exists():
        raise ProjectError(
            f"the files of {model} version {version.number} are gone: choose a version that has "
            "them"
        )
    return folder


def _download(root: Path, version: Version) -> Path:
    """The version's files from the tracking server, downloaded once."""
    name = version.source.rpartition("/")[2]
    folder = root / "models" / "fetched" / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as part, store(root) as client:
        client.download_artifacts(version.run, name, part)
        # At once, so that a download that was stopped is not taken for a whole one.
        os.replace(Path(part, name), folder)
    return folder


def collect_garbage(config: Config, root: Path, really: bool) -> str:
    """Find the runs whose files nothing needs, and free those files.

    Needed are the files of every version with an alias, and of the newest runs. What was logged
    about a run, and its versions, stay.

    Args:
        config: How many of the newest runs keep their files, in tracking.keep_runs.
        root: The project.
        really: Whether to free the files; otherwise they are only counted.

    Returns:
        How many runs' files were or would be freed, and how many megabytes.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = prunable(root, _needed_files(config, root))
    if really:
        # Before anything is deleted, so that no version claims to have files that are gone.
        _tag_versions(root, sizes)
        for run in sizes:
            shutil.rmtree(files(root) / run)
    did = "freed" if really else "`make gc YES=1` would free"
    plural = "" if len(sizes) == 1 else "s"
    megabytes = sum(sizes.values()) / 1e6
    return f"{did} the files of {len(sizes)} run{plural}: {megabytes:.1f} MB"


def prunable(root: Path, needed: set[str]) -> dict[str, int]:
    """Measure the files of runs that are not needed.

    Args:
        root: The project.
        needed: The ids of the runs to leave out.

    Returns:
        The bytes of each other run's files, by its id.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = {}
    # Each run's files are in a folder that is named by its id.
    for folder in files(root).glob("*"):
        if not folder.is_dir() or folder.name in needed:
            continue
        paths = [path for path in folder.rglob("*") if path.is_file()]
        sizes[folder.name] = sum(path.stat().st_size for path in paths)
    return sizes


def _needed_files(config: Config, root: Path) -> set[str]:
    """The ids of the runs whose files must stay."""
    newest = recent(root, config.tracking.keep_runs)
    needed = {run.id for run in newest}
    for model, numbers in aliases(root).items():
        for version in versions(root, model):
            if version.number in numbers.values():
                needed.add(version.run)
    return needed


def _tag_versions(root: Path, pruned: dict[str, int]) -> None:
    """Tag these runs' versions: registering the same model then stores it again."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for model in aliases(root):
        for version in versions(root, model):
            if version.run in pruned:
                tag(root, model, version.number, "pruned", today)


def _version(found: "ModelVersion") -> Version:
    return Version(
        number=int(found.version),
        tags=dict(found.tags),
        run=str(found.run_id),
        source=str(found.source),
    )
