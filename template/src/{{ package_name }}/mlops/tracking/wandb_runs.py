"""Runs in Weights & Biases as well: offline, unless WANDB_MODE says otherwise."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ProjectError
from . import Run

if TYPE_CHECKING:
    import wandb

DEFAULTS = {"DO_NOT_TRACK": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""What wandb reads from the environment when it is imported, unless it is set there."""


def log(root: Path, run: Run, run_id: str) -> None:
    """Log a run in Weights & Biases.

    Args:
        root: The project.
        run: What to log; the model is the project there, the purpose the group.
        run_id: The id that the run has in MLflow.

    Raises:
        ProjectError: wandb did not take the run, as where its server does not answer.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    # Imported here, since it reads the environment then.
    import wandb

    model, _, purpose = run.experiment.partition("/")
    try:
        with wandb.init(
            project=model,
            group=purpose,
            name=run.name,
            id=run_id,
            config={"params": dict(run.params), "tags": dict(run.tags)},
            settings=_settings(root),
        ) as logged:
            logged.summary.update(dict(run.metrics))
            for file in run.files:
                _save_copy(logged, root, file)
    except wandb.Error as error:
        reason = str(error).partition("\n")[0]
        raise ProjectError(
            f"wandb did not take the run: {reason}; set WANDB_MODE=offline, and `uv run "
            "wandb sync` later"
        ) from None


def _save_copy(logged: "wandb.Run", root: Path, file: Path) -> None:
    """Keep the file with the run as it is now."""
    # wandb itself would link to it, and show what the next run of the pipeline writes there.
    copy = Path(logged.dir) / file.relative_to(root)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, copy)
    logged.save(str(copy), base_path=logged.dir, policy="now")


def _settings(root: Path) -> "wandb.Settings":
    """Nothing is printed or watched, and nothing is written outside models/."""
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    return wandb.Settings(
        mode=mode,  # type: ignore[arg-type]
        root_dir=str(root.resolve() / "models"),
        # Seconds; without a server wandb would try for a minute and a half.
        init_timeout=8,
        silent=True,
        symlink=False,
        console="off",
        disable_code=True,
        disable_git=True,
        x_disable_stats=True,
    )
