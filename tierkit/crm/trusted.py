"""From a source to trusted tables: read, type, clean; all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import narwhals as nw

from tierkit.crm._hierarchy import TIERED_WITH_PARENT, with_ultimate_parents
from tierkit.crm.checks import check_rule_names, check_tables, raised_to_blocking
from tierkit.crm.cleaning import (
    EXCLUSION_REASON,
    REPEATED,
    CleanTable,
    accepted_first,
    clean_table,
    count_exclusions,
    won_amount,
)
from tierkit.crm.companies import with_one_company
from tierkit.crm.contract import CONTRACT, TableContract
from tierkit.crm.engine import (
    Connection,
    EngineName,
    Rows,
    connect,
    in_words,
    materialise,
    open_engine,
)
from tierkit.crm.identity import with_one_spelling
from tierkit.crm.lines import deals_from_lines, with_amounts_of_lines
from tierkit.crm.merges import MERGED, with_merges
from tierkit.crm.money import (
    TYPE_LEFT_OUT,
    in_reporting_currency,
    unmapped_types,
    with_codes,
    with_revenue_type,
    with_scale,
    with_signs,
)
from tierkit.crm.parsing import DateRules
from tierkit.crm.plausibility import contradictions_of, unmatched_tables
from tierkit.crm.presets.hubspot import MERGED_DEAL, SEVERAL_COMPANIES
from tierkit.crm.presets.preset import DELETED, SUPERSEDED
from tierkit.crm.sources import RawTable, deals_come_from_lines, read_raw_tables
from tierkit.crm.tables import Rejected, Tables, tables_in
from tierkit.crm.typed import TypedTable, typed_table
from tierkit.errors import DataError, Problem
from tierkit.settings import Settings


def prepare(
    typed: Mapping[str, TypedTable], settings: Settings, connection: Connection
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return typed tables whose ids, accounts and amounts mean one thing, and what is wrong.

    No row is taken away here; rows that do not count are marked with their reason.
    """
    tables, problems = with_one_company(
        _as_meant(typed, settings), how=settings.data.several_companies, connection=connection
    )
    tables, more = with_one_spelling(tables, connection)
    problems += more
    tables, more = with_merges(tables, connection)
    problems += more
    tables, more = with_ultimate_parents(tables, connection, unit=settings.target.unit)
    problems += more
    if {"opportunities", "opportunity_lines"} <= set(tables):
        deals, lines = tables["opportunities"], tables["opportunity_lines"]
        tables["opportunities"], more = with_amounts_of_lines(deals, lines, connection)
        problems += more
    deal_table = "opportunity_lines" if deals_come_from_lines(tables) else "opportunities"
    tables, more = in_reporting_currency(
        tables, connection, deals=deal_table, currency=settings.calendar.currency
    )
    return tables, [*problems, *more]


def _as_meant(typed: Mapping[str, TypedTable], settings: Settings) -> dict[str, TypedTable]:
    """Return typed tables with currencies by their codes, amounts in units and refunds negative."""
    tables = dict(typed)
    for name, table in typed.items():
        scale = settings.data.scale.get(name, {})
        if scale:
            rows = with_scale(table.rows, scale, currency=settings.calendar.currency)
            tables[name] = replace(table, rows=rows)
    deals = "opportunity_lines" if deals_come_from_lines(tables) else "opportunities"
    if "type" in tables[deals].given:
        rows = with_signs(tables[deals].rows, settings.target.revenue_types)
        tables[deals] = replace(tables[deals], rows=rows)
    for name, table in tables.items():
        if "currency" in table.given:
            tables[name] = replace(table, rows=with_codes(table.rows))
    return tables


MOST_EXCLUDED = 0.5
MONEY_WARNS, MONEY_OF_ONE_REASON_WARNS, MONEY_BLOCKS = 0.05, 0.02, 0.25
"""Shares of won revenue left out, from which on a person must know of it."""
_MEANT = (DELETED, SUPERSEDED, MERGED, TIERED_WITH_PARENT, TYPE_LEFT_OUT)
_NOT_LOST = (*_MEANT, REPEATED, MERGED_DEAL)


@dataclass(frozen=True)
class Reading:
    """Everything that reading a source found.

    Attributes
    ----------
    tables
        The trusted tables, None where something blocks.
    problems
        All of them.
    unusable
        What could be read where something blocks, for the rows that it leaves out: never to be
        computed with. None where nothing blocks, or where nothing could be read.
    rejected
        Lines that are no rows, and rows with values that could not be read.
    """

    tables: Tables | None
    problems: tuple[Problem, ...]
    unusable: Tables | None = None
    rejected: tuple[Rejected, ...] = ()

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """The problems that must be fixed before a run."""
        return tuple(problem for problem in self.problems if problem.blocks)


def read_tables(settings: Settings, *, engine: EngineName | None = None) -> Tables:
    """Read, type and clean the tables of a project.

    Raises
    ------
    DataError
        With every problem that makes a number wrong, at once.
    SettingsError
        If the settings name tables or columns that the contract does not have.
    """
    reading = examine_source(settings)
    if reading.tables is None:
        count = len(reading.blocking)
        raise DataError(
            f"{settings.data.source}: {count} problem{'s' if count > 1 else ''} in the data",
            reading.blocking,
        )
    asked = engine or settings.data.engine
    return reading.tables if asked == "duckdb" else tables_in(open_engine(asked), reading.tables)


def examine_source(settings: Settings) -> Reading:
    """Read a project's source and return its tables together with every problem found."""
    check_rule_names(settings.checks)
    with in_words(f"{settings.data.source}: cannot be computed"):
        return _examine(settings)


def _examine(settings: Settings) -> Reading:
    connection = connect(
        scratch=settings.scratch / "read",
        timezone=settings.data.timezone,
        memory_mb=settings.data.memory_mb,
    )
    raw, problems = read_raw_tables(settings, connection)
    typed = {}
    for name, table in raw.items():
        if CONTRACT[name].required <= table.given:
            typed[name] = _type(table, settings, connection, from_lines=deals_come_from_lines(raw))
            problems += typed[name].problems
    empty = _empty(typed)
    problems += empty
    deals = "opportunity_lines" if deals_come_from_lines(raw) else "opportunities"
    if not {"accounts", deals} <= set(typed) or any(problem.blocks for problem in empty):
        return Reading(None, tuple(problems), rejected=_rejected(typed))
    problems += contradictions_of(typed, settings.data)
    typed, more = prepare(typed, settings, connection)
    problems += [*more, *unmatched_tables(typed)]
    clean, more = _clean_all(typed, settings, connection)
    problems = raised_to_blocking([*problems, *more], settings.checks)
    tables = _trusted(typed, clean, problems, connection)
    found = check_tables(tables, settings) if "opportunities" in tables else []
    together = (*_money_left_out(tables, settings), *problems, *found)
    if any(problem.blocks for problem in together):
        return Reading(None, together, tables, _rejected(typed))
    conserve(tables)
    return Reading(replace(tables, remarks=together), together, rejected=_rejected(typed))


def _rejected(typed: Mapping[str, TypedTable]) -> tuple[Rejected, ...]:
    return tuple(part for name in sorted(typed) for part in typed[name].rejected)


def _type(
    table: RawTable, settings: Settings, connection: Connection, *, from_lines: bool
) -> TypedTable:
    contract = CONTRACT[table.name]
    if from_lines and table.name == "opportunity_lines":
        columns = {**contract.columns, **CONTRACT["opportunities"].columns}
        required = contract.required | {"account_id", "close_date", "is_won"}
        contract = TableContract(contract.name, contract.row, columns, required)
    words = settings.data.values.get(table.name, {})
    rules = DateRules(settings.data.date_order, settings.data.timezone)
    return typed_table(
        table,
        contract,
        words=words,
        dates=rules,
        decimal=settings.data.decimal,
        connection=connection,
    )


def _empty(typed: Mapping[str, TypedTable]) -> list[Problem]:
    return [
        Problem(
            "the table has no rows",
            "Export it again, or take the file away.",
            name,
            rule="no rows",
            rows=0,
            blocks=name in ("accounts", "opportunities")
            or (name == "opportunity_lines" and deals_come_from_lines(typed)),
        )
        for name, table in typed.items()
        if table.rows.head(1).collect().is_empty()
    ]


def _clean_all(
    typed: Mapping[str, TypedTable], settings: Settings, connection: Connection
) -> tuple[dict[str, CleanTable], list[Problem]]:
    clean = {"accounts": clean_table(typed["accounts"], accounts=None, connection=connection)}
    accounts = clean["accounts"].rows
    clean |= {
        name: clean_table(table, accounts=accounts, connection=connection)
        for name, table in typed.items()
        if name != "accounts"
    }
    if "tier_history" in clean:
        clean["tier_history"] = accepted_first(clean["tier_history"], connection)
    problems = [problem for table in clean.values() for problem in table.problems]
    if deals_come_from_lines(typed):
        deals, more = deals_from_lines(clean["opportunity_lines"].rows)
        problems += more
        deals = materialise(connection, deals, "deals of lines")
        nothing = deals.head(0).with_columns(nw.lit(None).cast(nw.String).alias(EXCLUSION_REASON))
        clean["opportunities"] = CleanTable(deals, nothing, (), ())
    given = "type" in _deal_table(typed).given
    meant = with_revenue_type(
        clean["opportunities"].rows, settings.target.revenue_types, given=given
    )
    meant = materialise(connection, meant, "deals with their revenue type")
    clean["opportunities"], more = _without_left_out_types(clean["opportunities"], meant)
    return clean, [*problems, *more, *_mostly_excluded(clean)]


def _deal_table(typed: Mapping[str, TypedTable]) -> TypedTable:
    return typed["opportunity_lines" if deals_come_from_lines(typed) else "opportunities"]


def _without_left_out_types(deals: CleanTable, rows: Rows) -> tuple[CleanTable, list[Problem]]:
    """Return the deals whose type the settings do not leave out, and types without a meaning."""
    problems = unmapped_types(rows)
    left_out = rows.filter(nw.col("revenue_type") == "exclude")
    excluded = left_out.with_columns(nw.lit(TYPE_LEFT_OUT).alias(EXCLUSION_REASON))
    counted = count_exclusions(excluded, "opportunities")
    left = nw.concat([deals.excluded, excluded.select(deals.excluded.columns)])
    usable = rows.filter((nw.col("revenue_type") != "exclude") | nw.col("revenue_type").is_null())
    exclusions = (*deals.exclusions, *counted)
    return replace(deals, rows=usable, excluded=left, exclusions=exclusions), problems


def _mostly_excluded(clean: Mapping[str, CleanTable]) -> list[Problem]:
    """Return a warning for each table of which most rows cannot be used."""
    problems = []
    for name, table in clean.items():
        unusable = [part for part in table.exclusions if part.reason not in _MEANT]
        lost = sum(part.rows for part in unusable)
        usable = int(table.rows.select(nw.len()).collect().item())
        if lost > MOST_EXCLUDED * (lost + usable):
            reasons = "; ".join(f"{part.reason}: {part.rows:,}" for part in unusable)
            problems.append(
                Problem(
                    f"{lost:,} of {lost + usable:,} rows cannot be used ({reasons})",
                    "See that the ids are those of accounts, and that dates and amounts are there.",
                    name,
                    rule="mostly excluded",
                    rows=lost,
                    blocks=usable == 0 and name in ("accounts", "opportunities"),
                )
            )
    return problems


def _money_left_out(tables: Tables, settings: Settings) -> list[Problem]:
    """Return a problem where much won revenue is left out for reasons that nobody has settled."""
    total = Decimal(tables.source_won_revenue)
    lost: dict[str, Decimal] = {}
    for part in tables.exclusions:
        if part.reason not in (*_NOT_LOST, *settings.checks.accept_left_out):
            lost[part.reason] = lost.get(part.reason, Decimal(0)) + Decimal(part.won_revenue)
    share = float(sum(lost.values()) / total) if total > 0 else 0.0
    most = float(max(lost.values(), default=Decimal(0)) / total) if total > 0 else 0.0
    if share <= MONEY_WARNS and most <= MONEY_OF_ONE_REASON_WARNS:
        return []
    reasons = sorted((reason for reason in lost if lost[reason]), key=lambda one: -lost[one])
    shown = "; ".join(f"{reason}: {lost[reason]:,.2f}" for reason in reasons)
    named = ", ".join(f'"{reason}"' for reason in reasons)
    companies = SEVERAL_COMPANIES in reasons
    first = 'Set [data] several_companies = "first" or "split", or mend' if companies else "Mend"
    grouped = (
        " Where only the first row of a group names its account, set [data.fill_down]."
        if "no account_id" in reasons
        else ""
    )
    return [
        Problem(
            f"{sum(lost.values()):,.2f} of {total:,.2f} won ({share:.0%}) is left out ({shown})",
            f"{first} the rows, or accept it: [checks] accept_left_out = [{named}].{grouped}",
            "opportunities",
            "amount",
            rule="money left out",
            blocks=share > MONEY_BLOCKS,
        )
    ]


def _trusted(
    typed: Mapping[str, TypedTable],
    clean: Mapping[str, CleanTable],
    problems: Iterable[Problem],
    connection: Connection,
) -> Tables:
    empty = {problem.table for problem in problems if problem.rule == "no rows"}
    frames = {name: table.rows for name, table in clean.items() if name not in empty}
    given = {name: table.given for name, table in typed.items()}
    given.setdefault("opportunities", _deal_table(typed).given)
    exclusions = tuple(part for table in clean.values() for part in table.exclusions)
    return Tables(
        frames=frames,
        given=given,
        connection=connection,
        exclusions=exclusions,
        source_rows={name: _count(table.rows) + table.footer_rows for name, table in typed.items()},
        source_won_revenue=str(_won(_deal_table(typed).rows)),
        excluded={name: table.excluded for name, table in clean.items()},
    )


def conserve(tables: Tables) -> None:
    """Raise unless won revenue in equals won revenue used plus named exclusions, to the cent.

    Raises
    ------
    DataError
        If money was lost or made on the way; this is a fault of tierkit, not of the data.
    """
    used = _won(tables["opportunities"])
    excluded = sum((Decimal(part.won_revenue) for part in tables.exclusions), Decimal(0))
    if used + excluded != Decimal(tables.source_won_revenue):
        raise DataError(
            f"opportunities.amount: {tables.source_won_revenue} won in the source, but {used} used "
            f"and {excluded} excluded. Please report this: money must not get lost."
        )


def _won(deals: Rows) -> Decimal:
    total = deals.select(won_amount(deals.columns).sum().alias("won")).collect().item()
    return Decimal(total or 0)


def _count(rows: Rows) -> int:
    return int(rows.select(nw.len()).collect().item())
