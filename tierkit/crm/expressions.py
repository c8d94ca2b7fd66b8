"""Amounts computed from columns of the source, `quantity * unit_price * (1 - discount)`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import narwhals as nw

from tierkit.crm.contract import MONEY_TYPE
from tierkit.crm.engine import Rows
from tierkit.crm.numbers import Decimal, with_plain_numbers
from tierkit.crm.parsing import number_of, numeral_of
from tierkit.crm.presets.preset import plain
from tierkit.errors import Problem

_LONGEST = 500
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def names_in(text: str) -> list[str] | None:
    """Return the columns that an expression reads, None where the text is none.

    Examples
    --------
    >>> names_in("quantity * unit_price * (1 - discount)")
    ['quantity', 'unit_price', 'discount']
    >>> names_in("Amount") is None, names_in("open('x')") is None
    (True, True)
    """
    tree = _tree(text)
    if not isinstance(tree, ast.BinOp | ast.UnaryOp) or not _is_arithmetic(tree):
        return None
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return sorted(set(names), key=text.index)


def with_expression(
    rows: Rows, text: str, *, table: str, column: str, decimal: Decimal | None
) -> tuple[Rows, list[Problem]]:
    """Return the rows with a column of the expression's own name, and what is wrong with it.

    A header is meant by its letters and digits: `unit_price` is `Unit Price`. The amount is missing
    where a number in it is.
    """
    names = names_in(text) or []
    headers = {plain(header): header for header in reversed(rows.columns)}
    absent = [name for name in names if plain(name) not in headers]
    if absent:
        there = ", ".join(rows.columns[:12])
        message = f"{text!r} reads {', '.join(absent)}, which the source lacks"
        return rows, [Problem(message, f"There are {there}.", table, column, "missing column")]
    parts = {f"__part {name}": headers[plain(name)] for name in names}
    schema = rows.collect_schema()
    numerals = [one for one, header in parts.items() if not schema[header].is_numeric()]
    rows = rows.with_columns(
        **{
            one: numeral_of(header, schema[header]) if one in numerals else nw.col(header)
            for one, header in parts.items()
        }
    )
    rows, readings = with_plain_numbers(rows, numerals, decimal=decimal, shares=numerals)
    problems = [
        Problem(reading.unclear, reading.fix, table, parts[one], rule="unclear numbers")
        for one, reading in readings.items()
        if reading.unclear
    ]
    types = {**schema, **dict.fromkeys(numerals, nw.String())}
    values = {
        name: number_of(f"__part {name}", types.get(f"__part {name}", nw.Float64()))
        for name in names
    }
    tree = _tree(text)
    amount = _value(tree, values).round(4).cast(MONEY_TYPE).alias(text)
    return rows.with_columns(amount).drop(list(parts)), problems


def _tree(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body if len(text) <= _LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        known = type(node.op) in _OPERATORS
        return known and _is_arithmetic(node.left) and _is_arithmetic(node.right)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_arithmetic(node.operand)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return isinstance(node, ast.Name)


def _value(node: ast.AST | None, values: Mapping[str, nw.Expr]) -> Any:  # noqa: ANN401
    if isinstance(node, ast.BinOp):
        join = _OPERATORS[type(node.op)]
        return join(_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return _value(node.operand, values) * -1
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    raise ValueError(f"no arithmetic: {node!r}")
