"""Evidence that was sealed is not edited afterwards."""

from pathlib import Path

import pytest
from churn_radar.mlops.checksums import read_with_checksum, write_with_checksum
from churn_radar.mlops.errors import ProjectError


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "x", "checksum": "y"}'])
def test_a_broken_seal_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    with pytest.raises(ProjectError, match="not there"):
        read_with_checksum(path)
    path.write_text(text)
    with pytest.raises(ProjectError, match=r"cannot be read|was edited"):
        read_with_checksum(path)


def test_what_was_sealed_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "profile.json"
    write_with_checksum(path, {"model": "x", "seconds": 1.5})
    assert read_with_checksum(path) == {"model": "x", "seconds": 1.5}
