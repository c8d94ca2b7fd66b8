"""What the model had to pass, whether its money came true, and what effort has to do with it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.models.calibration import actual_over_predicted_by, by_history, tenths
from tierkit.models.intervals import Interval
from tierkit.models.ranges import past_tiers, ranges_tested
from tierkit.models.verdict import RIVALS
from tierkit.recalibration.work import Work
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table

NOT_TESTED = "Nothing could be tested, so nothing can be said of this."


def gate_table(model: ModelChoice) -> Fragment:
    """Return every check that a card must pass before it ranks accounts, with what was found."""
    if model.backtest.comparison is None:
        return Fragment(str(tag("p", NOT_TESTED)))
    rows = [*_compared(model), *_checked(model)]
    frame = pd.DataFrame(rows, columns=["check", "found", "needed", "passed"])
    caption = "What a card must pass before it ranks accounts"
    return html_table(frame, caption=caption, kinds={}, name="gate")


def calibration_table(model: ModelChoice, work: Work) -> Fragment:
    """Return actual over predicted by tier and by tenth of the predictions, with 95 % intervals."""
    tested = model.tested()
    if tested.empty:
        return Fragment(str(tag("p", NOT_TESTED)))
    tiers, seed = work.settings.tiers, work.settings.model.seed
    places = past_tiers(tested, [tier.capacity for tier in tiers])
    by_tier = actual_over_predicted_by(tested, places, seed=seed)
    by_tier.index = pd.Index([tiers[int(place)].name for place in by_tier.index])
    by_tenth = actual_over_predicted_by(tested, tenths(tested), seed=seed)
    by_tenth.index = pd.Index([f"tenth {int(place)} of predictions" for place in by_tenth.index])
    frame = pd.concat([by_tier, by_tenth]).reset_index(names="group")
    kinds = {
        "accounts": "count",
        "predicted": f"money {work.currency}",
        "actual": f"money {work.currency}",
        **dict.fromkeys(["ratio", "low", "high"], "number"),
    }
    frame = frame.rename(columns={"ratio": "actual / predicted"})
    kinds["actual / predicted"] = kinds.pop("ratio")
    caption = "Actual over predicted revenue in the tests, by tier and by tenth (10 is the highest)"
    table = html_table(frame, caption=caption, kinds=kinds, name="calibration_by_group")
    said = [tag("p", _moved(model)), tag("p", _ranges(tested, work))]
    return Fragment(str(joined(table, *said)))


def history_table(model: ModelChoice) -> Fragment:
    """Return how the card does on customers and on accounts that never bought, apart."""
    predictions = model.backtest.predictions
    if predictions.empty:
        return Fragment(str(tag("p", NOT_TESTED)))
    frame = by_history(predictions).rename_axis("accounts that are").reset_index()
    frame = frame.rename(columns={"accounts": "tested rows", "won_share": "share of revenue"})
    kinds = {
        "tested rows": "count",
        "share of revenue": "share",
        "capture_top_10_percent": "share",
        **dict.fromkeys(["gini", "past_revenue_gini", "actual_over_predicted"], "number"),
    }
    caption = "The card on customers (won anything in the look-back) and on new logos"
    return html_table(frame, caption=caption, kinds=kinds, name="history")


def effort_alone_table(model: ModelChoice) -> Fragment:
    """Return what criteria find alone, what effort finds alone, and both; and a warning if due."""
    check = model.gate.effort
    if check is None:
        why = "No effort is recorded, or no card could be fitted: effort and value stay apart."
        return Fragment(str(tag("p", why)))
    frame = check.scores.rename_axis("card of").reset_index()
    kinds = {"gini": "number", "capture_tier_1": "share", "capture_tier_2": "share"}
    caption = "Effort is no criterion: what it finds alone, at the newest tested quarter-ends"
    table = html_table(frame, caption=caption, kinds=kinds, name="effort_alone")
    line = check.warning or (
        "The score does not mostly re-learn past effort "
        f"(rank correlation {check.follows_effort:.2f})."
    )
    return Fragment(str(joined(table, tag("p", line))))


Row = tuple[str, str, str, str]


def _compared(model: ModelChoice) -> list[Row]:
    comparison = model.backtest.comparison
    if comparison is None:
        return []
    gain, above = comparison.gain, "above 0"
    rows = [_row("Gini gain over past revenue", gain, above, passed=gain.is_above_zero)]
    for size, one in comparison.captures.items():
        name = f"capture at {size:,} accounts against past revenue"
        rows.append(_row(name, one, "not below 0", passed=not one.is_below_zero))
    for rival, one in comparison.rivals.items():
        name = f"Gini gain over {RIVALS.get(rival, rival)}"
        rows.append(_row(name, one, "not below 0", passed=not one.is_below_zero))
    return rows


def _checked(model: ModelChoice) -> list[Row]:
    gate = model.gate
    shuffled, seen = gate.shuffled, gate.future_rows
    rank = "not tried" if shuffled is None else f"{shuffled.rank} of {len(shuffled.gains) + 1}"
    overlap = "no fitted card ranks" if math.isnan(gate.overlap) else f"{gate.overlap:.0%}"
    bags = f", {gate.bags} bags" if gate.bags else ""
    return [
        (
            "place of its gain among refits on shuffled outcomes", rank, "1",
            _passed(None if shuffled is None else shuffled.is_above_all),
        ),
        (
            "accounts whose criteria saw the future", "not tried" if seen is None else f"{seen:,}",
            "0", _passed(None if seen is None else seen == 0),
        ),
        (
            "probable leaks", f"{len(gate.leaks)} found, none left in the card", "none left in",
            "yes",
        ),
        ("Tier 1 shared by two cards of other seeds", f"{overlap}{bags}", "shown", "–"),
    ]  # fmt: skip


def _row(name: str, one: Interval, needed: str, *, passed: bool) -> Row:
    found = f"{one.estimate:+.3f} ({one.low:+.3f} to {one.high:+.3f})".replace("-", "−")
    return name, found, needed, _passed(passed)


def _passed(passed: bool | None) -> str:  # noqa: FBT001
    return "–" if passed is None else "yes" if passed else "no"


def _moved(model: ModelChoice) -> str:
    moved = model.gate.moved
    if not len(moved):
        return (
            "The history is too short to say how far totals of a horizon moved before: take "
            "predicted totals as a level, not as a forecast of a good or a bad year."
        )
    return (
        f"From one horizon to the next, the total of all accounts moved by × {moved.min():.2f} to "
        f"× {moved.max():.2f} ({len(moved)} comparisons): no model of accounts knows such a move "
        "beforehand."
    )


def _ranges(tested: pd.DataFrame, work: Work) -> str:
    found = ranges_tested(tested, [tier.capacity for tier in work.settings.tiers])
    if found is None:
        return "Account ranges could not be tried: too few predictions were tested."
    upper = (
        ""
        if np.isnan(found.inside_upper)
        else (f"; {found.inside_upper:.0%} of the upper tiers' accounts lay inside")
    )
    return (
        f"Account ranges, tried on {found.rows:,} predictions they were not made from: "
        f"{found.above:.0%} of accounts brought more than the high end, {found.below:.0%} less "
        f"than the low end{upper}."
    )
