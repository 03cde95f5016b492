"""A process that is watched from outside says why it failed."""

from pathlib import Path

import pytest
from churn_radar.mlops import profiling
from churn_radar.mlops.errors import ProjectError


def test_what_ends_without_a_word_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ProjectError, match="status -9"):
        profiling.run_alone("retraining", tmp_path, {})
