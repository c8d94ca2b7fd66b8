"""Engagement of the account: inbound activities, and the people who are known there."""

from __future__ import annotations

from functools import partial

import narwhals as nw

from tierkit.calendar import known_rows
from tierkit.crm import Rows
from tierkit.features.feature import Aggregate, Block, Context, Feature, Window


def inbound_count(window: Window) -> nw.Expr:
    """Count the inbound activities (theirs: visits, requests, replies) in the window.

    Unit: activities. An account without has a true 0; activities without a direction count neither
    as theirs nor as ours.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("inbound_count_1q", activities="account_id date type direction;"
    ...         "A 2024-10-01 visit inbound; A 2024-12-31 demo inbound; A 2024-11-01 call outbound;"
    ...         "A 2025-01-01 visit inbound; B 2024-09-30 visit inbound; B 2024-11-01 visit -")
    {'A': 2.0, 'B': 0.0}
    """
    return nw.when(window.holds("date")).then(nw.lit(1)).sum()


def inbound_contacts_count() -> nw.Expr:
    """Count the different contacts behind the inbound activities of the last four quarters.

    Unit: contacts. Activities without a contact do not count; an account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("inbound_contacts_count_4q", activities="account_id date type direction contact_id;"
    ...         "A 2024-10-01 visit inbound C1; A 2024-12-31 demo inbound C1;"
    ...         "A 2024-12-31 visit inbound -; A 2024-11-01 visit inbound C2")
    {'A': 2.0}
    """
    return nw.col("contact_id").n_unique()


def inbound_activities(context: Context) -> Rows:
    """Return the inbound activities of the last four quarters before as_of."""
    activities = context.tables["activities"].select(
        "account_id", "date", "direction", "contact_id"
    )
    inbound = activities.filter(nw.col("direction") == "inbound")
    return known_rows(inbound, "date", context.dates).filter(YEAR.holds("date"))


def inbound_people(context: Context) -> Rows:
    """Return the inbound activities of the last four quarters whose contact is known."""
    return context.once(inbound_activities).filter(~nw.col("contact_id").is_null())


def contacts_count() -> nw.Expr:
    """Count the contacts at the account.

    Unit: contacts made before as_of; one without a created_date is not known. An account without
    has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("contacts_count", contacts="contact_id account_id created_date; C1 A 2024-05-01;"
    ...         "C2 A 2024-12-31; C3 A 2025-01-01; C4 B -")
    {'A': 2.0, 'B': 0.0}
    """
    return nw.len()


def contact_roles_count() -> nw.Expr:
    """Count the different roles among the account's contacts.

    Unit: roles, as they stand today, of contacts made before as_of. Contacts without a role do not
    count; an account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("contact_roles_count", contacts="contact_id account_id created_date role;"
    ...         "C1 A 2024-05-01 champion; C2 A 2024-06-01 champion; C3 A 2024-06-01 user;"
    ...         "C4 A 2024-06-01 -; C5 A 2025-01-01 buyer")
    {'A': 2.0}
    """
    return nw.col("role").n_unique()


def known_contacts(context: Context) -> Rows:
    """Return the contacts made before as_of."""
    contacts = context.tables["contacts"].select("contact_id", "account_id", "role", "created_date")
    return known_rows(contacts, "created_date", context.dates)


def known_roles(context: Context) -> Rows:
    """Return the contacts made before as_of whose role is known."""
    return context.once(known_contacts).filter(~nw.col("role").is_null())


INBOUND = Block(
    "inbound activities", inbound_activities, ("activities.direction",), history="activities"
)
PEOPLE = Block(
    "contacts behind inbound activities",
    inbound_people,
    ("activities.direction", "activities.contact_id"),
    history="activities",
)
CONTACTS = Block("contacts", known_contacts, ("contacts.created_date",))
ROLES = Block("roles of contacts", known_roles, ("contacts.created_date", "contacts.role"))
YEAR = Window(4)

FEATURES: tuple[Feature, ...] = (
    *(
        Aggregate(
            f"inbound_count_{window.label}",
            INBOUND,
            partial(inbound_count, window),
            window,
            grows=True,
        )
        for window in (Window(1), Window(2), YEAR)
    ),
    Aggregate("inbound_contacts_count_4q", PEOPLE, inbound_contacts_count, YEAR),
    Aggregate("contacts_count", CONTACTS, contacts_count),
    Aggregate("contact_roles_count", ROLES, contact_roles_count, undated="contacts.role"),
)


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

EFFORT_FEATURES: tuple[Feature, ...] = (
    Aggregate(
        "outbound_count_4q", OUTBOUND, partial(outbound_count, YEAR), YEAR, effort=True, grows=True
    ),
    Aggregate(
        "outbound_minutes_4q",
        OUTBOUND,
        partial(outbound_minutes, YEAR),
        YEAR,
        needs=("activities.minutes",),
        effort=True,
        grows=True,
    ),
    Aggregate("spend_4q", COSTS, partial(spend, YEAR), YEAR, effort=True, grows=True),
)
