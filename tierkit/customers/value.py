"""The value that tiers are cut on: parts of what an account brings, weighted by the settings."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm import Tables, grouped, to_frame
from tierkit.customers.contracts import day_number
from tierkit.customers.growth import first_won
from tierkit.customers.outlook import Outlook
from tierkit.errors import SettingsError
from tierkit.serving import gross_margin
from tierkit.settings import NEW_AND_EXPANSION, Settings

MARGIN_QUARTERS = 4
NO_MARGIN = (
    'target.value = "margin" needs opportunities.cost or effort.gross_margin: neither is there. '
    'Add one, or set target.value = "all revenue".'
)


def value_parts(
    predicted: pd.Series[float],
    tables: Tables,
    outlook: Outlook,
    *,
    settings: Settings,
    as_of: date,
    first: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return the parts of what each account should bring in the horizon.

    Parameters
    ----------
    predicted
        Predicted revenue of new and expansion business by account_id.
    first
        The days of first wins, as `first_won` gives them; read from the tables where they are not
        known already.

    Returns
    -------
    pandas.DataFrame
        On that index, in money: `new` (of accounts that never bought), `expansion` (of those that
        did) and `renewals` (expected). Renewals that predicted revenue holds already are 0.
    """
    if first is None:
        first = first_won(tables, settings=settings)
    today = day_number(as_of)
    customer = predicted.index.isin(first.index[first < today])
    amounts = predicted.fillna(0.0).astype(float)
    renewed = (
        outlook.expected_by_account()["expected"] if outlook.adds_up else pd.Series(dtype=float)
    )
    return pd.DataFrame(
        {
            "new": amounts.where(~customer, 0.0),
            "expansion": amounts.where(customer, 0.0),
            "renewals": renewed.reindex(predicted.index).fillna(0.0).astype(float),
        },
        index=predicted.index,
    )


def account_margins(
    accounts: pd.Index[str], tables: Tables, *, settings: Settings, as_of: date
) -> pd.Series[float]:
    """Return the margin of each account's revenue, as a share.

    Of won deals with a cost in the last four quarters, drawn to the company's margin as if a mean
    account's revenue more had come at that; `effort.gross_margin` for all where it is set and no
    deal has a cost.

    Raises
    ------
    SettingsError
        If no margin is known.
    """
    company = gross_margin(tables, settings=settings, as_of=as_of)
    costed = tables.has("opportunities", "cost")
    if not costed and settings.effort.gross_margin is None:
        raise SettingsError(NO_MARGIN)
    margins = pd.Series(company.share, index=accounts)
    if not costed:
        return margins
    since = look_back_start(as_of, MARGIN_QUARTERS)
    span = tables.dates({"as_of": [since], "horizon_end": [as_of]})
    deals = tables["opportunities"].filter(nw.col("is_won"), ~nw.col("cost").is_null())
    inside = outcome_rows(deals, "close_date", span)
    sums = grouped(inside, ("account_id",), amount=nw.col("amount").sum(),
                   cost=nw.col("cost").sum())  # fmt: skip
    frame = to_frame(sums).dropna(subset=["account_id"]).set_index("account_id")
    amount, cost = (frame[name].astype(float).clip(lower=0.0) for name in ("amount", "cost"))
    usual = float(amount.mean()) if len(amount) else 0.0
    if not usual > 0:
        return margins
    own = (amount - cost + usual * company.share) / (amount + usual)
    return own.reindex(accounts).fillna(company.share).clip(lower=0.0)


def account_value(
    predicted: pd.Series[float],
    tables: Tables,
    outlook: Outlook,
    *,
    settings: Settings,
    as_of: date,
    first: pd.Series[float] | None = None,
) -> pd.Series[float]:
    """Return what tiers are cut on by `target.value`: money, on the index of `predicted`.

    Raises
    ------
    SettingsError
        If margin is asked for and none is known.
    """
    if settings.target.value == NEW_AND_EXPANSION:
        return predicted
    parts = value_parts(predicted, tables, outlook, settings=settings, as_of=as_of, first=first)
    weights = pd.Series(settings.target.weights)
    value = (parts[weights.index] * weights).sum(axis=1)
    if settings.target.value == "margin":
        value = value * account_margins(value.index, tables, settings=settings, as_of=as_of)
    return value
