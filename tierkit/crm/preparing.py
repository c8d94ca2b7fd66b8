"""Between typing and cleaning: one spelling of ids, one account for each company, one currency."""

from __future__ import annotations

from collections.abc import Mapping

from tierkit.crm.currencies import in_reporting_currency
from tierkit.crm.engine import Connection
from tierkit.crm.hierarchy import with_ultimate_parents
from tierkit.crm.identity import with_one_spelling
from tierkit.crm.lines import with_amounts_of_lines
from tierkit.crm.merges import with_merges
from tierkit.crm.sources import deals_come_from_lines
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem
from tierkit.settings import Settings


def prepare(
    typed: Mapping[str, TypedTable], settings: Settings, connection: Connection
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return typed tables whose ids, accounts and amounts mean one thing, and what is wrong.

    No row is taken away here; rows that do not count are marked with their reason.
    """
    tables, problems = with_one_spelling(typed, connection)
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
