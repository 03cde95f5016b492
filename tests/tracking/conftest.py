"""The package, importable with the answers' own store, and no store of this machine in reach."""

from __future__ import annotations

import pytest
from assembled import importable

importable()


@pytest.fixture(autouse=True)
def _no_store_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
