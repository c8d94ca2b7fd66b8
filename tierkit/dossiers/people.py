"""Contacts by role: how many, when one was last in touch, which required role has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, before, outcome_rows
from tierkit.crm import (
    TARGET_TYPES,
    Rows,
    Tables,
    deals_as_known,
    grouped,
    summed,
    target_deals,
    to_frame,
)
from tierkit.runs import Run
from tierkit.serving import contacts_are_named, product_revenue

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
    people = to_frame(rows.select("contact_id", "account_id", "role"))
    touched = pd.Series(dtype="datetime64[us]")
    if tables.has("activities", "contact_id"):
        known = before(tables["activities"], "date", as_of)
        known = known.filter(nw.col("account_id").is_in([*ids]), ~nw.col("contact_id").is_null())
        last = grouped(known, "contact_id", last_touch=nw.col("date").max())
        touched = to_frame(last).set_index("contact_id")["last_touch"]
    last_touch = touched.reindex(people["contact_id"]).to_numpy()
    return people.assign(last_touch=pd.to_datetime(last_touch))


NO_PRODUCT = "product not known"
REVENUE = ["account_id", "product", "quarter", "amount"]
CENT = 0.005


def of_accounts(rows: Rows, ids: list[str]) -> Rows:
    """Return the rows of some accounts."""
    return rows.filter(nw.col("account_id").is_in(ids))


def by_quarter(run: Run, rows: Rows, day: str, quarters: list[Quarter]) -> Rows:
    """Return the rows that lie in a quarter, with its start as `as_of`."""
    spans = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    return outcome_rows(rows, day, run.tables.dates(spans))


def with_labels(frame: pd.DataFrame, quarters: list[Quarter]) -> pd.DataFrame:
    """Return the rows with the label of their quarter in place of its start."""
    labels = {pd.Timestamp(quarter.start): quarter.label for quarter in quarters}
    return frame.assign(quarter=pd.to_datetime(frame["as_of"]).map(labels)).drop(columns="as_of")


def won_by_quarter(run: Run, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    """Return won revenue by account, product and quarter: all of it, as the deals have it.

    What no product line accounts for stands beside the products as `NO_PRODUCT`.
    """
    won = target_deals(run.tables, run.settings).filter(nw.col("is_won"))
    totals = _won(run, won, quarters, ids, ["account_id", "as_of"])
    lines = product_revenue(run.tables, settings=run.settings)
    if lines is None:
        return totals.assign(product=NO_PRODUCT)[REVENUE]
    named = _won(run, lines, quarters, ids, ["account_id", "product", "as_of"])
    keys = ["account_id", "quarter"]
    rest = totals.set_index(keys)["amount"] - named.groupby(keys, dropna=False)["amount"].sum()
    rest = rest.fillna(totals.set_index(keys)["amount"])
    other = rest[rest.abs() >= CENT].rename("amount").reset_index().assign(product=NO_PRODUCT)
    found = pd.concat([named.fillna({"product": NO_PRODUCT})[REVENUE], other[REVENUE]])
    return found.groupby(REVENUE[:3], sort=True, dropna=False)["amount"].sum().reset_index()


def _won(
    run: Run, rows: Rows, quarters: list[Quarter], ids: list[str], keys: list[str]
) -> pd.DataFrame:
    inside = by_quarter(run, of_accounts(rows, ids), "close_date", quarters)
    sums = summed(inside, keys, sums={"amount": nw.col("amount").sum()}, what="revenue")
    frame = with_labels(to_frame(sums), quarters)
    return frame.assign(amount=frame["amount"].astype(float))


def open_deals(run: Run, ids: list[str]) -> pd.DataFrame:
    """Return the deals that were open, the largest of each account first."""
    known = of_accounts(deals_as_known(run.tables, [run.as_of]), ids).filter(
        nw.col("is_won").is_null(), nw.col("revenue_type").is_in([*TARGET_TYPES])
    )
    columns = ["account_id", "stage", "product", "amount", "created_date", "close_date"]
    frame = to_frame(known.select("opportunity_id", *columns))
    frame["amount"] = frame["amount"].astype(float)
    ordered = frame.sort_values(["account_id", "amount", "opportunity_id"],
                                ascending=[True, False, True], kind="stable")  # fmt: skip
    return ordered[columns]


def contracts_in_force(run: Run, ids: list[str]) -> pd.DataFrame:
    """Return the contracts that run on `as_of`."""
    columns = ["account_id", "start_date", "end_date", "annual_value"]
    if "contracts" not in run.tables:
        return pd.DataFrame(columns=columns)
    started = before(of_accounts(run.tables["contracts"], ids), "start_date", run.as_of)
    frame = to_frame(started.select(*columns))
    ends = pd.to_datetime(frame["end_date"])
    running = frame[ends.isna() | ~ends.lt(pd.Timestamp(run.as_of))]
    running = running.assign(annual_value=running["annual_value"].astype(float))
    return running.sort_values(columns, kind="stable")


_KEYS = ["account_id", "as_of"]


def effort_by_quarter(run: Run, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    """Return what happened at each account in each quarter, in both directions.

    Returns
    -------
    pandas.DataFrame
        A row per account and quarter in which anything happened; of the columns `inbound` and
        `outbound` (activities of theirs and of ours; without directions `activities` instead),
        `hours` (of ours) and `spent` those that the source can give.
    """
    parts = [
        with_labels(part, quarters).set_index(["account_id", "quarter"])
        for part in (*_activities(run, quarters, ids), *_costs(run, quarters, ids))
    ]
    if not parts:
        return pd.DataFrame(columns=["account_id", "quarter"])
    timeline = pd.concat(parts, axis=1, join="outer").astype(float).fillna(0.0)
    return timeline.sort_index().reset_index()


def _activities(run: Run, quarters: list[Quarter], ids: list[str]) -> Iterator[pd.DataFrame]:
    if "activities" not in run.tables:
        return
    inside = by_quarter(run, of_accounts(run.tables["activities"], ids), "date", quarters)
    if not run.tables.has("activities", "direction"):
        yield to_frame(grouped(inside, tuple(_KEYS), activities=nw.len()))
        return
    theirs = nw.col("direction") == "inbound"
    marked = inside.with_columns(
        inbound=nw.when(theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
        outbound=nw.when(~theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
        own_minutes=nw.when(~theirs).then(nw.col("minutes")).cast(nw.Decimal(38, 4)),
    )
    names = ["inbound", "outbound"]
    names += ["own_minutes"] if run.tables.has("activities", "minutes") else []
    totals = {name: nw.col(name).sum() for name in names}
    found = to_frame(grouped(marked, tuple(_KEYS), **totals))
    if "own_minutes" in found:
        hours = found["own_minutes"].astype(float).fillna(0.0) / 60
        found = found.assign(hours=hours).drop(columns="own_minutes")
    yield found


def _costs(run: Run, quarters: list[Quarter], ids: list[str]) -> Iterator[pd.DataFrame]:
    if "costs" not in run.tables:
        return
    inside = by_quarter(run, of_accounts(run.tables["costs"], ids), "date", quarters)
    total = {"spent": nw.col("amount").sum()}
    found = to_frame(summed(inside, _KEYS, sums=total, what="costs"))
    yield found
