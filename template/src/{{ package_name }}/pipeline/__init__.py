"""The stages, one module each and in it one function of the same name, in the order of the flow."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..config import Config
from ..errors import ProjectError

Stage = Callable[[Config, Path], str]
"""Reads and writes files under the project's root and says in one line what it did."""

STAGES = ("ingest", "validate", "split", "train", "evaluate")


def stage(name: str) -> Stage:
    """The stage of that name, imported only now: reading a file needs no scikit-learn."""
    if name not in STAGES:
        raise ProjectError(f"there is no stage {name!r}: choose from {', '.join(STAGES)}")
    function: Stage = getattr(import_module(f".{name}", __package__), name)
    return function
