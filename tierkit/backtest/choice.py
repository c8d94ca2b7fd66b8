"""Which model ranks the accounts: the card where it has proved better, else past revenue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from tierkit.backtest.folds import complete_dates
from tierkit.backtest.gate import Gate, concentration_notes, history_moved, leaks_of, pass_gate
from tierkit.backtest.seeds import steadied_card
from tierkit.backtest.trial import NOTHING_COMPLETE, tried_at
from tierkit.cache import Cache
from tierkit.models import (
    BETTER,
    BY_HAND,
    FITTED,
    MONEY,
    PAST,
    Backtest,
    Card,
    Examples,
    Kind,
    fit_past_revenue_card,
    fit_rules_card,
    past_revenue_column,
    ranked,
    rows_at,
    uncalibrated_past_revenue_card,
    untested,
)
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.features import Panel

FIT_STEPS = (
    "testing the card on earlier quarter-ends",
    "comparing it with effort alone and with shuffled outcomes",
    "fitting the card that ranks today's accounts",
)
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
    step
        Told the name of each of `FIT_STEPS` as it begins.
    """

    previous_tiers: pd.Series[str] | None = None
    future_rows: int | None = None
    kept: Cache = field(default_factory=Cache)
    step: Callable[[str], None] = lambda _: None


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
    testing, comparing, fitting = FIT_STEPS
    known.step(testing)
    tried = tried_at(honest, complete, settings=settings, previous_tiers=known.previous_tiers)
    gate = Gate(leaks, known.future_rows, history_moved(examples, settings))
    known.step(comparing)
    tested, gate = pass_gate(
        tried.backtest, tried.folds, gate, settings=settings, effort=panel.effort
    )
    concentrated = concentration_notes(examples)
    known.step(fitting)
    column, by_hand = honest.past_revenue, settings.model.kind == BY_HAND
    if by_hand:
        card = examples.ranking_card(settings)
        notes = (*card.notes, *concentrated, _ASKED_FOR)
        return ModelChoice(card, BY_HAND, tested, notes, complete, column, gate)
    if tested.verdict == BETTER:
        now = _values_at(panel, as_of)
        steadied = steadied_card(honest, settings=settings, now=now, size=tested.capacities[0])
        card = replace(steadied.card, dropped={**leaks, **steadied.card.dropped})
        gate = replace(gate, overlap=steadied.overlap, bags=steadied.bags)
        notes = (*card.notes, *concentrated)
        return ModelChoice(card, FITTED, tested, notes, complete, column, gate)
    card = fit_past_revenue_card(examples.values, examples.won, column=column)
    notes = (*card.notes, *concentrated)
    return ModelChoice(card, PAST, tested, notes, complete, column, gate)


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
    tested = untested(NOTHING_COMPLETE, settings=settings)
    if settings.model.kind != BY_HAND:
        return ModelChoice(card, PAST, tested, card.notes, (), column)
    by_hand = fit_rules_card(rows, card.predict(rows), settings=settings.card)
    noted = replace(by_hand, notes=(*by_hand.notes, *card.notes, _ASKED_FOR))
    return ModelChoice(noted, BY_HAND, tested, noted.notes, (), column)


def _window(panel: Panel, column: str) -> int | None:
    """Return the quarters that past revenue covers; None where the column's name tells."""
    return None if column in panel.criteria and column[-1] == "q" else panel.look_back
