"""Deals: how many begin, when they close, for how much, and the stages they pass on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tierkit.simulate.company import AMOUNT_SPREAD, Company
from tierkit.simulate.scenario import BoolArray, FloatArray, IntArray, Scenario, on_weekdays

TYPES = ("New Business", "Expansion", "Renewal")
NEW, EXPANSION, RENEWAL = range(3)
SOURCES = ("Inbound", "Outbound", "Partner", "Event")
SOURCE_SHARES = (0.38, 0.34, 0.16, 0.12)
SOURCE_WIN_FACTORS = np.array([1.20, 0.75, 1.10, 0.9417])
"""The win rate of a source over the mean; their mean by share is 1, so no source moves revenue."""

PRODUCTS = ("Core Platform", "Analytics", "Integrations", "Security Suite", "Premium Support")
WIN_RATES = np.array([0.215, 0.375])
"""Share of new-business and expansion deals that are won, before the source."""

AMOUNT_FACTORS = np.array([1.0, 0.72])
"""Size of new-business and expansion deals against the account's new-business mean."""

SEASON = np.array([0.74, 1.06, 1.00, 1.20])
"""Deals begun in each quarter of the fiscal year against an average quarter."""

YEAR_END_PULL_DAYS = 50
"""Deals that would close this early in a fiscal year are often signed before it begins."""

RENEWAL_NOTICE_DAYS = 90


def money_rate(company: Company, drift: FloatArray, *, season: int) -> FloatArray:
    """Return each account's mean new and expansion revenue begun in a full quarter in Tier 3."""
    log_rate = company.log_rate + drift + company.log_amount + AMOUNT_SPREAD**2 / 2
    return np.where(company.tierable, np.exp(log_rate) * SEASON[season], 0.0)


def begin_deals(
    mean_money: FloatArray,
    *,
    company: Company,
    scenario: Scenario,
    customer: FloatArray,
    step: int,
    stream: str,
) -> pd.DataFrame:
    """Draw the new and expansion deals that begin in a quarter.

    Parameters
    ----------
    mean_money
        Mean revenue to be won from deals of this quarter, an account each.
    customer
        1 for accounts with a subscription (their deals are expansions), 0 for others.

    Returns
    -------
    pandas.DataFrame
        One row per deal: account (position), created and close (days), type and source (codes),
        amount, won, extra.
    """
    rng = scenario.rng(stream, step)
    kind = customer.astype(np.int64)
    mean_amount = np.exp(company.log_amount + AMOUNT_SPREAD**2 / 2) * AMOUNT_FACTORS[kind]
    count = rng.poisson(mean_money / (mean_amount * WIN_RATES[kind]))
    account = np.repeat(np.arange(len(count)), count)
    kind = kind[account]
    source = rng.choice(len(SOURCES), size=len(account), p=SOURCE_SHARES)
    won = rng.random(len(account)) < WIN_RATES[kind] * SOURCE_WIN_FACTORS[source]
    noise = AMOUNT_SPREAD * rng.standard_normal(len(account))
    amount = round_amount(np.exp(company.log_amount[account] + noise) * AMOUNT_FACTORS[kind])
    created = _created(account, company, scenario, step, rng)
    close = _close(created, amount, kind, won, scenario=scenario, rng=rng)
    return pd.DataFrame(
        {"account": account, "created": created, "close": close, "type": kind, "source": source,
         "amount": amount, "won": won, "extra": stream == "extra deals"}
    )  # fmt: skip


def round_amount(amount: FloatArray) -> FloatArray:
    """Round amounts as price lists do: to 50 below 20,000 and to 500 above, at least 500."""
    unit = np.where(amount < 20_000, 50.0, 500.0)
    return np.maximum((amount / unit).round() * unit, 500.0)


def _created(
    account: IntArray, company: Company, scenario: Scenario, step: int, rng: np.random.Generator
) -> IntArray:
    """Return days of creation inside the quarter and not before the account's own."""
    floor = np.maximum(company.created[account], scenario.first_day(step))
    span = scenario.first_day(step + 1) - floor
    days = floor + (rng.random(len(account)) * span).astype(np.int64)
    return on_weekdays(days, floor=floor, rng=rng)


def _close(
    created: IntArray,
    amount: FloatArray,
    kind: IntArray,
    won: BoolArray,
    *,
    scenario: Scenario,
    rng: np.random.Generator,
) -> IntArray:
    """Return when deals close: larger ones later, losses later, many at the end of a quarter."""
    median = 46.0 * (amount / 20_000) ** 0.32 * np.where(kind == NEW, 1.12, 0.88)
    cycle = median * np.where(won, 1.0, 1.12) * np.exp(0.58 * rng.standard_normal(len(created)))
    close = created + np.clip(cycle, 6, 480).astype(np.int64)
    close = _to_quarter_end(close, created, np.where(won, 0.45, 0.22), scenario, rng)
    return on_weekdays(close, floor=created + 1, rng=rng)


def _to_quarter_end(
    close: IntArray,
    created: IntArray,
    share: FloatArray,
    scenario: Scenario,
    rng: np.random.Generator,
) -> IntArray:
    """Move a share of closes to the last days of their quarter, and January's before New Year.

    Deals that would close early in the fiscal year are signed in the last days of the old one
    where there was time enough.
    """
    step = scenario.quarter_of(close)
    before_end = 1 + np.minimum(rng.exponential(4.5, len(close)), 20).astype(np.int64)
    luck = rng.random(len(close))
    this_end = scenario.bounds[step + 1] - before_end
    last_end = scenario.bounds[step] - before_end
    seasons = np.array([scenario.season_of(s) for s in range(scenario.steps + 11)])
    early = (seasons[step] == 0) & (close - scenario.bounds[step] < YEAR_END_PULL_DAYS)
    early &= last_end > created + 10
    picked = luck < np.where(early, 1.8 * share, share)
    moved = np.where(early, last_end, np.maximum(this_end, close))
    return np.where(picked, moved, close)


def begin_renewals(
    due: IntArray,
    *,
    ends: IntArray,
    values: FloatArray,
    mood: FloatArray,
    scenario: Scenario,
    step: int,
) -> pd.DataFrame:
    """Draw the renewals of subscriptions that end about 90 days after a day of this quarter.

    Parameters
    ----------
    due
        Positions of the accounts.
    ends, values
        Last day and yearly value of their subscriptions.
    mood
        How well they do, standardised; those who do badly renew less.
    """
    rng = scenario.rng("renewals", step)
    won = rng.random(len(due)) < np.clip(0.86 + 0.06 * mood, 0.5, 0.97)
    growth = np.exp(0.02 + 0.08 * rng.standard_normal(len(due)))
    created = on_weekdays(ends - RENEWAL_NOTICE_DAYS, floor=ends - 120, rng=rng)
    close = ends + rng.integers(-40, 8, len(due)) + np.where(won, 0, 6)
    return pd.DataFrame(
        {"account": due, "created": created,
         "close": on_weekdays(close, floor=created + 1, rng=rng), "type": RENEWAL, "source": 0,
         "amount": round_amount(np.where(won, values * growth, values)), "won": won,
         "extra": False}
    )  # fmt: skip


TERM_DAYS = 365


@dataclass
class Subscriptions:
    """One subscription per account, extended by renewals and enlarged by expansions.

    Attributes
    ----------
    ends
        First day after the subscription, in days since 1970; -1 where there never was one.
    value
        What it brings a year.
    contracts
        The contracts so far: account, start, end, annual_value, close (of the deal behind each).
    """

    ends: IntArray
    value: FloatArray
    contracts: list[pd.DataFrame] = field(default_factory=list)

    @classmethod
    def none(cls, accounts: int) -> Subscriptions:
        """Return a company without any customer."""
        return cls(ends=np.full(accounts, -1), value=np.zeros(accounts))

    def active(self, day: int) -> BoolArray:
        """Return which accounts have a subscription on a day."""
        return self.ends > day

    def due(self, start: int, stop: int) -> IntArray:
        """Return the accounts whose renewal begins in `[start, stop)`."""
        notice = self.ends - RENEWAL_NOTICE_DAYS
        return np.flatnonzero((self.ends > 0) & (notice >= start) & (notice < stop))

    def add_wins(self, wins: pd.DataFrame) -> None:
        """Take won new and expansion deals in: the first begins a term, others join it."""
        ordered = wins.sort_values(["account", "close"], kind="stable")
        account, close = ordered["account"].to_numpy(), ordered["close"].to_numpy()
        amount = ordered["amount"].to_numpy()
        start = close + 1
        first = ~ordered["account"].duplicated().to_numpy()
        opens = first & (self.ends[account] <= start)
        self.value[account[opens]] = 0.0
        self.ends[account[opens]] = start[opens] + TERM_DAYS
        np.add.at(self.value, account, amount)
        end = np.maximum(self.ends[account], start + 30)
        self._remember(account, start, end, amount, close)

    def renew(self, renewals: pd.DataFrame) -> None:
        """Extend the subscriptions whose renewals are won by one term at the new value."""
        won = renewals[renewals["won"]]
        account, amount = won["account"].to_numpy(), won["amount"].to_numpy()
        start = self.ends[account]
        self.ends[account] = start + TERM_DAYS
        self.value[account] = amount
        self._remember(account, start, start + TERM_DAYS, amount, won["close"].to_numpy())

    def _remember(
        self,
        account: IntArray,
        start: IntArray,
        end: IntArray,
        annual_value: FloatArray,
        close: IntArray,
    ) -> None:
        self.contracts.append(
            pd.DataFrame(
                {"account": account, "start": start, "end": end, "annual_value": annual_value,
                 "close": close}
            )
        )  # fmt: skip


STAGES = (
    "Prospecting",
    "Qualification",
    "Proposal",
    "Negotiation",
    "Closed Won",
    "Closed Lost",
)
PROSPECTING, QUALIFICATION, PROPOSAL, NEGOTIATION, CLOSED_WON, CLOSED_LOST = range(6)

_STAGE_BEGINS = np.array([0.0, 0.22, 0.48, 0.74])
"""Mean share of the cycle after which an open stage begins."""

_AMOUNT_ERRORS = np.array([0.35, 0.22, 0.10, 0.04, 0.0, 0.0])
"""Spread of the log amount entered in each stage around what it comes to."""

_LAST_STAGE_WHEN_LOST = np.array([0.28, 0.34, 0.25, 0.13])
_PUSH_SHARE = 0.45


def stage_history(deals: pd.DataFrame, *, scenario: Scenario) -> pd.DataFrame:
    """Return the changes of each deal that are known at the end of the data.

    Returns
    -------
    pandas.DataFrame
        One row per change: deal (position in `deals`), day, stage (code), amount, close (the date
        expected then; the real one in the last row of a closed deal), in order of deal and day.
    """
    rng = scenario.rng("stages")
    events = pd.concat(
        [_stage_changes(deals, rng), _pushes(deals, rng), _closes(deals)], ignore_index=True
    ).sort_values(["deal", "day", "stage"], kind="stable", ignore_index=True)
    events["stage"] = _carry_stage(events)
    deal, stage = events["deal"].to_numpy(), events["stage"].to_numpy()
    error = _AMOUNT_ERRORS[stage] * rng.standard_normal(len(events))
    final = deals["amount"].to_numpy()[deal]
    events["amount"] = np.where(stage >= CLOSED_WON, final, round_amount(final * np.exp(error)))
    events["close"] = _expected_close(events, deals, rng)
    known = events[events["day"] < scenario.end].reset_index(drop=True)
    return _open_deals_close_later(known, scenario, rng)


def _stage_changes(deals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the beginnings of the open stages: all for won deals, some for lost ones."""
    n = len(deals)
    last_when_lost = rng.choice(4, size=n, p=_LAST_STAGE_WHEN_LOST)
    last = np.where(deals["won"], NEGOTIATION, last_when_lost)
    renewal = (deals["type"] == RENEWAL).to_numpy()
    last = np.where(renewal & (last == PROSPECTING), PROPOSAL, last)
    jitter = rng.uniform(-0.10, 0.10, (n, 4))
    jitter[:, 0] = 0.0
    created, cycle = deals["created"].to_numpy(), _cycle(deals)
    day = created[:, None] + ((_STAGE_BEGINS + jitter) * cycle[:, None]).astype(np.int64)
    stage = np.broadcast_to(np.arange(4), (n, 4))
    skipped = (stage == QUALIFICATION) & (rng.random((n, 1)) < 0.2) | (
        renewal[:, None] & (stage == QUALIFICATION)
    )
    keep = (stage <= last[:, None]) & ~skipped
    deal = np.broadcast_to(np.arange(n)[:, None], (n, 4))
    return pd.DataFrame({"deal": deal[keep], "day": day[keep], "stage": stage[keep]})


def _pushes(deals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return edits without a new stage: close dates pushed, amounts corrected. Stage is -1."""
    pushed = np.flatnonzero(rng.random(len(deals)) < _PUSH_SHARE)
    share = rng.uniform(0.3, 0.95, len(pushed))
    created, cycle = deals["created"].to_numpy()[pushed], _cycle(deals)[pushed]
    return pd.DataFrame(
        {"deal": pushed, "day": created + (share * cycle).astype(np.int64), "stage": -1}
    )


def _closes(deals: pd.DataFrame) -> pd.DataFrame:
    stage = np.where(deals["won"], CLOSED_WON, CLOSED_LOST)
    return pd.DataFrame(
        {"deal": np.arange(len(deals)), "day": deals["close"].to_numpy(), "stage": stage}
    )


def _cycle(deals: pd.DataFrame) -> IntArray:
    cycle: IntArray = deals["close"].to_numpy() - deals["created"].to_numpy()
    return cycle


def _carry_stage(events: pd.DataFrame) -> IntArray:
    """Return each row's stage; an edit has that of the row before."""
    carried = events["stage"].where(events["stage"] >= 0).groupby(events["deal"]).ffill()
    stage: IntArray = carried.fillna(PROSPECTING).to_numpy().astype(np.int64)
    return stage


def _expected_close(
    events: pd.DataFrame, deals: pd.DataFrame, rng: np.random.Generator
) -> IntArray:
    """Return the close date expected on each day: hopeful, often a month's end."""
    day, stage = events["day"].to_numpy(), events["stage"].to_numpy()
    real = deals["close"].to_numpy()[events["deal"].to_numpy()]
    hope = np.exp(-0.12 + 0.35 * rng.standard_normal(len(events)))
    expected = day + np.clip(((real - day) * hope).astype(np.int64), 3, 400)
    month = expected.astype("datetime64[D]").astype("datetime64[M]")
    month_end = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    expected = np.where(rng.random(len(events)) < 0.5, month_end, expected)
    seen: IntArray = np.where(stage >= CLOSED_WON, real, expected).astype(np.int64)
    return seen


def _open_deals_close_later(
    known: pd.DataFrame, scenario: Scenario, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the history with every open deal's last expected close after the data end."""
    last = ~known["deal"].duplicated(keep="last").to_numpy()
    late = last & (known["stage"] < CLOSED_WON).to_numpy()
    late &= (known["close"] < scenario.end).to_numpy()
    pushed: FloatArray = scenario.end + rng.integers(3, 75, len(known)).astype(np.float64)
    return known.assign(close=np.where(late, pushed, known["close"]).astype(np.int64))
