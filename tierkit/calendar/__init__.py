"""Fiscal quarters and windows of time; the only room that compares dates.

Windows are `[start, end)`. `as_of` is the first day that is not yet known: features see rows
strictly before it, outcomes are what happens from it on.
"""

from __future__ import annotations

from tierkit.calendar.quarters import (
    DAYS_A_QUARTER,
    MONTHS_PER_QUARTER,
    FiscalCalendar,
    Quarter,
    complete_quarter_ends,
    covers,
    days_old,
    is_before,
    latest_on_or_before,
    look_back_start,
    newest,
    quarters_between,
    quarters_since,
    spell_date,
    spell_range,
    starts_after,
    trainable,
    whole_quarters,
    window_is_over,
)
from tierkit.calendar.rows import (
    before,
    days_between,
    earlier,
    from_on,
    in_force,
    known_rows,
    later_than,
    latest_of,
    on_or_after,
    outcome_rows,
)

__all__ = [
    "DAYS_A_QUARTER",
    "MONTHS_PER_QUARTER",
    "FiscalCalendar",
    "Quarter",
    "before",
    "complete_quarter_ends",
    "covers",
    "days_between",
    "days_old",
    "earlier",
    "from_on",
    "in_force",
    "is_before",
    "known_rows",
    "later_than",
    "latest_of",
    "latest_on_or_before",
    "look_back_start",
    "newest",
    "on_or_after",
    "outcome_rows",
    "quarters_between",
    "quarters_since",
    "spell_date",
    "spell_range",
    "starts_after",
    "trainable",
    "whole_quarters",
    "window_is_over",
]
