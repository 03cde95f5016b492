"""Model versions and their aliases in MLflow's registry; the files lie with the runs."""

import os
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import ProjectError
from .records import MODEL_FILES, Run, Version, gone, require_name, run_name
from .runs import log
from .store import store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def register(
    root: Path, model: str, folder: Path, run: str | None, tags: Mapping[str, str]
) -> Version:
    """Return the model in `folder` as a version with its sha256 as a tag: its own, or a new one.

    Without a run one is logged, since a version's files are kept with a run.
    """
    require_name("model", model)
    for name in MODEL_FILES:
        if not (folder / name).is_file():
            raise ProjectError(f"{folder / name} is missing: run `make pipeline`, then try again")
    with (folder / MODEL_FILES[0]).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    for version in versions(root, model):
        if version.tags.get("sha256") == digest and "pruned" not in version.tags:
            return version
    if run is None:
        name = run_name("version", digest)
        run = log(root, Run(f"{model}/registry", name, {}, {}, {}))
    return add(root, model, folder, run, {**tags, "sha256": digest})


def add(root: Path, model: str, folder: Path, run: str, tags: Mapping[str, str]) -> Version:
    """Store the folder's model with the run, as a new version; `tags` hold its sha256."""
    name = f"model-{tags['sha256'][:12]}"  # a run may have more than one
    with store(root) as client:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        place = client.get_run(run).info.artifact_uri
        # The client itself would remember where the run's files lay before they were moved.
        files = get_artifact_repository(place, client.tracking_uri)
        for file in MODEL_FILES:
            files.log_artifact(str(folder / file), name)  # type: ignore[no-untyped-call]
        if not client.search_registered_models(f"name = '{model}'"):
            client.create_registered_model(model)
        made = client.create_model_version(model, f"{place}/{name}", run, dict(tags))
    return _version(made)


def versions(root: Path, model: str) -> list[Version]:
    """Every version of the model, newest first."""
    with store(root) as client:
        query = f"name = '{model}'"
        found = client.search_model_versions(query, order_by=["version_number DESC"])
    return [_version(version) for version in found]


def aliases(root: Path) -> dict[str, dict[str, int]]:
    """The number of the version behind each alias, of every model."""
    with store(root) as client:
        models = client.search_registered_models()
    return {m.name: {alias: int(n) for alias, n in m.aliases.items()} for m in models}


def by_alias(root: Path, model: str, alias: str) -> Version | None:
    """The version that has the alias now."""
    with store(root) as client:
        for found in client.search_registered_models(f"name = '{model}'"):
            if alias in found.aliases:
                return _version(client.get_model_version_by_alias(model, alias))
    return None


def set_alias(root: Path, model: str, alias: str, number: int) -> None:
    """Give the alias to this version, taking it from another."""
    with store(root) as client:
        client.set_registered_model_alias(model, alias, str(number))


def drop_alias(root: Path, model: str, alias: str) -> None:
    """Take the alias away, if a version has it."""
    if alias in aliases(root).get(model, {}):
        with store(root) as client:
            client.delete_registered_model_alias(model, alias)


def tag(root: Path, model: str, number: int, key: str, value: str) -> None:
    """Write a tag of the version, over one of that key."""
    with store(root) as client:
        client.set_model_version_tag(model, str(number), key, value)


def fetch(root: Path, model: str, version: Version) -> Path:
    """A local folder with the version's files; ProjectError if they are gone."""
    if version.source.startswith("file:"):
        folder = Path(url2pathname(urlsplit(version.source).path))
    else:
        name = version.source.rpartition("/")[2]
        folder = root / "models" / "fetched" / name
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder.parent) as part, store(root) as client:
                client.download_artifacts(version.run, name, part)
                os.replace(Path(part, name), folder)
    if not (folder / MODEL_FILES[0]).exists():
        raise ProjectError(gone(model, version))
    return folder


def _version(found: "ModelVersion") -> Version:
    return Version(int(found.version), dict(found.tags), str(found.run_id), str(found.source))
