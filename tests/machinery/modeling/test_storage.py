"""A model file holds no foreign code, and the same model is the same file."""

from pathlib import Path

import numpy as np
import pytest
import skops.io
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.hashing import file_hash
from churn_radar.mlops.modeling.storage import load_model, save_model


@pytest.mark.parametrize("stranger", [Path("x"), np.testing.assert_equal])
def test_a_model_file_with_a_foreign_name_is_refused(stranger: object, tmp_path: Path) -> None:
    skops.io.dump({"held": stranger}, tmp_path / "model.skops")
    with pytest.raises(ProjectError, match=r"not trusted: (pathlib|numpy\.testing)\."):
        load_model(tmp_path / "model.skops")


def test_a_saved_model_has_one_hash(finished: Path, tmp_path: Path) -> None:
    trained, again = finished / "models" / "model.skops", tmp_path / "model.skops"
    save_model(load_model(trained), again)
    assert file_hash(again) == file_hash(trained)
