"""Models on disk, as skops files: loading one never runs code from the file."""

import io
import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import skops.io
from sklearn.pipeline import Pipeline

from ..errors import ProjectError

TEAM = re.escape(__name__.rpartition(".mlops.")[0])
"""The team's package: its own classes are trusted, in whatever module they are."""

TRUSTED = re.compile(
    rf"{TEAM}(\.(?!mlops\b)\w+)+|collections\.OrderedDict|numpy\.dtype"
    r"|xgboost\.(core\.Booster|sklearn\.XGB\w+)|lightgbm\.(basic\.Booster|sklearn\.LGBM\w+)"
    r"|sklearn\.(tree\._tree\.Tree|ensemble\._hist_gradient_boosting\.predictor\.TreePredictor)"
)
ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<=")[\da-f-]+(?=\.(?:npy|bin)")')


def save_model(model: Pipeline, path: Path) -> None:
    """Write a fitted model, making its folder; the same model gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(io.BytesIO(skops.io.dumps(model))) as dumped, ZipFile(path, "w") as file:
        schema = dumped.read("schema.json").decode()
        addresses = dict.fromkeys(ADDRESS.findall(schema))
        # skops names the parts of a model by their addresses in memory: here they are numbered.
        numbers = {address: str(n) for n, address in enumerate(addresses)}
        for name in dumped.namelist():
            content = dumped.read(name)
            if name == "schema.json":
                content = ADDRESS.sub(lambda found: numbers[found[0]], schema).encode()
            stem, dot, suffix = name.partition(".")
            entry = ZipInfo(numbers.get(stem, stem) + dot + suffix)  # dated 1980, not today
            file.writestr(entry, content, ZIP_DEFLATED)


def load_model(path: Path) -> Pipeline:
    """Read a model; ProjectError if it names what is not trusted, since it may call that."""
    types = skops.io.get_untrusted_types(file=path)
    if strangers := [name for name in types if not TRUSTED.fullmatch(name)]:
        raise ProjectError(f"{path} holds types that are not trusted: {', '.join(strangers)}")
    return skops.io.load(path, trusted=types)
