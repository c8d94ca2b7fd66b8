"""Talking points: what to speak of with an account, the most pressing first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pandas as pd

from tierkit.calendar import spell_date
from tierkit.dossiers.known import Known, record, rows_of
from tierkit.words import count, money

POINTS = 3
SOON_DAYS = 183
MORE_THAN = 1.5
"""Inbound activity of so many times the quarters before is news."""


def talking_points(known: Known, account: str) -> list[str]:
    """Return three talking points of an account, each a sentence with its number.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> from tierkit.dossiers.known import known_of
    >>> from tierkit.dossiers.make import published_tiers
    >>> run = example_run()
    >>> talking_points(known_of(run, published_tiers(run, run.folder / "tiers.csv")), "A1")[0]
    'Last bought in 2025Q2 (Core, $9.0 k): ask how it is used.'
    """
    makers = (_deal, _contract, _space, _people, _interest, _last_win, _prediction, _size, _never)
    found = (point for maker in makers for point in maker(known, account))
    return [point for _, point in zip(range(POINTS), found, strict=False)]


def _deal(known: Known, account: str) -> Iterator[str]:
    deals = rows_of(known.deals, account)
    deals = deals[deals["amount"] > 0]  # without stage_history no amount was known
    if deals.empty:
        return
    first = deals.iloc[0]
    product = f" for {first['product']}" if pd.notna(first["product"]) else ""
    stage = f" in stage {first['stage']}" if pd.notna(first["stage"]) else ""
    closes = f", expected on {_day(first['close_date'])}" if pd.notna(first["close_date"]) else ""
    worth = money(known.work.currency, float(first["amount"]))
    yield f"Open deal of {worth}{product}{stage}{closes}: agree on the next step."


def _contract(known: Known, account: str) -> Iterator[str]:
    contracts = rows_of(known.contracts, account)
    limit = pd.Timestamp(known.work.as_of + timedelta(days=SOON_DAYS))
    ends = pd.to_datetime(contracts["end_date"])
    soon = contracts[ends.notna() & (ends < limit)]
    if len(soon):
        first = soon["end_date"].min()
        ending = soon.loc[soon["end_date"] == first, "annual_value"]
        worth = money(known.work.currency, float(ending.sum()))
        these = "Contract" if len(ending) == 1 else f"{count(len(ending))} contracts"
        verb = "ends" if len(ending) == 1 else "end"
        yield f"{these} of {worth} a year {verb} on {_day(first)}: prepare the renewal."


def _space(known: Known, account: str) -> Iterator[str]:
    space = rows_of(known.whitespace, account)
    told = space[(space["predicted_value"] > 0) & (space["buyers"] > 0)]
    for row in told.head(1).to_dict("records"):
        worth = money(known.work.currency, float(row["predicted_value"]))
        yield (
            f"Has not bought {row['product']}: {count(row['buyers'])} of {count(row['accounts'])} "
            f"accounts of its industry without it did in the last "
            f"{known.work.settings.target.horizon_quarters} quarters; it may bring {worth}."
        )


def _people(known: Known, account: str) -> Iterator[str]:
    if account not in known.coverage.index:
        return
    row = record(known.coverage, account)
    days = known.work.settings.readiness.engaged_days
    if row["roles_missing"]:
        yield f"Nobody is known as {row['roles_missing']}: ask to be introduced."
    elif row["roles_silent"]:
        yield f"Not in touch for {days} days: {row['roles_silent']}."


def _interest(known: Known, account: str) -> Iterator[str]:
    effort = rows_of(known.effort, account)
    if "inbound" not in effort:
        return
    by_quarter = effort.set_index("quarter")["inbound"].reindex(known.quarters).fillna(0.0)
    now, earlier = float(by_quarter.iloc[-1]), float(by_quarter.iloc[-5:-1].mean())
    if now >= POINTS and now > MORE_THAN * earlier:
        yield (
            f"Inbound activity rose to {count(now)} in {known.quarters[-1]}, from {earlier:.1f} a "
            "quarter in the year before: ask what they are looking for."
        )


def _last_win(known: Known, account: str) -> Iterator[str]:
    revenue = rows_of(known.revenue, account)
    won = revenue[revenue["amount"] > 0]
    if won.empty:
        return
    last = max(won["quarter"], key=known.quarters.index)
    rows = won[won["quarter"] == last].sort_values("amount", ascending=False, kind="stable")
    worth = money(known.work.currency, float(rows["amount"].sum()))
    yield f"Last bought in {last} ({rows.iloc[0]['product']}, {worth}): ask how it is used."


def _prediction(known: Known, account: str) -> Iterator[str]:
    row = record(known.tiers, account)
    if pd.isna(row["predicted_revenue"]):
        return
    worth = money(known.work.currency, float(row["predicted_revenue"]))
    quarters = known.work.settings.target.horizon_quarters
    yield f"Predicted to bring {worth} in the next {quarters} quarters."


def _size(known: Known, account: str) -> Iterator[str]:
    if account in known.groups.index:
        size = record(known.groups, account)["group_size"]
        if size > 1:
            yield f"Belongs to a group of {count(size)} accounts: ask who decides there."


def _never(known: Known, account: str) -> Iterator[str]:
    if rows_of(known.revenue, account).empty:
        yield f"Nothing was won in the last {len(known.quarters)} quarters: ask what held it back."
    yield "Ask what changed for them since the last review."


def _day(value: object) -> str:
    moment = pd.Timestamp(str(value))
    return spell_date(date(moment.year, moment.month, moment.day))
