"""Whether tiers keep customers: renewals at the lines between tiers, one reading declared before.

The reading is the share of the value due in a quarter that was kept (growth left out), of accounts
whose contracts end in it, by the tier held on its first day. Accounts just above each line are
compared with those just below as for revenue; what the lines tell is pooled by inverse variance and
held against one bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.roi.boundary_rows import Boundaries, BoundaryRows
from tierkit.roi.cutoff import Cutoff, cutoff
from tierkit.roi.poisson import Estimate, pooled
from tierkit.roi.primary import Primary
from tierkit.roi.standings import FloatArray, Standings
from tierkit.roi.verdict import CANNOT_TELL
from tierkit.serving import boundary_name

READING = "share of the value due that was kept"
NO_LINE = "too few renewals at the lines between tiers to say"


@dataclass(frozen=True)
class RenewalEffect:
    """The effect of tiers on keeping customers.

    Attributes
    ----------
    verdict, direction
        `shown`, `suggestive` or `cannot tell`; `more` or `less`, None where it cannot be told.
    relative
        The effect over all lines, as a share of what is kept without the upper tier; 95 %.
    lines
        A row per boundary: `boundary`, `relative`, `account_quarters`, `why`.
    quarters
        Quarters with known renewals.
    """

    verdict: str
    direction: str | None
    relative: Figure
    lines: pd.DataFrame
    quarters: int

    def facts(self) -> dict[str, object]:
        """Return plain values, as `facts.json` holds them."""
        return {
            "reading": READING,
            "verdict": self.verdict,
            "direction": self.direction,
            "relative": self.relative.effect(),
            "quarters": self.quarters,
            "lines": [
                {
                    "boundary": str(row["boundary"]),
                    "relative": row["relative"].effect(),
                    "account_quarters": int(row["account_quarters"]),
                    "why": str(row["why"]),
                }
                for row in self.lines.to_dict("records")
            ],
        }


def renewal_effect(standings: Standings, kept: pd.DataFrame) -> RenewalEffect:
    """Return whether the upper tier of each line keeps more of what is due.

    Parameters
    ----------
    kept
        By `account_id` and `quarter` (its label): `share` of the value due that was kept, 0 to 1.
        Account-quarters without a renewal due are absent.
    """
    shares = _matrix(standings, kept)
    boundaries = Boundaries(standings)
    found: dict[str, Cutoff] = {}
    for number in range(len(standings.tiers) - 1):
        rows = _with_shares(boundaries.rows(number, outcome_quarters=1), shares)
        found[boundary_name(*standings.tiers[number : number + 2])] = cutoff(rows)
    quarters = int((~np.isnan(shares) & (standings.level >= 0)).any(axis=0).sum())
    estimates = [one.estimate for one in found.values() if one.estimate is not None]
    together = pooled(estimates)
    lines = pd.DataFrame([_line(name, one) for name, one in found.items()])
    if together is None:
        return RenewalEffect(CANNOT_TELL, None, Figure.unknown(NO_LINE), lines, quarters)
    verdict, direction = _verdict(together, len(estimates), quarters)
    return RenewalEffect(verdict, direction, together.relative(), lines, quarters)


def _verdict(together: Estimate, lines: int, quarters: int) -> tuple[str, str | None]:
    """Return what the one reading claims, by the bounds of every look."""
    claim = Primary({"wins": together}, lines, max(quarters, 1)).claim()
    return (CANNOT_TELL, None) if claim.strength is None else (claim.strength, claim.direction)


def _matrix(standings: Standings, kept: pd.DataFrame) -> FloatArray:
    """Return the shares as accounts × quarters, missing where nothing was due."""
    shares = np.full(standings.level.shape, np.nan)
    accounts = pd.Index(standings.account_ids).get_indexer(pd.Index(kept["account_id"]))
    quarters = pd.Index(standings.quarters).get_indexer(pd.Index(kept["quarter"]))
    known = (accounts >= 0) & (quarters >= 0)
    shares[accounts[known], quarters[known]] = kept["share"].to_numpy(dtype=float)[known]
    return shares


def _with_shares(rows: BoundaryRows, shares: FloatArray) -> BoundaryRows:
    outcome = shares[rows.account, rows.quarter]
    even = np.ones(len(rows))
    read = replace(rows, outcome=outcome, revenue=outcome, wins=outcome, worth=even, usual=even)
    return read.where(~np.isnan(outcome))


def _line(name: str, found: Cutoff) -> Mapping[str, object]:
    estimate = found.estimate
    relative = Figure.unknown(found.why) if estimate is None else estimate.relative()
    return {
        "boundary": name,
        "relative": relative,
        "account_quarters": len(found.rows),
        "why": found.why or "whoever stands just above the line is much like whoever is below",
    }
