"""The effect found at a boundary between two tiers, in words."""

from __future__ import annotations

from tierkit.pages.facts import Facts, because, number, part, parts, ranged, text, why
from tierkit.words import number_word, plural, ratio, sentence, share, signed_range, signed_share

VERDICTS = {
    "shown": "Shown",
    "suggestive": "Suggestive",
    "no effect worth having": "No effect worth having",
    "cannot tell": "Cannot tell",
}
DESIGNS = {
    "raw": "Before adjusting for who was picked",
    "cutoff": "Just above and below the line",
    "adjusted": "Against accounts like them",
    "moved": "Moved accounts, before and after",
    "randomised": "Random draw",
}
_TIMES_FROM = 4.0
_BEST_FIRST = ("randomised", "cutoff", "adjusted")
"""The designs that have a say, the most trustworthy first; moves describe and decide nothing."""


def verdict(boundary: Facts) -> str:
    """Return the verdict; anything that is not one of the four words cannot tell."""
    found = text(boundary, "verdict")
    return found if found in VERDICTS else "cannot tell"


def tier_pair(boundary: Facts) -> tuple[str, str]:
    """Return the upper and the lower tier of a boundary."""
    upper, _, lower = text(boundary, "boundary").partition(" / ")
    return upper or "the upper tier", lower or "the lower tier"


def best_design(boundary: Facts) -> Facts:
    """Return the most trustworthy design that has an estimate; the raw difference is none."""
    known = {
        text(design, "design"): design
        for design in parts(boundary, "designs")
        if number(part(design, "relative"), "estimate") is not None
    }
    return next((known[name] for name in _BEST_FIRST if name in known), {})


def effect(relative: Facts) -> str:
    """Return an estimate with its range, empty where there is none; from five times on as such.

    Examples
    --------
    >>> effect({"estimate": 0.16, "low": -0.26, "high": 0.82})
    '+16 % (range −26 % to +82 %)'
    >>> effect({"estimate": 8.7, "low": 6.2, "high": 11.4})
    '9.7 times (range 7.2–12)'
    """
    found = ranged(relative)
    if not found.is_known:
        return ""
    if found.has_range and found.numbers()[0] >= _TIMES_FROM:
        times = found.map(lambda share: 1 + share)
        return f"{times.say(ratio)} times (range {times.say_range(_ratios)})"
    return found.say(signed_share, lambda low, high: f"range {signed_range(low, high)}")


def _ratios(low: float, high: float) -> str:
    return f"{ratio(low)}–{ratio(high)}"


def finding(boundary: Facts, together: Facts | None = None) -> str:
    """Return what the boundary showed, in one sentence.

    Parameters
    ----------
    together
        `roi.together`. An effect that all lines show together is told with that number: the range
        of one line alone may hold zero.
    """
    upper, lower = tier_pair(boundary)
    adjusted = effect(part(best_design(boundary), "relative"))
    name = verdict(boundary)
    if name == "cannot tell":
        return f"Whether {upper} treatment itself adds revenue over {lower} cannot be told yet"
    if name == "no effect worth having":
        return f"{upper} treatment adds no effect worth having over {lower}" + _bracket(adjusted)
    seen = _over_all_lines(boundary, together or {}) or adjusted
    less = text(boundary, "direction") == "less"
    does = "brings less revenue" if less else "adds revenue"
    if name == "shown":
        return f"{upper} treatment itself {does}, compared with {lower}" + _bracket(seen)
    return (
        f"There are signs, no more, that {upper} treatment {does}, compared with {lower}"
        + _bracket(seen)
    )


_CARRYING = {"wins": "won deals", "deal size": "the size of won deals"}
"""Readings that carry a claim, in the words of a page."""


def _over_all_lines(boundary: Facts, together: Facts) -> str:
    """Return the reading that carries what all lines show; empty where a random draw says more."""
    if text(best_design(boundary), "design") == "randomised":
        return ""
    carrying = text(together, "carried_by")
    reading = next(
        (one for one in parts(together, "readings") if text(one, "reading") == carrying), {}
    )
    found = effect(part(reading, "relative"))
    name = _CARRYING.get(carrying, carrying)
    return f"over all lines together, {name} {found}" if found else ""


def pays(boundary: Facts) -> str:
    """Return the effect from which the upper tier pays for what it costs more, as a sentence."""
    upper, lower = tier_pair(boundary)
    value = number(boundary, "break_even")
    if value is None:
        reason = why(boundary, "break_even", otherwise="the cost of its treatment is not known")
        return f"From which effect {upper} pays cannot be said: {reason}."
    if value <= 0:
        return f"{upper} costs no more than {lower}: any added revenue pays."
    return f"{upper} pays, against {lower}, if it lifts revenue by {share(value)}."


ABSURD = 5.0
"""Effects above it (+500 %) are not said: no treatment has one."""


def visible(boundary: Facts, *, accounts: float | None = None) -> str:
    """Return from which effect on we would see one, as a sentence; empty where that is not known.

    Parameters
    ----------
    boundary
        One entry of `roi.boundaries`.
    accounts
        How many accounts the upper tier has: a range that wide has its count.
    """
    value = number(boundary, "smallest_detectable")
    if value is None:
        return ""
    size = f"with {plural(accounts, 'account')} in {tier_pair(boundary)[0]} " if accounts else ""
    if parts(boundary, "readings"):
        size = "over all lines together "
    if value > ABSURD:
        return f"{size}we would not even see an effect of {signed_share(ABSURD)}"
    return f"{size}we would only see an effect above {signed_share(value)}"


def waits(boundary: Facts) -> list[tuple[float, float]]:
    """Return pairs of an effect and the quarters until it could be seen, the largest effect first.

    Examples
    --------
    >>> waits({"quarters_until": {"10": None, "20": 38, "50": 9}})
    [(0.5, 9.0), (0.2, 38.0)]
    """
    until = part(boundary, "quarters_until")
    known = ((str(key), number(until, str(key))) for key in until)
    found = [(int(key) / 100, value) for key, value in known if key.isdigit() and value is not None]
    return sorted(found, reverse=True)


def certainty(boundary: Facts, *, accounts: float | None = None) -> str:
    """Return which effect could be seen, after what wait, and what a random draw would do.

    Examples
    --------
    >>> boundary = {"boundary": "Tier 1 / Tier 2", "smallest_detectable": 1.1,
    ...             "quarters_until": {"50": 9}, "randomised_band": {"50": 46}}
    >>> certainty(boundary, accounts=15)
    'With 15 accounts in Tier 1 we would only see an effect above +110 %; an effect of +50 % could
    be seen after nine more quarters; a random draw of 46 accounts, half of them in Tier
    1, would show +50 % within a year.'
    """
    seen = visible(boundary, accounts=accounts)
    missing = why(boundary, "smallest_detectable", otherwise="")
    if not seen and missing:
        return f"Which effect we could see is not known: {missing}."
    said = [seen, *(_uncapitalised(one) for one in (_wait(boundary), _draw(boundary)))]
    return sentence("; ".join(part for part in said if part))


def _wait(boundary: Facts) -> str:
    """Return after how many quarters which effect could be seen, without a full stop."""
    later = [(size, quarters) for size, quarters in waits(boundary) if quarters > 0]
    if later:
        return _after(later).rstrip(".")
    until = part(boundary, "quarters_until")
    largest = next((size for size in ("50", "20") if text(until, f"{size}_why")), "")
    never = text(until, f"{largest}_why")
    return f"{never}, not even one of +{largest} %" if never.startswith("no history") else ""


def _draw(boundary: Facts) -> str:
    """Return what a randomised band would need to show an effect of 50 % within a year."""
    size = number(part(boundary, "randomised_band"), "50")
    upper, _ = tier_pair(boundary)
    if size is None:
        return ""
    places = plural(size, "account")
    return f"a random draw of {places}, half of them in {upper}, would show +50 % within a year"


def _uncapitalised(words: str) -> str:
    return words[:1].lower() + words[1:]


def reason(boundary: Facts) -> str:
    """Return the verdict's reason as a sentence."""
    return because(boundary) or "No reason was given."


def _bracket(words: str) -> str:
    return f": {words}" if words else ""


def _after(later: list[tuple[float, float]]) -> str:
    (first, quarters), *rest = later
    noun = "quarter" if quarters == 1 else "quarters"
    spoken = [f"one of {signed_share(size)} after {number_word(wait)} more" for size, wait in rest]
    after = f"after {number_word(quarters)} more {noun}"
    start = f"An effect of {signed_share(first)} could be seen {after}"
    return ", ".join([start, *spoken]) + "."
