"""The outcomes of accounts in the horizon after a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tierkit._outcomes import outcomes as outcomes_after
from tierkit.crm import Tables
from tierkit.library._settings import Project, day_of, settings_of
from tierkit.library._shown import Result


def outcomes(
    tables: Tables,
    as_of: date | str | Sequence[date | str],
    *,
    horizon_quarters: int | None = None,
    settings: Project | None = None,
) -> Result:
    """Return what each account brought in the quarters that begin at one or several days.

    Parameters
    ----------
    as_of
        First day of each horizon. Whether a horizon is over is for the caller to know.
    horizon_quarters
        How many quarters it lasts; by default those of the settings, or 4.

    Returns
    -------
    Result
        A row per account and as_of with any outcome: `won_revenue` (money), `wins_count`,
        `pipeline_created_amount`, `renewal_revenue`. An account that brought nothing is absent.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...     "A 2025-01-01 100 true; A 2025-12-31 20 true; B 2026-01-01 9 true")
    >>> outcomes(tables, "2025-01-01").to_frame()["won_revenue"].tolist()
    [120.0]
    >>> outcomes(tables, "2025-01-01", horizon_quarters=1).to_frame()["won_revenue"].tolist()
    [100.0]
    """
    asked = settings_of(settings, horizon_quarters=horizon_quarters)
    several = not isinstance(as_of, (str, date))
    days = [day_of(one) for one in as_of] if several else [day_of(as_of)]  # type: ignore[union-attr,arg-type]
    found = outcomes_after(tables, days, settings=asked)
    quarters = asked.target.horizon_quarters
    return Result(found, f"Outcomes of accounts in {quarters} quarters from as_of on")
