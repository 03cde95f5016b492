"""Wire the project in the current folder to a data file.

Usage, in the project's environment: python <template>/hooks/wire --help
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HOOKS = Path(__file__).resolve().parent.parent


def load_machinery(root: Path) -> None:
    """Import the project's `mlops` folder as the top-level package `mlops`.

    The package around it is named by an answer, so no import line can spell it. Its folder does
    not go on `sys.path` either, since a team's module may be called like a library's.

    Args:
        root: The project's folder.
    """
    found = sorted(root.glob("src/*/mlops/__init__.py"))
    if not found:
        sys.exit(f"error: {root} has no src/*/mlops: run the command in the project's folder")
    init = found[0]
    spec = spec_from_file_location("mlops", init, submodule_search_locations=[str(init.parent)])
    if spec is None or spec.loader is None:
        sys.exit(f"error: {init} cannot be imported")
    module = module_from_spec(spec)
    sys.modules["mlops"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_machinery(Path.cwd())
    # Python puts the folder of this file here, whose modules are to be imported as `wire`'s.
    sys.path[0] = str(HOOKS)

    try:
        from wire.command import main
    except ImportError as error:
        # A package that is missing has another remedy, which the traceback leads to.
        if (error.name or "").partition(".")[0] != "mlops":
            raise
        sys.exit(
            f"error: the template in {HOOKS.parent} is of another version than this project's "
            "machinery: leave SOURCE out, which takes the recorded version, or run `make update` "
            "first"
        )

    main()
