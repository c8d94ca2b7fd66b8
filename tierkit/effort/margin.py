"""What is left of a unit of revenue: from the settings, else from the costs of won deals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import narwhals as nw

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm.revenue import TARGET_TYPES
from tierkit.crm.tables import Tables
from tierkit.settings import Settings

QUARTERS = 4


@dataclass(frozen=True)
class Margin:
    """What is left of a unit of revenue, and where the number comes from."""

    share: float
    source: str


def gross_margin(tables: Tables, *, settings: Settings, as_of: date) -> Margin:
    """Return the margin with which an effect on revenue is held against what a tier costs.

    `effort.gross_margin` where it is set. Otherwise, where won deals of the last four quarters have
    a cost, (amount − cost) / amount of them together. Otherwise 1: revenue counts whole, and the
    source says so. Predicted margin (`target.measure`) is margin already.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount cost is_won;"
    ...     "A 2025-03-01 100 20 true; A 2025-04-01 100 40 true; A 2025-05-01 900 - true")
    >>> gross_margin(tables, settings=Settings(), as_of=date(2026, 1, 1))
    Margin(share=0.7, source='2 won deals with a cost in the last four quarters')
    """
    if settings.target.measure == "margin":
        return Margin(1.0, "predicted revenue is margin already")
    if settings.effort.gross_margin is not None:
        return Margin(settings.effort.gross_margin, "effort.gross_margin of the settings")
    whole = Margin(1.0, "not known: revenue counts whole; set effort.gross_margin")
    if not tables.has("opportunities", "cost"):
        return whole
    days = tables.dates({"as_of": [look_back_start(as_of, QUARTERS)], "horizon_end": [as_of]})
    deals = tables["opportunities"].filter(
        nw.col("is_won"), nw.col("revenue_type").is_in([*TARGET_TYPES]), ~nw.col("cost").is_null()
    )
    sums = outcome_rows(deals, "close_date", days).select(
        deals=nw.len(), amount=nw.col("amount").sum(), cost=nw.col("cost").sum()
    )
    count, amount, cost = sums.collect().rows()[0]
    if not count or not amount > 0 or not 0 < 1 - float(cost) / float(amount) <= 1:
        return whole
    said = f"{count:,} won deals with a cost in the last four quarters"
    return Margin(round(1 - float(cost) / float(amount), 6), said)
