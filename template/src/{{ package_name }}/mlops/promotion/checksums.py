"""Evidence that DVC does not hold, since it differs with each measurement: sealed against edits."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ..errors import ProjectError


def write_sealed(path: Path, facts: dict[str, Any]) -> None:
    """Write `facts` as JSON with the hash of their canonical form beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sealed = facts | {"seal": _seal(facts)}
    path.write_text(json.dumps(sealed, indent=2) + "\n", encoding="utf-8")


def read_sealed(path: Path) -> dict[str, Any]:
    """What was sealed; ProjectError if it is not there or was changed afterwards."""
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        seal = facts.pop("seal", None)
    except FileNotFoundError:
        raise ProjectError(f"{path.name} is not there: `make profile` measures it") from None
    except (ValueError, TypeError) as error:
        raise ProjectError(f"{path.name} cannot be read: {error}") from None
    if seal != _seal(facts):
        raise ProjectError(f"{path.name} was edited: `make profile` measures it again")
    return facts


def _seal(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
