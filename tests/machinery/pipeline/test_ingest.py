"""Stage `ingest`: a raw file that cannot be read is said to be so."""

from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import stage


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "make data"),
        ("", "cannot be read"),
        ("a,b\n", "no rows"),
        ("a,b\n1\n", "cannot be"),
        ("a,b,a\n1,2,3\n", "several columns named 'a': rename all but one"),
    ],
)
def test_a_bad_raw_file_is_refused(
    text: str | None, message: str, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / config.data.raw
    path.parent.mkdir(parents=True)
    if text is not None:
        path.write_text(text)
    with pytest.raises(ProjectError, match=message):
        stage("ingest")(config, tmp_path)
