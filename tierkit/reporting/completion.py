"""Whether an executed notebook ran to its end, and in which cell it did not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tierkit import errors
from tierkit.errors import GateError, NotebookError, Problem, TierkitError

_HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
_WIDGET = "application/vnd.jupyter.widget-view+json"


def check_outcome(name: str, notebook: NotebookNode) -> None:
    """Raise unless every cell of an executed notebook ran to its end and wrote no warning.

    Raises
    ------
    TierkitError
        The error that a cell raised, of its own kind if tierkit raised it, else a `NotebookError`.
    NotebookError
        Also where cells were not run.
    GateError
        A cell wrote to standard error or showed a widget.
    """
    for index, cell in _cells_to_run(notebook):
        failures = [output for output in cell.outputs if output.output_type == "error"]
        if failures:
            raise _cell_error(place_of(name, notebook, index), failures[0])
        if cell.execution_count is None:
            raise NotebookError(
                f"{place_of(name, notebook, index)}: was not run; the notebook stopped before it. "
                "Look for an `exit` in the cells above."
            )
    problems = [
        problem
        for index, cell in _cells_to_run(notebook)
        for problem in _unwanted(place_of(name, notebook, index), cell)
    ]
    if problems:
        raise GateError(f"{name}: its output cannot go into a report", problems)


def _cells_to_run(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            yield index, cell


def place_of(name: str, notebook: NotebookNode, index: int) -> str:
    """Name a cell by its number among those that run, as JupyterLab shows it, and its section."""
    number = sum(1 for at, _ in _cells_to_run(notebook) if at <= index)
    above = (cell.source for cell in notebook.cells[:index] if cell.cell_type == "markdown")
    headings = [heading for text in above for heading in _HEADING.findall(text)]
    return f"{name}, cell {number}" + (f" ({headings[-1]})" if headings else "")


def _cell_error(place: str, output: NotebookNode) -> TierkitError:
    if output.ename == "SystemExit":
        return NotebookError(
            f"{place}: stopped the notebook by `exit`; the cells below were not run. Take it out."
        )
    kind = _tierkit_errors().get(output.ename)
    if kind is not None:
        return kind(f"{place}: {output.evalue}")
    said = output.evalue.strip().splitlines()
    last = f"{output.ename}: {said[-1]}" if said else output.ename
    return NotebookError(f"{place}: {last}. The executed copy holds the whole trace.")


def _tierkit_errors() -> dict[str, type[TierkitError]]:
    """Return the kinds of errors by name; a kernel tells of an error's kind only its name."""
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TierkitError)
    }


def _unwanted(place: str, cell: NotebookNode) -> Iterator[Problem]:
    said = "".join(output.text for output in cell.outputs if output.get("name") == "stderr").strip()
    if said:
        yield Problem(
            f"{place} wrote to standard error: {said.splitlines()[0][:200]}",
            "Mend what it warns of.",
        )
    if any(_WIDGET in output.get("data", {}) for output in cell.outputs):
        yield Problem(f"{place} shows a widget, which a page cannot hold", "Show its static twin.")
