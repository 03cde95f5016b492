"""Fingerprints of files, without a library of a model."""

from hashlib import file_digest
from pathlib import Path


def file_hash(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
