"""The fourth question, whether tiers earned their keep: verdict, figure, what would settle it."""

from __future__ import annotations

import math
import re
from functools import partial

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from tierkit import charts
from tierkit.charts import ABOVE_HEIGHT, BESIDE_HEIGHT, LEFT, RIGHT
from tierkit.pages.effects import (
    DESIGNS,
    VERDICTS,
    best_design,
    certainty,
    effect,
    finding,
    pays,
    reason,
    tier_pair,
    verdict,
)
from tierkit.pages.facts import (
    Facts,
    currency,
    in_plain_words,
    number,
    part,
    parts,
    row_picture,
    text,
    too_small,
    why,
)
from tierkit.rendering import Fragment, Picture, figure, joined, section, tag
from tierkit.words import (
    money,
    money_range,
    money_with_range,
    plural,
    ratio,
    sentence,
    share,
    signed_share,
)

MEASURE = "won_revenue"
_NARROW, _OUTCOMES_WIDE, _EFFECTS_WIDE, _AXIS = 350.0, 440.0, 912.0, 34.0
_OUTCOME_COLUMNS = ["tier", "label", "text", "shade", "estimate", "low", "high"]


def raw_outcomes(facts: Facts) -> list[Fragment]:
    """Return a figure of won revenue by tier, in grey, and what its means hide."""
    table = outcome_table(facts)
    if table["estimate"].isna().all():
        return []
    widths = (_OUTCOMES_WIDE, _NARROW)
    wide, narrow = (row_picture(charts.range_rows, table, width=width) for width in widths)
    drawn = figure(wide, name="outcomes", finding=_finding(facts, table), narrow=narrow)
    return [Fragment(str(tag("div", joined(drawn, _beside(facts)), class_="pair")))]


def outcome_table(facts: Facts) -> pd.DataFrame:
    """Return one row a tier: its mean won revenue per account per quarter with its range.

    A tier that is too small to be shown, or whose mean is not known, has the reason as `text`.
    """
    entries = [entry for entry in parts(facts, "roi", "outcomes") if _is_measure(entry)]
    rows = [_row(facts, entry) for entry in entries]
    return pd.DataFrame(rows, columns=_OUTCOME_COLUMNS)


def _is_measure(entry: Facts) -> bool:
    return text(entry, "measure") == MEASURE


def _row(facts: Facts, entry: Facts) -> dict[str, object]:
    mean, low, high = (number(entry, key) for key in ("mean", "low", "high"))
    hidden = too_small(facts, entry)
    if hidden or mean is None:
        mean, low, high = None, None, None
    known = dict(zip(("estimate", "low", "high"), (mean, low, high), strict=True))
    spoken = hidden or why(entry, "mean")
    if mean is not None:
        spoken = money_with_range(currency(facts), mean, low, high)
    size = number(entry, "accounts")
    label = text(entry, "tier") + (f", {plural(size, 'account')}" if size is not None else "")
    row = {"tier": text(entry, "tier"), "label": label, "text": spoken, "shade": "grey"}
    return row | {key: math.nan if value is None else value for key, value in known.items()}


def _finding(facts: Facts, table: pd.DataFrame) -> str:
    known = table.dropna(subset="estimate").sort_values("estimate", ascending=False, kind="stable")
    first = known.iloc[0]
    if first["estimate"] <= 0:
        return "No tier's accounts won anything."
    won = f"{money(currency(facts), first['estimate'])} per account per quarter"
    most = "won most," if len(known) > 1 else "won"
    return f"{first['tier']} accounts {most} {won}, before adjusting for who was picked."


def _beside(facts: Facts) -> Markup:
    """Return the median and the largest deal, tier by tier."""
    lines = [
        tag("p", f"{text(entry, 'tier')}: {spoken}.", class_="small")
        for entry in parts(facts, "roi", "outcomes")
        if _is_measure(entry) and not too_small(facts, entry) and (spoken := _spread(facts, entry))
    ]
    head = tag("p", "What a mean hides", class_="aside") if lines else ""
    return tag("div", joined(head, *lines), class_="beside")


def _spread(facts: Facts, entry: Facts) -> str:
    median, largest = number(entry, "median"), number(entry, "largest_deal_share")
    half = deal = ""
    if median is not None:
        won = "nothing" if median <= 0 else f"{money(currency(facts), median)} or less"
        half = f"half of its account-quarters won {won}"
    if largest is not None:
        deal = f"the largest deal is {share(largest)} of its revenue{_without(facts, entry)}"
    return "; ".join(filter(None, [half, deal]))


def _without(facts: Facts, entry: Facts) -> str:
    """Return the range of the mean without the largest deal, empty where it is not known."""
    low, high = (number(entry, f"{end}_without_largest") for end in ("low", "high"))
    if low is None or high is None:
        return ""
    return f" (without it {money_range(currency(facts), low, high)} per account per quarter)"


MANY = 100
"""Below so many, a number stands beside its count."""

VALUES = ("estimate", "low", "high")
_COLUMNS = ["boundary", "heading", "note", "label", "text", *VALUES, "raw", "break_even"]
_SIDE = re.compile(r" on the side of [^(),]+")
_NO_HISTORY = (
    "No tier that was in force in the past is known. Accepted tiers are recorded with score and "
    "line; from the first quarter whose tiers are accepted on, this section compares them."
)
_ONE_TIER = "There is one tier, so there is no other to compare it with."
_RAW_ONLY = (
    "The tiers differ before adjusting for who was picked (grey); no comparison that adjusts for "
    "it could be made."
)


def did_tiers_earn(facts: Facts) -> Fragment:
    """Return the verdict of every boundary, the designs on one axis, and raw outcomes by tier."""
    boundaries = parts(facts, "roi", "boundaries")
    title = tag("h2", "Did the tiers earn their keep?")
    if not boundaries:
        return section("earned", title, _unknown(facts), *raw_outcomes(facts))
    verdicts = joined(*(_verdict(facts, boundary) for boundary in boundaries))
    draws = [tag("p", text(one, "sentence")) for one in parts(facts, "roi", "effort_tests")]
    body = (
        tag("div", verdicts, class_="verdicts"),
        *draws,
        *_forest(boundaries, part(facts, "roi", "together")),
        *raw_outcomes(facts),
    )
    return section("earned", title, *body)


def forest_table(boundaries: list[Facts]) -> pd.DataFrame:
    """Return one row a design: its label, its numbers in words, and its effect with range."""
    rows = [
        _design(boundary, design)
        for boundary in boundaries
        for design in parts(boundary, "designs")
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _unknown(facts: Facts) -> Markup:
    roi = part(facts, "roi")
    given = why(roi, "boundaries", otherwise="") or text(roi, "why")
    alone = len(parts(facts, "tiers")) == 1
    spoken = tag("p", sentence(given) or (_ONE_TIER if alone else _NO_HISTORY))
    return tag("div", _word("cannot tell") + spoken, class_="verdict")


def _verdict(facts: Facts, boundary: Facts) -> Markup:
    upper, lower = tier_pair(boundary)
    less = text(boundary, "direction") == "less"
    word = _word(verdict(boundary), ": it brings less" if less else "")
    said = in_plain_words(text(boundary, "sentence"))
    shown = (said,) if said else (reason(boundary), _number(boundary))
    lines = (*shown, _certainty(facts, boundary), text(boundary, "look_sentence"))
    head = tag("div", tag("h3", f"{upper} against {lower}") + word)
    spoken = joined(*(tag("p", line) for line in lines if line))
    return tag("div", head + tag("div", spoken), class_="verdict")


def _word(name: str, addition: str = "") -> Markup:
    mark = tag("span", "", class_=f"mark {name.replace(' ', '-')}", aria_hidden="true")
    return tag("p", mark + VERDICTS[name] + addition, class_="word")


def _number(boundary: Facts) -> str:
    """Return the best effect that has a say, and from which one the tier pays, as a sentence."""
    design = best_design(boundary)
    best = effect(part(design, "relative"))
    even = pays(boundary)
    if not best:
        return even
    label = DESIGNS.get(text(design, "design"), "")
    upper, _ = tier_pair(boundary)
    return f"{label}: {best}; {even if even.startswith(upper) else even[:1].lower() + even[1:]}"


def _certainty(facts: Facts, boundary: Facts) -> str:
    """Return what the tier returns where that is shown, else what would settle the question."""
    if verdict(boundary) in ("shown", "no effect worth having"):
        return _return(boundary)
    upper, _ = tier_pair(boundary)
    sizes = {text(tier, "tier"): number(tier, "accounts") for tier in parts(facts, "tiers")}
    return certainty(boundary, accounts=sizes.get(upper))


def _return(boundary: Facts) -> str:
    value, low, high = (number(part(boundary, "return_on_cost"), key) for key in VALUES)
    if value is None:
        return ""
    known = low is not None and high is not None
    spread = f" (range {ratio(low or 0.0)}–{ratio(high or 0.0)})" if known else ""
    return f"What the treatment brings is {ratio(value)} times what it costs{spread}."


def _design(boundary: Facts, design: Facts) -> dict[str, object]:
    relative, kind = part(design, "relative"), text(design, "design")
    upper, lower = tier_pair(boundary)
    even = number(boundary, "break_even")
    cases = number(design, "account_quarters")
    counted = f", {plural(cases, 'case')}" if cases is not None and cases < MANY else ""
    words: dict[str, object] = {
        "boundary": text(boundary, "boundary"),
        "heading": f"{upper} against {lower}",
        "note": f"dashed: pays from {signed_share(even)}" if even else "",
        "label": DESIGNS.get(kind, kind) + counted,
        "text": effect(relative).replace("(range ", "(") or _not_made(design),
        "raw": kind == "raw",
    }
    values = {key: number(relative, key) for key in VALUES} | {"break_even": even}
    return words | {key: math.nan if value is None else value for key, value in values.items()}


def _not_made(design: Facts) -> str:
    """Return why a design has no estimate, short enough for its row."""
    first, _, _ = in_plain_words(text(design, "why")).partition(";")
    return _SIDE.sub("", first) or "not computed"


def _forest(boundaries: list[Facts], together: Facts) -> list[Fragment]:
    table = forest_table(boundaries)
    if table["estimate"].isna().all():
        return []
    rows = charts.forest_rows(table)
    beside, above = (partial(_draw, table, beside=beside) for beside in (True, False))
    wide = Picture(beside, _EFFECTS_WIDE, rows * BESIDE_HEIGHT + _AXIS, (LEFT, RIGHT, 0.0, _AXIS))
    narrow = Picture(above, _NARROW, rows * ABOVE_HEIGHT + _AXIS, (1.0, 16.0, 0.0, _AXIS))
    names = table["heading"] + ", " + table["label"]
    values = [*zip(map(str, names), map(str, table["text"]), strict=True)]
    finding_ = _forest_finding(boundaries, table, together)
    return [figure(wide, name="effects", finding=finding_, narrow=narrow, values=values)]


def _draw(table: pd.DataFrame, ax: Axes, *, beside: bool) -> Axes:
    return charts.effect_forest(table, ax=ax, beside=beside)


def _forest_finding(boundaries: list[Facts], table: pd.DataFrame, together: Facts) -> str:
    if table.loc[table["estimate"].notna(), "raw"].all():
        return _RAW_ONLY
    return sentence(finding(boundaries[0], together))
