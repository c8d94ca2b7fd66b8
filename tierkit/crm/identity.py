"""Ids that are the same though they are written differently: Salesforce's two lengths, floats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import narwhals as nw
import pyarrow as pa

from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import Connection, Rows, materialise, register_frame
from tierkit.crm.guard import grouped, look_up, only_with, rows_without
from tierkit.crm.tables import example_ids
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

ENTITIES: Mapping[str, tuple[str, ...]] = {
    "account": ("account_id", "parent_id", "merged_into"),
    "opportunity": ("opportunity_id",),
    "contact": ("contact_id",),
}
_SHORT, _LONG = 15, 18
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_GROUP = 5
_SALESFORCE = r"^[0-9a-zA-Z]{15}([A-Z0-5]{3})?$"
_FLOAT = r"^\d+\.0$"
_SHORTENED = r"^\d([.,]\d+)?E\+\d{2,3}$"


def salesforce_suffix(short: str) -> str:
    """Return the three signs that make a 15-character Salesforce id safe from changes of case.

    Each sign says which of five characters are capitals.

    Examples
    --------
    >>> "001A0000006Vm9u" + salesforce_suffix("001A0000006Vm9u")
    '001A0000006Vm9uIAC'
    """
    groups = [short[start : start + _GROUP] for start in range(0, _SHORT, _GROUP)]
    return "".join(
        _ALPHABET[sum(2**place for place, sign in enumerate(group) if "A" <= sign <= "Z")]
        for group in groups
    )


def with_one_spelling(
    typed: Mapping[str, TypedTable], connection: Connection
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return the tables with each id spelt in one way, and what a person should know about ids.

    Ids such as `1234.0` lose their `.0` where the whole column has it. Where 15- and 18-character
    Salesforce ids of the same kind meet, the short ones get their suffix. Ids are never compared
    without case: those that differ only by it are warned of.
    """
    columns = {
        entity: [
            (name, column)
            for name, table in typed.items()
            for column in names
            if column in table.given and column in table.rows.columns
        ]
        for entity, names in ENTITIES.items()
    }
    tables = dict(typed)
    problems: list[Problem] = []
    for places in columns.values():
        shapes = {place: _shape(tables[place[0]].rows, place[1]) for place in places}
        floats = [place for place in places if shapes[place].all_floats]
        for place in floats:
            tables[place[0]] = _with(tables[place[0]], place[1], _whole(place[1]), connection)
            problems.append(_float_problem(*place, shapes[place]))
        if _lengths_meet(shapes.values()) and _suffixes_are_right(tables, shapes, connection):
            for place in (place for place in places if shapes[place].short):
                tables[place[0]] = _lengthened(tables[place[0]], place[1], connection)
    places = [place for found in columns.values() for place in found]
    problems += [one for place in places for one in _shortened(tables[place[0]].rows, *place)]
    return tables, [*problems, *_case_problems(tables), *_zero_problems(tables)]


@dataclass(frozen=True)
class _Shape:
    """Counts of the ids of a column by their form."""

    ids: int
    floats: int
    short: int
    long: int

    @property
    def all_floats(self) -> bool:
        return 0 < self.floats == self.ids

    @property
    def all_salesforce(self) -> bool:
        return self.short + self.long == self.ids


def _shape(rows: Rows, column: str) -> _Shape:
    value = nw.col(column)
    length, fits = value.str.len_chars(), value.str.contains(_SALESFORCE)
    counted = rows.select(
        value.count().alias("ids"),
        *(
            found.cast(nw.Int64).sum().fill_null(0).alias(name)
            for name, found in {
                "floats": value.str.contains(_FLOAT),
                "short": fits & (length == _SHORT),
                "long": fits & (length == _LONG),
            }.items()
        ),
    )
    return _Shape(**counted.collect().rows(named=True)[0])


def _lengths_meet(shapes: Iterable[_Shape]) -> bool:
    found = [shape for shape in shapes if shape.ids]
    return (
        any(shape.short for shape in found)
        and any(shape.long for shape in found)
        and all(shape.all_salesforce for shape in found)
    )


def _suffixes_are_right(
    tables: Mapping[str, TypedTable],
    shapes: Mapping[tuple[str, str], _Shape],
    connection: Connection,
) -> bool:
    """Return whether the 18-character ids are ids of Salesforce: they have its suffix."""
    for (name, column), shape in shapes.items():
        if shape.long:
            ids = tables[name].rows.select(nw.col(column).alias("id")).unique()
            ids = _suffixed(ids.filter(nw.col("id").str.len_chars() == _LONG), "id", connection)
            wrong = ids.filter(nw.col("id").str.slice(_SHORT, 3) != nw.col("__suffix"))
            if not wrong.head(1).collect().is_empty():
                return False
    return True


def _suffixed(rows: Rows, column: str, connection: Connection) -> Rows:
    """Return the rows with `__suffix`, looked up by which of the characters are capitals."""
    patterns = [f"{number:05b}"[::-1] for number in range(len(_ALPHABET))]
    for group in range(3):
        part = nw.col(column).str.slice(group * _GROUP, _GROUP)
        capitals = part.str.replace_all("[^A-Z]", "0").str.replace_all("[A-Z]", "1")
        signs = pa.table({"__capitals": patterns, f"__sign_{group}": list(_ALPHABET)})
        rows = look_up(
            rows.with_columns(__capitals=capitals),
            register_frame(connection, signs),
            on="__capitals",
            what="suffixes of ids",
        ).drop("__capitals")
    signs_of = [f"__sign_{group}" for group in range(3)]
    return rows.with_columns(__suffix=nw.concat_str(*signs_of)).drop(signs_of)


def _lengthened(table: TypedTable, column: str, connection: Connection) -> TypedTable:
    value = nw.col(column)
    short = value.str.len_chars() == _SHORT
    rows = _suffixed(table.rows, column, connection)
    longer = nw.when(short).then(nw.concat_str(value, "__suffix")).otherwise(value).alias(column)
    changed = rows.with_columns(longer).drop("__suffix")
    return replace(table, rows=_computed(changed, table, column, connection))


def _with(table: TypedTable, column: str, value: nw.Expr, connection: Connection) -> TypedTable:
    changed = table.rows.with_columns(value.alias(column))
    return replace(table, rows=_computed(changed, table, column, connection))


def _computed(rows: Rows, table: TypedTable, column: str, connection: Connection) -> Rows:
    return materialise(connection, rows, f"{table.name} with one spelling of {column}")


def _whole(column: str) -> nw.Expr:
    return nw.col(column).str.replace_all(r"\.0$", "")


def _float_problem(table: str, column: str, shape: _Shape) -> Problem:
    return Problem(
        f"all {shape.ids:,} ids are written as decimal numbers (1234.0) and are read without .0",
        "Export ids as text, so that leading zeros survive.",
        table,
        column,
        rule="ids as decimals",
        rows=shape.ids,
        blocks=False,
    )


def _shortened(rows: Rows, table: str, column: str) -> list[Problem]:
    """Return the problem that a spreadsheet has shortened long ids, so that several are one now."""
    found = rows.filter(nw.col(column).str.contains(_SHORTENED))
    count = int(found.select(nw.len()).collect().item())
    if not count:
        return []
    return [
        Problem(
            f"{count:,} ids are written as {example_ids(found, column)[0]}: a spreadsheet has "
            "shortened them, and the digits that are gone cannot be got back",
            "Export again and open the file in no spreadsheet, or with the column as text.",
            table,
            column,
            rule="shortened ids",
            rows=count,
        )
    ]


def _zero_problems(tables: Mapping[str, TypedTable]) -> list[Problem]:
    """Return the warning that rows name accounts with other leading zeros than they have."""
    if "accounts" not in tables:
        return []
    bare = nw.col("account_id").str.replace_all(r"^0+", "").alias("__bare")
    known = tables["accounts"].rows.select("account_id").drop_nulls().unique()
    ids = known.select(bare).unique()
    problems = []
    for name, table in tables.items():
        if name == "accounts" or "account_id" not in table.given:
            continue
        strange = rows_without(table.rows.select("account_id"), known, on="account_id")
        meant = only_with(strange.with_columns(bare), ids, on="__bare")
        count = int(meant.select(nw.len()).collect().item())
        if count:
            problems.append(
                Problem(
                    f"{count:,} rows name an account with other leading zeros than the accounts",
                    "Export both with the same ids, as text: 00012 is not 12.",
                    name,
                    "account_id",
                    rule="ids differ by zeros",
                    rows=count,
                    examples=example_ids(meant, "account_id"),
                    blocks=False,
                )
            )
    return problems


def _case_problems(tables: Mapping[str, TypedTable]) -> list[Problem]:
    """Return warnings of ids that are the same but for capitals, within a table and across."""
    problems = []
    for name, table in tables.items():
        key = CONTRACT[name].key
        if name in ("accounts", "opportunities") and key:
            problems += _same_but_for_case(name, key, table.rows)
        if name != "accounts" and "accounts" in tables and "account_id" in table.given:
            problems += _other_case(name, table.rows, tables["accounts"].rows)
    return problems


def _same_but_for_case(name: str, key: str, rows: Rows) -> list[Problem]:
    if not _both_cases(rows, key):
        return []
    ids = rows.select(key).filter(nw.col(key).str.contains("[A-Za-z]")).unique()
    lower = ids.with_columns(__lower=nw.col(key).str.to_lowercase())
    several = grouped(
        lower, "__lower", ids=nw.len(), first=nw.col(key).min(), last=nw.col(key).max()
    )
    found = several.filter(nw.col("ids") > 1).sort("__lower").head(1000).collect().rows(named=True)
    if not found:
        return []
    count = f"{len(found):,} id{'s' if len(found) > 1 else ''}"
    return [
        Problem(
            f"{count} differ from another only by capitals; they are taken as different",
            "Merge them in [data.tables] merges if they are the same.",
            name,
            key,
            rule="ids differ by case",
            rows=sum(row["ids"] for row in found),
            examples=tuple(f"{row['first']} and {row['last']}" for row in found[:3]),
            blocks=False,
        )
    ]


def _both_cases(rows: Rows, key: str) -> bool:
    """Return whether capitals and small letters occur at all, so that ids can differ by them."""
    found = [nw.col(key).str.contains(letters).any() for letters in ("[A-Z]", "[a-z]")]
    capitals, small = rows.select(found[0].alias("A"), found[1].alias("b")).collect().rows()[0]
    return bool(capitals and small)


def _other_case(name: str, rows: Rows, accounts: Rows) -> list[Problem]:
    """Return the warning that rows name an account in other capitals than `accounts` does."""
    strange = rows_without(
        rows.select("account_id"), accounts.select("account_id"), on="account_id"
    )
    ids = accounts.select(__lower=nw.col("account_id").str.to_lowercase()).unique()
    lower = strange.with_columns(__lower=nw.col("account_id").str.to_lowercase())
    meant = only_with(lower, ids, on="__lower")
    count = int(meant.select(nw.len()).collect().item())
    if not count:
        return []
    return [
        Problem(
            f"{count:,} rows name an account in other capitals than the accounts do",
            "Export both with the same ids; case is never ignored.",
            name,
            "account_id",
            rule="ids differ by case",
            rows=count,
            examples=example_ids(meant, "account_id"),
            blocks=False,
        )
    ]
