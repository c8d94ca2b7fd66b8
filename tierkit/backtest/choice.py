"""The model at earlier quarter-ends against what happened; the one module that sees both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

import pandas as pd

from tierkit.backtest.folds import complete_dates, held_out_folds, rolling_folds
from tierkit.models.card import Card
from tierkit.models.examples import Examples, rows_at
from tierkit.models.past_revenue import (
    fit_past_revenue_card,
    past_revenue_column,
    uncalibrated_past_revenue_card,
)
from tierkit.models.simple_rules import (
    Model,
    RandomRule,
    TierRule,
    best_column,
    last_quarter_rule,
    past_revenue_rule,
)
from tierkit.models.tested import HELD_OUT, MONEY, ROLLING, Backtest, Method, scored, untested
from tierkit.models.verdict import BETTER
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.features.panel import Panel

FEWEST_TESTED_ACCOUNTS = 30
FEWEST_TESTED_WINS = 10
MOST_BAGS = 4
"""A backtest fits many cards; more bags steady each a little and change no verdict."""


@dataclass(frozen=True)
class ModelChoice:
    """The model that a recalibration uses.

    Attributes
    ----------
    card
        What predicts revenue.
    kind
        `fitted card` if the backtest found it better than past revenue, else `past revenue`.
    backtest
        Why.
    notes
        What a reader must know, in sentences.
    trained_on
        The as_of dates that the card learned from.
    past_revenue
        The column of past revenue.
    """

    card: Card
    kind: Literal["fitted card", "past revenue"]
    backtest: Backtest
    notes: tuple[str, ...]
    trained_on: tuple[date, ...]
    past_revenue: str

    def ranked(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return `score` and `predicted_revenue` of each row; accounts rank by both, in this order.

        Past revenue as a model ranks by the past revenue itself, since all accounts of one step of
        its card are predicted the same.
        """
        score = self.card.score(values)
        if self.kind == "past revenue":
            score = past_revenue_rule(self.past_revenue).predict(values).fillna(0.0)
        predicted = self.card.predict(values)
        return pd.DataFrame({"score": score, "predicted_revenue": predicted})

    def tested(self) -> pd.DataFrame:
        """Return this kind of model in the backtest: what ranges are computed from.

        Returns
        -------
        DataFrame
            A row per account and tested date: `account_id`, `as_of`, `rank_by`, `predicted`,
            `actual`.
        """
        name = "card" if self.kind == "fitted card" else "past_revenue"
        rows = self.backtest.predictions
        return rows[["account_id", "as_of"]].assign(
            rank_by=rows[name], predicted=rows[MONEY[name]], actual=rows["actual"]
        )


def choose_model(
    panel: Panel,
    won: pd.Series[float],
    *,
    settings: Settings,
    dates: Sequence[date],
    as_of: date,
    previous_tiers: pd.Series[str] | None = None,
) -> ModelChoice:
    """Return the fitted card if it has proved better than past revenue, else past revenue.

    Parameters
    ----------
    panel
        Features at `dates` and at `as_of`.
    won
        Won revenue of the horizon by account_id and as_of, at least at the complete dates.
    settings
        Horizon, calendar, tiers, and how cards are fitted.
    dates
        Past quarter-ends. Those whose horizon is not over at `as_of` are not used.
    as_of
        First day that is not yet known.
    previous_tiers
        By (account_id, as_of): the tier held the day before, to be tested as a rule.
    """
    complete = complete_dates(dates, as_of, settings)
    tested = backtest(
        panel, won, settings=settings, dates=dates, as_of=as_of, previous_tiers=previous_tiers
    )
    column = past_revenue_column(panel.criteria)
    if not complete:
        values = panel.values  # noqa: PD011 (a panel is no series)
        now = values[rows_at(values, [as_of])]
        card = uncalibrated_past_revenue_card(
            now if len(now) else values,
            horizon=settings.target.horizon_quarters,
            column=column,
            window=_window(panel, column),
        )
        return ModelChoice(card, "past revenue", tested, card.notes, (), column)
    examples = Examples.of(panel, won, days=complete)
    if tested.verdict == BETTER:
        card = examples.fit(settings)
        return ModelChoice(card, "fitted card", tested, card.notes, complete, column)
    card = fit_past_revenue_card(examples.values, examples.won, column=column)
    return ModelChoice(card, "past revenue", tested, card.notes, complete, column)


def backtest(
    panel: Panel,
    won: pd.Series[float],
    *,
    settings: Settings,
    dates: Sequence[date],
    as_of: date,
    previous_tiers: pd.Series[str] | None = None,
) -> Backtest:
    """Test the card and simple rules on outcomes that they could not know.

    At each of the last quarter-ends whose horizon is over, everything is fitted to quarter-ends
    whose horizons were over by then. Where the history is too short for that, accounts stand in for
    time: at the last complete quarter-end each fifth of the accounts is predicted from the others.
    Cards of the backtest have at most 4 bags. Arguments as for `choose_model`.
    """
    complete = complete_dates(dates, as_of, settings)
    if not complete:
        why = "No earlier quarter-end has a horizon that is over, so there is nothing to test on."
        return untested(why, settings=settings)
    examples = Examples.of(panel, won, days=complete)
    tried = _predictions(examples, complete, settings, previous_tiers)
    if tried.method is None:
        return untested(f"The rows are too few to fit a card. {tried.note}", settings=settings)
    if why := _too_few(tried.predictions):
        return untested(why, settings=settings)
    found = scored(tried.method, tried.predictions, settings=settings)
    return replace(found, cards=tried.cards)


@dataclass(frozen=True)
class _Tried:
    """What was predicted and with which cards; no method where none could be fitted."""

    method: Method | None
    predictions: pd.DataFrame
    cards: tuple[Card, ...] = ()
    note: str = ""


def _predictions(
    examples: Examples,
    complete: Sequence[date],
    settings: Settings,
    previous: pd.Series[str] | None,
) -> _Tried:
    """Return how was tested, the predictions and the card of each fold."""
    notes: list[str] = []
    for method, folds in (
        (ROLLING, rolling_folds(examples, complete, settings)),
        (HELD_OUT, held_out_folds(examples, complete, settings)),
    ):
        parts: list[pd.DataFrame] = []
        cards: list[Card] = []
        for train, test in folds:
            card = train.fit(settings, most_bags=MOST_BAGS)
            notes += card.notes
            if card.criteria:
                found = _predicted(card, train, test, settings, previous)
                parts.append(found.assign(fold=len(cards)))
                cards.append(card)
        if parts:
            joined = pd.concat(parts, ignore_index=True)
            ordered = joined.sort_values(["as_of", "account_id"], ignore_index=True)
            return _Tried(method, ordered, tuple(cards))
    return _Tried(None, pd.DataFrame(), note=notes[0] if notes else "")


def _predicted(
    card: Card,
    train: Examples,
    test: Examples,
    settings: Settings,
    previous: pd.Series[str] | None,
) -> pd.DataFrame:
    """Return the tested rows with what each model says of them."""
    column = train.past_revenue
    rules: list[Model] = [
        past_revenue_rule(column),
        last_quarter_rule(),
        best_column(train.values, train.won, criteria=train.criteria),
        RandomRule(settings.model.seed),
    ]
    if previous is not None:
        rules.append(TierRule(previous, tuple(tier.name for tier in settings.tiers)))
    money = fit_past_revenue_card(train.values, train.won, column=column)
    found = {rule.name: rule.predict(test.values) for rule in rules}
    # the best column may differ between folds, so that only its order within one can be compared
    found["best_column"] = found["best_column"].rank(pct=True)
    frame = pd.DataFrame(
        {
            "actual": test.won,
            "card": card.predict(test.values),
            "past_revenue_predicted": money.predict(test.values),
            **found,
        }
    )
    return frame.rename_axis(["account_id", "as_of"]).reset_index()


def _too_few(predictions: pd.DataFrame) -> str:
    accounts = int(predictions["account_id"].nunique())
    wins = int((predictions["actual"] > 0).sum())
    if accounts >= FEWEST_TESTED_ACCOUNTS and wins >= FEWEST_TESTED_WINS:
        return ""
    return (
        f"The tests cover {accounts} accounts and {wins} of them won anything; a test needs at "
        f"least {FEWEST_TESTED_ACCOUNTS} accounts and {FEWEST_TESTED_WINS} with won revenue."
    )


def _window(panel: Panel, column: str) -> int | None:
    """Return the quarters that past revenue covers; None where the column's name tells."""
    return None if column in panel.criteria and column[-1] == "q" else panel.look_back
