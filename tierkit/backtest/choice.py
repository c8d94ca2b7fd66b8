"""The model at earlier quarter-ends against what happened; the one module that sees both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from tierkit.backtest.folds import complete_dates, held_out_folds, rolling_folds
from tierkit.backtest.gate import Gate, history_moved, leaks_of, pass_gate
from tierkit.backtest.seeds import steadied_card
from tierkit.backtest.shuffling import Fold
from tierkit.models.card import Card
from tierkit.models.examples import Examples, rows_at
from tierkit.models.kept import Kept
from tierkit.models.past_revenue import (
    fit_past_revenue_card,
    past_revenue_column,
    uncalibrated_past_revenue_card,
)
from tierkit.models.rules_card import fit_rules_card
from tierkit.models.saved import BY_HAND, FITTED, PAST, Kind, ranked
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
_NOTHING_COMPLETE = (
    "No earlier quarter-end has a horizon that is over, so there is nothing to test on."
)
MOST_BAGS = 4
"""A backtest fits many cards; more bags steady each a little and change no verdict."""
_ASKED_FOR = "The rules card ranks the accounts because the settings ask for it (model.kind)."


@dataclass(frozen=True)
class ModelChoice:
    """The model that a recalibration uses.

    Attributes
    ----------
    card
        What predicts revenue.
    kind
        `rules card` where the settings ask for one; `fitted card` if the backtest found it better
        than past revenue, else `past revenue`.
    backtest
        Why.
    notes
        What a reader must know, in sentences.
    trained_on
        The as_of dates that the card learned from.
    past_revenue
        The column of past revenue.
    gate
        What the other checks found.
    """

    card: Card
    kind: Kind
    backtest: Backtest
    notes: tuple[str, ...]
    trained_on: tuple[date, ...]
    past_revenue: str
    gate: Gate = field(default_factory=Gate)

    def ranked(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return `score` and `predicted_revenue` of each row; accounts rank by both, in this order.

        Past revenue as a model ranks by the past revenue itself, since all accounts of one step of
        its card are predicted the same.
        """
        return ranked(self.card, self.kind, values, past_revenue=self.past_revenue)

    def tested(self) -> pd.DataFrame:
        """Return this kind of model in the backtest: what ranges are computed from.

        Returns
        -------
        DataFrame
            A row per account and tested date: `account_id`, `as_of`, `rank_by`, `predicted`,
            `actual`.
        """
        name = "past_revenue" if self.kind == PAST else "card"
        rows = self.backtest.predictions
        return rows[["account_id", "as_of"]].assign(
            rank_by=rows[name], predicted=rows[MONEY[name]], actual=rows["actual"]
        )


@dataclass(frozen=True)
class Known:
    """What a run knows beside the panel and what was won.

    Attributes
    ----------
    previous_tiers
        By (account_id, as_of): the tier held the day before, to be tested as a rule.
    future_rows
        Accounts whose criteria see the future, if that was tried; any keeps the card from ranking.
    kept
        Where cards and checks are kept that do not change.
    """

    previous_tiers: pd.Series[str] | None = None
    future_rows: int | None = None
    kept: Kept = field(default_factory=Kept)


def choose_model(
    panel: Panel,
    won: pd.Series[float],
    *,
    settings: Settings,
    dates: Sequence[date],
    as_of: date,
    known: Known | None = None,
) -> ModelChoice:
    """Return the fitted card if it has proved better than past revenue, else past revenue.

    A rules card that the settings ask for is used whatever the tests say.

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
    known
        What else a run knows.
    """
    known = known or Known()
    complete = complete_dates(dates, as_of, settings)
    if not complete:
        return _without_outcomes(panel, settings, as_of=as_of)
    examples = Examples.of(panel, won, days=complete, kept=known.kept)
    leaks = leaks_of(examples, settings)
    honest = examples.by([name for name in examples.criteria if name not in leaks])
    tried = _tested(honest, complete, settings, known.previous_tiers)
    gate = Gate(leaks, known.future_rows, history_moved(examples, settings))
    tested, gate = pass_gate(
        tried.backtest, tried.folds, gate, settings=settings, effort=panel.effort
    )
    column, by_hand = honest.past_revenue, settings.model.kind == BY_HAND
    if by_hand:
        card = examples.ranking_card(settings)
        notes = (*card.notes, _ASKED_FOR)
        return ModelChoice(card, BY_HAND, tested, notes, complete, column, gate)
    if tested.verdict == BETTER:
        now = _values_at(panel, as_of)
        steadied = steadied_card(honest, settings=settings, now=now, size=tested.capacities[0])
        card = replace(steadied.card, dropped={**leaks, **steadied.card.dropped})
        gate = replace(gate, overlap=steadied.overlap, bags=steadied.bags)
        return ModelChoice(card, FITTED, tested, card.notes, complete, column, gate)
    card = fit_past_revenue_card(examples.values, examples.won, column=column)
    return ModelChoice(card, PAST, tested, card.notes, complete, column, gate)


def _values_at(panel: Panel, as_of: date) -> pd.DataFrame:
    values = panel.values  # noqa: PD011 (a panel is no series)
    return values[rows_at(values, [as_of])]


def _without_outcomes(panel: Panel, settings: Settings, *, as_of: date) -> ModelChoice:
    """Return the card where no horizon is over yet: predicted revenue is the past one again."""
    now = _values_at(panel, as_of)
    rows = now if len(now) else panel.values  # noqa: PD011
    column = past_revenue_column(panel.criteria)
    card = uncalibrated_past_revenue_card(
        rows,
        horizon=settings.target.horizon_quarters,
        column=column,
        window=_window(panel, column),
    )
    tested = untested(_NOTHING_COMPLETE, settings=settings)
    if settings.model.kind != BY_HAND:
        return ModelChoice(card, PAST, tested, card.notes, (), column)
    by_hand = fit_rules_card(rows, card.predict(rows), settings=settings.card)
    noted = replace(by_hand, notes=(*by_hand.notes, *card.notes, _ASKED_FOR))
    return ModelChoice(noted, BY_HAND, tested, noted.notes, (), column)


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
        return untested(_NOTHING_COMPLETE, settings=settings)
    examples = Examples.of(panel, won, days=complete)
    return _tested(examples, complete, settings, previous_tiers).backtest


@dataclass(frozen=True)
class _Tested:
    """A backtest, and what was learned from and tested on."""

    backtest: Backtest
    folds: tuple[Fold, ...] = ()


def _tested(
    examples: Examples,
    complete: Sequence[date],
    settings: Settings,
    previous: pd.Series[str] | None,
) -> _Tested:
    tried = _predictions(examples, complete, settings, previous)
    if tried.method is None:
        why = f"The rows are too few to fit a card. {tried.note}"
        return _Tested(untested(why, settings=settings))
    if why := _too_few(tried.predictions):
        return _Tested(untested(why, settings=settings))
    found = scored(tried.method, tried.predictions, settings=settings)
    return _Tested(replace(found, cards=tried.cards), tried.folds)


@dataclass(frozen=True)
class _Tried:
    """What was predicted and with which cards; no method where none could be fitted."""

    method: Method | None
    predictions: pd.DataFrame
    cards: tuple[Card, ...] = ()
    note: str = ""
    folds: tuple[Fold, ...] = ()


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
        used: list[Fold] = []
        for train, test in folds:
            compared = train.compared_cards(settings, most_bags=MOST_BAGS)
            card = compared["card"]
            notes += card.notes
            if card.criteria:
                found = _predicted(compared, train, test, settings, previous)
                parts.append(found.assign(fold=len(cards)))
                cards.append(card)
                used.append((train, test))
        if parts:
            joined = pd.concat(parts, ignore_index=True)
            ordered = joined.sort_values(["as_of", "account_id"], ignore_index=True)
            return _Tried(method, ordered, tuple(cards), folds=tuple(used))
    return _Tried(None, pd.DataFrame(), note=notes[0] if notes else "")


def _predicted(
    cards: Mapping[str, Card],
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
            **{name: card.predict(test.values) for name, card in cards.items()},
            "past_revenue_predicted": money.predict(test.values),
            "customer": test.bought,
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
