"""The command that puts two runs side by side: `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import DEFAULT_FILE, Debug, SettingsFile, app
from tierkit.cli.imports import without_grammars_of_addresses


@app.command(epilog="Example: tierkit diff 2026Q2 2026Q3 --page changes.html")
def diff(
    before: Annotated[str, typer.Argument(metavar="RUN_A", help="A published quarter or folder.")],
    after: Annotated[str, typer.Argument(metavar="RUN_B", help="Another one.")],
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the same as an HTML page.")
    ] = None,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Show what changed between two runs: settings, data, tiers moved, verdicts."""
    reports = _reports(file)
    with without_grammars_of_addresses():
        from tierkit.reporting.comparing import (
            compare_runs,
            difference_page,
            difference_text,
            find_run,
            read_run,
        )

    runs = [read_run(find_run(name, reports=reports)) for name in (before, after)]
    found = compare_runs(*runs)
    typer.echo(difference_text(found))
    if page is not None:
        _write(page, difference_page(found))


def _reports(file: Path) -> Path:
    """Return the folder of reports; two folders can be compared where no project is."""
    from tierkit.settings import read_settings

    given = file / "tierkit.toml" if file.is_dir() else file
    return read_settings(file).reports if given.is_file() or file != DEFAULT_FILE else Path()


def _write(page: Path, html: str) -> None:
    from tierkit.errors import SettingsError

    try:
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{page}: cannot be written: {error.strerror}.") from error
    typer.echo(str(page))
