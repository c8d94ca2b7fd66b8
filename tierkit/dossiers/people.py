"""Contacts by role: how many, when one was last in touch, which required role has none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import narwhals as nw
import pandas as pd

from tierkit.calendar import before
from tierkit.crm.guard import gathered
from tierkit.crm.tables import Tables
from tierkit.readiness.coverage import contacts_are_named

COLUMNS = ("account_id", "role", "contacts", "in_touch", "last_touch", "required")
NO_ROLE = "role not known"


def contacts_by_role(
    tables: Tables, ids: Sequence[str], *, as_of: date, required: Sequence[str], engaged_days: int
) -> pd.DataFrame:
    """Return the roles of the buying centre of some accounts, filled and not.

    Returns
    -------
    pandas.DataFrame
        A row per account and role, required ones first in their order, also without a contact:
        `contacts` made before `as_of`, those `in_touch` in the last `engaged_days` days, in either
        direction, the day of the `last_touch`, and whether the role is `required`. Where no
        activity names a contact, who was in touch is not known: `in_touch` is missing.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(contacts="contact_id account_id role created_date;"
    ...     "C1 A Champion 2025-01-01; C2 A champion 2025-01-01",
    ...     activities="account_id date type contact_id; A 2025-12-01 call C1")
    >>> found = contacts_by_role(tables, ["A"], as_of=date(2026, 1, 1),
    ...                          required=["champion", "buyer"], engaged_days=92)
    >>> found[["role", "contacts", "in_touch"]].values.tolist()
    [['champion', 2, 1], ['buyer', 0, 0]]
    """
    if "contacts" not in tables:
        return pd.DataFrame(columns=[*COLUMNS])
    people = _people(tables, ids, as_of)
    names = {name.strip().casefold(): name for name in required}
    role = people["role"].fillna(NO_ROLE).str.strip()
    people["role"] = role.str.casefold().map(names).fillna(role)
    people["touched"] = people["last_touch"].ge(pd.Timestamp(as_of - timedelta(days=engaged_days)))
    counted = people.groupby(["account_id", "role"], dropna=False).agg(
        contacts=("contact_id", "size"), in_touch=("touched", "sum"),
        last_touch=("last_touch", "max"),
    )  # fmt: skip
    keys = ["account_id", "role"]
    wanted = pd.MultiIndex.from_product([[*ids], [*dict.fromkeys(required)]], names=keys)
    found = counted.reindex(counted.index.union(wanted)).reset_index()
    found = found.fillna({"contacts": 0, "in_touch": 0}).astype({"contacts": int, "in_touch": int})
    if not contacts_are_named(tables):
        found["in_touch"] = None
    found["required"] = found["role"].isin([*required])
    place = {name: at for at, name in enumerate(required)}
    found["place"] = found["role"].map(place).fillna(len(place))
    ordered = found.sort_values(["account_id", "place", "role"], kind="stable", ignore_index=True)
    return ordered[[*COLUMNS]]


def _people(tables: Tables, ids: Sequence[str], as_of: date) -> pd.DataFrame:
    """Return the contacts of accounts known before a day, with when each was last in touch."""
    rows = tables["contacts"].filter(nw.col("account_id").is_in([*ids]))
    if tables.has("contacts", "created_date"):
        rows = before(rows, "created_date", as_of)
    people: pd.DataFrame = rows.select("contact_id", "account_id", "role").collect().to_pandas()
    touched = pd.Series(dtype="datetime64[us]")
    if tables.has("activities", "contact_id"):
        known = before(tables["activities"], "date", as_of)
        known = known.filter(nw.col("account_id").is_in([*ids]), ~nw.col("contact_id").is_null())
        last = gathered(known, "contact_id", last_touch=nw.col("date").max())
        touched = last.collect().to_pandas().set_index("contact_id")["last_touch"]
    last_touch = touched.reindex(people["contact_id"]).to_numpy()
    return people.assign(last_touch=pd.to_datetime(last_touch))
