"""Hold, recalibrate or refit: which model a report rests on, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest import ModelChoice, in_words
from tierkit.errors import TierkitError
from tierkit.features import Panel
from tierkit.figure import Figure
from tierkit.forecast import interval
from tierkit.models import card_drift
from tierkit.runs.challenge import Challenge, Champion, challenge
from tierkit.runs.run import Run
from tierkit.settings import DecisionSettings
from tierkit.statistics import IntArray
from tierkit.tiers import check_eligibility
from tierkit.words import (
    count,
    money,
    number_word,
    plural,
    quarter_name,
    share as share_words,
    signed_share,
)


@dataclass(frozen=True)
class Consequences:
    """The present model and a new fit, both on today's accounts in scope, cut by rank alone.

    Attributes
    ----------
    accounts
        How many accounts the new fit would put into another tier, of `of`.
    misplaced
        By upper tier: predicted revenue (by the new fit) that accounts up to that tier hold by the
        new fit, less what those hold that the present model would put there.
    """

    accounts: int
    of: int
    misplaced: dict[str, float]

    def sentence(self, currency: str) -> str:
        """Return the same as a sentence."""
        if not self.accounts:
            return "A new fit would leave every account in its tier."
        worst = max(self.misplaced.values(), default=0.0)
        move = f"A new fit would put {count(self.accounts)} of {plural(self.of, 'account')} into"
        return (
            f"{move} another tier and place {money(currency, worst)} of predicted revenue better."
        )


def consequences(run: Run, panel: Panel, choice: ModelChoice, present: Champion) -> Consequences:
    """Return what keeping the present model costs, by the new fit's own predictions."""
    values = panel.values  # noqa: PD011
    now = values[values.index.get_level_values("as_of") == pd.Timestamp(run.as_of)]
    now = now.droplevel("as_of")
    eligible = check_eligibility(run.accounts(), where=run.settings.icp.where)["eligible"]
    now = now[now.index.isin(eligible.index[eligible])]
    new = choice.ranked(now)
    old = present.model.ranked(now)["score"]
    amounts = new["predicted_revenue"].to_numpy(dtype=float)
    capacities = [tier.capacity for tier in run.settings.tiers]
    ids = now.index.to_numpy(dtype=str)
    before, after = (_tiers(_order(score, ids), capacities) for score in (old, new["score"]))
    misplaced = {
        tier.name: float(max(amounts[after <= place].sum() - amounts[before <= place].sum(), 0.0))
        for place, tier in enumerate(run.settings.tiers)
        if tier.capacity is not None
    }
    return Consequences(int((before != after).sum()), len(now), misplaced)


def consequence_facts(found: Consequences) -> dict[str, Any]:
    """Return what `facts.json` says of it."""
    misplaced = [
        {"down_to": name, "predicted_revenue": amount} for name, amount in found.misplaced.items()
    ]
    return {"accounts": found.accounts, "of": found.of, "misplaced": misplaced}


def _order(score: pd.Series[float], ids: Any) -> IntArray:  # noqa: ANN401 (an array of text)
    """Return each account's place, best first, ties by account_id."""
    order = np.lexsort((ids, -score.to_numpy(dtype=float)))
    places = np.empty(len(score), dtype=np.int64)
    places[order] = np.arange(len(score))
    return places


def _tiers(places: IntArray, capacities: list[int | None]) -> IntArray:
    ends = np.cumsum([np.inf if size is None else size for size in capacities])
    return np.searchsorted(ends, places, side="right")


HOLD, RECALIBRATE, REFIT = "hold", "recalibrate", "refit"
_TESTS = "the tests are those of a model fitted anew."


GROWN = 1.5
"""So many times the quarter-ends that a model learned from are reason enough for a new fit."""


@dataclass(frozen=True)
class Decision:
    """Decision on the model to use, and what speaks for it.

    Attributes
    ----------
    action
        `hold`: the present model as it is; `recalibrate`: its ranking, with a total that the newest
        quarters have changed; `refit`: the newly fitted model. Whichever ranks, predicted revenue
        adds up to what is forecast now.
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
        return replace(
            choice,
            card=present.model.card,
            kind=present.model.kind,
            trained_on=present.model.trained_on,
            past_revenue=present.model.past_revenue,
            ranked_by=present.model.ranked_by or choice.ranked_by,
            notes=(*choice.notes, f"The model is the one of {present.label}; {_TESTS}"),
        )


def decide(run: Run, panel: Panel, choice: ModelChoice, present: Champion) -> Decision:
    """Decide between the present model and a new fit.

    In this order: a model that cannot be used, or is of another kind than the tests now support, is
    refitted; so is one that is older than `decision.refit_after_quarters`, or that a new fit beats
    on the newest quarters (the 95 % range of the Gini gain above 0). One whose amounts are off by
    more than `decision.recalibrate_beyond`, and by more than such sums are by chance (80 % range),
    is recalibrated. Otherwise it is held.
    """
    if because := _another_model(run, choice, present):
        return _refit(because, present)
    try:
        found = challenge(run, panel, choice, present)
    except TierkitError as error:
        return _refit(f"Refit: the present model cannot be used on these data ({error}).", present)
    before, now = _promised(run), run.forecast.horizon.predicted
    action, why, factor = judge(
        found,
        label=present.label,
        age=_age(run, present),
        rules=run.settings.decision,
        quarter=(1.0, *_by_chance(run)),
        changed=now / before if before > 0 else math.nan,
    )
    moved = consequences(run, panel, choice, present)
    return Decision(
        action,
        f"{why} {moved.sentence(run.currency)}".strip(),
        factor,
        {
            "champion": {"report": present.label, **_age_facts(run, present)},
            "newest_quarters": found.facts(share_of_horizon=1.0),
            "factor": factor,
            **Figure.of(before, "the last report says no total").facts("predicted_by_last_report"),
            **Figure.of(now, run.forecast.horizon.why).facts("predicted_now"),
            "drift": _drift(run, panel, present),
            "consequences": consequence_facts(moved),
        },
    )


def _another_model(run: Run, choice: ModelChoice, present: Champion) -> str:
    """Return in a sentence why the present model cannot be kept, empty where it can."""
    model, known = present.model, len(choice.trained_on)
    if model.kind != choice.kind:
        kinds = f"a {model.kind}, and the tests now speak for a {choice.kind}"
        return f"Refit: the present model is {kinds}."
    if model.ranked_by not in ("", choice.ranked_by):
        rules = f"{in_words(model.ranked_by)}, the tests now speak for {in_words(choice.ranked_by)}"
        return f"Refit: accounts were ranked by {rules}."
    if model.horizon_quarters != run.settings.target.horizon_quarters:
        return "Refit: the horizon of the settings has changed."
    if model.kind == "rules card":
        return "The rules card is the one of the settings."
    if known >= GROWN * max(len(model.trained_on), 1):
        learned = plural(len(model.trained_on), "quarter-end")
        return f"Refit: the present model learned from {learned}, and {known} are known now."
    return ""


def judge(
    found: Challenge,
    *,
    label: str,
    age: int,
    rules: DecisionSettings,
    quarter: tuple[float, float, float],
    changed: float = math.nan,
) -> tuple[str, str, float]:
    """Return the action, its reason in a sentence, and the factor on the last report's total.

    Parameters
    ----------
    found
        The present model on the newest quarters.
    label, age
        The report that it was published with, and how many quarters ago it last learned.
    quarter
        Which part of predicted revenue comes in one quarter, and the range of actual over predicted
        that a single quarter has by chance.
    changed
        The total that is forecast now over that of the last report; it rests on all quarters, so
        that one of them moves it by a part only.
    """
    share, low, high = quarter
    actual = found.actual_over_predicted(share)
    name = f"The present model, published with {quarter_name(label)}"
    if age >= rules.refit_after_quarters:
        return REFIT, f"{name}, last learned {plural(age, 'quarter')} ago.", 1.0
    if found.gain is not None and found.gain.is_above(0):
        gain = f"{found.gain.say('{:+.2f}'.format)} Gini"
        return REFIT, f"A new fit ranks better on {_quarters(found)} ({gain}).", 1.0
    if not math.isfinite(actual) or actual <= 0:
        return HOLD, f"{name}, has met no complete quarter yet.", 1.0
    spoken = f"On {_quarters(found)} accounts brought {share_words(actual)} of what it predicted"
    if abs(actual - 1) > rules.recalibrate_beyond and not low <= actual <= high:
        factor = changed if math.isfinite(changed) else 1.0
        told = f"predicted revenue, forecast anew, is {signed_share(factor - 1)} on the last report"
        return RECALIBRATE, f"{spoken}; {told}.", factor
    beaten = "" if found.gain is None else ", and a new fit ranks no better"
    return HOLD, f"{spoken}{beaten}.", 1.0


def _quarters(found: Challenge) -> str:
    many = found.quarters
    return "the newest quarter" if many == 1 else f"the newest {number_word(many)} quarters"


def _age(run: Run, present: Champion) -> int:
    """Return how many quarters lie between what the model knew and what is known now."""
    fitted = present.fitted_as_of(run.settings.fiscal_calendar)
    if fitted is None:
        return run.settings.decision.refit_after_quarters
    return len(run.settings.fiscal_calendar.between(fitted, run.as_of))


def _age_facts(run: Run, present: Champion) -> dict[str, Any]:
    return {"kind": present.model.kind, "quarters_old": _age(run, present)}


def _refit(because: str, present: Champion) -> Decision:
    facts = {"champion": {"report": present.label, "kind": present.model.kind}, "drift": []}
    return Decision(REFIT, because, 1.0, facts)


def _drift(run: Run, panel: Panel, present: Champion) -> list[dict[str, Any]]:
    values = panel.values  # noqa: PD011
    now = values[values.index.get_level_values("as_of") == pd.Timestamp(run.as_of)]
    table = card_drift(present.model.card, now, seed=run.settings.model.seed)
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


def _by_chance(run: Run) -> tuple[float, float]:
    """Return the range of actual over forecast that a single quarter has by chance (80 %)."""
    span = run.forecast.next_quarter
    if not math.isfinite(span.spread):
        return 0.0, math.inf
    return interval(1.0, span.spread, span.freedom)


def _promised(run: Run) -> float:
    """Return what the newest earlier report predicted for its horizon; NaN where it says none."""
    promises = run.earlier.reports
    if not promises:
        return math.nan
    whole = promises[-1].facts.get("forecast", {}).get("horizon", {}).get("predicted")
    return math.nan if whole is None else float(whole)
