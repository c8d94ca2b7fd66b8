"""Hold, recalibrate or refit: which model a report rests on, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.errors import TierkitError
from tierkit.features.panel import Panel
from tierkit.models.criteria import FloatArray
from tierkit.models.drift import card_drift
from tierkit.models.total_ranges import FEWEST_DATES, ratio_range
from tierkit.recalibration.challenge import Challenge, challenge
from tierkit.recalibration.champion import Champion
from tierkit.recalibration.consequences import consequence_facts, consequences
from tierkit.recalibration.work import Work
from tierkit.reporting.words import number_word, plural, quarter_name, signed_share
from tierkit.reporting.words import share as share_words
from tierkit.settings import DecisionSettings

HOLD, RECALIBRATE, REFIT = "hold", "recalibrate", "refit"
_TESTS = "the tests are those of a model fitted anew."


@dataclass(frozen=True)
class Decision:
    """Which model to use, and what speaks for it.

    Attributes
    ----------
    action
        `hold`: the present model as it is; `recalibrate`: its ranking, with its amounts times
        `factor`; `refit`: the newly fitted model.
    because
        The reason in a sentence.
    """

    action: str
    because: str
    factor: float
    facts: dict[str, Any]

    def applied(self, choice: ModelChoice, present: Champion) -> ModelChoice:
        """Return the model that the run goes on with."""
        if self.action == REFIT:
            return choice
        card = replace(present.model.card, base=present.model.card.base * self.factor)
        return replace(
            choice,
            card=card,
            kind=present.model.kind,
            trained_on=present.model.trained_on,
            past_revenue=present.model.past_revenue,
            notes=(*choice.notes, f"The model is the one of {present.label}; {_TESTS}"),
        )


def decide(
    work: Work, panel: Panel, choice: ModelChoice, present: Champion, tested: pd.DataFrame
) -> Decision:
    """Decide between the present model and a new fit.

    In this order: a model that cannot be used, or is of another kind than the tests now support, is
    refitted; so is one that is older than `decision.refit_after_quarters`, or that a new fit beats
    on the newest quarters (the 95 % range of the Gini gain above 0). One whose amounts are off by
    more than `decision.recalibrate_beyond`, and by more than such sums are by chance (80 % range),
    is recalibrated. Otherwise it is held.

    Parameters
    ----------
    tested
        Earlier predictions with `predicted` (horizon) and `next_quarter_revenue`.
    """
    if present.model.kind != choice.kind:
        kinds = f"a {present.model.kind}, and the tests now speak for a {choice.kind}"
        return _refit(f"Refit: the present model is {kinds}.", present)
    if present.model.horizon_quarters != work.settings.target.horizon_quarters:
        return _refit("Refit: the horizon of the settings has changed.", present)
    if present.model.kind == "rules card":
        return _refit("The rules card is the one of the settings.", present)
    try:
        found = challenge(work, panel, choice, present)
    except TierkitError as error:
        return _refit(f"Refit: the present model cannot be used on these data ({error}).", present)
    share, low, high = _quarter_share(tested)
    action, why, factor = judge(
        found,
        label=present.label,
        age=_age(work, present),
        rules=work.settings.decision,
        quarter=(share, low, high),
    )
    moved = consequences(work, panel, choice, present)
    return Decision(
        action,
        f"{why} {moved.sentence(work.currency)}".strip(),
        factor,
        {
            "champion": {"report": present.label, **_age_facts(work, present)},
            "newest_quarters": found.facts(share_of_horizon=share),
            "factor": factor,
            "drift": _drift(work, panel, present),
            "consequences": consequence_facts(moved),
        },
    )


def judge(
    found: Challenge,
    *,
    label: str,
    age: int,
    rules: DecisionSettings,
    quarter: tuple[float, float, float],
) -> tuple[str, str, float]:
    """Return the action, its reason in a sentence, and the factor on the present model's amounts.

    Parameters
    ----------
    found
        The present model on the newest quarters.
    label, age
        The report that it was published with, and how many quarters ago it last learned.
    quarter
        Which part of predicted revenue comes in one quarter, and the range of actual over predicted
        that a single quarter has by chance.
    """
    share, low, high = quarter
    actual = found.actual_over_predicted(share)
    name = f"The present model, published with {quarter_name(label)}"
    if age >= rules.refit_after_quarters:
        return REFIT, f"{name}, last learned {plural(age, 'quarter')} ago.", 1.0
    if found.gain is not None and found.gain.is_above_zero:
        gain = f"{found.gain.estimate:+.2f} Gini"
        return REFIT, f"A new fit ranks better on {_quarters(found)} ({gain}).", 1.0
    if not math.isfinite(actual) or actual <= 0:
        return HOLD, f"{name}, has met no complete quarter yet.", 1.0
    spoken = f"On {_quarters(found)} accounts brought {share_words(actual)} of what it predicted"
    if abs(actual - 1) > rules.recalibrate_beyond and not low <= actual <= high:
        changed = f"its amounts are changed by {signed_share(actual - 1)}"
        return RECALIBRATE, f"{spoken}; {changed}.", actual
    beaten = "" if found.gain is None else ", and a new fit ranks no better"
    return HOLD, f"{spoken}{beaten}.", 1.0


def _quarters(found: Challenge) -> str:
    many = found.quarters
    return "the newest quarter" if many == 1 else f"the newest {number_word(many)} quarters"


def _age(work: Work, present: Champion) -> int:
    """Return how many quarters lie between what the model knew and what is known now."""
    fitted = present.fitted_as_of(work.settings.fiscal_calendar)
    if fitted is None:
        return work.settings.decision.refit_after_quarters
    return len(work.settings.fiscal_calendar.between(fitted, work.as_of))


def _age_facts(work: Work, present: Champion) -> dict[str, Any]:
    return {"kind": present.model.kind, "quarters_old": _age(work, present)}


def _refit(because: str, present: Champion) -> Decision:
    facts = {"champion": {"report": present.label, "kind": present.model.kind}, "drift": []}
    return Decision(REFIT, because, 1.0, facts)


def _drift(work: Work, panel: Panel, present: Champion) -> list[dict[str, Any]]:
    values = panel.values  # noqa: PD011
    now = values[values.index.get_level_values("as_of") == pd.Timestamp(work.as_of)]
    table = card_drift(present.model.card, now, seed=work.settings.model.seed)
    return [
        {
            "criterion": str(row["criterion"]),
            "bins": int(row["bins"]),
            "psi": float(row["psi"]),
            "psi_by_chance": float(row["psi_by_chance"]),
            "drifted": bool(row["drifted"]),
        }
        for row in table.to_dict("records")
    ]


def _quarter_share(tested: pd.DataFrame) -> tuple[float, float, float]:
    """Return which part of predicted revenue comes in one quarter, and the range of its error.

    The range is that of actual over predicted in a single new quarter (80 %), from the tested
    quarter-ends; it is boundless where they are fewer than three.
    """
    sums = tested.groupby("as_of")[["next_quarter_revenue", "predicted"]].sum()
    sums = sums[(sums["predicted"] > 0) & (sums["next_quarter_revenue"] > 0)]
    if sums.empty:
        return math.nan, 0.0, math.inf
    share = float(sums["next_quarter_revenue"].sum() / sums["predicted"].sum())
    if len(sums) < FEWEST_DATES:
        return share, 0.0, math.inf
    ratios: FloatArray = (sums["next_quarter_revenue"] / sums["predicted"] / share).to_numpy(float)
    low, high = ratio_range(ratios, np.arange(len(ratios), dtype=float), horizon=1)
    return share, low, high
