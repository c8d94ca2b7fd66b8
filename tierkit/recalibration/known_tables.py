"""The tables as they stood on the run's day: what pipeline amounts must be learned from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tierkit.crm.known import deals_as_known
from tierkit.crm.tables import Tables


def known_tables(tables: Tables, as_of: date) -> Tables:
    """Return the tables with every deal as it was known before `as_of`.

    A deal that was open then has the amount that `stage_history` gave, and none without history:
    what it was worth in the end is not known yet.
    """
    deals = deals_as_known(tables, [as_of]).drop("as_of")
    return replace(tables, frames={**tables.frames, "opportunities": deals})
