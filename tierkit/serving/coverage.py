"""Contact coverage: which required roles are known at an account, and which are engaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import before, outcome_rows
from tierkit.crm import Tables, grouped, to_frame
from tierkit.settings import Tier
from tierkit.table import Column, Columns, Table

CAPTION = "Required roles that are known and engaged, by account"
_COLUMNS: Columns = [
    "account_id",
    "tier",
    *Column.each("number", "roles_known", "roles_engaged"),
    "roles_missing",
    "roles_silent",
]

NO_ROLES = "set readiness.required_roles"
NO_CONTACTS = "needs contacts with a role"
NO_CONTACT_OF_ACTIVITIES = "needs activities with a contact_id"


def contact_coverage(
    tables: Tables,
    tier: pd.Series[str],
    *,
    as_of: date,
    required_roles: Sequence[str],
    engaged_days: int,
) -> Table:
    """Return how many of the required roles are known and engaged at each account.

    A role is known where a contact with it was made before `as_of`; engaged where such a contact
    took part in an activity of either direction in the last `engaged_days` days. Case of roles does
    not matter. Roles are those of today.

    Returns
    -------
    Table
        One row per account of `tier`, in its order: `account_id`, `tier`, `roles_known`,
        `roles_engaged` (counts), `roles_missing`, `roles_silent` (names: not known; known but not
        engaged). Where no activity names a contact, `roles_engaged` is missing and `roles_silent`
        is empty.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(contacts="contact_id account_id role created_date;"
    ...     "C1 A champion 2025-01-01; C2 A buyer 2025-01-01",
    ...     activities="account_id date type contact_id; A 2025-12-01 call C1")
    >>> found = contact_coverage(tables, pd.Series({"A": "Tier 1"}), as_of=date(2026, 1, 1),
    ...                          required_roles=["champion", "buyer", "user"], engaged_days=92)
    >>> found.facts()[0]["roles_missing"], found.facts()[0]["roles_silent"]
    ('user', 'buyer')
    """
    why = _why(tables, required_roles)
    if why:
        return Table("contact-coverage", CAPTION, _COLUMNS, (), why=why)
    wanted = {role.strip().lower(): role for role in required_roles}
    contacts = _contacts(tables, as_of)
    contacts = contacts[contacts["account_id"].isin(tier.index) & contacts["role"].isin(wanted)]
    are_named = contacts_are_named(tables)
    active = contacts["contact_id"].isin(_active(tables, as_of, engaged_days) if are_named else ())
    known = contacts.groupby("account_id")["role"].agg(frozenset)
    engaged = contacts[active].groupby("account_id")["role"].agg(frozenset)
    rows = []
    for account, name in tier.items():
        has = known.get(account, frozenset())
        busy = engaged.get(account, frozenset())
        rows.append(
            {
                "account_id": str(account),
                "tier": str(name),
                "roles_known": len(has),
                "roles_engaged": len(busy) if are_named else None,
                "roles_missing": _named(wanted, wanted.keys() - has),
                "roles_silent": _named(wanted, has - busy) if are_named else "",
            }
        )
    return Table("contact-coverage", CAPTION, _COLUMNS, rows)


def contacts_are_named(tables: Tables) -> bool:
    """Return true if any activity names a contact; else who is in touch is not known."""
    if not tables.has("activities", "contact_id"):
        return False
    named = tables["activities"].filter(~nw.col("contact_id").is_null())
    return not named.select("contact_id").head(1).collect().is_empty()


def _why(tables: Tables, required_roles: Sequence[str]) -> str:
    if not required_roles:
        return NO_ROLES
    return "" if tables.has("contacts", "role") else NO_CONTACTS


def _contacts(tables: Tables, as_of: date) -> pd.DataFrame:
    rows = tables["contacts"].select("contact_id", "account_id", "role", "created_date")
    known = before(rows, "created_date", as_of) if tables.has("contacts", "created_date") else rows
    role = nw.col("role").str.strip_chars(" ").str.to_lowercase()
    return to_frame(known.with_columns(role=role).filter(~nw.col("role").is_null()))


def _active(tables: Tables, as_of: date, days: int) -> frozenset[str]:
    span = tables.dates({"as_of": [as_of - timedelta(days=days)], "horizon_end": [as_of]})
    rows = outcome_rows(tables["activities"].select("date", "contact_id"), "date", span)
    found = to_frame(rows.select("contact_id").unique())["contact_id"]
    return frozenset(found.dropna())


def _named(wanted: dict[str, str], roles: frozenset[str] | set[str]) -> str:
    return ", ".join(name for key, name in wanted.items() if key in roles)


DATED_TABLES: Mapping[str, str] = {
    "contacts": "created_date",
    "account_history": "changed_date",
    "signals": "date",
    "opportunities": "created_date",
    "contracts": "start_date",
    "activities": "date",
}
"""Tables whose rows say something of an account, and the column with the day it was learned."""

DEFAULT_DAYS = (92, 365)


def newest_facts(tables: Tables, *, as_of: date, sources: Sequence[str]) -> pd.DataFrame:
    """Return the day of the newest fact of each account, by table.

    Parameters
    ----------
    sources
        The tables that count, of `DATED_TABLES`.

    Returns
    -------
    pandas.DataFrame
        One row per account_id with any dated row before `as_of`; one column per table that the
        source has, with the day of its newest row (missing without one), and `newest`.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(signals="account_id date signal value; A 2025-03-01 usage 5;"
    ...                            "A 2025-12-31 usage 6; A 2026-01-01 usage 7")
    >>> facts = newest_facts(tables, as_of=date(2026, 1, 1), sources=["signals", "contacts"])
    >>> facts["newest"].dt.date.to_dict()
    {'A': datetime.date(2025, 12, 31)}
    """
    columns = []
    for name in sources:
        column = DATED_TABLES[name]
        if tables.has(name, column):
            known = before(tables[name], column, as_of)
            last = grouped(known, "account_id", **{name: nw.col(column).max()})
            frame = to_frame(last.filter(~nw.col("account_id").is_null()))
            columns.append(pd.to_datetime(frame.set_index("account_id")[name]))
    if not columns:
        return pd.DataFrame({"newest": pd.to_datetime(pd.Series([], dtype="str"))})
    found = pd.concat(columns, axis=1, join="outer").sort_index()
    return found.assign(newest=found.max(axis=1)).rename_axis("account_id")


def fresh_days(tiers: Sequence[Tier], given: Mapping[str, int]) -> dict[str, int]:
    """Return by tier how old the newest fact may be; tiers without a limit are absent.

    Examples
    --------
    >>> fresh_days([Tier(name="A"), Tier(name="B"), Tier(name="C")], {})
    {'A': 92, 'B': 365}
    >>> fresh_days([Tier(name="A"), Tier(name="B")], {"B": 30})
    {'A': 92, 'B': 30}
    """
    defaults = dict(zip((tier.name for tier in tiers[:-1]), DEFAULT_DAYS, strict=False))
    limits = {**defaults, **given}
    return {tier.name: limits[tier.name] for tier in tiers if tier.name in limits}


def account_freshness(
    tier: pd.Series[str], facts: pd.DataFrame, *, as_of: date, limits: Mapping[str, int]
) -> pd.DataFrame:
    """Return whether what is known of each account is fresh enough for its tier.

    Returns
    -------
    pandas.DataFrame
        One row per account of a tier with a limit, in the order of `tier`: `tier`, `newest`,
        `days_old` (whole days before `as_of`), `limit_days`, `is_fresh`. An account without any
        dated fact has no day and is not fresh.
    """
    names = tier.astype("str")
    chosen = names[names.isin([*limits])]
    newest = facts["newest"].reindex(chosen.index)
    days = (pd.Timestamp(as_of) - newest).dt.days
    limit = chosen.map(limits).astype(float)
    return pd.DataFrame(
        {
            "tier": chosen,
            "newest": newest,
            "days_old": days.astype(float),
            "limit_days": limit,
            "is_fresh": np.where(days.isna(), False, days <= limit),  # noqa: FBT003
        },
        index=chosen.index,
    )
