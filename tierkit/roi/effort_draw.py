"""Hold-outs of effort: a lot decides who of a tier gets less, or more, of it."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from tierkit.errors import DataError, SettingsError
from tierkit.roi.verdict import FOUR_OF_FIVE, SIGNIFICANT
from tierkit.words import share, signed_share

Arm = Literal["less", "more"]
COLUMNS = ("account_id", "tier", "arm", "drawn", "quarter", "quarters", "predicted_revenue", "seed",
           "report")  # fmt: skip
MOST_DRAWN_SHARE = 0.5
FEWEST_DRAWN = 10

_MARK = "# effort draw "


@dataclass(frozen=True)
class EffortDraw:
    """Accounts of one tier, of whom a lot gives some less or more effort than the others.

    Attributes
    ----------
    rows
        One row per account: account_id, tier, arm (`less` or `more`), drawn (whether the lot took
        it), quarter (label of the first), quarters (how many it lasts), predicted_revenue, seed,
        report (fingerprint of the report it was drawn from).
    """

    rows: pd.DataFrame

    def _one(self, column: str) -> str:
        return str(self.rows[column].iloc[0])

    @property
    def tier(self) -> str:
        """The tier inside which the lot decides."""
        return self._one("tier")

    @property
    def arm(self) -> str:
        """`less` or `more` effort for those drawn."""
        return self._one("arm")

    @property
    def quarter(self) -> str:
        """Label of the first quarter in which it is in force."""
        return self._one("quarter")

    @property
    def quarters(self) -> int:
        """How many quarters it lasts."""
        return int(self.rows["quarters"].iloc[0])

    @property
    def report(self) -> str:
        """Fingerprint of the published report that it belongs to."""
        return self._one("report")

    @property
    def hash(self) -> str:
        """A short hash of the assignment: whoever keeps it can prove that nothing was changed."""
        return hashlib.sha256(_text(self.rows).encode()).hexdigest()[:16]

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
    """Draw by lot who of a tier gets less, or more, effort, alike in predicted revenue.

    Accounts are put in order of predicted revenue and cut into as many strata as are drawn; a lot
    takes one of each, so that both groups are alike. Overridden accounts take no part.

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
    told = hashlib.sha256("|".join([quarter, tier, arm]).encode()).digest()[:8]
    lot = np.random.default_rng([seed, int.from_bytes(told, "big")])
    taken = [int(lot.choice(stratum)) for stratum in np.array_split(np.arange(len(order)), count)]
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


def effort_draw_text(draw: EffortDraw) -> str:
    """Return the text of the assignment file; its first line holds the hash."""
    return f"{_MARK}{draw.hash}\n{_text(draw.rows)}"


def is_effort_draw(path: Path) -> bool:
    """Whether a file says that it is a draw of effort."""
    with path.open(encoding="utf-8") as file:
        return file.readline().startswith(_MARK)


def read_effort_draw(path: Path) -> EffortDraw:
    """Read an assignment file.

    Raises
    ------
    DataError
        If the file lacks a column, or was changed since it was drawn.
    """
    first, _, text = path.read_text(encoding="utf-8").partition("\n")
    texts = dict.fromkeys(("account_id", "tier", "arm", "quarter", "report"), "object")
    rows = pd.read_csv(io.StringIO(text), dtype=texts, keep_default_na=False)
    if missing := set(COLUMNS) - set(rows.columns):
        raise DataError(f"{path.name}: no column {', '.join(sorted(missing))}.")
    if rows.empty:
        raise DataError(f"{path.name}: holds no account.")
    draw = EffortDraw(rows[[*COLUMNS]])
    written = first.removeprefix(_MARK).strip()
    if draw.hash != written:
        raise DataError(
            f"{path.name}: drawn as {written}, but what it holds now is {draw.hash}. Somebody "
            "changed it after the draw; take the file that was kept."
        )
    return draw


def _text(rows: pd.DataFrame) -> str:
    ordered = rows[[*COLUMNS]].sort_values("account_id", kind="stable")
    return str(ordered.to_csv(index=False, lineterminator="\n"))
