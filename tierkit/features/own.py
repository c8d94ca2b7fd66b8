"""A project's own criteria and models: from its `criteria.py` or a package, where asked for."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

import narwhals as nw
import pandas as pd

from tierkit.calendar import known_rows
from tierkit.crm import Rows, register_frame, to_frame
from tierkit.errors import SettingsError
from tierkit.features.feature import KEYS, Aggregate, Block, Context
from tierkit.settings import Settings

GROUP, MODELS = "tierkit.features", "tierkit.models"
DATES: Mapping[str, str] = {
    "opportunities": "close_date",
    "activities": "date",
    "signals": "date",
    "contacts": "created_date",
    "contracts": "start_date",
    "costs": "date",
    "account_history": "changed_date",
}
"""The tables that a criterion may rest on, and the day from which a row of each is known."""

Own = TypeVar("Own", "OwnCriterion", "OwnModel")
Compute = Callable[[], nw.Expr] | Callable[[pd.DataFrame], "pd.Series[Any]"]


@dataclass(frozen=True)
class OwnCriterion:
    """A criterion of a project; see `criterion`."""

    name: str
    table: str
    date: str
    absent: float
    compute: Callable[..., Any]

    @property
    def takes_rows(self) -> bool:
        """True where it is a function of known rows, False where it is an expression."""
        return bool(inspect.signature(self.compute).parameters)

    def feature(self) -> Aggregate:
        """Return the criterion as the panel computes it."""
        needs = (f"{self.table}.{self.date}",)
        rows = partial(_values if self.takes_rows else _known, self)
        block = Block(
            f"own: {self.name}",
            rows,
            needs,
            aggregated=self.takes_rows,
            of_one_account=False,
        )
        compute = (lambda: nw.col("value")) if self.takes_rows else self.compute
        return Aggregate(self.name, block, compute, absent=self.absent)


@dataclass(frozen=True)
class OwnModel:
    """A model of a project; see `challenger`."""

    name: str
    make: Callable[[], object]


def challenger(make: Callable[[], object]) -> OwnModel:
    """Make a function of `criteria.py` a model that challenges what ranks, in every run.

    The function has a docstring and returns a regressor in the way of scikit-learn, not fitted,
    with its seed set. It is tested on the same dates and accounts as the card.

    Parameters
    ----------
    make
        The function, without parameters. Its name is the model's, its docstring what pages say.

    Examples
    --------
    >>> @challenger
    ... def mean():
    ...     '''The mean of all accounts.'''
    ...     from sklearn.dummy import DummyRegressor
    ...     return DummyRegressor()
    >>> mean.name
    'mean'
    """
    if not inspect.isfunction(make):
        raise SettingsError(
            "challenger: it marks a function that returns a regressor; found "
            f"{type(make).__name__}."
        )
    return OwnModel(make.__name__, make)


def criterion(
    *, table: str, date: str = "", absent: float = float("nan")
) -> Callable[[Compute], OwnCriterion]:
    """Make a function of `criteria.py` a criterion of its project, under the function's name.

    The function has a docstring that says what it measures, and is one of two:

    - without parameters: it returns a narwhals expression over the known rows of one account;
    - with one, a pandas data frame of the rows known before one as_of: it returns a series by
      account_id.

    Rows carry `as_of` and the first days of its windows, `start_1q`, `start_2q`, `start_4q`,
    `start_8q`. Every run takes the future and our own effort away and computes the criterion
    again: one that changes stops the run.

    Parameters
    ----------
    table
        The table whose rows it rests on.
    date
        The day of a row, which must lie before as_of; by default the day it became known. With
        `created_date` of opportunities, open deals are among the rows.
    absent
        The value of an account without rows: 0 for counts and sums, missing by default.

    Raises
    ------
    SettingsError
        If the table is not one of `DATES`.

    Examples
    --------
    >>> @criterion(table="signals", absent=0.0)
    ... def usage() -> nw.Expr:
    ...     '''Sum of all signals before as_of.'''
    ...     return nw.col("value").sum()
    >>> usage.name, usage.date, usage.takes_rows
    ('usage', 'date', False)
    """
    if table not in DATES:
        raise SettingsError(
            f"criterion: no dated table {table} that a criterion may rest on. There are "
            f"{', '.join(DATES)}; features.account_columns adds columns of accounts."
        )

    def named(compute: Compute) -> OwnCriterion:
        return OwnCriterion(compute.__name__, table, date or DATES[table], absent, compute)

    return named


def own_criteria(settings: Settings) -> tuple[OwnCriterion, ...]:
    """Return the criteria that `features.module` and `features.packages` ask for.

    Raises
    ------
    SettingsError
        If a module or package is not there, cannot be imported, holds no criterion or one without
        a docstring, gives a name twice, or if a criterion reads a file and `features.trusted` does
        not name it.
    """
    asked = [*_of_module(settings), *_of_packages(settings.features.packages, GROUP)]
    found = _once([one for one in asked if isinstance(one, OwnCriterion)])
    for one in found:
        if one.name not in settings.features.trusted:
            _refuse_files(one, others=[other.name for other in found if other is not one])
    return tuple(found)


def _refuse_files(one: OwnCriterion, *, others: Sequence[str]) -> None:
    reading = next(file_readings(one.compute, others=others), "")
    if reading:
        raise SettingsError(
            f"criterion {one.name} reads a file of its own ({reading}): what the file knows of the "
            "future cannot be taken away. Give it as a table with dates, such as signals, or vouch "
            f'for it: features.trusted = ["{one.name}"].'
        )


def own_models(settings: Settings) -> dict[str, object]:
    """Return the challengers of `features.module` and `model.packages`, made, by name.

    Raises
    ------
    SettingsError
        As `own_criteria`, or if one cannot be made.
    """
    found = [*_of_module(settings), *_of_packages(settings.model.packages, MODELS)]
    return {one.name: _made(one) for one in _once([o for o in found if isinstance(o, OwnModel)])}


def _made(one: OwnModel) -> object:
    try:
        return one.make()
    except Exception as error:
        raise SettingsError(f"challenger {one.name}: {type(error).__name__}: {error}") from error


def _once(found: Sequence[Own]) -> Sequence[Own]:
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"features: {', '.join(twice)} is given twice. Rename one of them.")
    return found


def _of_module(settings: Settings) -> tuple[OwnCriterion | OwnModel, ...]:
    name = settings.features.module
    if not name:
        return ()
    file = (settings.folder / name).resolve()
    if not file.is_relative_to(settings.folder.resolve()) or not file.is_file():
        raise SettingsError(
            f'features.module = "{name}": no such file in the project\'s folder {settings.folder}.'
        )
    return _loaded(file, hashlib.sha256(file.read_bytes()).hexdigest())


@cache
def _loaded(file: Path, _hash: str) -> tuple[OwnCriterion | OwnModel, ...]:
    """Return the criteria and models of a file; it is run once for each content."""
    spec = importlib.util.spec_from_file_location(f"tierkit_own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{file.name}: is no Python file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = getattr(error, "lineno", None) or _line_in(file, error)
        where = f", line {line}" if line else ""
        raise SettingsError(f"{file.name}{where}: {type(error).__name__}: {error}") from error
    return tuple(_checked(vars(module), file.name))


def _line_in(file: Path, error: BaseException) -> int | None:
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _of_packages(asked: Sequence[str], group: str) -> Iterator[OwnCriterion | OwnModel]:
    there = {point.name: point for point in entry_points(group=group)}
    for name in asked:
        if name not in there:
            raise SettingsError(
                f"packages: no installed package offers {name} as {group}. There are "
                f"{', '.join(there) or 'none'}."
            )
        yield from _checked(vars(there[name].load()), name)


def _checked(names: Mapping[str, object], origin: str) -> Iterator[OwnCriterion | OwnModel]:
    found = [one for one in names.values() if isinstance(one, OwnCriterion | OwnModel)]
    if not found:
        raise SettingsError(
            f"{origin}: no function is marked with @tierkit.criterion(table=…) or "
            "@tierkit.challenger."
        )
    for one in found:
        function = one.compute if isinstance(one, OwnCriterion) else one.make
        if not (function.__doc__ or "").strip():
            raise SettingsError(
                f"{origin}: {one.name} has no docstring. Say in a sentence what it measures, in "
                "which unit, and what a missing value means."
            )
    yield from found


def _known(own: OwnCriterion, context: Context) -> Rows:
    return known_rows(context.tables[own.table], own.date, context.dates)


def _values(own: OwnCriterion, context: Context) -> Rows:
    """Return the value of every account and as_of, each computed from its known rows alone."""
    rows = to_frame(_known(own, context))
    parts = [
        pd.DataFrame({"value": _value(own, part)}).assign(as_of=as_of)
        for as_of, part in rows.groupby("as_of", sort=True)
    ]
    empty = pd.DataFrame({"value": pd.Series(dtype=float), "as_of": pd.Series(dtype=object)})
    found = pd.concat(parts) if parts else empty
    frame = found.rename_axis("account_id").reset_index()
    typed = frame.astype({"account_id": "string[pyarrow]", "value": float})
    return register_frame(context.tables.connection, typed[[*KEYS, "value"]])


def _value(own: OwnCriterion, rows: pd.DataFrame) -> pd.Series[float]:
    try:
        found = own.compute(rows.copy())
    except Exception as error:
        raise SettingsError(f"criterion {own.name}: {type(error).__name__}: {error}") from error
    if not isinstance(found, pd.Series) or not found.index.is_unique:
        raise SettingsError(
            f"criterion {own.name}: a series with one value by account_id is needed, found "
            f"{type(found).__name__}."
        )
    return found.astype(float)


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
