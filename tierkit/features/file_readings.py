"""Files that a project's own criteria read: nothing can take the future out of those."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

_CALLS = frozenset({"open", "urlopen", "connect", "load", "loadtxt", "genfromtxt", "fromfile"})
_BEGINNINGS = ("read_", "scan_")


def file_readings(function: Any, *, others: Collection[str]) -> Iterator[str]:  # noqa: ANN401
    """Yield where a function's module reads a file on its behalf: line and call, in words.

    By the text of the module: calls of `open`, `read_csv` and the like in the function, at the top
    of the module, or in a helper. Rows that the function is given are no file.

    Parameters
    ----------
    others
        The names of other criteria of the module, whose readings are theirs.

    Examples
    --------
    >>> calls = ast.parse("RATES = pd.read_csv('rates.csv')").body
    >>> [*_readings(calls[0])]
    ['line 1: read_csv']
    """
    for part in _module_of(function):
        name = part.name if isinstance(part, ast.FunctionDef | ast.ClassDef) else ""
        if name not in others:
            yield from _readings(part)


def _module_of(function: Any) -> list[ast.stmt]:  # noqa: ANN401
    file = inspect.getsourcefile(function)
    if file is None or not Path(file).is_file():
        return []
    return ast.parse(Path(file).read_bytes()).body


def _readings(part: ast.stmt) -> Iterator[str]:
    for node in ast.walk(part):
        if isinstance(node, ast.Call) and (called := _called(node.func)):
            yield f"line {node.lineno}: {called}"


def _called(func: ast.expr) -> str:
    """Return the name of a call that reads a file, else nothing."""
    name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
    return name if name in _CALLS or name.startswith(_BEGINNINGS) else ""
