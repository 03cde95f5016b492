"""Models on disk, as skops files: loading one never runs code from the file.

A model is identified by the hash of its file. So the same model must always give the same bytes:
fitted twice, or saved, loaded and saved again, by any framework. `save_model` sees to that.
"""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import skops.io
from sklearn.pipeline import Pipeline

from ..errors import ProjectError

TEAM = re.escape(__name__.rpartition(".mlops.")[0])
"""The team's package. Its own classes and functions are trusted, in whatever module they are."""

TRUSTED = re.compile(
    rf"{TEAM}(\.(?!mlops\b)\w+)+|collections\.OrderedDict|numpy\.dtype"
    r"|xgboost\.(core\.Booster|sklearn\.XGB\w+)|lightgbm\.(basic\.Booster|sklearn\.LGBM\w+)"
    r"|sklearn\.(tree\._tree\.Tree|ensemble\._hist_gradient_boosting\.predictor\.TreePredictor"
    r"|_loss\.loss\.\w+|calibration\.\w+|feature_selection\._univariate_selection\.\w+"
    r"|gaussian_process\.(_gpc|kernels)\.\w+|metrics\._dist_metrics\.\w+"
    r"|neighbors\._(kd|ball)_tree\.\w+|neural_network\._stochastic_optimizers\.\w+"
    r"|model_selection\._split\.[A-Z]\w+|utils\._bunch\.Bunch)"
)
"""What a file may contain beside the types that skops trusts: the parts of common estimators."""

MAX_ROUND_TRIPS = 3
"""Loads and saves after which a model must have become the same file again."""

SCHEMA = "schema.json"
"""The file in which skops describes the objects of a model; arrays are files beside it."""


def save_model(model: Pipeline, path: Path) -> None:
    """Write a fitted model, making its folder; the same model always gives the same bytes.

    Args:
        model: A fitted pipeline. Classes and functions in it may come from any module of the
            team's package, from scikit-learn, XGBoost, LightGBM, NumPy and SciPy.
        path: Where to write it.

    Raises:
        ProjectError: A type in it is not trusted, or it changes whenever it is saved.
    """
    content = _saved(model)
    # An estimator may hold other things after loading than after fitting: a list for a tuple, a
    # cache, a library's own buffer. What is written is the form that loading no longer changes.
    for _ in range(MAX_ROUND_TRIPS):
        again = _saved(_loaded(content, path))
        if again == content:
            break
        content = again
    else:
        raise ProjectError(
            "the model is another one whenever it is saved and loaded: an estimator in it holds "
            "what changes by itself, such as the time or a random number"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def load_model(path: Path) -> Pipeline:
    """Read a model.

    Raises:
        ProjectError: It lists a type that is not trusted, since loading it might call that type.
    """
    return _loaded(path.read_bytes(), path)


def _loaded(content: bytes, path: Path) -> Pipeline:
    types = skops.io.get_untrusted_types(data=content)
    if strangers := [name for name in types if not TRUSTED.fullmatch(name)]:
        raise ProjectError(f"{path} holds types that are not trusted: {', '.join(strangers)}")
    return skops.io.loads(content, trusted=types)


def _saved(model: Pipeline) -> bytes:
    """The model as skops saves it, without what differs from one save to the next."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(skops.io.dumps(model))) as dumped, ZipFile(buffer, "w") as file:
        # skops names arrays by their addresses in memory; here their content names them.
        names = {}
        contents = {}
        for name in dumped.namelist():
            if name != SCHEMA:
                content = _without_padding(name, dumped.read(name))
                names[name] = hashlib.sha256(content).hexdigest() + Path(name).suffix
                contents[names[name]] = content
        schema = _without_addresses(json.loads(dumped.read(SCHEMA)), names)
        contents[SCHEMA] = json.dumps(schema, indent=1).encode()
        for name, content in sorted(contents.items()):
            file.writestr(ZipInfo(name), content, ZIP_DEFLATED)  # dated 1980, not today
    return buffer.getvalue()


def _without_padding(name: str, content: bytes) -> bytes:
    """The file of an array, with zeros where a record holds no value.

    The nodes of scikit-learn's trees are records with gaps between their fields, and what happened
    to be in memory there is saved with them.
    """
    if not name.endswith(".npy"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _without_addresses(node: Any, names: dict[str, str]) -> Any:
    """A part of a schema without the identities of its objects, and with other names of arrays.

    skops writes an object in full wherever it appears, and adds its address in memory, so that
    loading can share it. Which objects are shared depends on the history of a model: equal strings
    can be one object after fitting and two after loading. Without addresses nothing is shared.
    """
    if isinstance(node, list):
        return [_without_addresses(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for key, value in node.items():
        # A dictionary of the model's may have such a key too, but then its value is a node.
        if key == "__id__" and isinstance(value, int):
            continue
        found[key] = _without_addresses(value, names)
    if found.get("__loader__") == "SetNode":
        found["content"].sort(key=json.dumps)  # a set is in another order in each process
    if isinstance(found.get("file"), str):
        found["file"] = names[found["file"]]
    return found
