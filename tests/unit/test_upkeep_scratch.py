"""DVC finds in a second work tree what it finds in the project."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest
from messages import RefusalError
from upkeep import scratch


def shared(place: Path, target: Path) -> ConfigParser:
    """Return the settings that the second work tree gets."""
    scratch.share_data(place, target)
    settings = ConfigParser(interpolation=None)
    settings.read(target / scratch.LOCAL_CONFIG, encoding="utf-8")
    return settings


def test_cache_and_remotes_are_those_of_the_project(tmp_path: Path) -> None:
    place = tmp_path / "project"
    (place / ".dvc").mkdir(parents=True)
    remotes = "['remote \"near\"']\n    url = ../stored\n['remote \"far\"']\n    url = s3://b/%20\n"
    (place / ".dvc/config").write_text(f"[core]\n    remote = near\n{remotes}", "utf-8")
    (place / ".dvc/config.local").write_text("['remote \"far\"']\n    profile = us\n", "utf-8")
    (tmp_path / "second").mkdir()

    settings = shared(place, tmp_path / "second")

    assert Path(settings["cache"]["dir"]) == place / ".dvc/cache"
    assert Path(settings["'remote \"near\"'"]["url"]).resolve() == place / "stored"
    assert dict(settings["'remote \"far\"'"]) == {"url": "s3://b/%20", "profile": "us"}


def test_settings_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("remote = near\n", "utf-8")
    with pytest.raises(RefusalError, match=r"the settings in \.dvc cannot be read"):
        scratch.share_data(tmp_path, tmp_path)
