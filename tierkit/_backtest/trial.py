"""The card and simple rules at earlier quarter-ends, and the folds that they learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit._backtest.ranking import simple_rules
from tierkit._backtest.shuffling import Fold
from tierkit.calendar import newest, trainable
from tierkit.models import (
    CARDS,
    HELD_OUT,
    ROLLING,
    Backtest,
    Card,
    ColumnRule,
    Examples,
    Method,
    Model,
    RandomRule,
    TierRule,
    account_draws,
    account_ids,
    best_column,
    fit_past_revenue_card,
    last_quarter_rule,
    past_revenue_rule,
    rows_at,
    scored,
    untested,
)
from tierkit.parallel import ROWS_WORTH_PROCESSES, in_processes
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.features import Panel

FEWEST_TESTED_ACCOUNTS = 30
FEWEST_TESTED_WINS = 10
NOTHING_COMPLETE = (
    "No earlier quarter-end has a horizon that is over, so there is nothing to test on."
)
MOST_BAGS = 4
"""A backtest fits many cards; more bags steady each a little and change no verdict."""

BAGS_OF_MANY_ROWS = 2
MANY_ROWS = 50_000
"""From here on, rows steady a card as more bags would; a backtest's card learns from no more."""

_FOLDS = 5


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
    Cards of the backtest have at most 4 bags, and 2 from 50,000 rows on; they learn from the
    accounts of at most so many.
    Arguments as for `choose_model`.
    """
    complete = complete_dates(dates, as_of, settings)
    if not complete:
        return untested(NOTHING_COMPLETE, settings=settings)
    examples = Examples.of(panel, won, days=complete)
    found = backtest_at(examples, complete, settings=settings, previous_tiers=previous_tiers)
    return found.backtest


@dataclass(frozen=True)
class FoldedBacktest:
    """A backtest, and what was learned from and tested on."""

    backtest: Backtest
    folds: tuple[Fold, ...] = ()


def backtest_at(
    examples: Examples,
    complete: Sequence[date],
    *,
    settings: Settings,
    previous_tiers: pd.Series[str] | None = None,
    totals: Mapping[date, float] | None = None,
) -> FoldedBacktest:
    """Return the test of the card and of simple rules; see `backtest`.

    Parameters
    ----------
    examples
        Accounts at the complete dates.
    complete
        Quarter-ends whose horizon is over, at least one.
    totals
        What was forecast for all accounts together, by date.
    """
    found = _predictions(examples, complete, settings, previous_tiers)
    if found.method is None:
        why = f"The rows are too few to fit a card. {found.note}"
        return FoldedBacktest(untested(why, settings=settings))
    if why := _too_few(found.rows):
        return FoldedBacktest(untested(why, settings=settings))
    rows = as_parts_of(found.rows, totals or {})
    tested = scored(found.method, rows, settings=settings)
    return FoldedBacktest(replace(tested, cards=_worth(found, rows)), found.folds)


def _worth(found: _Predictions, rows: pd.DataFrame) -> tuple[Card, ...]:
    """Return the card of each fold with the base that gives the amounts of these rows."""
    before = found.rows.groupby("fold", dropna=False)["card"].sum()
    factors = (rows.groupby("fold", dropna=False)["card"].sum() / before.where(before > 0)).fillna(
        1.0
    )
    return tuple(
        replace(card, base=card.base * float(factors.get(place, 1.0)))
        for place, card in enumerate(found.cards)
    )


def as_parts_of(rows: pd.DataFrame, totals: Mapping[date, float]) -> pd.DataFrame:
    """Return predictions whose amounts add up, at each date, to what was forecast for it.

    Parameters
    ----------
    rows
        As in `Backtest.predictions`; dates without a forecast stay as they are.
    """
    money = [name for name in rows if name in CARDS or str(name).endswith("_predicted")]
    sums = rows.groupby("as_of")[money].transform("sum")
    asked = pd.Series({pd.Timestamp(day): total for day, total in totals.items()}, dtype=float)
    whole = rows["as_of"].map(asked)
    factors = sums.rdiv(whole, axis=0).where(sums > 0).fillna(1.0)
    return rows.assign(**{str(name): rows[name] * factors[name] for name in money})


@dataclass(frozen=True)
class _Predictions:
    """Predictions of each fold and the cards behind them; no method where none could be fitted."""

    method: Method | None
    rows: pd.DataFrame
    cards: tuple[Card, ...] = ()
    note: str = ""
    folds: tuple[Fold, ...] = ()


def _predictions(
    examples: Examples,
    complete: Sequence[date],
    settings: Settings,
    previous: pd.Series[str] | None,
) -> _Predictions:
    """Return the predictions and cards of earlier quarter-ends; failing them, of held-out accounts.

    No method where no card could be fitted, with a note on why.
    """
    in_time = rolling_folds(examples, complete, settings)
    found = _predictions_of(ROLLING, in_time, settings, previous)
    if found.method is not None:
        return found
    held_out = held_out_folds(examples, complete, settings)
    instead = _predictions_of(HELD_OUT, held_out, settings, previous)
    return instead if instead.method else replace(instead, note=found.note or instead.note)


def _predictions_of(
    method: Method,
    folds: Iterable[Fold],
    settings: Settings,
    previous: pd.Series[str] | None,
) -> _Predictions:
    """Return the predictions and the card of each fold on which a card could be fitted."""
    notes: list[str] = []
    parts: list[pd.DataFrame] = []
    cards: list[Card] = []
    used: list[Fold] = []
    for (train, test), compared in _with_cards([*folds], settings):
        card = compared["card"]
        notes += card.notes
        if card.criteria:
            found = _predicted(compared, train, test, settings, previous)
            parts.append(found.assign(fold=len(cards)))
            cards.append(card)
            used.append((train, test))
    if not parts:
        return _Predictions(None, pd.DataFrame(), note=notes[0] if notes else "")
    joined = pd.concat(parts, ignore_index=True)
    ordered = joined.sort_values(["as_of", "account_id"], ignore_index=True)
    return _Predictions(method, ordered, tuple(cards), folds=tuple(used))


def held_out_predictions(
    examples: Examples, complete: Sequence[date], *, settings: Settings
) -> pd.DataFrame:
    """Return what held-out accounts are predicted at the last complete quarter-end.

    Returns
    -------
    DataFrame
        As `Backtest.predictions`; empty where no card can be fitted.
    """
    folds = held_out_folds(examples, complete, settings)
    return _predictions_of(HELD_OUT, folds, settings, None).rows


def _with_cards(
    folds: Sequence[Fold], settings: Settings
) -> Iterator[tuple[Fold, dict[str, Card]]]:
    """Yield each fold with the cards that are compared on it."""
    tasks = [
        partial(
            train.sampled(MANY_ROWS, seed=settings.model.seed).compared_cards,
            settings,
            most_bags=_bags_for(train),
        )
        for train, _ in folds
    ]
    rows = max((len(train.won) for train, _ in folds), default=0)
    yield from zip(folds, in_processes(tasks, worth=rows >= ROWS_WORTH_PROCESSES), strict=True)


def _bags_for(train: Examples) -> int:
    return BAGS_OF_MANY_ROWS if len(train.won) >= MANY_ROWS else MOST_BAGS


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
        best_column(train.values, train.shares, criteria=train.criteria),
        RandomRule(settings.model.seed),
        *simple_rules(
            test.columns,
            past_revenue=column,
            horizon=settings.target.horizon_quarters,
        ),
    ]
    if previous is not None:
        rules.append(TierRule(previous, tuple(tier.name for tier in settings.tiers)))
    money = {
        f"{rule.name}_predicted": _money(rule, train).predict(test.values)
        for rule in rules
        if isinstance(rule, ColumnRule)
    }
    found = {rule.name: rule.predict(test.values) for rule in rules}
    # the best column may differ between folds, so that only its order within one can be compared
    found["best_column"] = found["best_column"].rank(pct=True)
    frame = pd.DataFrame(
        {
            "actual": test.won,
            **{name: card.predict(test.values) for name, card in cards.items()},
            **money,
            "customer": test.bought,
            **found,
        }
    )
    return frame.rename_axis(["account_id", "as_of"]).reset_index()


def _money(rule: ColumnRule, train: Examples) -> Card:
    """Return what the amounts of a rule's column are worth; the mean where less is better."""
    if rule.falling or rule.column not in train.columns:
        return Card(base=max(float(train.shares.mean()), 0.0))
    return fit_past_revenue_card(train.values, train.shares, column=rule.column)


def _too_few(predictions: pd.DataFrame) -> str:
    accounts = int(predictions["account_id"].nunique())
    wins = int((predictions["actual"] > 0).sum())
    if accounts >= FEWEST_TESTED_ACCOUNTS and wins >= FEWEST_TESTED_WINS:
        return ""
    return (
        f"The tests cover {accounts} accounts and {wins} of them won anything; a test needs at "
        f"least {FEWEST_TESTED_ACCOUNTS} accounts and {FEWEST_TESTED_WINS} with won revenue."
    )


def complete_dates(dates: Sequence[date], as_of: date, settings: Settings) -> tuple[date, ...]:
    """Return the dates whose horizon is over at `as_of`, in order."""
    horizon = settings.target.horizon_quarters
    return tuple(trainable(sorted(set(dates)), as_of, settings.fiscal_calendar, horizon))


def rolling_folds(
    examples: Examples, complete: Sequence[date], settings: Settings
) -> Iterator[tuple[Examples, Examples]]:
    """Yield what was complete at each tested date, and the accounts of that date."""
    horizon = settings.target.horizon_quarters
    known = {day: trainable(complete, day, settings.fiscal_calendar, horizon) for day in complete}
    testable = [day for day in complete if known[day]]
    for day in testable[-settings.model.backtest_quarter_ends :]:
        yield examples.at(known[day]).as_seen_on(day), examples.at([day])


def held_out_folds(
    examples: Examples, complete: Sequence[date], settings: Settings
) -> Iterator[tuple[Examples, Examples]]:
    """Yield the rows of four fifths of the accounts, and the others at the last complete date."""
    last = newest(complete)
    latest = rows_at(examples.values, [last] if last else [])
    ids = account_ids(examples.values)
    draws = account_draws(ids, purpose="folds", seed=settings.model.seed)
    folds = np.floor(draws * _FOLDS).astype(int)
    seen = examples.as_seen_on(last) if last else examples
    for fold in range(_FOLDS):
        tested = latest & (folds == fold)
        if tested.any() and (folds != fold).any():
            yield seen.where(folds != fold), seen.where(tested)
