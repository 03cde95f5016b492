"""reports/report.html: what a person who did not build the model has to know, on one page."""

from collections.abc import Iterator
from html import escape
from string import Template
from typing import Any

import pandas as pd

from ..config import Config
from .groups import MEANINGS

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #5b626d; --line: #d9dde3; --page: #fff;
  --tile: #f4f6f9; --warn: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #a2a9b4; --line: #3a4049;
  --page: #16181d; --tile: #20242b; --warn: #f0b060; } }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.25rem 4rem; color: var(--ink);
  background: var(--page); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
.lead { font-size: 1.12rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0; }
.tiles div { background: var(--tile); border-radius: .5rem; padding: .8rem 1rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
dd small { display: block; font-size: .85rem; font-weight: 400; color: var(--soft); }
figure { margin: 1rem 0; }
figcaption, .soft { color: var(--soft); font-size: .9rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-family: system-ui, sans-serif !important; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
.warn { color: var(--warn); }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr, .tiles { break-inside: avoid; } h2 { break-after: avoid; } }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")
CAPTIONS = {
    "calibration": "Each point is a tenth of the rows; on the dashed line predictions come true.",
    "confusion": "Of the rows of each true class, the share that was predicted to be each class.",
    "residuals": "Each point is a twentieth of the rows; at zero they are right on average.",
    "forest": "Skill on each slice, with its 95% interval and number of rows.",
    "folds": "Each point is the score in one part of the training rows, learned from the others.",
}
LIMIT = 60
"""So many slices stand in the table, the weakest of more: reports/slices.csv has all."""


def page(
    config: Config,
    facts: dict[str, Any],
    slices: pd.DataFrame,
    groups: pd.DataFrame,
    plots: dict[str, str],
) -> str:
    """The page; `facts` is what reports/slices.json holds, `plots` are SVG by name."""
    candidates = ", ".join(facts["candidates"])
    body = [
        *_headline(config, facts, slices, groups),
        "<h2>How good it is</h2>",
        *(figure(plots[name], CAPTIONS[name]) for name in plots if name not in ("forest", "folds")),
        "<h2>Where it is good, and where it is weaker</h2>",
        *_slices(config, slices, plots["forest"]),
        "<h2>How it treats groups of people</h2>",
        *_groups(config, facts, groups),
        "<h2>How it was chosen</h2>",
        paragraph(
            f"Of {candidates} the simplest was taken whose mean score in the cross-validation is "
            f"within one standard error of the best: {facts['chosen']}."
        ),
        figure(plots["folds"], CAPTIONS["folds"]),
    ]
    return PAGE.substitute(title=escape(f"Model report: {config.model.name}"), body="\n".join(body))


def _headline(
    config: Config, facts: dict[str, Any], slices: pd.DataFrame, groups: pd.DataFrame
) -> Iterator[str]:
    metric, ends = facts["metric"], f"{facts['low']:.3f} to {facts['high']:.3f}"
    skill = f"{facts['skill']:.0%}"
    sure = f"{facts['skill_low']:.0%} to {facts['skill_high']:.0%}"
    yield paragraph(
        f"The model predicts {config.data.target}. On {facts['rows']:,} rows that it had not seen "
        f"it comes {skill} of the way from a trivial model, which gives every row the same answer, "
        f"to a perfect one; with 95% confidence {sure}.",
        "lead",
    )
    yield '<dl class="tiles">'
    yield tile(metric, f"{facts['score']:.3f}", f"{ends}; trivial: {facts['baseline']:.3f}")
    yield tile("skill", skill, f"{sure}; 0% is trivial, 100% perfect")
    if len(clear := slices[slices["status"] == "ok"]):
        weakest = clear.nsmallest(1, "skill").iloc[0]
        value = f"{weakest['skill']:.0%}, {weakest['rows']:,} rows"
        yield tile("weakest slice", f"{weakest['column']}={weakest['value']}", f"skill {value}")
    if len(clear := groups[groups["status"] == "ok"]):
        widest = clear.nlargest(1, "gap").iloc[0]
        told = f"{widest['measure']} by {widest['column']}; surely at least {widest['low']:.2f}"
        yield tile("widest gap between groups", f"{widest['gap']:.2f}", told)
    yield "</dl>"


def _slices(config: Config, slices: pd.DataFrame, forest: str) -> Iterator[str]:
    if slices.empty:
        yield paragraph("No slices are declared: data.slices in params.yaml names their columns.")
        return
    clear = slices[slices["status"] == "ok"].nsmallest(LIMIT, "skill")
    if unclear := len(slices) - (slices["status"] == "ok").sum():
        yield paragraph(
            f"Inconclusive: {unclear} of {len(slices)} slices. They have fewer than "
            f"{config.gates.slices.min_rows} rows, or the metric is undefined on them; nothing is "
            "known of the model there.",
            "warn",
        )
    yield figure(forest, CAPTIONS["forest"])
    table = pd.DataFrame(
        {
            "slice": [f"{c}={v}" for c, v in zip(clear["column"], clear["value"], strict=True)],
            "rows": [f"{rows:,}" for rows in clear["rows"]],
            "score": intervals(clear, "score", "low", "high", ".3f"),
            "skill": intervals(clear, "skill", "skill_low", "skill_high", ".0%"),
        }
    )
    if "error" in clear:
        table["errors"] = intervals(clear, "error", "error_low", "error_high", ".0%")
    yield grid(table)
    few = slices[slices["status"] != "ok"].head(LIMIT)
    names = (f"{s.column}={s.value} ({s.rows:,} rows)" for s in few.itertuples())
    yield paragraph(f"Inconclusive: {', '.join(names) or 'none'}.", "soft")


def _groups(config: Config, facts: dict[str, Any], groups: pd.DataFrame) -> Iterator[str]:
    if groups.empty:
        yield paragraph("No sensitive columns are declared: data.sensitive in params.yaml does.")
        return
    yield paragraph(
        "The widest gap between two groups, and what it surely is: the lower end of its 95% "
        f"interval. A gap that is surely over {config.gates.groups.max_gap} stops a promotion."
    )
    for measure in groups["measure"].unique():
        yield paragraph(f"{measure}: {MEANINGS[measure].format(**facts)}.", "soft")
    rows = []
    for gap in groups.to_dict("records"):
        line = {"column": gap["column"], "measure": gap["measure"]}
        if gap["status"] == "ok":
            line["highest"] = f"{gap['highest']}: {gap['highest_value']:.2f}"
            line["lowest"] = f"{gap['lowest']}: {gap['lowest_value']:.2f}"
            line |= {"gap": f"{gap['gap']:.2f}", "surely": f"{gap['low']:.2f}"}
        else:
            line["gap"] = "inconclusive: too few rows"
        rows.append(line)
    yield grid(pd.DataFrame(rows).fillna(""))


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text that may hold anything."""
    return f'<p class="{kind}">{escape(text)}</p>'


def tile(name: str, value: str, more: str) -> str:
    """A key figure."""
    figure = f"{escape(value)}<small>{escape(more)}</small>"
    return f"<div><dt>{escape(name)}</dt><dd>{figure}</dd></div>"


def figure(svg: str, caption: str) -> str:
    """A plot with what it shows."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def intervals(table: pd.DataFrame, value: str, low: str, high: str, kind: str) -> list[str]:
    """Each value with the ends of its interval."""
    ends = zip(table[value], table[low], table[high], strict=True)
    return [f"{v:{kind}} [{a:{kind}}, {b:{kind}}]" for v, a, b in ends]


def grid(table: pd.DataFrame) -> str:
    """A table that scrolls where the page is too narrow."""
    return f'<div class="scroll">{table.to_html(index=False, border=0, escape=True)}</div>'
