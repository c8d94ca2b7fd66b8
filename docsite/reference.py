"""The pages of the reference, made from the code."""

from __future__ import annotations

from pathlib import Path

from typer.main import get_command

from docsite.functions import functions_page
from tierkit.cli import app
from tierkit.reference import CHAPTERS, Chapter, as_markdown, chapter
from tierkit.reference.from_program import commands_chapter


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
