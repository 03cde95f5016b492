"""The commands that the Makefile, dvc.yaml, the git hooks and CI call."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import typer

from .config import find_root
from .errors import ProjectError
from .git import git, set_merge_drivers
from .notebooks import set_filter

COMMANDS = {
    "data": "data.fetch",
    "raw-data": "data.fetch",
    "card": "evaluation.card",
    "notebooks": "tracking.commands",
    "gc": "tracking.commands",
    "runs": "tracking.commands",
    "pipeline": "pipeline",
    "code": "pipeline",
    "promote": "promotion.commands",
    "rollback": "promotion.commands",
    "registry-pull": "promotion.commands",
    "report": "promotion.commands",
    "compare": "promotion.compare",
    "profile": "profiling.profile",
    "predict": "prediction",
    "serve": "serving.commands",
    "traffic": "serving.commands",
    "ab-report": "serving.experiment",
    "feedback": "serving.feedback",
    "load-test": "serving.load_test",
    "names": "verify",
    "check": "verify",
    "verify": "verify",
    "notebook-content": "verify",
    "wire": "wiring",
    "update": "wiring",
    "doctor": "wiring",
    "template-diff": "wiring",
    "own": "wiring",
    "disown": "wiring",
    "migrate": "wiring",
    "behaviour": "wiring",
}
"""The module of each command; its function has the same name. A starter has fewer modules."""

TAKE_A_PATH = {"data", "disown", "feedback", "notebook-content", "own", "predict", "wire"}
"""Commands that are given files, whose names are those of the folder in which a person is."""


def _enter_project(context: typer.Context) -> None:
    """Everything that can be done in this project; the Makefile has the usual ways."""
    if context.invoked_subcommand not in TAKE_A_PATH:
        # A person may be in any folder of the project, as with git.
        os.chdir(find_root(Path.cwd()))


def setup() -> None:
    """Install git hooks, merge drivers and the notebooks' filter, bring the data.

    Bare files become a repository first.
    """
    # Imported here, so that other commands start sooner.
    from .data.fetch import data

    in_repository = subprocess.run(["git", "rev-parse"], capture_output=True, check=False)
    if in_repository.returncode:
        subprocess.run(["git", "init", "--quiet", "-b", "main"], check=True)
    # Which ones, the configuration says.
    install = ["pre-commit", "install"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(f"the git hooks could not be installed: {done.stdout}{done.stderr}")
    hooks = Path(git(Path.cwd(), "rev-parse", "--git-path", "hooks"))
    for kept in sorted(hooks.glob("*.legacy")):
        # Pre-commit moved it there, and runs it before its own.
        typer.echo(f"your own git hook {kept.stem} is kept as {kept} and still runs, first")
    set_merge_drivers(Path.cwd())
    set_filter(Path.cwd())
    data(rows=None)


def _app(called: list[str]) -> typer.Typer:
    """The program with the command that is called; with all, if none has that name, for the help.

    What the others import would cost each command up to half a second.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_enter_project)
    app.command()(setup)
    is_known = bool(called) and (called[0] == "setup" or called[0] in COMMANDS)
    for name, module in COMMANDS.items():
        if is_known and name != called[0]:
            continue
        here = Path(__file__).parent.joinpath(*module.split("."))
        # The folder of a room that an update took away may still hold Python's caches.
        if (here / "__init__.py").is_file() or here.with_suffix(".py").is_file():
            functions = import_module(f".{module}", __package__)
            app.command(name)(getattr(functions, name.replace("-", "_")))
    return app


def main() -> None:
    """Run a command; a mistake that a person can fix is one message and exit status 1."""
    # Threads of scikit-learn that wait for each other otherwise keep their core busy, which on a
    # shared machine makes a training several times as long. Read when scikit-learn is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        _app(sys.argv[1:])()
    except ProjectError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
