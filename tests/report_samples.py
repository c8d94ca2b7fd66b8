"""A tiny report and the notebooks that make it: everything a published run needs, made by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tierkit.calendar import FiscalCalendar

LABEL = "2026Q3"
PARAMETERS = 'project = ""\nrun_folder = ""\nquarter = ""'


def facts() -> dict:
    """Return facts that keep to the contract, of a company of three accounts."""
    unknown = {"estimate": None, "estimate_why": "too few quarters", "low": 0.1, "high": 0.2}
    return {
        "schema": 1,
        "quarter": {
            "label": LABEL,
            "start": "2026-07-01",
            "end": "2026-09-30",
            "as_of": "2026-10-01",
        },
        "currency": "USD",
        "fingerprint": "f00dcafe",
        "data": {"accounts": 3, "excluded": [], "missing_tables": []},
        "model": {
            "horizon_quarters": 4,
            "trained_on_as_of": [],
            "verdict": "no signal",
            "backtest": {"as_of": [], "models": {}},
            "gain_over_past_revenue": unknown,
        },
        "tiers": [{"tier": "Tier 1", "accounts": 3, "predicted_revenue": 6_123_456}],
        "moves": {"up": 1, "down": 2, "matrix": {}, "reasons": {}},
        "roi": {"outcomes": [], "boundaries": [{"direction": None}], "certificate": {}},
        "ledger": [],
        "decision": {"action": "first run", "because": "there is no earlier one"},
    }


TIER_HEADER = (
    "account_id,tier,model_tier,previous_tier,rank,score,predicted_revenue,predicted_low,"
    "predicted_high,overridden,reasons,move_reason"
)


def write_published(
    reports: Path,
    label: str,
    tiers: str,
    *,
    calendar: FiscalCalendar | None = None,
    told: dict | None = None,
) -> Path:
    """Write facts and tiers of a published quarter and return its folder.

    Parameters
    ----------
    tiers
        CSV with some of the contract's columns; the others are added, empty.
    told
        Facts to put over those of `facts`.
    """
    folder = reports / label
    folder.mkdir(parents=True, exist_ok=True)
    quarter = (calendar or FiscalCalendar()).parse(label)
    days = {"label": label, "start": f"{quarter.start}", "end": f"{quarter.end}",
            "as_of": f"{quarter.as_of}"}  # fmt: skip
    (folder / "facts.json").write_text(json.dumps({**facts(), "quarter": days, **(told or {})}))
    write_tiers(folder / "tiers.csv", tiers)
    return folder


def write_tiers(file: Path, tiers: str) -> None:
    """Write a `tiers.csv` from CSV with some of the contract's columns; add the others, empty."""
    rows = pd.read_csv(io.StringIO(tiers), dtype=str, keep_default_na=False)
    missing = [column for column in TIER_HEADER.split(",") if column not in rows]
    rows.assign(**dict.fromkeys(missing, "")).to_csv(file, index=False)


def page(body: str = "", *, title: str = "Tiers") -> str:
    """Return a page that passes every gate."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        f"<title>{title}</title><style>p {{ margin: 0 }}</style></head>"
        f"<body><h1>Tiers</h1>{body}</body></html>"
    )


def write_report(folder: Path, *, run_id: str = "run-1", leadership: str = "") -> Path:
    """Write a finished report and return its folder."""
    (folder / "notebooks").mkdir(parents=True)
    texts = {
        "leadership.html": page(leadership),
        "analyst.html": page(),
        "tiers.csv": "account_id,tier\nA-001,Tier 1\n",
        "accounts.xlsx": "sheet",
        "model.json": "{}",
        "facts.json": json.dumps(facts()),
        "summary.txt": "Three accounts have a tier.\n",
        "run.json": json.dumps({"run_id": run_id}),
        "notebooks/fit.ipynb": "{}",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def notebook(
    *cells: str, parameters: str = PARAMETERS, **metadata: object
) -> nbformat.NotebookNode:
    """Return a notebook: a title, the parameters cell, and code cells with ids of their own."""
    made = new_notebook(metadata=metadata)
    made.cells = [
        new_markdown_cell("# Tiny", id="title"),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters"),
        *(new_code_cell(cell, id=f"cell-{at}") for at, cell in enumerate(cells)),
    ]
    return made


def write_notebook(path: Path, made: nbformat.NotebookNode) -> Path:
    """Write a notebook, with the folders above it, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


def report_notebook(
    *, html: str = "<p data-figure='tiers'>Three accounts</p>", extra: str = "pass"
) -> nbformat.NotebookNode:
    """Return a notebook that writes all files of a report and shows one leadership cell."""
    made = notebook(
        "from pathlib import Path\nfrom IPython.display import HTML\nfolder = Path(run_folder)",
        extra,
        f"_ = (folder / 'facts.json').write_text({json.dumps(json.dumps(facts()))})\n"
        "_ = (folder / 'tiers.csv').write_text('account_id,tier\\nA-001,Tier 1\\n')\n"
        "_ = (folder / 'identities.csv').write_text("
        "'account_id,name\\nA-001,Blue Heron Freight\\n')\n"
        "_ = (folder / 'accounts.xlsx').write_text('sheet')\n"
        "_ = (folder / 'model.json').write_text('{}')",
        f"HTML({'<h1>Acme</h1>' + html!r})",
    )
    made.cells[-1].metadata["tags"] = ["leadership"]
    return made
