"""New rows are appended in every form that a raw file has, and nothing that repeats or loses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config, Read
from churn_radar.mlops.data import append as module
from churn_radar.mlops.data.append import append
from churn_radar.mlops.data.cells import convert_types
from churn_radar.mlops.data.readers import read
from churn_radar.mlops.data.writers import write_rows
from churn_radar.mlops.errors import ProjectError
from support import ROOT

GERMAN = Read(
    encoding="cp1252",
    delimiter=";",
    decimal=",",
    dates={"event_month": ["%d.%m.%Y"], "last_complaint": ["%d.%m.%Y"]},
    names={"Größe": "tenure_months"},
)
FORMS = {
    "customers_raw.csv": Read(),
    "customers_raw.csv.gz": GERMAN,
    "customers_raw.jsonl": Read(),
    "customers_raw.parquet": Read(),
    "customers_raw": Read(),  # a folder
}
NOW = pd.Timestamp("2026-01-01")
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


@pytest.fixture
def before(raw: pd.DataFrame) -> pd.DataFrame:
    return raw.head(300)


@pytest.fixture
def month(raw: pd.DataFrame) -> pd.DataFrame:
    """Rows of a later month, whose outcome nobody knows yet."""
    rows = raw.tail(250).reset_index(drop=True)
    rows["customer_id"] += 10_000
    for outcome in ("label_month", "churned", "spend_next_month"):
        rows[outcome] = rows[outcome].where(rows["customer_id"] < 0)
    return rows.assign(event_month=NOW, monthly_charge=rows["monthly_charge"] * 1.8)


@pytest.fixture
def dvc(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What DVC was asked to do. What it does is seen in tests/e2e: each call takes a second."""
    calls: list[tuple[str, ...]] = []

    def answer(*arguments: str, cwd: Path) -> str:
        calls.append(arguments)
        return "{}" if arguments[0] == "status" else "Running stage 'ingest':\n"

    monkeypatch.setattr(module, "dvc", answer)
    return calls


def settled(config: Config, name: str, how: Read) -> Config:
    data = config.data.model_copy(update={"raw": Path("data/raw", name), "read": how})
    return config.model_copy(update={"data": data})


def start(root: Path, name: str, rows: pd.DataFrame, how: Read) -> Path:
    """Write a table as a team's own file, which calls a column what it likes."""
    path = root / "data" / "raw" / name
    path.parent.mkdir(parents=True)
    if "." not in name:
        path.mkdir()
        write_rows(rows, path / "2025.csv", how)
        return path
    write_rows(rows, path, how)
    if how is GERMAN:
        table = read(path, how).rename(columns={"tenure_months": "Größe"})
        table.to_csv(
            path, sep=";", index=False, encoding="cp1252", lineterminator="\r\n", compression="gzip"
        )
    return path


def contents(path: Path, how: Read) -> pd.DataFrame:
    typed = convert_types(read(path, how), team.raw_table().to_schema(), how)
    table: pd.DataFrame = team.raw_table().validate(typed)
    return table.sort_values("customer_id", ignore_index=True)


@pytest.mark.parametrize("source", ["june.csv", "june.parquet"])
@pytest.mark.parametrize(("name", "how"), FORMS.items(), ids=FORMS.keys())
def test_a_month_is_appended_in_the_form_of_the_raw_data_and_once(
    name: str,
    how: Read,
    source: str,
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    path = start(tmp_path, name, before, how)
    # Other columns first, and a space in the name.
    june = tmp_path / f"in {source}"
    write_rows(month[[*reversed(month.columns)]], june, how)
    said = append(settled(config, name, how), tmp_path, str(june))
    assert "300 rows before, 550 now" in said
    assert "event_month from 2026-01-01 to 2026-01-01, after the last one so far" in said
    assert "monthly_charge drifted in the new rows with effect" in said
    assert "gaps" in said
    assert "`make pipeline` will run: ingest." in said
    # The folder of this test is no repository.
    assert f"cannot be undone: no commit has data/raw/{name}.dvc as it was" in said
    assert ("add", "--quiet", f"data/raw/{name}") in dvc
    both = pd.concat([before, month]).sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(contents(path, how), both[contents(path, how).columns])
    assert sorted(file.name for file in path.parent.iterdir()) == [name]

    dvc.clear()
    again = append(settled(config, name, how), tmp_path, str(june))
    assert "all 250 rows are there already" in again
    assert "Nothing was changed." in again
    assert not [call for call in dvc if call[0] == "add"]


def test_a_folder_that_grows_is_appended_again_and_again(
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    start(tmp_path, "customers_raw.csv", before, Read())
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    settings = settled(config, "customers_raw.csv", Read())
    write_rows(month.head(100), bucket / "2026-01.csv", Read())
    assert "300 rows before, 400 now" in append(settings, tmp_path, str(bucket))
    write_rows(month.tail(150), bucket / "2026-02.csv", Read())
    said = append(settings, tmp_path, str(bucket))
    assert "2026-01.csv: all 100 rows are there already" in said
    assert "400 rows before, 550 now" in said
    several = f"{bucket}/2026-01.csv {bucket}/2026-02.csv"
    assert "Nothing was changed." in append(settings, tmp_path, several)


def test_the_printed_undo_brings_back_the_last_commit_as_it_is_typed(
    config: Config, before: pd.DataFrame, month: pd.DataFrame, tmp_path: Path
) -> None:
    path = start(tmp_path, "customers_raw.csv", before, Read())
    content = path.read_bytes()
    run = partial(subprocess.run, cwd=tmp_path, check=True, capture_output=True)
    run(["git", "init", "--quiet"])
    run(["dvc", "init", "--quiet"])
    run(["dvc", "add", "--quiet", str(path)])
    run(["git", "add", "--all"])
    run(["git", *AUTHOR, "commit", "--quiet", "-m", "Start"])
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    settings = settled(config, "customers_raw.csv", Read())
    june = tmp_path / "june.csv"
    write_rows(month, june, Read())
    said = append(settings, tmp_path, str(june))
    # As a person does who commits later.
    run(["git", "add", "--all"])
    assert path.read_bytes() != content
    command = said.splitlines()[-1].removeprefix("Undo: ")
    assert "uv run dvc" in command
    # Here dvc is on PATH, and no project that uv could run it in.
    run(["sh", "-c", command.replace("uv run ", "")])
    assert path.read_bytes() == content


def test_files_of_a_folder_follow_each_other_in_time(
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    path = start(tmp_path, "customers_raw.csv", before, Read())
    exports = tmp_path / "exports"
    exports.mkdir()
    months = {"may-2026.csv": "2026-05-01", "june-2026.csv": "2026-06-01", "july.csv": "2026-07-01"}
    for n, (name, first) in enumerate(months.items()):
        rows = month.iloc[n * 50 : (n + 1) * 50].assign(event_month=pd.Timestamp(first))
        write_rows(rows, exports / name, Read())
    said = append(settled(config, "customers_raw.csv", Read()), tmp_path, str(exports))
    assert "not all after" not in said
    times = list(read(path, Read())["event_month"].tail(150))
    assert times == sorted(times)


def test_without_times_numbers_in_names_count_by_their_value(
    config: Config, tmp_path: Path
) -> None:
    for name in ("part-10.csv", "part-2.csv", "part-1.csv"):
        (tmp_path / name).write_text("a\n1\n")
    data = config.data.model_copy(update={"time": None})
    found = module._sources(str(tmp_path), config.model_copy(update={"data": data}))
    assert [file.name for file in found] == ["part-1.csv", "part-2.csv", "part-10.csv"]


def test_a_date_with_dots_stays_in_the_name_of_a_file(
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    path = start(tmp_path, "customers_raw", before, Read())
    files = []
    for n, name in enumerate(("sales.2026.05.csv", "sales.2026.06.csv.gz")):
        files.append(str(tmp_path / name))
        write_rows(month.iloc[n * 50 : (n + 1) * 50], tmp_path / name, Read())
    append(settled(config, "customers_raw", Read()), tmp_path, " ".join(files))
    names = ["2025.csv", "sales.2026.05.csv", "sales.2026.06.csv"]
    assert sorted(file.name for file in path.iterdir()) == names


@pytest.mark.parametrize("failing", ["", "make data", "make pipeline"])
def test_the_documented_script_stops_at_the_first_failure(failing: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "new-data.md").read_text("utf-8")
    script = page.partition("```bash\n")[2].partition("```")[0]
    tools = tmp_path / ".local" / "bin"
    tools.mkdir(parents=True)
    for name in ("git", "make", "uv"):
        # `git diff --quiet` fails where there is something to commit.
        fake = f"""#!/bin/sh
echo "{name} $*" >> "$HOME/calls"
case "{name} $*" in "git diff"*|"{failing or "none"}"*) exit 1;; esac
"""
        (tools / name).write_text(fake)
        (tools / name).chmod(0o755)
    script = script.replace("/srv/churn", str(tmp_path))
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=env, check=False)
    calls = (tmp_path / "calls").read_text("utf-8")
    assert (done.returncode == 0) == (not failing)
    assert ("git commit" in calls) == (not failing)
    assert ("git push" in calls) == (not failing)


Change = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
REFUSED: dict[str, tuple[Change, str]] = {
    "some rows again": (
        lambda before, month: pd.concat([before.tail(5), month]),
        "5 of 255 rows have the customer_id and event_month of another .* row 2 of june.csv; 5 are",
    ),
    "other values for a row": (
        lambda before, month: pd.concat([month, before.tail(1).assign(support_calls=77)]),
        "1 of 251 rows .* of the table or of the file itself, the first is row 252 of june.csv; 0",
    ),
    "a row twice in the file": (
        lambda before, month: pd.concat([month, month.tail(1)]),
        "2 of 251 rows .* the first is row 251 of june.csv; 0 are in the table",
    ),
    "no such column": (
        lambda before, month: month.rename(columns={"region": "area"}),
        "other columns than the table: missing region, unknown area\nN",
    ),
    "a misspelled column": (
        lambda before, month: month.rename(columns={"region": "regions"}),
        r"missing region, unknown regions \(did you mean region\?\)",
    ),
    "a value that breaks the schema": (
        lambda before, month: month.assign(region=["moon", *month["region"][1:]]),
        r"region: .* in 1 row\(s\): row 2 of june.csv has moon",
    ),
    "no rows": (lambda before, month: month.head(0), "has a header and no rows"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_repeats_or_does_not_fit_changes_nothing(
    change: Change,
    message: str,
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    path = start(tmp_path, "customers_raw.csv", before, Read())
    content = path.read_bytes()
    june = tmp_path / "june.csv"
    write_rows(change(before, month), june, Read())
    with pytest.raises(ProjectError, match=message) as refused:
        append(settled(config, "customers_raw.csv", Read()), tmp_path, str(june))
    assert str(refused.value).startswith(f"{june}: ")
    assert "Nothing was changed." in str(refused.value)
    assert path.read_bytes() == content
    assert [call[0] for call in dvc] == ["status"]


def test_a_failure_of_dvc_puts_the_table_back(
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = start(tmp_path, "customers_raw.csv", before, Read())
    content = path.read_bytes()
    june = tmp_path / "june.csv"
    write_rows(month, june, Read())

    def fail(*arguments: str, cwd: Path) -> str:
        if arguments[0] == "add":
            raise ProjectError("dvc add failed: disk full")
        return "{}"

    monkeypatch.setattr(module, "dvc", fail)
    with pytest.raises(ProjectError, match="disk full"):
        append(settled(config, "customers_raw.csv", Read()), tmp_path, str(june))
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["customers_raw.csv"]


def test_rows_that_would_be_read_back_otherwise_are_refused(
    config: Config,
    before: pd.DataFrame,
    month: pd.DataFrame,
    dvc: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    how = Read(missing=["male"])
    path = start(tmp_path, "customers_raw.csv", before[before["gender"] != "male"], how)
    content = path.read_bytes()
    june = tmp_path / "june.parquet"
    month.to_parquet(june)
    with pytest.raises(ProjectError, match="cannot be written in the form of the raw data"):
        append(settled(config, "customers_raw.csv", how), tmp_path, str(june))
    assert path.read_bytes() == content


def test_data_that_cannot_grow_says_what_to_do(
    config: Config, before: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = start(tmp_path, "customers_raw.csv", before, Read())
    settings = settled(config, "customers_raw.csv", Read())
    with pytest.raises(ProjectError, match=r"ADD=june\.csv is not there"):
        append(settings, tmp_path, "june.csv")
    with pytest.raises(ProjectError, match=r"ADD=june's\.csv has a quote that is not closed"):
        append(settings, tmp_path, "june's.csv")
    monkeypatch.setattr(module, "dvc", lambda *_, cwd: '{"customers_raw.csv.dvc": []}')
    with pytest.raises(ProjectError, match=r"is not the version that data/raw/customers_raw\.csv"):
        append(settings, tmp_path, str(path))
    (tmp_path / "dvc.yaml").write_text("stages: {join: {outs: [data/raw/customers_raw.csv]}}\n")
    with pytest.raises(ProjectError, match="is made by the stage join"):
        append(settings, tmp_path, str(path))
    (tmp_path / "dvc.yaml").unlink()
    book = settled(config, "customers_raw.xlsx", Read())
    with pytest.raises(ProjectError, match="is a workbook"):
        append(book, tmp_path, str(path))
