"""The model: verdict, tests against simple rules, calibration, the card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tierkit import charts
from tierkit.backtest import ModelChoice
from tierkit.models.card import Card
from tierkit.models.card_in_short import card_in_short
from tierkit.models.measures import gini
from tierkit.models.tested import MODELS
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import money, plural

Chart = Callable[..., Axes]

UNTESTED = "Nothing could be tested, so there is nothing to draw."
MOST_CRITERIA = 6
MOST_ROWS = 60
_CURVES = ("card", "past_revenue", "random")
_STEPS = 100


def verdict(model: ModelChoice) -> Fragment:
    """Return whether the card is worth more than past revenue, and what ranks the accounts."""
    lines = [
        tag("p", tag("strong", f"The card is {model.backtest.verdict}.")),
        tag("p", model.backtest.because),
        tag("p", f"Accounts are ranked by the {model.kind}."),
        *(tag("p", note) for note in model.notes),
    ]
    return Fragment(str(joined(*lines)))


def backtest_table(model: ModelChoice) -> Fragment:
    """Return every ranking with its measures, means over the tested quarter-ends."""
    scores = model.backtest.scores
    if scores.empty:
        return Fragment(str(tag("p", UNTESTED)))
    frame = scores.rename_axis("ranking").reset_index()
    frame["ranking"] = frame["ranking"].str.replace("_", " ")
    shares = [column for column in scores.columns if column.startswith("capture")]
    kinds = {"gini": "number", "actual_over_predicted": "number", **dict.fromkeys(shares, "share")}
    tested = model.backtest
    where = plural(len(tested.as_of), "quarter-end") if tested.as_of else ""
    caption = f"Rankings tested on {tested.method}: {where}"
    return html_table(frame, caption=caption, kinds=kinds, name="backtest")


def capture_figure(model: ModelChoice) -> Fragment:
    """Return which share of revenue the best-ranked accounts brought."""
    predictions = model.backtest.predictions
    if predictions.empty:
        return Fragment(str(tag("p", UNTESTED)))
    table = pd.concat([_curve(predictions, name) for name in _CURVES], ignore_index=True)
    top = table[np.isclose(table["share_of_accounts"], 0.1)].set_index("model")["share_of_revenue"]
    finding = (
        f"The best tenth of accounts by the card brought {top['card']:.0%} of revenue, by past "
        f"revenue {top['past_revenue']:.0%}."
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
    return figure(picture, name="gini", finding=finding)


def calibration_figure(model: ModelChoice, *, currency: str) -> Fragment:
    """Return predicted and actual revenue of each tenth of the tested accounts."""
    tested = model.tested()
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
    return figure(picture, name="calibration", finding=finding)


def card_figure(card: Card) -> Fragment:
    """Return the factor of every bin of the criteria that carry most of the weight."""
    table = card.table()
    if table.empty:
        return Fragment(str(tag("p", "The card has no criteria: every account gets the mean.")))
    names = list(dict.fromkeys(table["criterion"]))[:MOST_CRITERIA]
    shown = table[table["criterion"].isin(names)]
    share = float(shown.groupby("criterion")["share_of_importance"].first().sum())
    finding = f"{plural(len(names), 'criterion', 'criteria')} carry {share:.0%} of the weight."
    rows = len(shown) + len(names)
    picture = Picture(
        partial(_drawn, charts.card_bins, shown), 760, 26.0 * rows, margins=(245, 170, 2, 2)
    )
    return figure(picture, name="card", finding=finding)


def card_table(card: Card) -> Fragment:
    """Return the card as people read it: a line per criterion, and folded up a line per bin.

    The lines of bins give criterion, bin, accounts, factor, points and share of importance.
    """
    table = card.table()
    every_bin = html_table(
        table,
        caption=f"The card: {card.base:,.2f} times one factor per criterion",
        kinds={
            "accounts": "count",
            "factor": "number",
            "points": "number",
            "share_of_importance": "share",
        },
        name="card",
    )
    if table.empty:
        return every_bin
    caption = f"The card in short: {card.base:,.2f} times one factor of every line, rounded"
    lines = html_table(
        card_in_short(card), caption=caption, kinds={"importance": "share"}, name="card-in-short"
    )
    summary = tag("summary", f"Every bin: {plural(len(table), 'line')}")
    return Fragment(str(joined(lines, tag("details", joined(summary, every_bin)))))


def dropped_table(card: Card) -> Fragment:
    """Return the criteria that carry no points, and why."""
    if not card.dropped:
        return Fragment(str(tag("p", "Every criterion is in the card.")))
    frame = pd.DataFrame({"criterion": list(card.dropped), "why": list(card.dropped.values())})
    caption = f"{plural(len(frame), 'criterion', 'criteria')} left out of the card"
    return html_table(frame, caption=caption, kinds={}, name="dropped")


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
