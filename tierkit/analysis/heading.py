"""What a notebook works on: project, quarter with its dates, data."""

from __future__ import annotations

from tierkit.calendar import spell_date
from tierkit.crm.period import last_day
from tierkit.recalibration.work import Work
from tierkit.reporting.fragment import Fragment, tag


def heading(run: Work) -> Fragment:
    """Return a line that names project, quarter and how far the data reach."""
    return Fragment(
        str(
            tag(
                "p",
                f"{run.title} · {run.quarter.label} ({run.quarter.dates}) · nothing from "
                f"{spell_date(run.as_of)} on is known · data until "
                f"{spell_date(last_day(run.tables))} · {run.currency}",
            )
        )
    )
