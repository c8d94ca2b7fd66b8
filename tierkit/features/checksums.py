"""Checksums of money criteria: what accounts add up to, against the tables added up by day.

The criteria are conditional sums in a group-by of accounts and dates. Here the rows of a table are
added up by day alone, without a condition, and the days of a window are picked afterwards. An
engine that drops a condition, or a join that loses or repeats a row, shows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import days_within, earlier, latest_of
from tierkit.crm import (
    MONEY_TYPE,
    RENEWAL_TYPES,
    TARGET_TYPES,
    Rows,
    grouped,
    inner_join,
    only_with,
    target_deals,
    to_frame,
)
from tierkit.errors import DataError
from tierkit.features.deals import deals_by_history, ends_by_history, open_deals
from tierkit.features.feature import KEYS, Context
from tierkit.features.windows import EVER_WINDOW, WINDOWS

SHARE = 1e-9
CENT = 0.005
_BY = ("known_from", "day")
_LAST_YEAR = ("last_year_start", "last_year_end")
_YEAR = ("start_4q", "as_of")
_OF_FAMILY = ("parent_won_revenue_4q", "family_accounts_count")
_RELATIVES = "_revenue_of_relatives"
"""An account's revenue as often as it has relatives: each of them counts it."""
_SIZE = "_size_of_"


@dataclass(frozen=True)
class _Checked:
    """Criteria that rest on the same totals by day, each with the columns that bound its window."""

    totals: Callable[[Context], pd.DataFrame]
    windows: Mapping[str, tuple[str, str | None]]
    amount: str = "value"
    of_deals: bool = True

    def within(self, totals: pd.DataFrame, row: pd.Series[pd.Timestamp]) -> pd.DataFrame:
        """Return the totals that a window may hold: of deals, none before the data begin."""
        if not self.of_deals:
            return totals
        return totals[days_within(totals["day"], start=row[EVER_WINDOW.start])]


@dataclass(frozen=True)
class Sums:
    """Money criteria added up over all accounts, by as_of.

    Attributes
    ----------
    totals
        Their sums: a row per as_of, a column per criterion.
    sizes
        The same of absolute amounts, which say how exact a sum of floats can be.
    """

    totals: pd.DataFrame
    sizes: pd.DataFrame

    @classmethod
    def of(cls, values: pd.DataFrame) -> Sums:
        """Return the sums of a panel's columns, before anything unknown was taken out of it."""
        money = [name for name in CHECKED if name in values.columns]
        amounts = {name: values[name] for name in money}
        if {"won_revenue_4q", *_OF_FAMILY} <= {*values.columns}:
            relatives = values["family_accounts_count"] - 1
            amounts[_RELATIVES] = values["won_revenue_4q"] * relatives
        totals = {name: one.groupby(level="as_of").sum() for name, one in amounts.items()}
        sizes = {name: one.abs().groupby(level="as_of").sum() for name, one in amounts.items()}
        return cls(pd.DataFrame(totals), pd.DataFrame(sizes))

    @classmethod
    def of_rows(cls, rows: Rows) -> Sums:
        """Return the same of rows that stay in their engine."""
        money = {name: nw.col(name) for name in CHECKED if name in rows.columns}
        if {"won_revenue_4q", *_OF_FAMILY} <= {*rows.columns}:
            relatives = nw.col("family_accounts_count") - 1
            money[_RELATIVES] = nw.col("won_revenue_4q") * relatives
        sums = {name: one.sum() for name, one in money.items()}
        sizes = {_SIZE + name: one.abs().sum() for name, one in money.items()}
        found = to_frame(grouped(rows, "as_of", **sums, **sizes)).set_index("as_of").sort_index()
        found.index = pd.DatetimeIndex(found.index)
        known = found.fillna(0.0).astype(float)
        of_sizes = known[[*sizes]].rename(columns=lambda name: name.removeprefix(_SIZE))
        return cls(known[[*sums]], of_sizes)


def check_sums(context: Context, sums: Sums) -> None:
    """Raise if a money criterion of all accounts is not what its table holds in that window.

    Raises
    ------
    DataError
        With the criterion, the as_of and both sums. This is a fault of tierkit or of an engine,
        never of the data.
    """
    days = to_frame(context.dates.sort("as_of")).set_index("as_of")
    days.index = pd.DatetimeIndex(days.index)
    days = days.apply(pd.to_datetime).assign(as_of=days.index)
    for name, expected in _expected(context, sums.totals, days):
        for day, sum_of_rows in zip(days.index, expected.reindex(days.index), strict=True):
            there = float(sums.totals[name].get(day, 0.0))
            if abs(there - sum_of_rows) > CENT + SHARE * float(sums.sizes[name].get(day, 0.0)):
                raise DataError(
                    f"{name} before {day.date()}: accounts add up to {there:,.2f}, "
                    f"but the rows of that window to {sum_of_rows:,.2f}. Please report this, with "
                    "the engine in use: no condition may be dropped and no cent may get lost."
                )


def _expected(
    context: Context, totals: pd.DataFrame, days: pd.DataFrame
) -> Iterator[tuple[str, pd.Series[float]]]:
    """Yield each money criterion among the totals with what its table adds up to at every as_of."""
    found: dict[Callable[[Context], pd.DataFrame], pd.DataFrame] = {}
    for check in _CHECKS:
        names = [name for name in check.windows if name in totals.columns]
        if not names:
            continue
        if check.totals not in found:
            found[check.totals] = check.totals(context)
        for name in names:
            sums = [
                _sum_in(check.within(found[check.totals], days.loc[day]), days.loc[day],
                        check.windows[name], check.amount)
                for day in days.index
            ]  # fmt: skip
            yield name, pd.Series(sums, index=days.index)
    if "_priced_amount" in totals.columns:
        yield "_priced_amount", _pipeline(context).reindex(days.index).fillna(0.0)
    if {"parent_won_revenue_4q", _RELATIVES} <= {*totals.columns}:
        yield "parent_won_revenue_4q", totals[_RELATIVES]


def _sum_in(
    totals: pd.DataFrame,
    row: pd.Series[pd.Timestamp],
    window: tuple[str, str | None],
    amount: str,
) -> float:
    """Return the sum of the days of one window, of rows that are known before its as_of."""
    start, end = window
    of_date = totals["as_of"].isna() | (totals["as_of"] == row["as_of"])
    known = days_within(totals["known_from"], end=row["as_of"])
    inside = days_within(totals["day"], start=row[start], end=row[end] if end else None)
    return float(totals.loc[of_date & known & inside, amount].sum())


def _by_day(rows: Rows, context: Context, *also: str) -> pd.DataFrame:
    """Return exact sums by the day on which a row is dated and the one from which it counts.

    A row counts from the later of its own day and its account's created_date on.
    """
    made = context.tables["accounts"].select("account_id", account_created="created_date")
    there = inner_join(rows, made, on="account_id")
    gain = nw.when(nw.col("value") > 0).then(nw.col("value"))
    dated = there.with_columns(gain=gain, known_from=latest_of("settled_date", "account_created"))
    sums = {name: nw.col(name).cast(MONEY_TYPE).sum() for name in ("value", "gain")}
    found = to_frame(grouped(dated, [*_BY, *also], **sums))
    money = {name: found[name].astype(float).fillna(0.0) for name in sums}
    days = {one: pd.to_datetime(found[one]) for one in (*_BY, *also)}
    return found.assign(**money, **days).reindex(columns=["as_of", *_BY, *money])


def _won(context: Context, *, revenue_types: Sequence[str] = TARGET_TYPES) -> pd.DataFrame:
    """Return won revenue by day, where a history records other ends, as of each date."""
    deals = target_deals(context.tables, context.settings, revenue_types=revenue_types)
    settled = latest_of("created_date", "close_date")
    columns = ("opportunity_id", "account_id", "value", "settled_date")
    won = deals.filter(nw.col("is_won")).with_columns(settled_date=settled)
    won = won.select(*columns, day="close_date")
    totals = _by_day(won, context)
    recorded = deals_by_history(context, revenue_types)
    if recorded is None:
        return totals
    records = context.once(ends_by_history).select("opportunity_id", "as_of")
    taken = _by_day(inner_join(won, records, on="opportunity_id"), context, "as_of")
    taken = taken.assign(value=-taken["value"], gain=-taken["gain"])
    then = recorded.filter(nw.col("is_won")).with_columns(settled_date=settled)
    then = then.select(*columns, "as_of", day="close_date")
    return pd.concat([totals, taken, _by_day(then, context, "as_of")], ignore_index=True)


def _renewed(context: Context) -> pd.DataFrame:
    return _won(context, revenue_types=RENEWAL_TYPES)


def _spent(context: Context) -> pd.DataFrame:
    costs = context.tables["costs"].select("account_id", "date", value="amount")
    return _by_day(costs.with_columns(settled_date=nw.col("date"), day=nw.col("date")), context)


def _agreed(context: Context) -> pd.DataFrame:
    """Return yearly values of contracts by start and end; one without an end runs on."""
    contracts = context.tables["contracts"].select(
        "account_id", value="annual_value", settled_date="start_date", day="end_date"
    )
    found = _by_day(contracts, context)
    return found.assign(day=found["day"].fillna(pd.Timestamp(date.max.year, 1, 1)))


def _pipeline(context: Context) -> pd.Series[float]:
    """Return the amount of open deals by as_of: the sum of all changes of their amounts."""
    history = context.tables["stage_history"].select("opportunity_id", "changed_date", "amount")
    deals = only_with(context.once(open_deals), context.existing, on=KEYS)
    priced = history.filter(~nw.col("amount").is_null())
    changes = inner_join(deals, priced, on="opportunity_id").filter(
        earlier("changed_date", "as_of")
    )
    before = nw.col("amount").shift(1).over(
        "opportunity_id", "as_of", order_by=["changed_date", "amount"]
    )  # fmt: skip
    risen = changes.with_columns(before=before).with_columns(
        change=nw.col("amount") - nw.coalesce("before", nw.lit(0).cast(MONEY_TYPE))
    )
    found = to_frame(grouped(risen, "as_of", change=nw.col("change").sum()))
    return pd.Series(
        found["change"].astype(float).to_numpy(), index=pd.DatetimeIndex(found["as_of"])
    )


_CHECKS = (
    _Checked(
        _won,
        {
            **{
                f"won_revenue_{window.label}": (window.start, "as_of")
                for window in (*WINDOWS, EVER_WINDOW)
            },
            "won_revenue_same_quarter_last_year": _LAST_YEAR,
        },
    ),
    _Checked(_won, {"_won_value_of_wins": (EVER_WINDOW.start, "as_of")}, amount="gain"),
    _Checked(_renewed, {"renewal_revenue_4q": _YEAR}),
    _Checked(_spent, {"spend_4q": _YEAR}, of_deals=False),
    _Checked(_agreed, {"active_contract_value": ("as_of", None)}, of_deals=False),
)

CHECKED = (
    *(name for check in _CHECKS for name in check.windows),
    "_priced_amount",
    "parent_won_revenue_4q",
)
"""The criteria whose sums are checked."""
