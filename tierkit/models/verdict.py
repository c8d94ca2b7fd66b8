"""Whether a card is worth more than past revenue, in one of four verdicts and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tierkit.figure import Figure
from tierkit.statistics import Comparison

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
