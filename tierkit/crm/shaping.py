"""Sources in other shapes than the contract's, made to fit by what `[data.columns]` says of them.

Beside a header of the source a column may be given by

- `each row`: an id for every row, where a row is a purchase of its own;
- arithmetic such as `quantity * unit_price`;
- `contacts[HEADER]`: the account of the contact whose id stands under HEADER;
- `WON if CLOSED`: the outcome as two flags tell it, open where both say no;
- `column names` and `column values`: a sheet with a column per month, a row per account.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import narwhals as nw

from tierkit.crm.contract import CONTRACT, LEFT_OUT, MONEY_TYPE
from tierkit.crm.date_words import period_of
from tierkit.crm.engine import Rows
from tierkit.crm.guard import grouped, look_up
from tierkit.crm.numbers import Decimal, with_plain_numbers
from tierkit.crm.parsing import number_of, numeral_of
from tierkit.crm.presets.hubspot import COMPANY_IDS as _COMPANY_IDS, SEVERAL_COMPANIES
from tierkit.crm.presets.preset import header_of, is_true, plain, words
from tierkit.crm.scanning import DERIVED, EACH_ROW
from tierkit.errors import Problem
from tierkit.settings import DataSettings

COLUMN_NAMES, COLUMN_VALUES = "column names", "column values"
_OF_CONTACT = re.compile(r"contacts\[(.+)\]")
_IF = re.compile(r"(.+) if (.+)")
_SEVERAL = r"\s*[;,].*$"


def shaped(found: Mapping[str, Rows], data: DataSettings) -> tuple[dict[str, Rows], list[Problem]]:
    """Return raw tables with the columns that the settings describe, and what is wrong with them.

    A column stands under the text that describes it.
    """
    tables: dict[str, Rows] = {}
    problems: list[Problem] = []
    for name, rows in found.items():
        tables[name], more = _shaped(name, rows, found, data)
        problems += more
    if data.tables.get("accounts") == DERIVED:
        deals = next((one for one in ("opportunities", "opportunity_lines") if one in tables), None)
        if deals is not None:
            tables["accounts"] = accounts_of(tables[deals], deals, data)
    return tables, problems


def _shaped(
    name: str, rows: Rows, found: Mapping[str, Rows], data: DataSettings
) -> tuple[Rows, list[Problem]]:
    mapping = data.columns.get(name, {})
    problems: list[Problem] = []
    wanted = {column: source for column, source in mapping.items() if source not in rows.columns}
    if COLUMN_NAMES in wanted.values():
        rows = with_months_as_rows(rows)
    for column, source in wanted.items():
        contact = _OF_CONTACT.fullmatch(source)
        if source == EACH_ROW:
            rows = with_row_ids(rows)
        elif contact is not None and "contacts" in found:
            rows = _with_account(rows, contact[1], source, found["contacts"], data)
        elif names_in(source):
            rows, more = with_expression(
                rows, source, table=name, column=column, decimal=data.decimal
            )
            problems += more
        else:
            rows = _with_outcome(rows, source)
    return _first_company(_marked(rows, name, data), name, data), problems


def _marked(rows: Rows, name: str, data: DataSettings) -> Rows:
    """Mark the rows that do not fill the column which a row of its own does."""
    needed = header_of([data.only_with.get(name, "")], rows.columns)
    if needed is None:
        return rows
    empty = nw.col(needed).is_null() | ~(words(needed).str.len_chars() > 0)
    reason = nw.when(empty).then(nw.lit(f"no {needed}: not a row of its own"))
    return rows.with_columns(reason.alias(LEFT_OUT))


def _first_company(rows: Rows, name: str, data: DataSettings) -> Rows:
    """Give a row with several companies to the first, where the settings say so."""
    is_deals = name == "opportunities"  # with the money at stake, in `companies`
    if (
        data.several_companies == "primary"
        or is_deals
        or "account_id" not in CONTRACT[name].columns
    ):
        return rows
    header = data.columns.get(name, {}).get("account_id") or header_of(
        ("account_id", *_COMPANY_IDS), rows.columns
    )
    if header is None or header not in rows.columns:
        return rows
    first = words(header).str.replace_all(_SEVERAL, "")
    rows = rows.with_columns(first.alias(header))
    if LEFT_OUT not in rows.columns:
        return rows
    kept = nw.col(LEFT_OUT) == SEVERAL_COMPANIES
    none = nw.lit(None).cast(nw.String)
    return rows.with_columns(nw.when(~kept).then(nw.col(LEFT_OUT)).otherwise(none).alias(LEFT_OUT))


def _with_account(rows: Rows, header: str, source: str, contacts: Rows, data: DataSettings) -> Rows:
    """Return the rows with the account of the contact whose id stands under a header."""
    keyed = rows.with_columns(__contact=words(header))
    links = _accounts_of_contacts(contacts, data)
    found = look_up(keyed, links, on="__contact", what="contacts")
    return found.with_columns(nw.col("__account").alias(source)).drop("__contact", "__account")


def _with_outcome(rows: Rows, source: str) -> Rows:
    """Return the rows with an outcome of two flags: an open deal is neither won nor lost."""
    flags = _IF.fullmatch(source)
    if flags is None or not {flags[1], flags[2]} <= set(rows.columns):
        return rows
    outcome = nw.when(is_true(flags[1])).then(nw.lit("true"))
    return rows.with_columns(outcome.when(is_true(flags[2])).then(nw.lit("false")).alias(source))


def with_row_ids(rows: Rows) -> Rows:
    """Return the rows with an id for each, `row 1`, in the order of their values."""
    numbered = rows.with_row_index("__row", order_by=rows.columns)
    number = (nw.col("__row") + 1).cast(nw.Int64).cast(nw.String)
    return numbered.with_columns(nw.concat_str(nw.lit("row "), number).alias(EACH_ROW)).drop(
        "__row"
    )


def with_months_as_rows(rows: Rows) -> Rows:
    """Return a row per account and month of a sheet that has a column per month."""
    months = months_of(rows.columns)
    others = [column for column in rows.columns if column not in months]
    parts = [
        rows.select(
            *others,
            nw.lit(month).alias(COLUMN_NAMES),
            nw.col(month).cast(nw.String).alias(COLUMN_VALUES),
        )
        for month in months
    ]
    long = nw.concat(parts)
    return long.filter(nw.col(COLUMN_VALUES).str.strip_chars(" ").str.len_chars() > 0)


def months_of(headers: list[str]) -> list[str]:
    """Return the headers that name a month or quarter.

    Examples
    --------
    >>> months_of(["Customer", "Jan-24", "Feb-24", "2024-03", "Total"])
    ['Jan-24', 'Feb-24', '2024-03']
    """
    return [header for header in headers if period_of(header.strip()) is not None]


def _accounts_of_contacts(contacts: Rows, data: DataSettings) -> Rows:
    """Return the account of each contact; none of a contact that has several."""
    mapping = data.columns.get("contacts", {})
    headers = {
        column: mapping.get(column) or header_of([column], contacts.columns) or column
        for column in ("contact_id", "account_id")
    }
    links = contacts.select(
        __contact=words(headers["contact_id"]), account=words(headers["account_id"])
    ).filter(~nw.col("__contact").is_null())
    least, most = nw.col("account").min(), nw.col("account").max()
    found = grouped(links, "__contact", least=least, most=most)
    one = nw.when(nw.col("least") == nw.col("most")).then(nw.col("least"))
    return found.select("__contact", __account=one)


def accounts_of(deals: Rows, table: str, data: DataSettings) -> Rows:
    """Return a row per account that deals name, each column with its most frequent value there.

    Of values that are equally frequent the smallest counts. Columns of `[data.columns.accounts]`
    are headers of the deals.
    """
    mapping = data.columns.get("accounts", {})
    account = mapping.get("account_id") or data.columns.get(table, {}).get("account_id")
    account = account or header_of(["account_id"], deals.columns)
    if account is None or account not in deals.columns:
        return deals.head(0)
    rows = deals.with_columns(__key=words(account))
    rows = rows.filter(nw.col("__key").str.len_chars() > 0)
    accounts = grouped(rows, "__key", **{account: words(account).min()})
    for header in dict.fromkeys(mapping.values()):
        if header in deals.columns and header != account:
            accounts = look_up(accounts, _most_frequent(rows, header), on="__key", what=header)
    return accounts.drop("__key")


def _most_frequent(rows: Rows, header: str) -> Rows:
    values = rows.select("__key", value=words(header))
    values = values.filter(nw.col("value").str.len_chars() > 0)
    counts = grouped(values, ["__key", "value"], rows=nw.len())
    most = grouped(counts, "__key", most=nw.col("rows").max())
    ranked = look_up(counts, most, on="__key", what=header)
    frequent = ranked.filter(nw.col("rows") == nw.col("most"))
    return grouped(frequent, "__key", **{header: nw.col("value").min()})


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
        Problem(reading.unclear, reading.mend, table, parts[one], rule="unclear numbers")
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
