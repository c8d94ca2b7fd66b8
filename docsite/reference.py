"""The pages of the reference, made from the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
from typer.main import get_command

from docsite.functions import functions_page
from tierkit.cli import app
from tierkit.reference import CHAPTERS, Chapter, as_markdown, chapter
from tierkit.reference.from_program import commands_chapter
from tierkit.reference.from_run import keys_of


def write_reference(folder: Path) -> None:
    """Write a page for each chapter."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in chapters():
        text = functions_page() if one.name == "functions" else as_markdown(one)
        page = f"{text}\n\nIn a terminal: `tierkit help {one.name}`.\n"
        (folder / f"{one.name}.md").write_text(page, encoding="utf-8")


def chapters() -> list[Chapter]:
    """Return every chapter of the reference."""
    application = get_command(app)
    return [commands_chapter(application), *(chapter(name) for name in CHAPTERS)]  # type: ignore[arg-type]


def missing_from_reference(report: Path) -> list[str]:
    """Return what a published report holds and the reference does not name.

    Files, columns of CSV files, sheets of the workbook with their columns, keys of `facts.json`.
    """
    known = {entry.name for name in ("files", "sheets", "facts") for entry in chapter(name).entries}
    facts = json.loads((report / "facts.json").read_text(encoding="utf-8"))
    own = {str(tier["tier"]) for tier in facts["tiers"]}
    held = [*_files(report), *_columns(report), *_sheet_columns(report, tiers=own), *keys_of(facts)]
    return sorted({*held} - known)


def _files(report: Path) -> Iterator[str]:
    for path in report.iterdir():
        yield f"{path.name}/" if path.is_dir() else path.name


def _columns(report: Path) -> Iterator[str]:
    for file in report.glob("*.csv"):
        for column in pd.read_csv(file, nrows=0, comment="#").columns:
            yield f"{file.name}.{column}"


def _sheet_columns(report: Path, *, tiers: set[str]) -> Iterator[str]:
    """Return the columns of the workbook; owners and tiers under the words that stand for them."""
    book = openpyxl.load_workbook(report / "accounts.xlsx", read_only=True)
    for sheet in book.worksheets:
        name = "Moves OWNER" if sheet.title.startswith("Moves ") else sheet.title
        for column in next(sheet.iter_rows(max_row=1, values_only=True), ()):
            yield f"{name}.{'TIER' if column in tiers else column}"
    book.close()
