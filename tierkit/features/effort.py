"""What we did to the account: built and reported, but never a reason to call it valuable."""

from __future__ import annotations

from functools import partial

import narwhals as nw

from tierkit.calendar import known_rows
from tierkit.crm.tables import Rows
from tierkit.features.feature import Aggregate, Block, Context, Feature, Window


def outbound_count(window: Window) -> nw.Expr:
    """Count the outbound activities (ours: calls, emails, meetings) in the window.

    Unit: activities. An account without has a true 0; activities without a direction do not count.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("outbound_count_4q", activities="account_id date type direction;"
    ...         "A 2024-01-01 call outbound; A 2024-12-31 call outbound; A 2024-06-01 demo inbound;"
    ...         "B 2023-12-31 call outbound")
    {'A': 2.0, 'B': 0.0}
    """
    return nw.when(window.holds("date")).then(nw.lit(1)).sum()


def outbound_minutes(window: Window) -> nw.Expr:
    """Minutes of the outbound activities in the window.

    Unit: minutes. Activities without minutes add nothing; an account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("outbound_minutes_4q", activities="account_id date type direction minutes;"
    ...         "A 2024-03-01 call outbound 20; A 2024-12-31 meeting outbound 60;"
    ...         "A 2024-12-31 email outbound -; A 2024-06-01 demo inbound 45")
    {'A': 80.0}
    """
    return nw.when(window.holds("date")).then(nw.col("minutes").cast(EXACT)).sum()


def spend(window: Window) -> nw.Expr:
    """Money spent on the account in the window, from costs.

    Unit: the reporting currency. An account without costs has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("spend_4q", costs="account_id date amount;"
    ...         "A 2024-03-01 20.50; A 2024-12-31 60; A 2025-01-01 500; B 2023-12-31 7")
    {'A': 80.5, 'B': 0.0}
    """
    return nw.when(window.holds("date")).then(nw.col("amount")).sum()


def outbound_activities(context: Context) -> Rows:
    """Return the outbound activities of the last four quarters before as_of."""
    activities = context.tables["activities"].select("account_id", "date", "direction", "minutes")
    outbound = activities.filter(nw.col("direction") == "outbound")
    return known_rows(outbound, "date", context.dates).filter(YEAR.holds("date"))


def known_costs(context: Context) -> Rows:
    """Return the costs of the last four quarters before as_of."""
    costs = context.tables["costs"].select("account_id", "date", "amount")
    return known_rows(costs, "date", context.dates).filter(YEAR.holds("date"))


OUTBOUND = Block(
    "outbound activities", outbound_activities, ("activities.direction",), history="activities"
)
COSTS = Block("costs", known_costs, ("costs",), history="costs")
EXACT = nw.Decimal(38, 4)  # sums of floats depend on the order of rows
YEAR = Window(4)

FEATURES: tuple[Feature, ...] = (
    Aggregate("outbound_count_4q", OUTBOUND, partial(outbound_count, YEAR), YEAR, effort=True),
    Aggregate(
        "outbound_minutes_4q",
        OUTBOUND,
        partial(outbound_minutes, YEAR),
        YEAR,
        needs=("activities.minutes",),
        effort=True,
    ),
    Aggregate("spend_4q", COSTS, partial(spend, YEAR), YEAR, effort=True),
)
