"""The champion in Python: load it once, predict as often as you like.

A version whose code is not the one that is here is asked in a process that has its own code.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Any, cast

import pandas as pd
import pyarrow
from pyarrow import feather

from .. import team
from ..config import Config, Read, find_root, load_config
from ..errors import ProjectError
from ..modeling import manifest
from ..promotion.rescoring import unpack_code
from . import Found, find
from .scoring import Fault, Scored, Scorer, refuse


class Champion:
    """A version of the model that predicts rows, each judged by itself.

    Attributes:
        model: The name of the registered model.
        version: The number of the version.
        commit: The commit that it was made of; empty if none was recorded.
        sha256: The hash of the model's file.
    """

    def __init__(self, config: Config, root: Path, found: Found) -> None:
        """Load a version, with the code that it was made with.

        Args:
            config: Says how files are written, and which columns are ids.
            root: The project.
            found: The version.

        Raises:
            ProjectError: The version cannot be loaded here.
        """
        self.found = found
        self.model = found.model
        self.version = found.version
        self.commit = found.commit
        self.sha256 = found.sha256
        self._names = config.data.read.names
        how = config.data.read
        columns = {"ids": config.data.ids, "sensitive": config.data.sensitive}
        # A feature that was changed since would give the model other numbers than it learned from.
        self._scorer: Scorer | OwnScorer
        if team.is_code(manifest.read(found.folder).get("code")):
            self._scorer = Scorer(found.folder, how, **columns)
        else:
            self._scorer = OwnScorer(root, found.commit, found.folder, how, columns)

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Predict rows.

        Args:
            rows: Columns of the schema `Request`, by their own names or those of the file. Others,
                such as an outcome, are not looked at.

        Returns:
            `prediction`, and of a classifier a column `probability_<class>` for each class, under
            the index of `rows`; before them the ids that params.yaml names.

        Raises:
            ProjectError: A column is missing, a row breaks a rule, or it is no DataFrame.
        """
        if not isinstance(rows, pd.DataFrame):
            raise ProjectError(f"rows must be a DataFrame of pandas, not {type(rows).__name__}")
        named = rows.rename(columns=self._names)
        known = self._scorer.declared([str(name) for name in named])
        scored = self._scorer.score(named[known])
        refuse(scored.faults)
        # Nothing was refused, so every row has its prediction, in the same order.
        return scored.predictions.set_axis(rows.index)

    def missing(self, names: list[str]) -> list[str]:
        """Return the columns that a table with these names lacks."""
        return self._scorer.missing(names)

    def declared(self, names: list[str]) -> list[str]:
        """Return the columns among these names that are known when a prediction is made."""
        return self._scorer.declared(names)

    def score(self, rows: pd.DataFrame) -> Scored:
        """Predict the rows that hold every rule, and say what the others break.

        Args:
            rows: Columns that `declared` gives, as they are read from a file.
        """
        return self._scorer.score(rows)

    def close(self) -> None:
        """End the process of a version whose code is not today's."""
        if isinstance(self._scorer, OwnScorer):
            self._scorer.close()

    def __enter__(self) -> "Champion":
        """Return itself, to be closed at the end of a `with`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def load_champion(model: str | int = "champion", root: Path | None = None) -> Champion:
    """Load a version of the model.

    Args:
        model: `champion`, `previous`, `challenger` or the number of a version.
        root: The project; the one around the current folder if it is left out.

    Raises:
        ProjectError: There is no such version, or it cannot be loaded here.
    """
    folder = (root or find_root(Path.cwd())).resolve()
    config = load_config(folder)
    return Champion(config, folder, find(config, folder, str(model)))


INPUTS = Path("mlops", "modeling", "inputs.py")
"""The one file of the machinery that a model's hash of the code counts."""


def lay_out(root: Path, commit: str, folder: Path, target: Path) -> Path:
    """Write a package with the team's code of a version and the machinery of today.

    Args:
        root: The project, whose repository may have the commit.
        commit: The commit of the version.
        folder: The files of the version, its code among them unless it is older than that.
        target: An empty folder.

    Returns:
        The folder to import the package from.

    Raises:
        ProjectError: The version has no code, and its commit is not here.
    """
    source = unpack_code(root, commit, folder, target)
    package = source / team.PACKAGE.name
    # Older machinery may not know how to do this; the features are computed as it did.
    inputs = (package / INPUTS).read_bytes()
    shutil.rmtree(package / "mlops")
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(team.MACHINERY, package / "mlops", ignore=without_caches)
    (package / INPUTS).write_bytes(inputs)
    return source


class OwnScorer:
    """What `Scorer` is, in a process with the version's own code."""

    def __init__(
        self, root: Path, commit: str, folder: Path, how: Read, columns: dict[str, list[str]]
    ) -> None:
        """Start the process, which loads the model.

        Args:
            root: The project.
            commit: The commit of the version.
            folder: The files of the version.
            how: How numbers and dates are written in text.
            columns: Those to carry through as `ids`, and the `sensitive` ones.

        Raises:
            ProjectError: The code is not here, or the model cannot be loaded with it.
        """
        self._scratch = TemporaryDirectory()
        self._folder = Path(self._scratch.name)
        source = lay_out(root, commit, folder, self._folder / "code")
        # It ends when this process does: nothing comes through the pipe any more.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder.resolve())],
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(source)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the process that asks: this one ends with it.
            start_new_session=True,
        )
        self._questions = cast(IO[str], self._process.stdin)
        self._answers = cast(IO[str], self._process.stdout)
        try:
            self._ask({"how": how.model_dump(mode="json")} | columns)
        except ProjectError:
            self.close()
            raise

    def missing(self, names: list[str]) -> list[str]:
        """Return the columns that a table with these names lacks."""
        return list(self._ask({"missing": names}))

    def declared(self, names: list[str]) -> list[str]:
        """Return the columns among these names that are known when a prediction is made."""
        return list(self._ask({"declared": names}))

    def score(self, rows: pd.DataFrame) -> Scored:
        """Predict the rows that hold every rule, and say what the others break."""
        path = self._folder / "rows.arrow"
        try:
            table = pyarrow.Table.from_pandas(rows.reset_index(drop=True))
        except pyarrow.ArrowException as error:
            raise ProjectError(f"a column holds values of several kinds: {error}") from None
        feather.write_feather(table, path, compression="uncompressed")
        faults = self._ask({"score": str(path)})
        predictions = feather.read_table(path, memory_map=False).to_pandas()
        return Scored(predictions, [Fault(*fault) for fault in faults])

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._questions.close()
        self._process.wait()
        self._answers.close()
        self._scratch.cleanup()

    def _ask(self, question: dict[str, Any]) -> Any:
        """Write a line to the process, and read the line that it answers with."""
        # Where the process has ended, its last line, if any, says why.
        with suppress(BrokenPipeError):
            self._questions.write(json.dumps(question) + "\n")
            self._questions.flush()
        line = self._answers.readline()
        answer = json.loads(line) if line else {"error": "its process was ended"}
        if "error" in answer:
            raise ProjectError(f"the version's own code: {answer['error']}")
        return answer["answer"]


def main() -> None:
    """Answer the questions that come through standard input, a line each."""
    folder = Path(sys.argv[1])
    # What the team's code prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    scorer: Scorer | None = None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if scorer is None:
                how = Read.model_validate(question["how"])
                scorer = Scorer(folder, how, question["ids"], question["sensitive"])
                answer: Any = None
            else:
                answer = _answer(scorer, question)
            reply = {"answer": answer}
        except Exception as error:
            is_known = isinstance(error, ProjectError)
            reply = {"error": str(error) if is_known else f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def _answer(scorer: Scorer, question: dict[str, Any]) -> Any:
    if "missing" in question:
        return scorer.missing(question["missing"])
    if "declared" in question:
        return scorer.declared(question["declared"])
    path = Path(question["score"])
    # Not mapped into memory, since the answer is written over it.
    rows = feather.read_table(path, memory_map=False).to_pandas()
    scored = scorer.score(rows)
    feather.write_feather(scored.predictions, path, compression="uncompressed")
    return scored.faults


if __name__ == "__main__":
    main()
