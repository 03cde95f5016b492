"""The stages, one module each and in it one function of the same name, in the order of the flow."""

import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .. import team
from ..config import Config, line_numbers, load_config
from ..errors import ProjectError, SettingError

console = Console()

Stage = Callable[[Config, Path], str]
"""Reads and writes files under the project's root and says in one line what it did."""

ORDER = ("ingest", "validate", "split", "tune", "train", "evaluate", "challenge", "report")

# Looked for and not imported, since some take a second to import.
STAGES = tuple(name for name in ORDER if find_spec(f"{__package__}.{name}"))
"""The stages of this project: a starter has fewer."""


def stage(name: str) -> Stage:
    """Import a stage, and only that one: reading a file needs no scikit-learn.

    Args:
        name: One of STAGES.

    Returns:
        The stage's function.

    Raises:
        ProjectError: There is no such stage.
    """
    if name not in STAGES:
        raise ProjectError(f"there is no stage {name!r}: choose from {', '.join(STAGES)}")
    function: Stage = getattr(import_module(f".{name}", __package__), name)
    return function


def run_stage(name: str, config: Config, root: Path) -> str:
    """Run a stage and record what it took, where the project records runs.

    After the last stage the whole run is logged.

    Args:
        name: One of STAGES.
        config: The settings.
        root: The project's folder.

    Returns:
        What the stage did, in one line.
    """
    function = stage(name)
    # A starter tracks nothing, so it has no such module.
    if find_spec(f"{__package__}.recording") is None:
        said = function(config, root)
        return f"{said}; {_scores(root)}" if name == STAGES[-1] else said
    recording = import_module(".recording", __package__)
    with recording.measure_stage(name, root):
        said = function(config, root)
    if name != STAGES[-1]:
        return said
    # Only now, since what the last stage took is part of the run.
    run = recording.log_run(config, root)
    return f"{said}; logged as {run.name}; {_scores(root)}"


def _scores(root: Path) -> str:
    """The score of every candidate in cross-validation, from which one was chosen."""
    selection = json.loads((root / "reports" / "selection.json").read_text(encoding="utf-8"))
    scores = []
    for candidate, mean in selection["means"].items():
        mark = " (chosen)" if candidate == selection["chosen"] else ""
        scores.append(f"{candidate} {mean:.3f}{mark}")
    return f"{selection['metric']} of each candidate: {', '.join(scores)}"


def pipeline(stages: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Run the named stages, or all, without asking DVC what changed."""
    root = Path.cwd()
    config = load_config(root)
    for name in stages or STAGES:
        try:
            said = run_stage(name, config, root)
        except SettingError as error:
            line = line_numbers(root).get(error.path)
            # A setting that is not in the file has its default, and no line.
            place = f"params.yaml, line {line}: " if line else ""
            raise ProjectError(f"{place}{error}") from None
        # One line a stage, from which a name can be copied. What it names is the team's: brackets
        # in it are no style of Rich's.
        console.print(f"{name}: {said}", highlight=False, markup=False, soft_wrap=True)


def code() -> None:
    """Write reports/code.json: the fingerprint of every file of the package.

    The stages that compute features or models depend on this file and not on the package itself, so
    that a comment, a docstring or the formatter does not make them run again.
    """
    found = team.package_fingerprints()
    path = Path.cwd() / team.FINGERPRINTS
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print(f"code: {len(found)} files", highlight=False)
