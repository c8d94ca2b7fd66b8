"""The one definition of revenue: every figure of won revenue starts from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import FiscalCalendar, Quarter, before, from_on, in_force
from tierkit.crm.contract import MONEY_TYPE
from tierkit.crm.frames import to_frame
from tierkit.crm.guard import grouped, summed
from tierkit.crm.tables import Rows, Tables
from tierkit.errors import SettingsError
from tierkit.settings import Measure, Settings

TARGET_TYPES = ("new", "expansion")
RENEWAL_TYPES = ("renewal",)
MONTHS_PER_YEAR = 12
DEAL_COLUMNS = (
    "opportunity_id",
    "account_id",
    "created_date",
    "close_date",
    "is_won",
    "amount",
    "value",
    "revenue_type",
    "product",
)


def target_deals(
    tables: Tables, settings: Settings, *, revenue_types: Sequence[str] = TARGET_TYPES
) -> Rows:
    """Return the deals that count, with what each is worth.

    *Won revenue* is the sum of `value` over deals with `is_won`, dated by `close_date`.
    *Expansion* and *renewal* are revenue types, which the settings give to the types of the CRM;
    the target is new business and expansion. A *refund* is a won deal with a negative value: it
    lowers sums of its own day, and is no win.

    Parameters
    ----------
    tables
        Trusted tables.
    settings
        `target.measure` says what a deal is worth: `revenue` its amount; `margin` its amount less
        its cost (a deal without a cost has no value); `annual` the part of its amount that falls
        on one year (a deal without a term, or of up to a year, is worth its amount).
    revenue_types
        Which deals; by default those of the target.

    Returns
    -------
    Rows
        A row is a deal, won, lost or open: opportunity_id, account_id, created_date, close_date,
        is_won, amount, value (both Decimal), revenue_type, product.

    Raises
    ------
    SettingsError
        If the source lacks the column that the measure needs.

    Examples
    --------
    Of three deals two count, and a two-year deal is worth half its amount a year.

    >>> import pandas as pd
    >>> from tierkit.crm.tables import tables_from_frames
    >>> from tierkit.settings import parse_settings
    >>> deals = pd.DataFrame({
    ...     "opportunity_id": ["O1", "O2", "O3"], "account_id": ["A", "A", "B"],
    ...     "close_date": ["2026-01-05"] * 3, "is_won": ["true"] * 3,
    ...     "amount": ["100.00", "240.00", "70.00"], "term_months": [None, 24, 12],
    ...     "revenue_type": ["new", "expansion", "renewal"],
    ... })
    >>> tables = tables_from_frames({"opportunities": deals})
    >>> annual = parse_settings({"target": {"measure": "annual"}})
    >>> rows = target_deals(tables, annual).sort("opportunity_id").collect()
    >>> [(row["opportunity_id"], str(row["value"])) for row in rows.iter_rows(named=True)]
    [('O1', '100.0000'), ('O2', '120.0000')]
    """
    measure = settings.target.measure
    needed = _NEEDS.get(measure)
    if needed is not None and not tables.has("opportunities", needed):
        raise SettingsError(
            f'target.measure = "{measure}" needs opportunities.{needed}, which the source lacks. '
            'Add the column, or set target.measure = "revenue".'
        )
    deals = with_values(tables["opportunities"], measure, revenue_types=revenue_types)
    return deals.select(*DEAL_COLUMNS)


def with_values(
    deals: Rows, measure: Measure, *, revenue_types: Sequence[str] = TARGET_TYPES
) -> Rows:
    """Return the deals of some revenue types with `value`, what each is worth by a measure."""
    counted = deals.filter(nw.col("revenue_type").is_in(list(revenue_types)))
    return counted.with_columns(value=_VALUES[measure]().cast(MONEY_TYPE))


def _revenue() -> nw.Expr:
    return nw.col("amount")


def _margin() -> nw.Expr:
    return nw.col("amount") - nw.col("cost")


def _annual() -> nw.Expr:
    months = nw.col("term_months")
    a_year = (nw.col("amount") * MONTHS_PER_YEAR / months).cast(MONEY_TYPE)
    return nw.when(months > MONTHS_PER_YEAR).then(a_year).otherwise(nw.col("amount"))


_VALUES: Mapping[Measure, Callable[[], nw.Expr]] = {
    "revenue": _revenue,
    "margin": _margin,
    "annual": _annual,
}
_NEEDS: Mapping[Measure, str] = {"margin": "cost", "annual": "term_months"}

TYPES = ("new", "expansion", "renewal")


def won_by_type(
    tables: Tables, calendar: FiscalCalendar, *, as_of: date, quarters: int = 8
) -> pd.DataFrame:
    """Return the won revenue of the last quarters before `as_of`, by revenue type.

    Parameters
    ----------
    as_of
        First day that is not yet known; the first day of a quarter.
    quarters
        How many of the newest quarters.

    Returns
    -------
    pandas.DataFrame
        A row per quarter, the oldest first: `quarter`, `dates`, then `new`, `expansion` and
        `renewal` (amounts of won deals, refunds left out), `refunds` (negative amounts, of whatever
        type) and `won_revenue`, the sum of all four; in the reporting currency.

    Examples
    --------
    A flat renewal, a renewal for less and a refund are no growth.

    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["1", "2", "3", "4"], "account_id": ["A"] * 4,
    ...     "close_date": ["2026-01-02"] * 4, "is_won": ["true"] * 4,
    ...     "amount": ["100", "80", "50", "-5"],
    ...     "revenue_type": ["renewal", "renewal", "new", "new"]})
    >>> found = won_by_type(tables_from_frames({"opportunities": deals}), FiscalCalendar(),
    ...     as_of=date(2026, 4, 1), quarters=1)
    >>> found[["quarter", "new", "renewal", "refunds", "won_revenue"]].values.tolist()
    [['2026Q1', 50.0, 180.0, -5.0, 225.0]]
    """
    start = calendar.window_start(as_of, quarters)
    won = before(tables["opportunities"].filter(nw.col("is_won")), "close_date", as_of)
    daily = summed(
        _kinds(from_on(won, "close_date", start)),
        ["close_date", "kind"],
        sums={"won": nw.col("amount").sum()},
        what="opportunities",
    )
    frame = to_frame(daily.sort("close_date", "kind"))
    spans = calendar.between(start, as_of)
    closed = pd.to_datetime(frame["close_date"])
    labels = [calendar.containing(day.date()).label for day in closed]
    sums = frame.assign(quarter=labels, won=frame["won"].astype(float))
    money = sums.groupby(["quarter", "kind"])["won"].sum().unstack()
    columns = [*TYPES, "refunds"]
    money = money.reindex(index=[span.label for span in spans], columns=columns)
    money = money.astype(float).fillna(0.0)
    found = money.assign(won_revenue=money.sum(axis=1)).rename_axis("quarter").reset_index()
    found.insert(1, "dates", [span.dates for span in spans])
    return found.rename_axis(columns=None)


def _kinds(won: Rows) -> Rows:
    kind = nw.when(nw.col("amount") < 0).then(nw.lit("refunds")).otherwise(nw.col("revenue_type"))
    return won.select("close_date", "amount", kind=kind)


def netted_accounts(tables: Tables) -> pd.DataFrame:
    """Return the accounts whose won revenue nets to zero or below.

    A refund or credit note is a won deal with a negative amount; it nets against the account that
    it belongs to, on its own day.

    Returns
    -------
    pandas.DataFrame
        A row per account, the lowest first: `account_id`, `won_revenue` (net), `refunded` (the
        negative amounts), `deals` (won ones). Accounts without a refund are absent. Exact.

    Examples
    --------
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["1", "2", "3"], "account_id": ["A", "A", "B"],
    ...     "close_date": ["2026-01-02"] * 3, "is_won": ["true"] * 3,
    ...     "amount": ["100", "-100", "5"]})
    >>> netted = netted_accounts(tables_from_frames({"opportunities": deals}))
    >>> netted[["account_id", "won_revenue"]].astype(str).values.tolist()
    [['A', '0.0000']]
    """
    won = tables["opportunities"].filter(nw.col("is_won"))
    refund = nw.when(nw.col("amount") < 0).then(nw.col("amount"))
    parts = won.select("account_id", "amount", refund.alias("refund"))
    sums = {
        "won_revenue": nw.col("amount").sum(),
        "refunded": nw.col("refund").sum(),
        "deals": nw.len(),
    }
    totals = summed(parts, "account_id", sums=sums, what="opportunities")
    netted = totals.filter((nw.col("won_revenue") <= 0) & (nw.col("refunded") < 0))
    return to_frame(netted.sort("won_revenue", "account_id"))


COLUMNS = ("start_value", "end_value", "kept_value", "churned")


def retention(tables: Tables, quarters: Sequence[Quarter]) -> pd.DataFrame:
    """Return what became of each account's contracts in each quarter.

    A value is the annual value of the contracts in force on a day, `[start_date, end_date)`; a
    quarter goes from its first day to the first day after it, so that a contract which ends with
    the quarter is lost in it.

    Returns
    -------
    pandas.DataFrame
        A row per account and quarter label with a contract at either end, in order:
        `start_value`, `end_value`, `kept_value` (the smaller of the two) and `churned` (had
        contracts at the start, has none at the end). Money in the reporting currency.

    Examples
    --------
    >>> from datetime import date
    >>> from tierkit.calendar import FiscalCalendar
    >>> from tierkit.crm.tables import tables_from_frames
    >>> tables = tables_from_frames({"contracts": pd.DataFrame({
    ...     "contract_id": ["C1", "C2", "C3"], "account_id": ["A", "A", "B"],
    ...     "start_date": ["2025-01-01", "2026-02-01", "2025-04-01"],
    ...     "end_date": [None, None, "2026-04-01"], "annual_value": ["100", "50", "30"]})})
    >>> found = retention(tables, [FiscalCalendar().parse("2026Q1")])
    >>> found.reset_index()[["account_id", "start_value", "end_value", "churned"]].values.tolist()
    [['A', 100.0, 150.0, False], ['B', 30.0, 0.0, True]]
    >>> retention_totals(found)["net_revenue_retention"].round(3).to_dict()
    {'2026Q1': 1.154}
    """
    ends = sorted({day for quarter in quarters for day in (quarter.start, quarter.as_of)})
    spans = in_force(tables["contracts"], tables.dates({"day": ends}))
    held = grouped(spans, ["account_id", "day"], value=nw.col("annual_value").sum())
    values = to_frame(held.select("account_id", "day", nw.col("value").cast(nw.Float64)))
    by_day = values.assign(day=lambda frame: pd.to_datetime(frame["day"]))
    wide = by_day.pivot(index="account_id", columns="day", values="value").fillna(0.0)
    parts = [_of_quarter(wide, quarter) for quarter in quarters]
    empty = pd.DataFrame(columns=["account_id", "quarter", *COLUMNS])
    found = pd.concat(parts) if parts else empty
    return found.set_index(["account_id", "quarter"]).sort_index()


def retention_totals(by_account: pd.DataFrame) -> pd.DataFrame:
    """Return retention by quarter, of what `retention` gives.

    Returns
    -------
    pandas.DataFrame
        A row per quarter: `accounts` with contracts at its start, `start_value`,
        `gross_revenue_retention` (the value kept, growth left out, as a share of the start),
        `net_revenue_retention` (growth of those accounts included), `logo_churn` (share of
        accounts that have no contract left). Shares are missing where there was no contract.
    """
    had = by_account[by_account["start_value"] > 0].reset_index()
    totals = had.groupby("quarter").agg(
        accounts=("account_id", "size"),
        start_value=("start_value", "sum"),
        end_value=("end_value", "sum"),
        kept_value=("kept_value", "sum"),
        churned=("churned", "sum"),
    )
    quarters = by_account.index.get_level_values("quarter").unique().sort_values()
    totals = totals.reindex(quarters)
    return pd.DataFrame(
        {
            "accounts": totals["accounts"].fillna(0).astype(int),
            "start_value": totals["start_value"].fillna(0.0),
            "gross_revenue_retention": totals["kept_value"] / totals["start_value"],
            "net_revenue_retention": totals["end_value"] / totals["start_value"],
            "logo_churn": totals["churned"] / totals["accounts"],
        }
    )


def _of_quarter(wide: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    nothing = pd.Series(0.0, index=wide.index)
    start = wide.get(pd.Timestamp(quarter.start), nothing)
    end = wide.get(pd.Timestamp(quarter.as_of), nothing)
    frame = pd.DataFrame(
        {
            "account_id": wide.index,
            "quarter": quarter.label,
            "start_value": start.to_numpy(),
            "end_value": end.to_numpy(),
            "kept_value": start.where(start < end, end).to_numpy(),
            "churned": ((start > 0) & (end == 0)).to_numpy(),
        }
    )
    return frame[(frame["start_value"] != 0) | (frame["end_value"] != 0)]
