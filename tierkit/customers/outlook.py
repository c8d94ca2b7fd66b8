"""The outlook of customers: what is due, what is expected of it, and how well that held before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import FiscalCalendar
from tierkit.crm import RENEWAL_TYPES, Tables
from tierkit.customers.contracts import (
    NO_CONTRACTS,
    Contracts,
    contract_words,
    day_number,
    read_contracts,
)
from tierkit.customers.due import HORIZON, QUARTER, Dates, in_window, renewals_due
from tierkit.customers.evidence import dated_evidence, term_evidence
from tierkit.customers.expected import DateSpread
from tierkit.customers.purchases import buying_due, buying_outcomes, rhythm_evidence, won_days
from tierkit.customers.renewed import LATE_DAYS, renewal_outcomes, timing_counts
from tierkit.customers.trial import FEWEST_KNOWN, Learned, Trial, with_chances
from tierkit.settings import Settings
from tierkit.words import count, plural

MOST_DATES = 13
FEW_KNOWN = (
    f"fewer than {FEWEST_KNOWN} renewals were over before: chances cannot be learned from so few"
)

RENAMED = (
    "A renewal is told by account and day, not by product: one that was renamed is renewed all the "
    "same."
)


@dataclass(frozen=True)
class Outlook:
    """Renewals due after `as_of`, what is expected of them, and the same at earlier dates.

    Attributes
    ----------
    basis
        `contracts`, `purchases` (continued buying), or empty where neither is known.
    agreed
        Whether renewals fall due on agreed ends.
    due
        A row per renewal as `renewals_due` gives it, with `chance`, `expected`, `expected_kept`.
    evidence
        What is known of each, on the same index.
    learned
        What known renewals teach; None where they are too few.
    trial
        The tests at earlier quarter-ends.
    spread
        How far whole dates fell apart.
    sentences
        What was counted by rule, one sentence each.
    past
        Renewals that were due in one quarter of the last three years and are over, with `kept`.
    adds_up
        Whether renewals are no part of predicted revenue: there are contracts, and renewals are
        deals of a type of their own.
    whole_days
        The dates whose whole horizon is known.
    why
        Why nothing is expected; empty where something is.
    """

    basis: str
    agreed: bool
    due: pd.DataFrame
    evidence: pd.DataFrame
    learned: Learned | None
    trial: Trial | None
    spread: DateSpread
    sentences: tuple[str, ...]
    past: pd.DataFrame = field(default_factory=pd.DataFrame)
    adds_up: bool = False
    whole_days: tuple[float, ...] = ()
    why: str = ""

    def of(self, window: str) -> pd.DataFrame:
        """Return what is due in the next quarter or in the whole horizon."""
        return in_window(self.due, window, agreed=self.agreed)

    def expected_by_account(self, window: str = HORIZON) -> pd.DataFrame:
        """Return by account_id what is due, expected and expected to be kept; absent without any.

        Empty where nothing is expected.
        """
        columns = ["value", "expected", "expected_kept"]
        if self.why:
            return pd.DataFrame(columns=columns, dtype=float).rename_axis("account_id")
        return self.of(window).groupby("account_id")[columns].sum()


@dataclass(frozen=True)
class _Asked:
    """Renewals at all dates with outcomes and evidence, and what was said of their source."""

    basis: str
    agreed: bool
    rows: pd.DataFrame
    evidence: pd.DataFrame
    sentences: tuple[str, ...]
    dates: Dates


def renewal_outlook(tables: Tables, *, settings: Settings, as_of: date) -> Outlook:
    """Return renewals due in the next quarter and horizon, with chances tested at earlier dates.

    Parameters
    ----------
    tables
        Trusted tables as they were known at `as_of`.
    """
    contracts = read_contracts(tables, as_of=as_of)
    today = day_number(as_of)
    if len(contracts.rows):
        asked = _of_contracts(contracts, tables, settings, as_of)
    else:
        won = won_days(tables, settings)
        if won.empty:
            return _nothing(NO_CONTRACTS, contracts.sentences())
        asked = _of_purchases(won, tables, settings, as_of)
    grace = LATE_DAYS if asked.basis == "contracts" and asked.agreed else 0
    rows = asked.rows.assign(known_from=asked.rows["last_end"] + grace)
    now, past = rows["day"] == today, rows["day"] < today
    known = past & rows["is_known"]
    learned = Learned.of(rows[known], asked.evidence[known])
    if learned is None:
        return _nothing(FEW_KNOWN, asked.sentences, basis=asked.basis, due=rows[now])
    days = sorted(rows.loc[past & rows["is_known"], "day"].unique())
    most = settings.model.backtest_quarter_ends + settings.target.horizon_quarters
    tested = Trial.of(rows[past], asked.evidence[past], days[-most:])
    due = with_chances(learned.applied(rows[now], asked.evidence[now]), tested.ranked_by)
    return Outlook(
        basis=asked.basis,
        agreed=asked.agreed,
        due=due,
        evidence=asked.evidence[now],
        learned=learned,
        trial=tested,
        spread=DateSpread.seen(tested.quarter(QUARTER)),
        sentences=asked.sentences,
        past=rows[known & (rows["window"] == QUARTER)],
        adds_up=asked.basis == "contracts" and _renewals_are_deals(tables),
        whole_days=_whole_days(asked.dates, today - grace),
    )


def _whole_days(dates: Dates, known_until: int) -> tuple[float, ...]:
    over = dates.rows[dates.rows["horizon_end"] <= known_until]
    return tuple(over["day"].astype(float))


def _renewals_are_deals(tables: Tables) -> bool:
    """Return whether won deals of the type renewal exist, which predicted revenue leaves out."""
    if "opportunities" not in tables:
        return False
    renewed = tables["opportunities"].filter(
        nw.col("revenue_type").is_in(list(RENEWAL_TYPES)), nw.col("is_won")
    )
    return len(renewed.head(1).collect()) > 0


def _nothing(
    why: str, sentences: Sequence[str], *, basis: str = "", due: pd.DataFrame | None = None
) -> Outlook:
    empty = pd.DataFrame(columns=["account_id", "window", "value"])
    rows = empty if due is None else due
    return Outlook(
        basis=basis,
        agreed=True,
        due=rows,
        evidence=pd.DataFrame(index=rows.index),
        learned=None,
        trial=None,
        spread=DateSpread(),
        sentences=tuple(sentences),
        why=why,
    )


def quarter_ends(first: int, calendar: FiscalCalendar, as_of: date) -> list[date]:
    """Return the newest quarter-ends from a first day on, `as_of` the last of them."""
    start = (pd.Timestamp("1970-01-01") + pd.Timedelta(days=first)).date()
    ends = [quarter.as_of for quarter in calendar.between(start, as_of)]
    earlier = [day for day in ends if day != as_of]
    return [*earlier[-(MOST_DATES - 1) :], as_of]


def _of_contracts(contracts: Contracts, tables: Tables, settings: Settings, as_of: date) -> _Asked:
    calendar = settings.fiscal_calendar
    days = quarter_ends(int(contracts.rows["start"].min()), calendar, as_of)
    dates = Dates.of(days, calendar, horizon=settings.target.horizon_quarters)
    due = _with_days(renewals_due(contracts, dates), dates)
    rows = renewal_outcomes(due, contracts, today=day_number(as_of))
    evidence = term_evidence(due, contracts, tables, settings=settings).join(
        dated_evidence(due, tables, dates), validate="1:1"
    )
    said = [contract_words(contracts), RENAMED, *contracts.sentences(), *_timing(rows, contracts)]
    return _Asked("contracts", contracts.agreed, rows, evidence, tuple(said), dates)


def _of_purchases(won: pd.DataFrame, tables: Tables, settings: Settings, as_of: date) -> _Asked:
    calendar = settings.fiscal_calendar
    first, horizon = int(won["day"].min()), settings.target.horizon_quarters
    days = quarter_ends(first, calendar, as_of)
    whole = [day for day in days if day_number(calendar.window_start(day, horizon)) >= first]
    dates = Dates.of(whole or [as_of], calendar, horizon=horizon)
    due = _with_days(buying_due(won, dates), dates)
    rows = buying_outcomes(due, won, today=day_number(as_of))
    evidence = rhythm_evidence(due).join(dated_evidence(due, tables, dates), validate="1:1")
    many = plural(due.loc[due["day"] == day_number(as_of), "account_id"].nunique(), "account")
    said = (
        f"There are no contracts: {many} bought within the last horizon, and what they brought "
        "then is what may come again.",
    )
    return _Asked(
        "purchases", agreed=False, rows=rows, evidence=evidence, sentences=said, dates=dates
    )


def _with_days(due: pd.DataFrame, dates: Dates) -> pd.DataFrame:
    by_moment = dates.rows.set_index("as_of")["day"]
    return due.assign(day=due["as_of"].map(by_moment).astype(float))


def _timing(rows: pd.DataFrame, contracts: Contracts) -> list[str]:
    if not contracts.agreed:
        return []
    counts = timing_counts(rows)
    if not counts["early"] + counts["late"]:
        return []
    return [
        f"Of {plural(counts['renewals'], 'renewal')} {count(counts['early'])} began before the "
        f"old contract's end and {count(counts['late'])} after it: they count as renewals."
    ]
