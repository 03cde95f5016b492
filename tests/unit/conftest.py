"""The fixture that the hooks' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.hooks_lab import Lab, make_lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Return a machine on which everything is well."""
    return make_lab(tmp_path)
