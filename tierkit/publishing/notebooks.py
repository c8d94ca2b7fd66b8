"""Notebooks: parameters checked before a kernel starts, cells checked after it has ended."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tierkit
from tierkit import errors
from tierkit.errors import GateError, NotebookError, Problem, SettingsError, TierkitError
from tierkit.files import read_json
from tierkit.publishing.leaks import Replacements, scrubbed

if TYPE_CHECKING:
    from nbformat import NotebookNode

Scalar = str | int | float | bool

RUN_NOTEBOOKS = ("fit_tier_model", "validate_tier_roi", "recalibrate")
PARAMETERS_TAG = "parameters"


@dataclass(frozen=True)
class Parameter:
    """One value that a notebook takes.

    Attributes
    ----------
    name, kind
        Its name in the parameters cell and its type: str, int, float or bool.
    meaning
        What it is, in words.
    is_needed
        Whether every notebook of a run must take it.
    """

    name: str
    kind: type[Scalar]
    meaning: str
    is_needed: bool = True


RUN_PARAMETERS = (
    Parameter("project", str, "path of the folder that holds tierkit.toml"),
    Parameter("run_folder", str, "path of the folder in which this run works"),
    Parameter("quarter", str, "label of the quarter, such as 2026Q3"),
    Parameter("settings", str, "settings by dotted name, in JSON", is_needed=False),
)


def packaged_notebook(name: str) -> Path:
    """Return the path of a notebook that comes with tierkit.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    package = Path(tierkit.__file__).resolve().parent
    folders = (package / "notebooks", package.parent / "notebooks")
    return _notebook(name, folders, fix="Install tierkit again: its notebooks are not there.")


def project_notebook(folder: Path, name: str) -> Path:
    """Return the path of a project's own copy of a notebook.

    Raises
    ------
    SettingsError
        If the project has none of that name.
    """
    fix = "Copy it there, or run without --project-notebooks."
    return _notebook(name, (folder / "notebooks",), fix=fix)


def differing_notebooks(folder: Path) -> tuple[str, ...]:
    """Return the notebooks of a run whose copy in a project has other code than the packaged one.

    Outputs, words and the parameters cell do not count.
    """
    return tuple(
        name
        for name in RUN_NOTEBOOKS
        if (own := folder / "notebooks" / f"{name}.ipynb").is_file()
        and _code(own) != _code(packaged_notebook(name))
    )


def _code(path: Path) -> list[str]:
    try:
        cells = _code_cells(path)
    except SettingsError:  # no notebook at all: certainly another one
        return []
    sources = (_source(cell).strip() for cell in cells if not _is_parameters(cell))
    return [source for source in sources if source]


def notebook_parameters(
    name: str, given: Mapping[str, object], *, spec: Sequence[Parameter] = RUN_PARAMETERS
) -> dict[str, Scalar]:
    """Return the parameters to run a notebook with, once their names and types are checked.

    Raises
    ------
    SettingsError
        With every unknown name and every value of another type.

    Examples
    --------
    >>> notebook_parameters("recalibrate", {"quarter": "2026Q3"})
    {'quarter': '2026Q3'}
    >>> notebook_parameters("recalibrate", {"quater": "2026Q3"})
    Traceback (most recent call last):
    tierkit.errors.SettingsError: recalibrate: 1 parameter cannot be passed
      - quater: is no parameter. Did you mean quarter?
    """
    kinds = {parameter.name: parameter.kind for parameter in spec}
    problems = []
    checked: dict[str, Scalar] = {}
    for key, value in given.items():
        if key not in kinds:
            problems.append(unknown_parameter(key, tuple(kinds)))
        elif type(value) is not kinds[key]:
            problems.append(_wrong_type(key, kinds[key], value))
        else:
            checked[key] = value
    if problems:
        count = "1 parameter" if len(problems) == 1 else f"{len(problems)} parameters"
        raise SettingsError(f"{name}: {count} cannot be passed", problems)
    return checked


def check_notebook(path: Path, *, spec: Sequence[Parameter] = RUN_PARAMETERS) -> dict[str, Scalar]:
    """Return the defaults of a notebook's parameters cell, once the notebook keeps to the rules.

    Exactly one cell is tagged `parameters`, the first code cell; it assigns literals to the names
    of `spec` and does nothing else; no later cell assigns them again, since that would undo what
    was passed.

    Raises
    ------
    SettingsError
        With everything that is wrong with the notebook.
    """
    cells = _code_cells(path)
    tagged = [number for number, cell in enumerate(cells, 1) if _is_parameters(cell)]
    if tagged != [1]:
        found = f"cells {tagged}" if tagged else "none"
        raise SettingsError(
            f"{path.name}: the first code cell, and no other, must be tagged `{PARAMETERS_TAG}`; "
            f"found {found}. Tags are set in the property inspector of JupyterLab."
        )
    defaults, problems = _read_defaults(_source(cells[0]))
    problems += _spec_problems(defaults, spec)
    names = {parameter.name for parameter in spec}
    for number, cell in enumerate(cells[1:], 2):
        problems += [
            Problem(f"code cell {number} assigns the parameter {name} again", "Use another name.")
            for name in sorted(names & set(names_bound(_source(cell))))
        ]
    if problems:
        raise SettingsError(f"{path.name}: the notebook cannot be run with parameters", problems)
    return defaults


def _notebook(name: str, folders: Sequence[Path], *, fix: str) -> Path:
    for folder in folders:
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    present = sorted(path.stem for folder in folders for path in folder.glob("*.ipynb"))
    near = get_close_matches(name, present, n=1)
    hint = f"Did you mean {near[0]}?" if near else fix
    raise SettingsError(f"{name}.ipynb: no such notebook in {folders[-1]}. {hint}")


def _code_cells(path: Path) -> list[dict[str, Any]]:
    try:
        content = read_json(path)
        return [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path.name}: is no notebook of format 4 ({error}). Open and save it in JupyterLab."
        ) from error


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _is_parameters(cell: Mapping[str, Any]) -> bool:
    return PARAMETERS_TAG in cell.get("metadata", {}).get("tags", [])


def _read_defaults(source: str) -> tuple[dict[str, Scalar], list[Problem]]:
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        return {}, [Problem(f"the parameters cell is no Python: {error.msg}", "Fix it.")]
    defaults: dict[str, Scalar] = {}
    problems = []
    for statement in statements:
        name, value = _assignment(statement)
        if isinstance(value, str | int | float | bool) and name not in defaults:
            defaults[name] = value
        else:
            problems.append(
                Problem(
                    f"line {statement.lineno} of the parameters cell, "
                    f"`{ast.unparse(statement)[:60]}`, does not give one name a plain value",
                    'Write NAME = literal, such as quarter = "".',
                )
            )
    return defaults, problems


def _assignment(statement: ast.stmt) -> tuple[str, object]:
    """Return the name and the literal of `name = literal`; of anything else the value is None."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return "", None
    try:
        return name, ast.literal_eval(value)
    except ValueError:
        return name, None


def _spec_problems(defaults: Mapping[str, Scalar], spec: Sequence[Parameter]) -> Iterator[Problem]:
    kinds = {parameter.name: parameter.kind for parameter in spec}
    for name, value in defaults.items():
        if name not in kinds:
            yield unknown_parameter(name, tuple(kinds))
        elif type(value) is not kinds[name]:
            yield _wrong_type(name, kinds[name], value)
    for parameter in spec:
        if parameter.is_needed and parameter.name not in defaults:
            yield Problem(
                f"{parameter.name}: is missing in the parameters cell",
                f"Add it: the {parameter.meaning}.",
            )


def names_bound(source: str) -> Iterator[str]:
    """Yield the names that a cell binds; lines of IPython's own (`%`, `!`) bind none."""
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def unknown_parameter(name: str, known: Sequence[str]) -> Problem:
    """Return that a notebook takes no parameter of a name, and the nearest one."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(f"{name}: is no parameter", fix)


def _wrong_type(name: str, kind: type[Scalar], value: object) -> Problem:
    found = f"{value!r} ({type(value).__name__})"
    return Problem(f"{name}: must be {kind.__name__}, found {found}", "Pass a plain value.")


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
            "Fix what it warns of.",
        )
    if any(_WIDGET in output.get("data", {}) for output in cell.outputs):
        yield Problem(f"{place} shows a widget, which a page cannot hold", "Show its static twin.")


def clean_copy(
    notebook: NotebookNode, *, ids: list[str], replacements: Replacements = ()
) -> NotebookNode:
    """Return an executed notebook without times, and with the same bytes for the same results.

    Parameters
    ----------
    ids
        The ids of the cells before the run; cells that came later are numbered instead.
    replacements
        Texts and what stands in their place.
    """
    import nbformat  # takes seconds, as does what reads it: only to write

    cleaned: NotebookNode = nbformat.from_dict(  # type: ignore[no-untyped-call]
        scrubbed(notebook, replacements)
    )
    cleaned.metadata.pop("papermill", None)
    cleaned.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    for number, cell in enumerate(cleaned.cells, 1):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.get("id") not in ids:
            cell["id"] = f"run-{number}"
    cleaned.nbformat_minor = max(cleaned.nbformat_minor, 5)
    return cleaned
