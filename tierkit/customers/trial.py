"""The trial of renewal chances at earlier quarter-ends: the gate between rule and regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.customers.chances import Regression, SizeRates, concordance, log_loss
from tierkit.figure import Figure
from tierkit.statistics import FloatArray

BY_SIZE, BY_REGRESSION = "last year's rate by size", "regression on what was known"
FEWEST_KNOWN = 30
"""Chances are said from so many known renewals on."""

HISTORY = frozenset(
    ("value_log", "tenure_years", "term_years", "earlier_renewals", "lead_quarters", "begun",
     "deal_won", "deal_lost", "purchases_log", "silence", "alive")
)  # fmt: skip
"""Criteria of an account's own contracts, deals and purchases; others are engagement."""

CLEARLY = 1.645
"""Standard errors by which a regression must lose less than the rule (one in twenty by chance)."""

BINS = 5


@dataclass(frozen=True)
class Learned:
    """Chances learned from the renewals known at a date.

    Attributes
    ----------
    rates, regression
        The simple rule; the regression where enough is known.
    without_engagement
        The regression on contracts, deals and purchases alone, without signals and activities.
    shares
        By window what contracts that were renewed last year were renewed at over what had been due
        (`renewed_share`), and what of it was kept, growth left out (`kept_share`). What is due in
        a year grows until it is, what is due in a quarter hardly.
    ratios
        Renewed over due of each renewed contract, for ranges.
    """

    rates: SizeRates
    regression: Regression | None
    without_engagement: Regression | None
    shares: pd.DataFrame
    ratios: FloatArray

    @classmethod
    def of(cls, known: pd.DataFrame, evidence: pd.DataFrame) -> Learned | None:
        """Return what known renewals teach; None where too few are known."""
        if len(known) < FEWEST_KNOWN:
            return None
        renewed = known["renewed"] > 0
        won = known[renewed & (known["last_end"] > known["last_end"].max() - 365)]
        return cls(
            rates=SizeRates.learned(known),
            regression=Regression.learned(evidence, renewed),
            without_engagement=Regression.learned(evidence[_own_history(evidence)], renewed),
            shares=_shares(won),
            ratios=(won["renewed"] / won["value"]).to_numpy(dtype=float),
        )

    def applied(self, due: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
        """Return renewals with `by_size` and `by_regression`, each one's chance by either."""
        by_size = self.rates.chance(due)
        fitted, bare = self.regression, self.without_engagement
        by_regression = by_size if fitted is None else fitted.chance(evidence)
        return due.assign(
            by_size=by_size,
            by_regression=by_regression,
            by_history=by_size if bare is None else bare.chance(evidence),
            renewed_share=due["window"].map(self.shares["renewed_share"]).fillna(1.0),
            kept_share=due["window"].map(self.shares["kept_share"]).fillna(1.0),
        )


def _own_history(evidence: pd.DataFrame) -> list[str]:
    """Return the criteria of contracts, deals and purchases: not those of engagement."""
    return [str(name) for name in evidence if str(name) in HISTORY]


def _shares(won: pd.DataFrame) -> pd.DataFrame:
    sums = won.groupby("window", dropna=False)[["value", "renewed", "kept"]].sum()
    return pd.DataFrame(
        {
            "renewed_share": sums["renewed"] / sums["value"],
            "kept_share": sums["kept"] / sums["value"],
        }
    )


@dataclass(frozen=True)
class Trial:
    """Renewals as they were predicted at earlier quarter-ends, beside what came.

    Attributes
    ----------
    rows
        A row per tested renewal: what was due, `by_size` and `by_regression`, `chance` by what
        ranks, `expected` (value renewed) and `expected_kept`, `renewed` and `kept`.
    ranked_by
        What gives the chances.
    gain
        How much less log loss the regression has than the rule, per renewal, with its 90 % range;
        standard errors by account.
    of_engagement
        How much of it is due to signals and activities: against the regression without them.
    """

    rows: pd.DataFrame
    ranked_by: str
    gain: Figure
    of_engagement: Figure

    @classmethod
    def of(cls, rows: pd.DataFrame, evidence: pd.DataFrame, days: Sequence[int]) -> Trial:
        """Test both at each day; on it only renewals that were over by then teach anything.

        Parameters
        ----------
        rows
            Renewals at many dates with their outcomes; `known_from` is the first day on which an
            outcome is known, `day` the date that a renewal was asked for.
        days
            The days to test at, as numbers.
        """
        parts = []
        for day in days:
            taught = rows["known_from"] <= day
            learned = Learned.of(rows[taught], evidence[taught])
            asked = (rows["day"] == day) & rows["is_known"]
            if learned is not None and asked.any():
                parts.append(learned.applied(rows[asked], evidence[asked]))
        tested = pd.concat(parts) if parts else _untested(rows)
        gain = gain_of(tested)
        engaged = bool(set(map(str, evidence)) - HISTORY)
        of_engagement = (
            gain_of(tested, over="by_history")
            if engaged
            else Figure.unknown("the source has neither signals nor activities of accounts")
        )
        ranked_by = BY_REGRESSION if gain.is_above(0.0) else BY_SIZE
        return cls(with_chances(tested, ranked_by), ranked_by, gain, of_engagement)

    def quarter(self, window: str) -> pd.DataFrame:
        """Return the tested renewals of one window."""
        return self.rows[self.rows["window"] == window]


def _untested(rows: pd.DataFrame) -> pd.DataFrame:
    names = ("by_size", "by_regression", "by_history", "renewed_share", "kept_share")
    empty = dict.fromkeys(names, 0.0)
    return rows.iloc[:0].assign(**empty)


def with_chances(rows: pd.DataFrame, ranked_by: str) -> pd.DataFrame:
    """Return renewals with `chance`, `expected` and `expected_kept` by what ranks."""
    chance = rows["by_regression" if ranked_by == BY_REGRESSION else "by_size"].astype(float)
    worth = rows["value"].astype(float) * chance
    return rows.assign(
        chance=chance,
        expected=worth * rows["renewed_share"].astype(float),
        expected_kept=worth * rows["kept_share"].astype(float),
    )


def gain_of(tested: pd.DataFrame, *, over: str = "by_size") -> Figure:
    """Return the log loss that the regression spares a renewal, with its 90 % range.

    Renewals of one account vary together: standard errors are those of accounts.
    """
    if tested["day"].nunique() < 2:
        return Figure.unknown("fewer than two earlier quarter-ends could be tested")
    renewed = tested["renewed"].to_numpy(dtype=float)
    spared = log_loss(tested[over].to_numpy(dtype=float), renewed) - log_loss(
        tested["by_regression"].to_numpy(dtype=float), renewed
    )
    mean = float(spared.mean())
    by_account = (
        pd.Series(spared - mean).groupby(tested["account_id"].to_numpy(), dropna=False).sum()
    )
    error = float(np.sqrt((by_account**2).sum())) / len(spared)
    reach = CLEARLY * error
    return Figure(mean, mean - reach, mean + reach, count=len(spared))


def concordance_of(tested: pd.DataFrame, column: str = "chance") -> Figure:
    """Return the concordance of tested renewals: 0.5 is chance, 1 is perfect."""
    if tested.empty:
        return Figure.unknown("no earlier quarter-end could be tested")
    return concordance(tested[column].to_numpy(dtype=float), tested["renewed"].to_numpy())


def calibration(tested: pd.DataFrame) -> pd.DataFrame:
    """Return tested renewals in five groups of rising chance: what was said beside what came.

    Returns
    -------
    pandas.DataFrame
        `renewals`, `said` (mean chance), `came` (share renewed), `due`, `expected` and `renewed`
        (money); the least likely first.
    """
    if tested.empty:
        return pd.DataFrame(columns=["renewals", "said", "came", "due", "expected", "renewed"])
    order = tested["chance"].rank(method="first").to_numpy()
    group = np.minimum((order - 1) * BINS // len(tested), BINS - 1).astype(int)
    rows = tested.assign(won=(tested["renewed"] > 0).astype(float))
    found = rows.groupby(group, dropna=False).agg(
        renewals=("chance", "size"), said=("chance", "mean"), came=("won", "mean"),
        due=("value", "sum"), expected=("expected", "sum"), renewed=("renewed", "sum"),
    )  # fmt: skip
    return found.reset_index(drop=True)
