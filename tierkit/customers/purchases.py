"""Continued buying without contracts: last year's revenue, and whether it comes again.

The rhythm of purchases is BG/NBD, with the chance that an account still buys at all. Source: Fader,
Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.crm import RENEWAL_TYPES, TARGET_TYPES, Tables, grouped, target_deals, to_frame
from tierkit.customers.contracts import day_numbers
from tierkit.customers.due import HORIZON, QUARTER, Dates, Day
from tierkit.settings import Settings
from tierkit.statistics import FloatArray


def won_days(tables: Tables, settings: Settings) -> pd.DataFrame:
    """Return what each account bought on each day: `account_id`, `day` (since 1970), `amount`.

    Of all revenue types; refunds lower the amount of their day, and a day at or below nothing is
    no purchase.
    """
    empty = pd.DataFrame({"account_id": [], "day": [], "amount": []})
    if "opportunities" not in tables:
        return empty
    deals = target_deals(tables, settings, revenue_types=(*TARGET_TYPES, *RENEWAL_TYPES))
    won = deals.filter(nw.col("is_won"))
    sums = grouped(won, ("account_id", "close_date"), amount=nw.col("value").sum())
    frame = to_frame(sums).dropna(subset=["account_id", "amount"])
    found = pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "day": day_numbers(frame["close_date"]),
            "amount": frame["amount"].astype(float),
        }
    )
    found = found[found["amount"] > 0]
    return found.sort_values(["account_id", "day"], kind="stable", ignore_index=True)


def buying_due(won: pd.DataFrame, dates: Dates) -> pd.DataFrame:
    """Return the revenue that buyers of the last horizon would bring if they went on as before.

    Parameters
    ----------
    won
        As `won_days` gives it.

    Returns
    -------
    pandas.DataFrame
        As `renewals_due`: a row per account that bought within the last horizon, date and window.
        `value` is what it brought then, by the length of the window; `tenure_days` since its first
        purchase; `earlier` purchases; `term_days` the mean days between purchases (of one purchase,
        since it); `lead` the days of the window; `silent` the days since its last purchase.
    """
    parts = [_at(won, one) for one in dates.each()]
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["as_of", "account_id", "window"], kind="stable", ignore_index=True)


def _at(won: pd.DataFrame, one: Day) -> pd.DataFrame:
    known = won[won["day"] < one.day]
    length = one.horizon_end - one.day
    lately = known[known["day"] >= one.day - length]
    by = known.groupby("account_id")["day"].agg(["min", "max", "size"])
    held = lately.groupby("account_id")["amount"].sum()
    about = by.loc[held.index]
    gaps = (about["max"] - about["min"]) / (about["size"] - 1).where(about["size"] > 1)
    parts = [
        pd.DataFrame(
            {
                "account_id": held.index,
                "as_of": one.as_of,
                "window": window,
                "first_end": float(end),
                "last_end": float(end),
                "value": held.to_numpy() * (end - one.day) / length,
                "term_days": gaps.fillna(one.day - about["max"]).to_numpy(dtype=float),
                "tenure_days": (one.day - about["min"]).to_numpy(dtype=float),
                "earlier": about["size"].to_numpy(dtype=float),
                "lead": float(end - one.day),
                "silent": (one.day - about["max"]).to_numpy(dtype=float),
            }
        )
        for window, end in ((QUARTER, one.quarter_end), (HORIZON, one.horizon_end))
    ]
    return pd.concat(parts, ignore_index=True)


def buying_outcomes(due: pd.DataFrame, won: pd.DataFrame, *, today: int) -> pd.DataFrame:
    """Return `due` with what was bought in each window: `renewed`, `kept`, `is_known`.

    Examples
    --------
    >>> won = pd.DataFrame({"account_id": ["A", "A"], "day": [10.0, 95.0], "amount": [50.0, 20.0]})
    >>> due = pd.DataFrame({"account_id": ["A", "B"], "last_end": [180.0, 180.0],
    ...     "lead": [90.0, 90.0], "value": [30.0, 5.0]})
    >>> buying_outcomes(due, won, today=200)[["renewed", "kept"]].values.tolist()
    [[20.0, 20.0], [0.0, 0.0]]
    """
    spans = due[["last_end", "lead"]].drop_duplicates()
    parts = []
    for end, lead in spans.itertuples(index=False):
        rows = due[(due["last_end"] == end) & (due["lead"] == lead)]
        inside = won[(won["day"] >= end - lead) & (won["day"] < end)]
        came = inside.groupby("account_id")["amount"].sum()
        parts.append(rows.assign(renewed=rows["account_id"].map(came).fillna(0.0).astype(float)))
    found = pd.concat(parts).sort_index() if parts else due.assign(renewed=0.0)
    return found.assign(
        kept=np.minimum(found["renewed"], found["value"]),
        days_late=np.nan,
        is_known=found["last_end"] <= today,
    )


def rhythm_evidence(due: pd.DataFrame) -> pd.DataFrame:
    """Return what the rhythm of purchases says of each account: silence over its own gap, and more.

    `alive` is the chance that it still buys at all, by BG/NBD fitted to the buyers of each date.
    """
    found = pd.DataFrame(
        {
            "value_log": np.log(due["value"].clip(lower=1e-9).astype(float)),
            "tenure_years": np.log1p(due["tenure_days"] / 365.25),
            "purchases_log": np.log(due["earlier"]),
            "silence": np.log1p(due["silent"] / due["term_days"].clip(lower=7.0)),
            "lead_quarters": due["lead"] / 91.3125,
        },
        index=due.index,
    )
    alive = [Rhythm.fitted(rows).alive(rows) for _, rows in due.groupby("as_of", sort=True)]
    return found.assign(alive=pd.concat(alive) if alive else np.nan)


WEEK = 7.0


_PENALTY = 0.001


_START = (0.0, 2.0, 0.0, 0.0)


@dataclass(frozen=True)
class Rhythm:
    """The four numbers of BG/NBD.

    Attributes
    ----------
    r, alpha
        Shape and rate (in weeks) of how often accounts buy while they buy.
    a, b
        Of how often one stops after a purchase.
    """

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fitted(cls, buyers: pd.DataFrame) -> Rhythm:
        """Return the rhythm that makes the purchases of these accounts most likely.

        Parameters
        ----------
        buyers
            `earlier` (purchases so far), `tenure_days` since the first and `silent` days since the
            last one. An account may stand in several rows.
        """
        from scipy.optimize import minimize

        repeats, last, age = _numbers(buyers.drop_duplicates("account_id"))

        def loss(logs: FloatArray) -> float:
            r, alpha, a, b = np.exp(logs)
            fit = _log_likelihood(repeats, last, age, (r, alpha, a, b)).mean()
            return float(-fit + _PENALTY * float(np.square(logs).sum()))

        found = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=[(-7.0, 7.0)] * 4)
        return cls(*map(float, np.exp(found.x)))

    def alive(self, buyers: pd.DataFrame) -> pd.Series[float]:
        """Return the chance that each account still buys, from 0 to 1.

        Examples
        --------
        Of two that bought five times in a year one has been silent for most of it.

        >>> buyers = pd.DataFrame({"earlier": [5.0, 5.0], "tenure_days": [364.0, 364.0],
        ...     "silent": [14.0, 294.0]})
        >>> Rhythm(1.0, 10.0, 1.0, 3.0).alive(buyers).round(2).tolist()
        [0.84, 0.02]
        """
        repeats, last, age = _numbers(buyers)
        more = (self.a / (self.b + np.maximum(repeats, 1) - 1)) * (
            (self.alpha + age) / (self.alpha + last)
        ) ** (self.r + repeats)
        return pd.Series(np.where(repeats > 0, 1 / (1 + more), 1.0), index=buyers.index)


def _numbers(buyers: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return repeat purchases, and the weeks from the first purchase to the last and to now."""
    age = buyers["tenure_days"].to_numpy(dtype=float) / WEEK
    last = age - buyers["silent"].to_numpy(dtype=float) / WEEK
    return buyers["earlier"].to_numpy(dtype=float) - 1, last, age


def _log_likelihood(
    repeats: FloatArray,
    last: FloatArray,
    age: FloatArray,
    numbers: tuple[float, float, float, float],
) -> FloatArray:
    from scipy.special import betaln, gammaln

    r, alpha, a, b = numbers
    common = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    still = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
    count = np.maximum(repeats, 1)
    gone = betaln(a + 1, b + count - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + last)
    return np.asarray(common + np.where(repeats > 0, np.logaddexp(still, gone), still))
