"""The model: verdict, tests against simple rules, calibration, the card."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tierkit import charts
from tierkit._backtest import RANKS, ModelChoice, in_words
from tierkit.figure import Figure
from tierkit.models import (
    MODELS,
    RIVALS,
    Card,
    actual_over_predicted_by,
    by_history,
    card_in_short,
    past_tiers,
    range_coverage,
    tenths,
)
from tierkit.pages.facts import Facts, number, parts, text
from tierkit.rendering import Fragment, Picture, figure, html_table, joined, tag
from tierkit.runs import Run
from tierkit.statistics import gini
from tierkit.table import Column, Table
from tierkit.words import MINUS, enumerated, money, plural, share

Chart = Callable[..., Axes]

UNTESTED = "Nothing could be tested, so there is nothing to draw."
MOST_CRITERIA = 3
MOST_ROWS = 60
_CURVES = ("card", "past_revenue", "random")
_STEPS = 100


def verdict(model: ModelChoice) -> Fragment:
    """Return whether the card is worth more than past revenue, and what ranks the accounts."""
    lines = [
        tag("p", tag("strong", f"{_subject(model)} is {model.backtest.verdict}.")),
        tag("p", model.backtest.because),
        tag("p", f"Accounts are ranked by {in_words(model.ranked_by)}."),
        *(tag("p", note) for note in model.notes),
    ]
    return Fragment(str(joined(*lines)))


def _subject(model: ModelChoice) -> str:
    """Return what the verdict is of: the simple rule that ranks, else the card."""
    words = in_words(model.ranked_by) if model.kind == "simple rule" else "the card"
    return words[:1].upper() + words[1:]


def backtest_table(model: ModelChoice) -> Fragment:
    """Return every ranking with its measures, means over the tested quarter-ends."""
    tested = model.backtest
    frame = tested.scores.rename_axis("ranking").reset_index()
    frame = frame.assign(ranking=[str(name).replace("_", " ") for name in frame["ranking"]])
    captures = [column for column in frame.columns if column.startswith("capture")]
    columns = Column.of_all(frame, *Column.each("share", *captures))
    where = plural(len(tested.as_of), "quarter-end") if tested.as_of else ""
    caption = f"Rankings tested on {tested.method}: {where}"
    return html_table(Table("backtest", caption, columns, frame, why=UNTESTED))


def capture_figure(model: ModelChoice) -> Fragment:
    """Return which share of revenue the best-ranked accounts brought."""
    predictions = model.backtest.predictions
    if predictions.empty:
        return Fragment(str(tag("p", UNTESTED)))
    table = pd.concat([_curve(predictions, name) for name in _CURVES], ignore_index=True)
    top = table[np.isclose(table["share_of_accounts"], 0.1)].set_index("model")["share_of_revenue"]
    finding = (
        f"The best tenth of accounts by the card brought {share(top['card'])} of revenue, by past "
        f"revenue {share(top['past_revenue'])}."
    )
    picture = Picture(
        partial(_drawn, charts.capture_curve, table), 640, 320, margins=(56, 160, 4, 50)
    )
    return figure(picture, name="capture", finding=finding)


def gini_figure(model: ModelChoice) -> Fragment:
    """Return how well each ranking did at each tested quarter-end."""
    predictions = model.backtest.predictions
    if predictions.empty:
        return Fragment(str(tag("p", UNTESTED)))
    names = [name for name in MODELS if name in predictions.columns]
    rows = [
        {"as_of": f"{day:%Y-%m-%d}", "model": name, "gini": gini(part["actual"], part[name])}
        for name in names
        for day, part in predictions.groupby("as_of", sort=True)
    ]
    table = pd.DataFrame(rows).dropna()
    wide = table.pivot_table(index="as_of", columns="model", values="gini")
    ahead = int((wide["card"] > wide["past_revenue"]).sum())
    finding = (
        f"The card ranked better than past revenue at {ahead} of "
        f"{plural(len(wide), 'tested quarter-end')}."
    )
    picture = Picture(
        partial(_drawn, charts.gini_by_quarter_end, table), 760, 320, margins=(40, 170, 4, 30)
    )
    return figure(picture, name="gini", finding=finding, folds=True)


def calibration_figure(model: ModelChoice, *, currency: str) -> Fragment:
    """Return predicted and actual revenue of each tenth of the tested accounts."""
    tested = model.tested_predictions()
    if tested.empty:
        return Fragment(str(tag("p", UNTESTED)))
    order = tested["predicted"].rank(method="first").to_numpy()
    decile = np.minimum((order - 1) * 10 // len(tested), 9).astype(int) + 1
    table = tested.groupby(decile, dropna=False)[["predicted", "actual"]].mean()
    table = table.rename_axis("decile").reset_index()
    total = float(tested["actual"].sum() / max(tested["predicted"].sum(), 1e-9))
    finding = f"In the tests accounts brought {total:.2f} times what was predicted for them."
    spell = partial(money, currency)
    picture = Picture(
        lambda ax: charts.calibration(table, ax=ax, spell=spell), 640, 320, margins=(64, 60, 4, 50)
    )
    return figure(picture, name="calibration", finding=finding, folds=True)


def card_figure(card: Card) -> Fragment:
    """Return the factor of every bin of the criteria that carry most of the weight."""
    table = card.table()
    if table.empty:
        return Fragment(str(tag("p", "The card has no criteria: every account gets the mean.")))
    names = list(dict.fromkeys(table["criterion"]))[:MOST_CRITERIA]
    shown = table[table["criterion"].isin(names)]
    weight = float(shown.groupby("criterion")["share_of_importance"].first().sum())
    carry = "carries" if len(names) == 1 else "carry"
    named = plural(len(names), "criterion", "criteria")
    finding = f"{named} {carry} {share(weight)} of the weight."
    rows = len(shown) + len(names)
    picture = Picture(
        partial(_drawn, charts.card_bins, shown), 760, 22.0 * rows, margins=(245, 170, 2, 2)
    )
    return figure(picture, name="card", finding=finding)


def card_table(card: Card) -> Fragment:
    """Return the card as people read it: a line per criterion, and folded up a line per bin.

    The lines of bins give criterion, bin, accounts, factor, points and share of importance.
    """
    table = card.table()
    columns = Column.of_all(table, Column("share_of_importance", "share"))
    caption = f"The card: {card.base:,.2f} times one factor per criterion"
    every_bin = html_table(Table("card", caption, columns, table))
    if table.empty:
        return every_bin
    short = card_in_short(card)
    columns = Column.of_all(short, Column("importance", "share"))
    caption = f"The card in short: {card.base:,.2f} times one factor of every line, rounded"
    lines = html_table(Table("card-in-short", caption, columns, short))
    summary = tag("summary", f"Every bin: {plural(len(table), 'line')}")
    return Fragment(str(joined(lines, tag("details", joined(summary, every_bin)))))


def dropped_table(card: Card) -> Fragment:
    """Return the criteria that carry no points, and why."""
    rows = [{"criterion": name, "why": why} for name, why in card.dropped.items()]
    caption = f"{plural(len(rows), 'criterion', 'criteria')} left out of the card"
    why = "Every criterion is in the card."
    return html_table(Table("dropped", caption, ["criterion", "why"], rows, why=why))


def _drawn(chart: Chart, table: pd.DataFrame, ax: Axes) -> Axes:
    return chart(table, ax=ax)


def _curve(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the mean capture over the tested dates, at each hundredth of the accounts."""
    shares = np.linspace(0, 1, _STEPS + 1)
    curves = []
    for _, part in predictions.groupby("as_of", sort=True):
        ordered = part.sort_values([name, "account_id"], ascending=[False, True], kind="stable")
        won = np.append(0.0, ordered["actual"].to_numpy(dtype=float).cumsum())
        if won[-1] > 0:
            at = np.linspace(0, 1, len(won))
            curves.append(np.interp(shares, at, won / won[-1]))
    mean = np.mean(curves, axis=0) if curves else shares
    return pd.DataFrame({"model": name, "share_of_accounts": shares, "share_of_revenue": mean})


NOT_TESTED = "Nothing could be tested, so nothing can be said of this."


def gate_table(model: ModelChoice) -> Fragment:
    """Return every check that a card must pass before it ranks accounts, with what was found."""
    heads = ("check", "found", "needed", "passed")
    tested = model.backtest.comparison is not None
    found = [*_compared(model), *_checked(model)] if tested else []
    rows = [dict(zip(heads, row, strict=True)) for row in found]
    caption = "What a card must pass before it ranks accounts"
    return html_table(Table("gate", caption, heads, rows, why=NOT_TESTED))


def challengers_table(found: pd.DataFrame) -> Fragment:
    """Return the project's own models beside what ranks, and which of them rank better."""
    shown = found.drop(columns=["passes", "because"], errors="ignore")
    columns = Column.of_all(shown, *Column.each("count", "accounts", "dates", "wins"))
    why = "The project names no model of its own (features.module, model.packages)."
    table = Table("challengers", "Own models in the same backtest", columns, shown, why=why)
    if found.empty:
        return html_table(table)
    gates = found[(found["measure"] == "gini") & (found["because"] != RANKS)]
    lines = [
        tag("p", f"{row.model}: {'passes the gate' if row.passes else 'does not pass'}, "
                 f"{row.because}.")
        for row in gates.itertuples()
    ]  # fmt: skip
    words = "None of them is found to rank accounts better."
    if gates["passes"].any():
        better = " and ".join(map(str, gates.loc[gates["passes"], "model"]))
        words = (
            f"{better} would have ranked accounts better. The card ranks and explains them all the "
            "same: it can be read, and a model that wins stays a challenger."
        )
    return Fragment(str(joined(html_table(table), *lines, tag("p", words))))


def challenged(facts: Facts) -> str:
    """Return which own models pass the gate and by how much they rank better; empty where none.

    Examples
    --------
    >>> row = {"model": "catboost", "measure": "gini", "passes": True,
    ...        "gain": 0.021, "gain_low": 0.004, "gain_high": 0.04}
    >>> challenged({"model": {"challengers": [row]}})
    'catboost (+0.021, range +0.004 to +0.04) would have ranked accounts better.'
    """
    won = [
        f"{text(one, 'model')} ({_gained(one)})"
        for one in parts(facts, "model", "challengers")
        if one.get("passes") is True and text(one, "measure") == "gini"
    ]
    return f"{enumerated(won)} would have ranked accounts better." if won else ""


def _gained(one: Facts) -> str:
    figures = (number(one, key) or 0.0 for key in ("gain", "gain_low", "gain_high"))
    gain, low, high = (f"{value:+.3f}".rstrip("0").replace("-", MINUS) for value in figures)
    return f"{gain}, range {low} to {high}"


def calibration_table(model: ModelChoice, run: Run) -> Fragment:
    """Return actual over predicted by tier and by tenth of the predictions, with 95 % intervals."""
    tested = model.tested_predictions()
    if tested.empty:
        return Fragment(str(tag("p", NOT_TESTED)))
    tiers, seed = run.settings.tiers, run.settings.model.seed
    places = past_tiers(tested, [tier.capacity for tier in tiers])
    by_tier = actual_over_predicted_by(tested, places, seed=seed)
    by_tier.index = pd.Index([tiers[int(place)].name for place in by_tier.index])
    by_tenth = actual_over_predicted_by(tested, tenths(tested), seed=seed)
    by_tenth.index = pd.Index([f"tenth {int(place)} of predictions" for place in by_tenth.index])
    frame = pd.concat([by_tier, by_tenth]).reset_index(names="group")
    frame = frame.rename(columns={"ratio": "actual / predicted"})
    columns = Column.of_all(frame, *Column.each("money", "predicted", "actual"))
    caption = "Actual over predicted revenue in the tests, by tier and by tenth (10 is the highest)"
    table = Table("calibration_by_group", caption, columns, frame, currency=run.currency)
    notes = [tag("p", _moved(model)), tag("p", _ranges(tested, run))]
    return Fragment(str(joined(html_table(table), *notes)))


def history_table(model: ModelChoice) -> Fragment:
    """Return how the card does on customers and on accounts that never bought, apart."""
    predictions = model.backtest.predictions
    if predictions.empty:
        return Fragment(str(tag("p", NOT_TESTED)))
    frame = by_history(predictions).rename_axis("accounts that are").reset_index()
    frame = frame.rename(columns={"accounts": "tested rows", "won_share": "share of revenue"})
    shares = Column.each("share", "share of revenue", "capture_top_10_percent")
    columns = Column.of_all(frame, Column("tested rows", "count"), *shares)
    caption = "The card on customers (won anything in the look-back) and on new logos"
    return html_table(Table("history", caption, columns, frame))


def effort_alone_table(model: ModelChoice) -> Fragment:
    """Return what criteria find alone, what effort finds alone, and both; and a warning if due."""
    check = model.gate.effort
    if check is None:
        why = "No effort is recorded, or no card could be fitted: effort and value stay apart."
        return Fragment(str(tag("p", why)))
    frame = check.scores.rename_axis("card of").reset_index()
    columns = Column.of_all(frame, *Column.each("share", "capture_tier_1", "capture_tier_2"))
    caption = "Effort is no criterion: what it finds alone, at the newest tested quarter-ends"
    table = html_table(Table("effort_alone", caption, columns, frame))
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
    rows = [_row("Gini gain over past revenue", gain, above, passed=gain.is_above(0))]
    for size, one in comparison.captures.items():
        name = f"capture at {size:,} accounts against past revenue"
        rows.append(_row(name, one, "not below 0", passed=not one.is_below(0)))
    for rival, one in comparison.rivals.items():
        name = f"Gini gain over {RIVALS.get(rival, rival)}"
        rows.append(_row(name, one, "not below 0", passed=not one.is_below(0)))
    return rows


def _checked(model: ModelChoice) -> list[Row]:
    gate = model.gate
    shuffled, seen = gate.shuffled, gate.future_rows
    rank = "not tried" if shuffled is None else f"{shuffled.rank} of {len(shuffled.gains) + 1}"
    overlap = "no fitted card ranks" if math.isnan(gate.overlap) else share(gate.overlap)
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


def _row(name: str, one: Figure, needed: str, *, passed: bool) -> Row:
    found = one.say("{:+.3f}".format, "{:+.3f} to {:+.3f}".format).replace("-", "−")
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


def _ranges(tested: pd.DataFrame, run: Run) -> str:
    found = range_coverage(tested, [tier.capacity for tier in run.settings.tiers])
    if found is None:
        return "Account ranges could not be tried: too few predictions were tested."
    upper = (
        ""
        if np.isnan(found.inside_upper)
        else (f"; {share(found.inside_upper)} of the upper tiers' accounts lay inside")
    )
    return (
        f"Account ranges, tried on {found.rows:,} predictions they were not made from: "
        f"{share(found.above)} of accounts brought more than the high end, "
        f"{share(found.below)} less than the low end{upper}."
    )
