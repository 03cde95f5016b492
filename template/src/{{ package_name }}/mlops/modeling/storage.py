"""Models on disk, as skops files: loading one never runs code from the file.

A model is identified by the hash of its file. So the same model must always give the same bytes:
fitted twice, or saved, loaded and saved again, by any framework. `save_model` sees to that.
"""

import hashlib
import io
import json
import re
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import skops.io
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UnsupportedTypeException

from ..errors import ProjectError

TEAM = re.compile(re.escape(__name__.rpartition(".mlops.")[0]) + r"(\.(?!mlops\b)\w+)+")
"""The team's package. Its own classes and functions are trusted, in whatever module they are."""

TRUSTED = re.compile(
    rf"{TEAM.pattern}|collections\.OrderedDict|functools\.partial|numpy\.(dtype|mean)"
    r"|scipy\.(interpolate\._bsplines\.BSpline|_lib\.array_api_compat\.numpy\._aliases\.asarray)"
    r"|xgboost\.(core\.Booster|sklearn\.XGB\w+)|lightgbm\.(basic\.Booster|sklearn\.LGBM\w+)"
    r"|sklearn\.(tree\._tree\.Tree|ensemble\._hist_gradient_boosting\.predictor\.TreePredictor"
    r"|_loss\.loss\.[A-Z]\w+|calibration\._?[A-Z]\w+"
    r"|cluster\._(bisect_k_means\._BisectingTree|kmeans\._kmeans_single_\w+)"
    r"|compose\._column_transformer\.make_column_selector"
    r"|feature_selection\._(univariate_selection\.(f_\w+|r_regression|chi2)|mutual_info\.\w+)"
    r"|gaussian_process\.(_gpc|kernels)\._?[A-Z]\w+|metrics\._dist_metrics\.[A-Z]\w+"
    r"|metrics\._(scorer\._[A-Z]\w+|(classification|ranking|regression)\.\w+_(score|error|loss))"
    r"|multiclass\._ConstantPredictor"
    r"|neighbors\._(kd|ball)_tree\.([A-Z]\w+|newObj)"
    r"|neural_network\._stochastic_optimizers\.[A-Z]\w+"
    r"|model_selection\._split\.[A-Z]\w+|utils\.(_bunch\.Bunch"
    r"|_metadata_requests\.[A-Z]\w+|validation\.check_array))"
)
"""What a file may contain beside the types that skops trusts: the parts of common estimators.

Classes, but for the few functions that estimators keep: another function could be called with what
a file says.
"""

LOADERS = {
    *("ObjectNode", "TypeNode", "FunctionNode", "JsonNode", "BytesNode", "BytearrayNode"),
    *("ListNode", "TupleNode", "SetNode", "DictNode", "DefaultDictNode", "SliceNode"),
    *("NdArrayNode", "MaskedArrayNode", "DTypeNode", "SparseMatrixNode"),
    *("RandomStateNode", "RandomGeneratorNode", "TreeNode", "LossNode"),
}
"""How skops may make an object. Others look up an attribute of an object, or call one, and from any
module it is a few attributes to the operating system."""

PREPARED_CALLS = {"sklearn.utils.validation.check_array"}
"""Functions that a file may hold with arguments: gradient boosting keeps one for its categories."""

LOSSES = re.compile(r"sklearn\.(_loss\b.*|linear_model\._sgd_fast)|_loss")
"""Modules whose classes `LossNode` may call."""

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
        ProjectError: A type in it is not trusted or not supported, an estimator holds itself, or
            the model changes whenever it is saved.
    """
    content = _to_bytes(model)
    # An estimator may hold other things after loading than after fitting: a list for a tuple, a
    # cache, a library's own buffer. What is written is the form that loading no longer changes.
    for _ in range(MAX_ROUND_TRIPS):
        again = _to_bytes(_from_bytes(content, path))
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
        ProjectError: It holds a type that is not trusted, or makes an object in a way that is not:
            loading it might run code.
    """
    return _from_bytes(path.read_bytes(), path)


def _from_bytes(content: bytes, path: Path) -> Pipeline:
    with ZipFile(io.BytesIO(content)) as file:
        _require_safe(json.loads(file.read(SCHEMA)), path)
    types = skops.io.get_untrusted_types(data=content)
    untrusted = [name for name in types if not TRUSTED.fullmatch(name)]
    if untrusted:
        raise ProjectError(f"{path} holds types that are not trusted: {', '.join(untrusted)}")
    return skops.io.loads(content, trusted=types)


def _require_safe(schema: Any, path: Path) -> None:
    """Refuse a file that would call, or take apart, what its names alone do not show.

    Args:
        schema: How the file describes the objects of the model.
        path: The file, for the message.

    Raises:
        ProjectError: An object is made in a way that is not in LOADERS; or a name of the team's
            package is not a class or function that is defined there, but one of its imports.
    """
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        if not isinstance(node, dict):
            continue
        pending.extend(node.values())
        loader = node.get("__loader__")
        # An attribute of that name is described by a dictionary.
        if not isinstance(loader, str):
            continue
        module = str(node.get("__module__"))
        name = str(node.get("__class__"))
        if loader == "PartialNode" and _name_of(node["content"]["func"]) in PREPARED_CALLS:
            continue
        if loader not in LOADERS:
            raise ProjectError(f"{path} holds a {loader}, which is not trusted: {module}.{name}")
        if loader == "LossNode" and not LOSSES.fullmatch(module):
            raise ProjectError(f"{path} holds types that are not trusted: {module}.{name}")
        if TEAM.fullmatch(f"{module}.{name}") and not _is_defined(module, name):
            raise ProjectError(
                f"{path} holds types that are not trusted: {module}.{name} is no class or function "
                "that is defined there"
            )


def _name_of(node: dict[str, Any]) -> str:
    """The full name of a class or function that a file describes."""
    return f"{node.get('__module__')}.{node.get('__class__')}"


def _is_defined(module: str, name: str) -> bool:
    """Whether a module defines a class or function of that name, and does not only import it."""
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type | FunctionType) and found.__module__ == module


def _dump(model: Pipeline) -> bytes:
    """The model as skops saves it."""
    try:
        content: bytes = skops.io.dumps(model)
    except RecursionError:
        raise ProjectError(
            "the model cannot be saved: an estimator in it holds itself, as gradient boosting does "
            "with early_stopping and scoring set"
        ) from None
    except UnsupportedTypeException as error:
        raise ProjectError(f"the model cannot be saved: {error}") from None
    return content


def _to_bytes(model: Pipeline) -> bytes:
    """The model as skops saves it, without what differs from one save to the next."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(_dump(model))) as dumped, ZipFile(buffer, "w") as file:
        # skops names arrays by their addresses in memory; here their content names them.
        names = {}
        contents = {}
        for name in dumped.namelist():
            if name != SCHEMA:
                content = _without_padding(name, dumped.read(name))
                names[name] = hashlib.sha256(content).hexdigest() + Path(name).suffix
                contents[names[name]] = content
        schema = _without_addresses(json.loads(dumped.read(SCHEMA)), names)
        # Without indentation, which only the slow encoder writes.
        contents[SCHEMA] = json.dumps(schema).encode()
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
    if found.get("__loader__") == "ObjectNode" and isinstance(found.get("content"), dict):
        attributes = found["content"]
        # Fitted again, an object may have its attributes in another order.
        if attributes.get("__loader__") == "DictNode":
            attributes["content"] = dict(sorted(attributes["content"].items()))
    if isinstance(found.get("file"), str):
        found["file"] = names[found["file"]]
    return found
