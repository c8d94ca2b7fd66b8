"""Hold-outs of effort: a random draw of who in a tier gets less, or more, and what it has shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.figure import Figure
from tierkit.roi.assignment import Assignment, generator
from tierkit.roi.boundary_rows import Boundaries, covariates
from tierkit.roi.measures import unknown
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding
from tierkit.roi.sentences import effect_words
from tierkit.roi.standings import BoolArray, IntArray
from tierkit.roi.verdict import FOUR_OF_FIVE, SIGNIFICANT
from tierkit.words import share, signed_share

Arm = Literal["less", "more"]
MOST_DRAWN_SHARE = 0.5
FEWEST_DRAWN = 10

UNLIKELY = 0.001
"""A split that a fair draw gives less often than this is no longer the one drawn."""

_WORDS = {
    "less": (
        "a loss of more than {limit}, what the effort costs, is ruled out",
        "less effort loses more than {limit}, what the effort costs",
        "a loss of more than {limit}, what the effort costs, is not ruled out yet",
    ),
    "more": (
        "more effort brings more than {limit}, what the effort costs",
        "more effort does not bring {limit}, what the effort costs",
        "whether more effort brings {limit}, what the effort costs, cannot be said yet",
    ),
}


@dataclass(frozen=True)
class EffortDraw(Assignment):
    """Accounts of one tier, some of whom a random draw gives less or more effort than the others.

    Attributes
    ----------
    rows
        One row per account: account_id, tier, arm (`less` or `more`), drawn (whether it was drawn),
        quarter (label of the first), quarters (how many it lasts), predicted_revenue, seed,
        report (fingerprint of the report it was drawn from).
    """

    kind = "effort draw"
    columns = ("account_id", "tier", "arm", "drawn", "quarter", "quarters", "predicted_revenue",
               "seed", "report")  # fmt: skip
    texts = ("account_id", "tier", "arm", "quarter", "report")

    @property
    def tier(self) -> str:
        """The tier inside which accounts are drawn."""
        return self._shared("tier")

    @property
    def arm(self) -> str:
        """`less` or `more` effort for those drawn."""
        return self._shared("arm")

    @property
    def quarters(self) -> int:
        """The number of quarters that it lasts."""
        return int(self._shared("quarters"))

    @property
    def report(self) -> str:
        """Fingerprint of the published report that it belongs to."""
        return self._shared("report")

    def sentence(self, *, currency: str, effect: float, dispersion: float | None) -> str:
        """Return what was drawn, what it may cost and what it could show, in words.

        Parameters
        ----------
        effect
            The effect asked about, as a share above 0.
        dispersion
            Variance of an account-quarter's wins in this tier, over its squared mean; None where
            that is not known.
        """
        drawn = self.rows[self.rows["drawn"]]
        money = float(drawn["predicted_revenue"].sum())
        rest = len(self.rows) - len(drawn)
        span = "1 quarter" if self.quarters == 1 else f"{self.quarters} quarters"
        start = (
            f"{len(drawn)} accounts of {self.tier} get {self.arm} effort for {span}, "
            f"{rest} the usual. They stand for {currency} {money:,.0f} of predicted revenue"
        )
        risk = f", {share(effect)} of which is {currency} {effect * money:,.0f}."
        seen = self._power(len(drawn), rest, effect, dispersion)
        return f"{start}{risk} {seen} Assignment {self.hash}."

    def _power(self, drawn: int, rest: int, effect: float, dispersion: float | None) -> str:
        if dispersion is None:
            return "How large an effect this could show is not known."
        smallest = detectable(drawn, rest, quarters=self.quarters, dispersion=dispersion)
        sign = -1 if self.arm == "less" else 1
        could = f"An effect of {signed_share(sign * smallest)} would be seen in four of five cases"
        if smallest <= effect:
            return f"{could}."
        needed = drawn_needed(len(self.rows), effect, quarters=self.quarters, dispersion=dispersion)
        asked = signed_share(sign * effect)
        if needed is None:
            return (
                f"{could}; one of {asked} could not, however many of the {len(self.rows)} accounts "
                f"are drawn: let it last longer, or ask for a larger effect."
            )
        return f"{could}; for one of {asked} draw {needed} accounts."


def detectable(drawn: int, rest: int, *, quarters: int, dispersion: float) -> float:
    """Return the smallest effect, as a share, that would be seen in four of five cases.

    Examples
    --------
    >>> round(detectable(60, 240, quarters=4, dispersion=3.0), 2)
    0.42
    """
    error = math.sqrt(dispersion / quarters * (1 / drawn + 1 / rest))
    return math.expm1((SIGNIFICANT + FOUR_OF_FIVE) * error)


def drawn_needed(accounts: int, effect: float, *, quarters: int, dispersion: float) -> int | None:
    """Return how many of so many accounts to draw to see an effect; None where half are too few.

    Examples
    --------
    >>> drawn_needed(300, 0.5, quarters=4, dispersion=3.0), drawn_needed(
    ...     300, 0.1, quarters=4, dispersion=3.0)
    (42, None)
    """
    for drawn in range(FEWEST_DRAWN, int(MOST_DRAWN_SHARE * accounts) + 1):
        rest = accounts - drawn
        if detectable(drawn, rest, quarters=quarters, dispersion=dispersion) <= effect:
            return drawn
    return None


def draw_effort(  # noqa: PLR0913
    assigned: pd.DataFrame,
    *,
    tier: str,
    arm: Arm,
    drawn_share: float,
    quarter: str,
    quarters: int,
    seed: int,
    report: str,
) -> EffortDraw:
    """Draw at random who of a tier gets less, or more, effort, alike in predicted revenue.

    Accounts are put in order of predicted revenue and cut into as many strata as are drawn; one
    of each is drawn, so that both groups are alike. Overridden accounts take no part.

    Parameters
    ----------
    assigned
        One row per account_id: `tier`, `predicted_revenue`, `overridden`.
    drawn_share
        Share of the tier's accounts that get less or more effort, at most a half.
    quarter, quarters
        Label of the first quarter in which it is in force, and how many it lasts.
    report
        Fingerprint of the published report.

    Raises
    ------
    SettingsError
        If the tier has too few accounts for so many, or the share is none.

    Examples
    --------
    >>> assigned = pd.DataFrame(
    ...     {"tier": "Tier 2", "overridden": False, "predicted_revenue": np.arange(50.0)},
    ...     index=pd.Index([f"A{n:02d}" for n in range(50)], name="account_id"))
    >>> draw = draw_effort(assigned, tier="Tier 2", arm="less", drawn_share=0.2,
    ...                    quarter="2026Q4", quarters=4, seed=1, report="f00d")
    >>> int(draw.rows["drawn"].sum()), len(draw.rows)
    (10, 50)
    """
    if not 0 < drawn_share <= MOST_DRAWN_SHARE:
        raise SettingsError(
            f"--share {drawn_share:g}: give a share above 0 and up to {MOST_DRAWN_SHARE:g}, since "
            "the others are what those drawn are compared with."
        )
    inside = (assigned["tier"].astype("object") == tier) & ~assigned["overridden"].astype(bool)
    members = assigned[inside & assigned["predicted_revenue"].notna()].sort_index()
    count = round(drawn_share * len(members))
    if count < FEWEST_DRAWN:
        raise SettingsError(
            f"{tier} holds {len(members)} accounts that nobody set, and {share(drawn_share)} of "
            f"them are {count}: a draw needs {FEWEST_DRAWN}. Raise --share, or take a tier with "
            "more accounts."
        )
    order = members.sort_values("predicted_revenue", ascending=False, kind="stable")
    random = generator(seed, quarter, tier, arm)
    taken = [
        int(random.choice(stratum)) for stratum in np.array_split(np.arange(len(order)), count)
    ]
    rows = pd.DataFrame(
        {
            "account_id": order.index.astype("object"),
            "tier": tier,
            "arm": arm,
            "drawn": np.isin(np.arange(len(order)), taken),
            "quarter": quarter,
            "quarters": quarters,
            "predicted_revenue": order["predicted_revenue"].to_numpy(dtype=float).round(2),
            "seed": seed,
            "report": report,
        }
    )
    return EffortDraw(rows)


def effort_facts(
    boundaries: Boundaries, draw: EffortDraw, *, pays_from: float | None, outcome_quarters: int = 1
) -> dict[str, Any]:
    """Return what a draw of effort has shown so far, as `facts.json` holds it.

    Parameters
    ----------
    pays_from
        The effect at which the tier's effort pays: what may be lost by giving less of it, or must
        be won by giving more. None where the cost is not known.

    Returns
    -------
    dict
        `tier`, `arm`, `quarter`, `quarters`, `accounts`, `drawn`, `relative` (of revenue from deals
        begun, drawn against usual), `margin`, `holds` (non-inferior for less effort, paying for
        more; null while nobody can say), `sentence`.
    """
    found, why = _reading(boundaries, draw, outcome_quarters)
    head = {
        "tier": draw.tier,
        "arm": draw.arm,
        "quarter": draw.quarter,
        "quarters": draw.quarters,
        "accounts": len(draw.rows),
        "drawn": int(draw.rows["drawn"].sum()),
    }
    margin = Figure.of(pays_from, "the cost is not known").facts("margin")
    who = f"accounts of {draw.tier} that a random draw gave {draw.arm} effort"
    if found is None:
        said = {"relative": Figure.unknown(why).effect(), **unknown(("holds",), why)}
        return {**head, **margin, **said, "sentence": f"What {who} brought cannot be said: {why}."}
    relative = found.relative()
    holds, meaning = _meaning(draw.arm, relative, pays_from)
    verdict = unknown(("holds",), meaning) if holds is None else {"holds": holds}
    brought = (
        f"{who[:1].upper()}{who[1:]} brought {effect_words(found)} than those that got the usual"
    )
    return {
        **head,
        **margin,
        "relative": relative.effect(),
        **verdict,
        "sentence": f"{brought}; {meaning}.",
    }


def _meaning(arm: str, relative: Figure, pays_from: float | None) -> tuple[bool | None, str]:
    """Return whether less effort loses less than it saves, or more brings more than it costs."""
    if pays_from is None:
        return None, "what the effort costs is not known, so it is not said whether that pays"
    limit = -pays_from if arm == "less" else pays_from
    above, below = relative.is_above(limit), relative.is_below(limit)
    words = _WORDS[arm][0 if above else 1 if below else 2]
    return (above if above or below else None), words.format(limit=share(pays_from))


def _reading(
    boundaries: Boundaries, draw: EffortDraw, outcome_quarters: int
) -> tuple[Estimate | None, str]:
    """Return the effect on those drawn, given everything known on each quarter's first day."""
    standings = boundaries.standings
    if draw.quarter not in standings.quarters:
        return None, f"{draw.quarter} is not over"
    first = standings.quarters.index(draw.quarter)
    account = pd.Index(standings.account_ids).get_indexer(pd.Index(draw.rows["account_id"]))
    there = account >= 0
    drawn = draw.rows["drawn"].to_numpy(dtype=bool)
    if why := _sample_ratio(drawn, there):
        return None, why
    outcome = standings.outcome(outcome_quarters)
    columns = range(first, min(first + draw.quarters, outcome.shape[1]))
    rows, quarters, arms = _crossed(account[there], drawn[there], columns)
    known = ~np.isnan(outcome[rows, quarters])
    rows, quarters, arms = rows[known], quarters[known], arms[known]
    value = outcome[rows, quarters]
    fewest = min(((value > 0) & (arms == arm)).sum() for arm in (True, False))
    if fewest < FEWEST_DRAWN:
        return None, f"too few have won anything yet (n = {fewest})"
    before = covariates(boundaries.known, boundaries.past_scores, (rows, quarters)).standardised()
    seasons = (quarters[:, None] == np.unique(quarters)[None, 1:]) * 1.0
    worth = 1 / boundaries.usual[rows, quarters]
    controls = np.column_stack([np.ones(len(rows)), seasons, before])
    cluster, treated = standings.history.cluster[rows], arms.astype(np.float64)
    found = effect_of_holding(
        Weighted(value, treated, controls, worth / worth.mean(), cluster), treated
    )
    return found, "" if found else "what was won determines no effect"


def _sample_ratio(drawn: BoolArray, there: BoolArray) -> str:
    """Return why the groups are not those that were drawn, empty where they may be."""
    from scipy.stats import binomtest  # takes a moment: only to judge

    if not there.any():
        return "none of the accounts is found"
    fair = float(drawn.mean())
    chance = binomtest(int(drawn[there].sum()), int(there.sum()), fair).pvalue
    if chance >= UNLIKELY:
        return ""
    return (
        f"of those found {share(float(drawn[there].mean()))} were drawn, where the draw took "
        f"{share(fair)}: accounts are missing from one group"
    )


def _crossed(
    account: IntArray, drawn: BoolArray, columns: Sequence[int]
) -> tuple[IntArray, IntArray, BoolArray]:
    quarters = np.asarray(columns, dtype=np.int64)
    return (
        np.repeat(account, len(quarters)),
        np.tile(quarters, len(account)),
        np.repeat(drawn, len(quarters)),
    )


def dispersions(boundaries: Boundaries, *, outcome_quarters: int = 1) -> list[dict[str, Any]]:
    """Return by tier the variance of an account-quarter's wins over its squared mean."""
    standings = boundaries.standings
    wins = standings.outcome(outcome_quarters, of="wins")
    found: list[dict[str, Any]] = []
    for number, tier in enumerate(standings.tiers):
        values = wins[(standings.level == number) & ~np.isnan(wins)]
        if len(values) < 2 or not values.mean() > 0:
            found.append({"tier": tier, **unknown(("dispersion",), "too little was won to say")})
            continue
        found.append({"tier": tier, "dispersion": float(values.var(ddof=1) / values.mean() ** 2)})
    return found
