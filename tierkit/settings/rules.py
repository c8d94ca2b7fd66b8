"""Rules written by people, such as `employees >= 20 and country in ['US', 'DE']`.

A rule is parsed into a small tree of comparisons and never evaluated as code. Logic is three-valued
(Kleene): a comparison with a missing value is unknown, and an unknown rule is not met.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

from tierkit.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

MAX_LENGTH = 2_000
MAX_DEPTH = 50
Literal = str | int | float | bool
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_HOW = (
    "Write comparisons such as employees >= 20 or country in ['US', 'DE'], joined by and, or, not."
)


@dataclass(frozen=True)
class Rule:
    """A condition on the columns of an account.

    Parameters
    ----------
    text
        Comparisons (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`) of column names with
        literals, joined by `and`, `or`, `not`. `is None` and `is not None` ask whether a value is
        missing.

    Raises
    ------
    SettingsError
        On construction, if the text is anything else.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Rule("employees >= 20 and country in ['US', 'DE']")
    >>> sorted(rule.columns)
    ['country', 'employees']
    >>> accounts = pd.DataFrame({"employees": [50, 5, None], "country": ["US", "US", "DE"]})
    >>> rule.evaluate(accounts).tolist()
    [True, False, <NA>]
    """

    text: str

    def __post_init__(self) -> None:
        """Raise if the text is no rule."""
        _check(self._tree, self.text)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the columns that the rule reads."""
        return frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name))

    def evaluate(self, accounts: pd.DataFrame) -> pd.Series[bool]:
        """Return for each row whether it meets the rule: true, false, or missing where unknown.

        Raises
        ------
        SettingsError
            If a column is absent, or is compared with a value of another kind.
        """
        absent = sorted(self.columns - set(map(str, accounts.columns)))
        if absent:
            raise SettingsError(
                f"rule {self.text!r}: no column {', '.join(absent)}; "
                f"there are {', '.join(sorted(map(str, accounts.columns)))}."
            )
        return _evaluate(self._tree, accounts, self.text)

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > MAX_LENGTH:
            raise SettingsError(f"rule {self.text[:40]!r}…: longer than {MAX_LENGTH} characters.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's remarks on code; a rule is none
                tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise SettingsError(f"rule {self.text!r}: cannot be read. {_HOW}") from error
        if _depth(tree) > MAX_DEPTH:
            raise SettingsError(f"rule {self.text[:40]!r}…: nested too deeply. {_HOW}")
        return tree


def _depth(tree: ast.AST) -> int:
    """Return how many levels a syntax tree has, at most one more than allowed."""
    level, depth = [tree], 0
    while level and depth <= MAX_DEPTH:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return depth


def _check(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.BoolOp):
        for value in node.values:  # noqa: PD011 (a syntax tree)
            _check(value, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text)
    elif isinstance(node, ast.Compare):
        _check_comparison(node, text)
    else:
        raise SettingsError(f"rule {text!r}: {ast.unparse(node)!r} is no comparison. {_HOW}")


def _check_comparison(node: ast.Compare, text: str) -> None:
    if len(node.ops) != 1:
        raise SettingsError(f"rule {text!r}: compare one pair at a time. {_HOW}")
    if not isinstance(node.left, ast.Name):
        raise SettingsError(f"rule {text!r}: a comparison begins with a column name. {_HOW}")
    right, comparison = _literal(node.comparators[0], text), node.ops[0]
    if isinstance(comparison, ast.In | ast.NotIn):
        if not isinstance(right, tuple):
            raise SettingsError(f"rule {text!r}: in needs a list such as ['US', 'DE'].")
    elif isinstance(comparison, ast.Is | ast.IsNot):
        if right is not None:
            raise SettingsError(f"rule {text!r}: is and is not only ask for None.")
    elif right is None or isinstance(right, tuple):
        raise SettingsError(f"rule {text!r}: {ast.unparse(node)!r} needs one value. {_HOW}")


def _literal(node: ast.expr, text: str) -> Literal | tuple[Literal, ...] | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise SettingsError(
            f"rule {text!r}: {ast.unparse(node)!r} is no number, text or list of them. {_HOW}"
        ) from error
    if isinstance(value, list | tuple | set):
        members = tuple(sorted(value, key=repr) if isinstance(value, set) else value)
        if all(isinstance(member, str | int | float) for member in members):
            return members
    elif value is None or isinstance(value, str | int | float):
        return value
    raise SettingsError(f"rule {text!r}: {ast.unparse(node)!r} is no number, text or list of them.")


def _evaluate(node: ast.expr, accounts: pd.DataFrame, text: str) -> pd.Series[bool]:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(value, accounts, text) for value in node.values]  # noqa: PD011
        join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        joined: pd.Series[bool] = reduce(join, parts)
        return joined
    if isinstance(node, ast.UnaryOp):
        return ~_evaluate(node.operand, accounts, text)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
        return _compare(
            accounts[node.left.id], node.ops[0], _literal(node.comparators[0], text), text
        )
    raise SettingsError(f"rule {text!r}: {ast.unparse(node)!r} is no comparison. {_HOW}")


def _compare(
    column: pd.Series[Any], comparison: ast.cmpop, value: Hashable, text: str
) -> pd.Series[bool]:
    missing = column.isna()
    if isinstance(comparison, ast.Is | ast.IsNot):
        return (missing if isinstance(comparison, ast.Is) else ~missing).astype("boolean")
    _check_kind(column, value, text)
    if isinstance(comparison, ast.In | ast.NotIn):
        met = column.isin(list(value)) if isinstance(value, tuple) else missing
        met = met if isinstance(comparison, ast.In) else ~met
    else:
        met = _ORDER[type(comparison)](column.where(~missing, value), value)
    return met.astype("boolean").mask(missing)


def _check_kind(column: pd.Series[Any], value: Hashable, text: str) -> None:
    import pandas as pd

    values = value if isinstance(value, tuple) else (value,)
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    wrong = [one for one in values if numeric == isinstance(one, str)]
    if wrong and not column.isna().all():
        kind = "numbers" if numeric else "text"
        raise SettingsError(
            f"rule {text!r}: {column.name} holds {kind}, but is compared with {wrong[0]!r}."
        )
