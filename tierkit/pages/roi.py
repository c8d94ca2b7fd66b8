"""Outcomes by tier, called raw differences, and what can be said at each boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from tierkit import charts
from tierkit.charts import (
    BESIDE_HEIGHT,
    LEFT,
    RIGHT,
    ROW_HEIGHT,
    event_study,
    line_picture,
    overlap_picture,
)
from tierkit.pages.earned import forest_table
from tierkit.rendering import Fragment, Picture, figure, html_table, joined, tag
from tierkit.roi import BoundaryStudy
from tierkit.runs import TierRoi
from tierkit.table import Column, Columns, Table
from tierkit.words import count, money, money_with_range, plural, sentence, share

AXIS = 34.0
WITHOUT_RESULT = "Nothing to draw: no outcome by tier is known yet."


def outcomes_scope(roi: TierRoi) -> Fragment:
    """Return which quarters are compared, and which are left out."""
    outcomes = roi.outcomes
    if not outcomes.quarters:
        return Fragment(str(tag("p", sentence(outcomes.why))))
    spoken = (
        f"{plural(len(outcomes.quarters), 'quarter')} from {outcomes.quarters[0]} to "
        f"{outcomes.quarters[-1]}, each account by the tier in force on the first day. "
        f"{sentence(outcomes.why)}"
    )
    return Fragment(str(tag("p", spoken.strip())))


def outcomes_figure(roi: TierRoi, *, currency: str) -> Fragment:
    """Return the mean won revenue per account per quarter of each tier, with its range."""
    rows = [row for row in roi.outcomes.rows if row["measure"] == "won_revenue"]
    known = [row for row in rows if row["mean"] is not None]
    if not known:
        return Fragment(str(tag("p", WITHOUT_RESULT)))
    table = pd.DataFrame(
        {
            "label": [str(row["tier"]) for row in known],
            "text": [
                money_with_range(currency, row["mean"], row["low"], row["high"]) for row in known
            ],
            "estimate": [row["mean"] for row in known],
            "low": [row["low"] for row in known],
            "high": [row["high"] for row in known],
            "shade": ["grey"] * len(known),
        }
    )
    finding = (
        f"Before adjusting for who was picked, an account of {known[0]['tier']} won "
        f"{money(currency, known[0]['mean'])} a quarter, one of {known[-1]['tier']} "
        f"{money(currency, known[-1]['mean'])}."
    )
    picture = Picture(
        lambda ax: charts.range_rows(table, ax=ax),
        width=640,
        height=ROW_HEIGHT * len(table),
    )
    return figure(picture, name="outcomes-by-tier", finding=finding)


def outcomes_table(roi: TierRoi) -> Fragment:
    """Return every measure of every tier: mean with range, median, largest deal, counts."""
    columns: Columns = ["tier", "measure", *Column.each("number", "mean", "low", "high", "median"),
               Column("largest_deal_share", "share"),
               *Column.each("number", "low_without_largest", "high_without_largest"),
               "accounts", Column("account_quarters", "count"), "remark"]  # fmt: skip
    rows = roi.outcomes.facts()
    if not rows:
        return Fragment(str(tag("p", sentence(roi.outcomes.why))))
    shown = [
        row | {"measure": row["measure"].replace("_", " "), "remark": row.get("mean_why", "")}
        for row in rows
    ]
    caption = "Raw differences: outcomes by tier, before adjusting for who was picked (80 % range)"
    return html_table(Table("outcomes", caption, columns, shown))


def power_table(roi: TierRoi) -> Fragment:
    """Return what could be seen at all, before any result is shown."""
    if not roi.boundaries:
        return Fragment(str(tag("p", "There is one tier only, so there is no boundary.")))
    frame = pd.DataFrame(
        {
            "boundary": [one["boundary"] for one in roi.boundaries],
            "smallest_effect_seen": [one["smallest_detectable"] for one in roi.boundaries],
            "pays_from": [one["break_even"] for one in roi.boundaries],
            **{
                f"quarters_until_{size}_%_could_be_seen": [
                    one["quarters_until"].get(size) for one in roi.boundaries
                ]
                for size in ("10", "20", "50")
            },
            "remark": [one.get("smallest_detectable_why", "") for one in roi.boundaries],
        }
    )
    effects = Column.each("effect", "smallest_effect_seen", "pays_from")
    waits = Column.each("count", *(name for name in frame.columns if name.startswith("quarters")))
    columns: Columns = ["boundary", *effects, *waits, "remark"]
    caption = "What could be seen: the smallest effect found in four of five cases"
    return html_table(Table("power", caption, columns, frame))


def effects_figure(roi: TierRoi) -> Fragment:
    """Return, per boundary, the effect that each design gives, on one axis."""
    parts = [drawn for one in roi.boundaries if (drawn := _forest(one))]
    nothing = tag("p", "Nothing to draw: no design could give an effect.")
    return Fragment(str(joined(*parts)) if parts else str(nothing))


def _forest(boundary: dict[str, Any]) -> Fragment | None:
    table = forest_table([boundary])
    if table.empty or table["estimate"].isna().all():
        return None
    picture = Picture(
        lambda ax: charts.effect_forest(table, ax=ax),
        width=912,
        height=BESIDE_HEIGHT * charts.forest_rows(table) + AXIS,
        margins=(LEFT, RIGHT, 0.0, AXIS),
    )
    name = str(boundary["boundary"])
    finding = f"{name}: {boundary['verdict']}."
    return figure(picture, name=f"effects-{_slug(name)}", finding=finding)


def designs_table(roi: TierRoi) -> Fragment:
    """Return every design with its target, effect, account-quarters and what it is good for."""
    rows = [
        {
            "boundary": one["boundary"],
            "design": design["design"],
            "effect": design["relative"]["estimate"],
            "low": design["relative"]["low"],
            "high": design["relative"]["high"],
            "money": design["money"]["estimate"],
            "account_quarters": design["account_quarters"],
            "off_the_rule": design["off_rule"],
            "of_whom_and_why": f"{sentence(design['target'])} {sentence(design['why'])}".strip(),
        }
        for one in roi.boundaries
        for design in one["designs"]
    ]
    if not rows:
        return Fragment(str(tag("p", sentence(roi.outcomes.why))))
    columns: Columns = ["boundary", "design", *Column.each("effect", "effect", "low", "high"),
               *Column.each("count", "money", "account_quarters", "off_the_rule"),
               "of_whom_and_why"]  # fmt: skip
    caption = "The designs: relative effect of the upper tier with its range"
    return html_table(Table("designs", caption, columns, rows))


def line_figures(roi: TierRoi, *, currency: str) -> Fragment:
    """Return won revenue on both sides of each line, by distance to the line faced."""
    parts = [_line_figure(study, currency) for study in roi.studies if not study.line_picture.empty]
    return Fragment(str(joined(*parts)) if parts else str(tag("p", WITHOUT_RESULT)))


def event_figures(roi: TierRoi, *, currency: str) -> Fragment:
    """Return won revenue around moves; accounts move up after a big quarter."""
    parts = [_event_figure(study, currency) for study in roi.studies if not study.event_study.empty]
    return Fragment(str(joined(*parts)) if parts else str(tag("p", WITHOUT_RESULT)))


def certificate_note(roi: TierRoi) -> Fragment:
    """Return how often these designs are wrong, and right, on accounts shaped like these."""
    found = roi.certificate
    spoken = found.get("sentence") or found.get("worlds_why", "")
    return Fragment(str(tag("p", sentence(str(spoken)))))


def _line_figure(study: BoundaryStudy, currency: str) -> Fragment:
    upper, lower = study.facts["boundary"].split(" / ", 1)
    picture = Picture(
        lambda ax: line_picture(
            study.line_picture, ax=ax, tiers=(upper, lower), money=partial(money, currency)
        ),
        width=640,
        height=300,
        margins=(64, 10, 30, 10),
    )
    finding = f"Won revenue a quarter by distance to the line between {upper} and {lower}."
    return figure(
        picture, name=f"line-{_slug(study.facts['boundary'])}", finding=finding, folds=True
    )


def _event_figure(study: BoundaryStudy, currency: str) -> Fragment:
    picture = Picture(
        lambda ax: event_study(study.event_study, ax=ax, money=partial(money, currency)),
        width=640,
        height=300,
        margins=(64, 10, 10, 30),
    )
    boundary = str(study.facts["boundary"])
    finding = (
        f"Revenue around moves at {boundary}: accounts move up after big quarters "
        "(shaded, seen by the score) and would have fallen back anyway."
    )
    return figure(
        picture, name=f"moves-{_slug(study.facts['boundary'])}", finding=finding, folds=True
    )


def _slug(*words: str) -> str:
    text = " / ".join(words).lower()
    return "".join(sign if sign.isalnum() else "-" for sign in text)


def boundaries_table(roi: TierRoi) -> Fragment:
    """Return the verdict at each boundary between tiers, and the effect at which it would pay."""
    if not roi.boundaries:
        return Fragment(str(tag("p", "There is one tier only, so there is no boundary.")))
    rows = [one | {"pays_from": one["break_even"]} for one in roi.boundaries]
    columns: Columns = ["boundary", "verdict", Column("pays_from", "effect"), "because"]
    caption = "What can be said of the effect of the upper tier"
    return html_table(Table("boundaries", caption, columns, rows))


NO_CHECKS = "No comparison beyond the raw difference could be made, so nothing stands beside it."
NO_OVERLAP = "No accounts that could have been in either tier were compared."


def checks_table(roi: TierRoi) -> Fragment:
    """Return what stands beside each comparison at a line: the same effect cut otherwise, placebos.

    Of all of it only crowding just above the line has a say in the verdict.
    """
    rows = [row for one in roi.boundaries for row in _checks(one)]
    caption = "Beside the comparison at the line: shown, without a say (but for the density)"
    effects = Column.each("effect", "effect", "low", "high")
    columns: Columns = ["boundary", "design", "check", *effects, "result"]
    return html_table(Table("checks", caption, columns, rows, why=NO_CHECKS))


def balance_table(roi: TierRoi) -> Fragment:
    """Return how far apart the tiers lie in each column known before, and after weighting."""
    parts = [
        study.balance.assign(boundary=study.facts["boundary"])
        for study in roi.studies
        if not study.balance.empty
    ]
    if not parts:
        return Fragment(str(tag("p", NO_OVERLAP)))
    frame = pd.concat(parts)[["boundary", "column", "before", "after"]].round(2)
    frame = frame.rename(columns={"column": "known_before"})
    distances = Column.each("number", "before", "after", unit="standard deviations")
    caption = "How far apart the two tiers lie, before and after weighting"
    return html_table(Table("balance", caption, ["boundary", "known_before", *distances], frame))


def overlap_figures(roi: TierRoi) -> Fragment:
    """Return how many account-quarters of each tier had which chance of the upper one."""
    parts = [_overlap_figure(study) for study in roi.studies if _has_overlap(study)]
    return Fragment(str(joined(*parts)) if parts else str(tag("p", NO_OVERLAP)))


def return_table(roi: TierRoi) -> Fragment:
    """Return what the upper tier brings over what it costs more, where an effect is shown."""
    if not roi.boundaries:
        return Fragment(str(tag("p", "There is one tier only, so there is no boundary.")))
    rows = [
        {
            "boundary": one["boundary"],
            "verdict": one["verdict"],
            "pays_from": one["break_even"],
            "return_on_cost": (one["return_on_cost"] or {}).get("estimate"),
            "low": (one["return_on_cost"] or {}).get("low"),
            "high": (one["return_on_cost"] or {}).get("high"),
            "remark": _why_no_return(one),
        }
        for one in roi.boundaries
    ]
    columns: Columns = ["boundary", "verdict", Column("pays_from", "effect"),
               *Column.each("number", "return_on_cost", "low", "high"), "remark"]  # fmt: skip
    caption = "Added revenue over what the upper tier costs more, for the accounts compared"
    return html_table(Table("return", caption, columns, rows))


def _why_no_return(boundary: Mapping[str, Any]) -> str:
    returned = boundary["return_on_cost"] or {}
    return str(returned.get("estimate_why") or boundary.get("return_on_cost_why") or "")


def _checks(boundary: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    for design in boundary["designs"]:
        for name, found in design["checks"].items():
            yield {
                "boundary": boundary["boundary"],
                "design": design["design"],
                "check": name,
                "effect": found.get("estimate"),
                "low": found.get("low"),
                "high": found.get("high"),
                "result": _result(found),
            }


def _result(found: Mapping[str, Any]) -> str:
    """Return what a check found beside an effect, in words."""
    if found.get("estimate") is not None:
        return ""
    reason = next((str(value) for key, value in found.items() if key.endswith("_why")), "")
    values = [f"{key.replace('_', ' ')} {_number(key, value)}" for key, value in found.items()
            if value is not None and not key.endswith("_why")]  # fmt: skip
    return reason or ", ".join(values)


def _number(key: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if key.endswith("_share"):
        return share(value)
    whole = isinstance(value, int) or abs(value) >= 100
    return count(value) if whole else f"{value:.2f}".replace("-", "−")


def _has_overlap(study: BoundaryStudy) -> bool:
    table = study.overlap
    return not table.empty and bool((table["upper"] + table["lower"]).sum() > 0)


def _overlap_figure(study: BoundaryStudy) -> Fragment:
    upper, lower = study.facts["boundary"].split(" / ", 1)
    table = study.overlap
    alike = table[(table["upper"] > 0) & (table["lower"] > 0)]
    both = int((alike["upper"] + alike["lower"]).sum())
    picture = Picture(
        lambda ax: overlap_picture(table, ax=ax, tiers=(upper, lower), count=count),
        width=640,
        height=260,
        margins=(64, 10, 10, 30),
    )
    slug = "".join(sign if sign.isalnum() else "-" for sign in study.facts["boundary"].lower())
    finding = (
        f"Chance of {upper} given score and history: {plural(both, 'account-quarter')} stand where "
        f"both {upper} and {lower} occur."
    )
    return figure(picture, name=f"overlap-{slug}", finding=finding, folds=True)
