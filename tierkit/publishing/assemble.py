"""Put a report together from what the notebooks left in the folder of a run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tierkit
from tierkit.errors import GateError, Problem
from tierkit.files import read_json, write_whole
from tierkit.publishing import manifest
from tierkit.publishing.execute import Execution
from tierkit.publishing.gates import SUMMARY_FILE, Requirements
from tierkit.publishing.leaks import Json, secret_values
from tierkit.publishing.plan import RunContext
from tierkit.rendering import PageContext, print_page, render_analyst, render_leadership

IDENTITIES = "identities.csv"
OUTPUTS = ("facts.json", "tiers.csv", "accounts.xlsx", "model.json")
OPTIONAL_OUTPUTS = ("won_deals.csv", "crm_import_proposed.csv", "scenarios.csv")
"""Files that a report keeps where the notebooks wrote them."""


def collect(run: RunContext) -> None:
    """Bring together what the notebooks wrote.

    They write the files of `OUTPUTS` into the run's folder, next to `identities.csv` with
    account_id and name of every account: the gates look for these on the leadership page.

    Raises
    ------
    GateError
        Naming every file that was not written.
    """
    missing = [name for name in (*OUTPUTS, IDENTITIES) if not (run.folder / name).is_file()]
    if missing:
        problems = [Problem(f"{name} was not written", "A notebook must.") for name in missing]
        raise GateError("The notebooks left out a part of the report", problems)
    shutil.copytree(run.folder / "notebooks", run.report / "notebooks")
    optional = [name for name in OPTIONAL_OUTPUTS if (run.folder / name).is_file()]
    for name in (*OUTPUTS, *optional):
        write_whole(run.report / name, (run.folder / name).read_bytes(), lasting=False)


def write_pages(run: RunContext, executions: Sequence[Execution]) -> None:
    """Write both pages and the summary for mail; the last notebook holds leadership's cells."""
    context = _context(run)
    notebooks = [execution.notebook for execution in executions]
    rows = manifest.settings_rows(run.settings, run.replacements)
    pages = {
        "leadership.html": render_leadership(notebooks[-1], context),
        "analyst.html": render_analyst(notebooks, context, settings=rows),
    }
    for name, page in pages.items():
        write_whole(run.report / name, page, lasting=False)
    summary = run.plan.pages.summary(_facts(run))
    write_whole(run.report / SUMMARY_FILE, summary, lasting=False)


def write_formats(run: RunContext) -> list[str]:
    """Write the PDF and the slides that the settings ask for; return why one could not be."""
    asked, said = run.settings.run.formats, []
    if "pdf" in asked:
        said.append(print_page(run.report / "leadership.html", run.report / "leadership.pdf"))
    if "slides" in asked:
        said.append(run.plan.pages.slides(_facts(run), run.report / "leadership.pptx"))
    return [sentence for sentence in said if sentence]


def _context(run: RunContext) -> PageContext:
    return PageContext(
        title=run.title,
        label=run.label,
        quarter_dates=run.handover.quarter.dates,
        currency=run.settings.calendar.currency,
        fingerprint=_fingerprint(run),
        versions=manifest.package_versions(),
        links=_links(run),
    )


_WHOLE = {
    "leadership.html": "page for leadership",
    "analyst.html": "the whole analysis",
    "accounts.xlsx": "workbook of all accounts",
}
_DOSSIERS, _INDEX = {"dossiers/index.html": "dossiers"}, {"../index.html": "all quarters"}


def _links(run: RunContext) -> dict[str, str]:
    """Return what lies beside the pages: dossiers where they are made, an index of what counts."""
    dossiers = _DOSSIERS if run.plan.extras is not None else {}
    return {**_WHOLE, **dossiers, **({} if run.handover.draft else _INDEX)}


def _fingerprint(run: RunContext) -> str:
    return str(_facts(run).get("fingerprint") or "")


def _facts(run: RunContext) -> dict[str, Json]:
    """Return the facts; empty where they are none: the gates say what is wrong with them."""
    try:
        facts = read_json(run.report / "facts.json")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def write_report_manifest(run: RunContext) -> None:
    """Write `run.json`: the one file of a report that holds times and the run id."""
    model = run.handover.model_file
    content: dict[str, Json] = {
        "run_id": run.run_id,
        "quarter": run.label,
        "started": run.started,
        "finished": manifest.now(),
        "fingerprint": _fingerprint(run),
        "set": list(run.handover.set_overrides),
        "model_file": manifest.file_hash(model) if model else None,
        "inputs": [] if run.settings.data.profile else manifest.input_files(run.settings.source),
        "rows": manifest.row_counts(run.folder),
    }
    manifest.write_manifest(
        run.report / "run.json",
        run=content,
        settings=run.settings,
        stages=run.stages,
        replacements=run.replacements,
    )


def requirements(run: RunContext) -> Requirements:
    """Return what the report must hold and must not tell."""
    identities = run.folder / IDENTITIES
    named = _named_accounts(run)
    return Requirements(
        figures=run.plan.figures,
        tables=run.plan.tables,
        account_ids=frozenset(manifest.read_column(identities, "account_id")) - named,
        account_names=frozenset(manifest.read_column(identities, "name")) - named,
        spoken=f"{_own_words()}\n{run.title}\n{run.settings.model_dump_json()}",
        paths=tuple(path for path, _ in run.replacements),
        secrets=secret_values(),
        label=run.label,
    )


def _named_accounts(run: RunContext) -> frozenset[str]:
    """Return what the page may name, since the settings ask for it."""
    if not run.settings.run.name_accounts:
        return frozenset()
    named: Any = _facts(run).get("named") or ()
    return frozenset(name for one in named for side in ("in", "out") for name in one[side])


def _own_words() -> str:
    """Return all text of this package: what its pages say by themselves, whatever the accounts."""
    package = Path(tierkit.__file__).parent
    files = sorted(
        path
        for ending in ("*.py", "*.j2")
        for path in package.rglob(ending)
        if "simulate" not in path.parts
    )
    return "\n".join(path.read_text(encoding="utf-8") for path in files)
