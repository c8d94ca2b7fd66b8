"""The result of a backtest: measures of every model, the gain over past revenue, a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import pandas as pd

from tierkit.figure import Figure
from tierkit.models.card import Card
from tierkit.settings import Settings
from tierkit.statistics import (
    Comparison,
    FloatArray,
    actual_over_predicted,
    capture,
    capture_share,
    compare,
    gini,
)

Method = Literal["earlier quarter-ends", "held-out accounts"]
ROLLING: Method = "earlier quarter-ends"
HELD_OUT: Method = "held-out accounts"

CARDS = ("card", "full_card", "short_card", "unedited_card", "fitted_card", "rules_card")
RULES = (
    "past_revenue", "last_quarter_revenue", "half_year_revenue", "revenue_ever",
    "revenue_per_quarter", "same_quarter_last_year", "best_column",
)  # fmt: skip
MODELS = (*CARDS, *RULES, "last_tiers", "random")
MONEY = {**{name: name for name in CARDS}, **{name: f"{name}_predicted" for name in RULES}}
"""The models that predict amounts, and the column of predictions that holds them."""

_TIERS = ("capture_tier_1", "capture_tier_2")
_TOP_SHARES = {
    "capture_top_5_percent": 0.05,
    "capture_top_10_percent": 0.10,
    "capture_top_20_percent": 0.20,
}
_MEASURES = ("gini", *_TIERS, *_TOP_SHARES, "actual_over_predicted")
Capacities = tuple[int | None, int | None]

Verdict = Literal[
    "better than past revenue", "no better than past revenue", "no signal", "cannot be tested"
]
BETTER: Verdict = "better than past revenue"
NO_BETTER: Verdict = "no better than past revenue"
NO_SIGNAL: Verdict = "no signal"
UNTESTED: Verdict = "cannot be tested"
KEEP = "Keep the simple rule: past revenue ranks the accounts."
RIVALS = {
    "last_quarter_revenue": "last quarter's revenue alone",
    "best_column": "the best single column",
    "last_tiers": "last quarter's tiers",
}
"""Rules that the card must not lose to, in words."""

_SCALE = "1 is perfect foresight, 0 is chance"


@dataclass(frozen=True)
class Backtest:
    """The model and simple rules against outcomes that they could not know.

    Attributes
    ----------
    method
        `earlier quarter-ends`: trained on what was complete then, tested on the horizon after.
        `held-out accounts`: at the last complete date, each account predicted from the others. None
        where nothing could be tested.
    as_of
        The tested dates.
    predictions
        A row per account and tested date: `account_id`, `as_of`, `actual`, a column per model that
        is higher for better accounts (`card` in money), `past_revenue_predicted` in money, and
        `fold`: the place in `cards` of the card that predicted the row.
    scores
        A row per model, a column per measure, means over the dates; NaN where it cannot be said.
    comparison
        The card with past revenue; None where nothing could be tested.
    verdict, because
        The result and why, in plain words.
    capacities
        Accounts in tier 1, and in tiers 1 and 2 together; None where a tier takes the rest or there
        is none.
    cards
        The card of each fold, fitted without the rows that it predicts.
    """

    method: Method | None
    as_of: tuple[date, ...]
    predictions: pd.DataFrame
    scores: pd.DataFrame
    comparison: Comparison | None
    verdict: Verdict
    because: str
    capacities: Capacities
    cards: tuple[Card, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return the parts of `facts.json` under `model` that the backtest knows."""
        gain = self.comparison.gain if self.comparison else None
        known = gain if gain and gain.is_known else Figure.unknown(self.because)
        tested = self.method is not None
        return {
            "backtest": {
                "method": self.method,
                **({} if tested else {"method_why": self.because}),
                "as_of": [day.isoformat() for day in self.as_of],
                "accounts": int(self.predictions["account_id"].nunique()) if tested else 0,
                "models": {str(name): self._model_facts(str(name)) for name in self.scores.index},
            },
            "gain_over_past_revenue": known.effect(),
            "verdict": self.verdict,
            "because": self.because,
        }

    def _model_facts(self, name: str) -> dict[str, Any]:
        why = dict.fromkeys(_MEASURES, "nothing was won in the tested horizons")
        for measure, size in zip(_TIERS, self.capacities, strict=True):
            if size is None:
                why[measure] = "there is no such tier with a capacity"
        if name not in MONEY:
            why["actual_over_predicted"] = "this rule ranks accounts and predicts no money"
        facts: dict[str, Any] = {}
        for measure in _MEASURES:
            facts |= Figure.of(self.scores[measure].loc[name], why[measure]).facts(measure)
        return facts


def scored(method: Method, predictions: pd.DataFrame, *, settings: Settings) -> Backtest:
    """Return the measures of every model, the comparison and the verdict.

    Parameters
    ----------
    method
        How was tested.
    predictions
        As in `Backtest`.
    """
    capacities = _capacities(settings)
    names = [name for name in MODELS if name in predictions.columns]
    scores = pd.DataFrame([_measures(predictions, name, capacities) for name in names], index=names)
    days = tuple(day.date() for day in sorted(predictions["as_of"].unique()))
    places = _places(settings, capacities)
    comparison = compare(
        predictions,
        capacities=sorted(set(places.values())),
        seed=settings.model.seed,
        rivals=[name for name in RIVALS if name in names],
    )
    verdict, because = judge(comparison, places=places, tested=_tested_in_words(method, days))
    return Backtest(method, days, predictions, scores, comparison, verdict, because, capacities)


def _measures(predictions: pd.DataFrame, name: str, capacities: Capacities) -> dict[str, float]:
    """Return every measure of one model: means over the dates, money over all of them."""
    by_date = [
        _measures_at(rows["actual"].to_numpy(), rows[name].to_numpy(), capacities)
        for _, rows in predictions.groupby("as_of", sort=True)
    ]
    means = pd.DataFrame(by_date).mean()
    money = math.nan
    if MONEY.get(name) in predictions.columns:
        money = actual_over_predicted(predictions["actual"], predictions[MONEY[name]])
    return {**{str(key): float(value) for key, value in means.items()}, _MEASURES[-1]: money}


def _measures_at(
    actual: FloatArray, ranked: FloatArray, capacities: Capacities
) -> dict[str, float]:
    tiers = {
        name: math.nan if size is None else capture(actual, ranked, accounts=size)
        for name, size in zip(_TIERS, capacities, strict=True)
    }
    tops = {name: capture_share(actual, ranked, share=share) for name, share in _TOP_SHARES.items()}
    return {"gini": gini(actual, ranked), **tiers, **tops}


def untested(because: str, *, settings: Settings) -> Backtest:
    """Return the backtest where nothing could be tested, with the reason in a sentence."""
    known = ["account_id", "as_of", "actual", "past_revenue_predicted", "customer"]
    columns = [*known, *MODELS, "fold"]
    return Backtest(
        method=None,
        as_of=(),
        predictions=pd.DataFrame(columns=columns),
        scores=pd.DataFrame(columns=[*_MEASURES]),
        comparison=None,
        verdict=UNTESTED,
        because=because.strip(),
        capacities=_capacities(settings),
    )


def compared_with_past(
    tested: Backtest, name: str, *, in_words: str, settings: Settings, candidates: int
) -> Backtest:
    """Return the backtest with the comparison and the verdict of another ranking than the card.

    Parameters
    ----------
    name, in_words
        The ranking, as in `Backtest.predictions`, and as a sentence names it.
    candidates
        From how many candidates it was chosen: the more, the wider the range of its gain has to be
        (Bonferroni).
    """
    places = _places(settings, tested.capacities)
    comparison = compare(
        tested.predictions.assign(card=tested.predictions[name]),
        capacities=sorted(set(places.values())),
        seed=settings.model.seed,
        comparisons=candidates,
    )
    method = tested.method or ROLLING
    where = _tested_in_words(method, tested.as_of)
    verdict, because = judge(comparison, places=places, tested=where, name=in_words)
    return replace(tested, comparison=comparison, verdict=verdict, because=because)


def _tested_in_words(method: Method, days: Sequence[date]) -> str:
    if method == HELD_OUT:
        return "On accounts that the card had not seen"
    return f"At {len(days)} earlier quarter-end{'s' if len(days) > 1 else ''}"


def _capacities(settings: Settings) -> Capacities:
    """Return the accounts in tier 1, and in tiers 1 and 2 together."""
    sizes = [tier.capacity for tier in settings.tiers[:2]]
    first = sizes[0]
    both = sizes[1] if len(sizes) > 1 else None
    return first, None if first is None or both is None else first + both


def _places(settings: Settings, capacities: Capacities) -> dict[str, int]:
    names = [settings.tiers[0].name, " + ".join(tier.name for tier in settings.tiers[:2])]
    return {name: size for name, size in zip(names, capacities, strict=True) if size}


def judge(
    comparison: Comparison, *, places: Mapping[str, int], tested: str, name: str = "the card"
) -> tuple[Verdict, str]:
    """Return the verdict and why, in plain words.

    The card is better only if the 95 % range of its gain in Gini lies above 0, it captures not
    significantly less revenue at any of the places that a tier begins, and it does not
    significantly lose to any rival.

    Parameters
    ----------
    comparison
        Of the card with past revenue.
    places
        For each capacity in words (`Tier 1`), how many accounts it is.
    tested
        Where it was tested, in words: `At 4 earlier quarter-ends`.
    name
        What is compared with past revenue, in words.

    Examples
    --------
    >>> card, past = Figure(0.85, 0.8, 0.9), Figure(0.8, 0.75, 0.85)
    >>> gain = Figure(0.05, 0.01, 0.09)
    >>> judge(Comparison(card, past, gain, {15: gain}, 1000), places={"Tier 1": 15}, tested="At X")
    ('better than past revenue', 'At X ... at Tier 1.')
    """
    card, past, gain = comparison.card_gini, comparison.past_gini, comparison.gain
    if not gain.is_known:
        return UNTESTED, f"{tested} nothing was won that could be ranked."
    if not (card.is_above(0) or past.is_above(0)):
        return NO_SIGNAL, (
            f"{tested} neither {name} nor past revenue ranked accounts better than chance: "
            f"{_against(card, past)}. {KEEP}"
        )
    worse = [name for name, size in places.items() if comparison.captures[size].is_below(0)]
    if not gain.is_above(0):
        how = "worse" if gain.is_below(0) else "no more than chance could bring"
        return NO_BETTER, (
            f"{tested} {name} ranked accounts {_against(card, past)}; "
            f"the difference of {gain.say(_signed, _range)} is {how}. {KEEP}"
        )
    if worse:
        lost = comparison.captures[places[worse[0]]]
        return NO_BETTER, (
            f"{tested} {name} ranked all accounts better than past revenue, but the accounts it "
            f"put into {' and '.join(worse)} brought less of the revenue than those past revenue "
            f"put there ({lost.say('{:+.1%}'.format)} of it at {worse[0]}). {KEEP}"
        )
    if ahead := [name for name, one in comparison.rivals.items() if one.is_below(0)]:
        lost = comparison.rivals[ahead[0]]
        return NO_BETTER, (
            f"{tested} {name} ranked accounts better than past revenue, but "
            f"{' and '.join(RIVALS.get(name, name) for name in ahead)} ranked them better still "
            f"({name}: {lost.say(_signed)}, {lost.say_range(_range)}). {KEEP}"
        )
    kept = f" and captured no less revenue at {' and '.join(places)}" if places else ""
    return BETTER, (
        f"{tested} {name} ranked accounts {_against(card, past)}; the gain of "
        f"{gain.say(_signed, _range)} is more than chance{kept}."
    )


def _against(card: Figure, past: Figure) -> str:
    own, simple = (one.say("{:.3f}".format) for one in (card, past))
    return f"with {own} against {simple} by past revenue ({_SCALE})"


def _range(low: float, high: float) -> str:
    return f"range {_signed(low)} to {_signed(high)}"


def _signed(number: float) -> str:
    return f"{number:+.3f}".replace("-", "−")
