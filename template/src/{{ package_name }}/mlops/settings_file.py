"""Reads params.yaml as text, and finds the name that somebody meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from .errors import ProjectError

FLOAT_TAG = "tag:yaml.org,2002:float"

EXPONENT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
"""A number as YAML 1.2 has it, section 10.3.2. For YAML 1.1 `1e-3` is a text."""


class SettingsLoader(yaml.SafeLoader):
    """Takes `1e-3` for a number, as DVC does, and refuses a duplicated key."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a section, whose later key would otherwise silently win."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            # The tag too, since 1 and "1" are different keys.
            identity = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else key
            if identity in seen:
                line = key.start_mark.line + 1
                raise ProjectError(
                    f"params.yaml, line {line}: {key.value} is duplicated in its section: keep "
                    "one of the two"
                )
            seen.add(identity)
        return node


SettingsLoader.add_implicit_resolver(FLOAT_TAG, EXPONENT, list("-+.0123456789"))


class SettingsDumper(yaml.SafeDumper):
    """Quotes a text such as `1e-3`, which SettingsLoader would otherwise read as a number."""


SettingsDumper.add_implicit_resolver(FLOAT_TAG, EXPONENT, list("-+.0123456789"))


def read_settings(root: Path) -> Any:
    """Read what `root`/params.yaml holds.

    Args:
        root: The project's folder.

    Returns:
        As a rule a dictionary of sections; nothing of it is validated.

    Raises:
        ProjectError: The file is missing, empty or not YAML, or has a key twice.
    """
    path = root / "params.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        settings = yaml.load(text, SettingsLoader)  # noqa: S506 (it is a SafeLoader)
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: run the command in the project's folder") from None
    # Text in another encoding and a date such as 2026-02-30 are a ValueError.
    except (yaml.YAMLError, ValueError) as error:
        raise ProjectError(f"params.yaml is not YAML: {error}") from None
    if settings is None:
        raise ProjectError("params.yaml is empty: `git checkout params.yaml` brings it back")
    return settings


def hint(name: str, known: Iterable[str]) -> str:
    """Return the known name that `name` was probably meant to be, or all of them."""
    choices = sorted(known)
    near = get_close_matches(name, choices, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(choices) or 'none'}"
