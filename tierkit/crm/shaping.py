"""Sources in other shapes than the contract's, made to fit by what `[data.columns]` says of them.

Beside a header of the source a column may be given by

- `each row`: an id for every row from its first values, where a row is a purchase of its own;
- arithmetic such as `quantity * unit_price`;
- `contacts[HEADER]`: the account of the contact whose id stands under HEADER;
- `WON if CLOSED`: the outcome as two flags tell it, open where both say no;
- `column names` and `column values`: a sheet with a column per month, a row per account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import narwhals as nw

from tierkit.crm.contract import CONTRACT, LEFT_OUT
from tierkit.crm.date_words import period_of
from tierkit.crm.engine import Rows
from tierkit.crm.expressions import names_in, with_expression
from tierkit.crm.guard import grouped, look_up
from tierkit.crm.presets.hubspot import COMPANY_IDS as _COMPANY_IDS, SEVERAL_COMPANIES
from tierkit.crm.presets.preset import header_of, is_true, words
from tierkit.crm.scanning import DERIVED, EACH_ROW
from tierkit.errors import Problem
from tierkit.settings import DataSettings
from tierkit.words import plural

COLUMN_NAMES, COLUMN_VALUES = "column names", "column values"
_OF_CONTACT = re.compile(r"contacts\[(.+)\]")
_IF = re.compile(r"(.+) if (.+)")
_FIRST_VALUES, _SHOWN = 4, 5
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
            problems += identical_rows(rows, name)
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
    """Mark the rows that lack the column of `only_with`, or fill that of `only_without`."""
    needed = header_of([data.only_with.get(name, "")], rows.columns)
    barred = header_of([data.only_without.get(name, "")], rows.columns)
    reasons = []
    if needed is not None:
        empty = nw.col(needed).is_null() | ~(words(needed).str.len_chars() > 0)
        reasons.append(nw.when(empty).then(nw.lit(f"no {needed}: not a row of its own")))
    if barred is not None:
        filled = (words(barred).str.len_chars() > 0).fill_null(value=False)
        reasons.append(nw.when(filled).then(nw.lit(f"left out by {barred}")))
    return rows.with_columns(nw.coalesce(*reasons).alias(LEFT_OUT)) if reasons else rows


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
    """Return the rows with an id for each from its first four values, by which a person finds it.

    It is the same wherever in its file a row stands; of rows with the same first values, those
    after the first carry a number, in the order of all their values.
    """
    numbered = rows.with_row_index("__row", order_by=rows.columns)
    first = [nw.col(one).cast(nw.String) for one in rows.columns[:_FIRST_VALUES]]
    values = nw.concat_str(*first, separator=" | ", ignore_nulls=True)
    text = nw.concat_str(nw.lit("row "), values, ignore_nulls=True)
    named = numbered.with_columns(__text=text)
    named = look_up(
        named,
        grouped(named, "__text", __first=nw.col("__row").min()),
        on="__text",
        what=EACH_ROW,
    )
    place = (nw.col("__row") - nw.col("__first") + 1).cast(nw.Int64)
    again = nw.concat_str(nw.col("__text"), nw.lit(" #"), place.cast(nw.String))
    chosen = nw.when(place > 1).then(again).otherwise(nw.col("__text"))
    return named.with_columns(chosen.alias(EACH_ROW)).drop("__row", "__text", "__first")


def identical_rows(rows: Rows, table: str) -> list[Problem]:
    """Return the remark that rows without an id of their own are alike in every column."""
    columns = rows.columns
    filled = rows.filter(
        ~nw.all_horizontal(*(nw.col(c).is_null() for c in columns), ignore_nulls=True)
    )
    plain = [f"v{place}" for place in range(len(columns))]  # headers may hold dots
    values = filled.select(nw.col(c).alias(v) for c, v in zip(columns, plain, strict=True))
    alike = grouped(values, plain, __copies=nw.len()).filter(nw.col("__copies") > 1)
    found = alike.sort(*plain).head(_SHOWN).collect().rows()
    if not found:
        return []
    count = int(alike.select((nw.col("__copies") - 1).sum()).collect().item())
    verb = "is a copy" if count == 1 else "are copies"
    return [
        Problem(
            f"{plural(count, 'row')} {verb} of another in every column and counted again, since "
            f"[data.columns.{table}] says {EACH_ROW!r}",
            "Name the column that tells rows apart instead, or take the copies out.",
            table,
            rule="identical rows",
            rows=count,
            examples=tuple(_joined(row[:_FIRST_VALUES]) for row in found),
            blocks=False,
        )
    ]


def _joined(values: Sequence[object]) -> str:
    return " | ".join(str(value) for value in values if value is not None)


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
