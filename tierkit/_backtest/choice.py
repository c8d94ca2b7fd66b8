"""The choice of a model: the simplest candidate that nothing tested is better than."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from tierkit._backtest.gate import Gate, concentration_notes, history_moved, leaks_of, pass_gate
from tierkit._backtest.ranking import Chosen, choose_ranking, in_words, simple_rules
from tierkit._backtest.seeds import steadied_card
from tierkit._backtest.trial import (
    NOTHING_COMPLETE,
    backtest_at,
    complete_dates,
    held_out_predictions,
)
from tierkit.cache import Cache
from tierkit.models import (
    BETTER,
    BY_COLUMN,
    BY_HAND,
    FITTED,
    KEEP,
    NO_SIGNAL,
    PAST,
    ROLLING,
    SIMPLE,
    Backtest,
    Card,
    ColumnRule,
    Examples,
    Kind,
    best_column,
    compared_with_past,
    fit_past_revenue_card,
    fit_rules_card,
    past_revenue_column,
    ranked,
    rows_at,
    uncalibrated_past_revenue_card,
    untested,
)
from tierkit.settings import Settings
from tierkit.statistics import Comparison, compare

if TYPE_CHECKING:
    from tierkit.features import Panel

FIT_STEPS = (
    "testing the card on earlier quarter-ends",
    "comparing it with effort alone and with shuffled outcomes",
    "fitting the card that ranks today's accounts",
)
_ASKED_FOR = "The rules card ranks the accounts because the settings ask for it (model.kind)."


@dataclass(frozen=True, repr=False)
class ModelChoice:
    """The model that a recalibration uses.

    Attributes
    ----------
    card
        What predicts revenue.
    kind
        `rules card` where the settings ask for one; else `past revenue`, `simple rule` or
        `fitted card`, whichever ranks.
    backtest
        Why.
    notes
        What a reader must know, in sentences.
    trained_on
        The as_of dates that the card learned from.
    past_revenue
        The column of past revenue, or of the simple rule that ranks.
    gate
        What the other checks found.
    ranked_by, candidates
        The candidate that ranks, as in the backtest, and what it was chosen from; None where
        nothing could be tested or the settings ask for a card.
    """

    card: Card
    kind: Kind
    backtest: Backtest
    notes: tuple[str, ...]
    trained_on: tuple[date, ...]
    past_revenue: str
    gate: Gate = field(default_factory=Gate)
    ranked_by: str = "past_revenue"
    candidates: Chosen | None = None

    def __repr__(self) -> str:
        """Return what ranks the accounts, and why."""
        ranks = self.ranked_by.replace("_", " ") if self.ranked_by != "card" else self.kind
        return f"Accounts are ranked by {ranks}.\n{self.backtest.because}"

    def to_frame(self) -> pd.DataFrame:
        """Return a row per ranking tested, with its measures."""
        return self.backtest.scores

    def against_tiers_in_force(self, *, seed: int) -> Comparison | None:
        """Return what ranks compared with the tiers held before each tested date.

        Captures are compared at the capacities of the upper tiers. None where no tier was held or
        nothing was tested.
        """
        rows = self.backtest.predictions
        name = self.ranked_by if self.ranked_by in rows.columns else "card"
        if "last_tiers" not in rows.columns or rows.empty or name not in rows.columns:
            return None
        if not rows["last_tiers"].notna().any():
            return None
        paired = rows.assign(card=rows[name], past_revenue=rows["last_tiers"])
        sizes = [size for size in self.backtest.capacities if size]
        return compare(paired, capacities=sizes, seed=seed)

    def ranked(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return `score` and `predicted_revenue` of each row; accounts rank by both, in this order.

        Past revenue as a model ranks by the past revenue itself, since all accounts of one step of
        its card are predicted the same.
        """
        return ranked(self.card, self.kind, values, past_revenue=self.past_revenue)

    def tested_predictions(self) -> pd.DataFrame:
        """Return this kind of model in the backtest: what ranges are computed from.

        Returns
        -------
        DataFrame
            A row per account and tested date: `account_id`, `as_of`, `rank_by`, `predicted`,
            `actual`.
        """
        rows = self.backtest.predictions
        by_column = self.kind in BY_COLUMN and self.ranked_by in rows.columns
        name = self.ranked_by if by_column else "card"
        money = f"{name}_predicted" if by_column else "card"
        return rows[["account_id", "as_of"]].assign(
            rank_by=rows[name], predicted=rows[money], actual=rows["actual"]
        )


@dataclass(frozen=True)
class Known:
    """Context of a choice beside the panel and what was won.

    Attributes
    ----------
    previous_tiers
        By (account_id, as_of): the tier held the day before, to be tested as a rule.
    future_rows
        Accounts whose criteria see the future, if that was tried; any keeps the card from ranking.
    cache
        Where cards and checks that do not change are stored.
    ranked_by
        The candidate that ranked the accounts in the last report, if any.
    totals
        By tested date, what was forecast for all accounts together: predicted revenue is an
        account's share of it. Without, money is what the learned quarter-ends brought on the mean.
    step
        Told the name of each of `FIT_STEPS` as it begins.
    """

    previous_tiers: pd.Series[str] | None = None
    future_rows: int | None = None
    cache: Cache = field(default_factory=Cache)
    step: Callable[[str], None] = lambda _: None
    ranked_by: str = ""
    totals: Mapping[date, float] = field(default_factory=dict)


def choose_model(
    panel: Panel,
    won: pd.Series[float],
    *,
    settings: Settings,
    dates: Sequence[date],
    as_of: date,
    known: Known | None = None,
) -> ModelChoice:
    """Return the simplest candidate that nothing tested is better than; see `choose_ranking`.

    Simple rules of past revenue, the best single criterion and the fitted card are tried. Where
    nothing can be tested, or nothing ranks better than chance, past revenue ranks. A rules card
    that the settings ask for is used whatever the tests say.

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
    examples = Examples.of(panel, won, days=complete, cache=known.cache)
    leaks = leaks_of(examples, settings)
    honest = examples.by([name for name in examples.criteria if name not in leaks])
    testing, comparing, fitting = FIT_STEPS
    known.step(testing)
    folded = backtest_at(
        honest,
        complete,
        settings=settings,
        previous_tiers=known.previous_tiers,
        totals=known.totals,
    )
    gate = Gate(leaks, known.future_rows, history_moved(examples, settings))
    known.step(comparing)
    tested, gate = pass_gate(
        folded.backtest, folded.folds, gate, settings=settings, effort=panel.effort
    )
    known.step(fitting)
    now = honest.as_seen_on(as_of)
    found = _Found(
        panel,
        settings,
        complete,
        as_of,
        now,
        tested,
        gate,
        concentration_notes(honest),
        _second_test(tested, honest, complete, settings),
    )
    return found.by_hand() if settings.model.kind == BY_HAND else found.chosen(known.ranked_by)


@dataclass(frozen=True)
class _Found:
    """The test results from which the model is chosen."""

    panel: Panel
    settings: Settings
    complete: tuple[date, ...]
    as_of: date
    examples: Examples
    tested: Backtest
    gate: Gate
    notes: tuple[str, ...]
    held_out: pd.DataFrame | None

    def by_hand(self) -> ModelChoice:
        """Return the rules card, whatever the tests say."""
        card = self.examples.ranking_card(self.settings)
        made = self._choice(card, BY_HAND, chosen=None)
        return replace(made, ranked_by="rules_card", notes=(*made.notes, _ASKED_FOR))

    def chosen(self, in_force: str) -> ModelChoice:
        """Return the simplest candidate that nothing tested is better than."""
        rules = self._rules()
        names = [name for name in [*rules, "card"] if name in self.tested.predictions.columns]
        if self.gate.stops_the_card:
            names = [name for name in names if name != "card"]
        says_nothing = self.tested.method is None or self.tested.verdict == NO_SIGNAL
        if says_nothing or self.gate.future_rows or not names:
            return self._by_rule(rules["past_revenue"], None)
        chosen = choose_ranking(
            self.tested.predictions,
            candidates=names,
            capacities=[size for size in self.tested.capacities if size],
            seed=self.settings.model.seed,
            in_force=in_force,
            held_out=self.held_out,
        )
        if chosen.name == "card":
            return self._by_card(chosen)
        return self._by_rule(rules[chosen.name], chosen)

    def _rules(self) -> dict[str, ColumnRule]:
        """Return the simple rules, the simplest first; a column only where more is better."""
        rules = simple_rules(
            self.examples.columns,
            past_revenue=self.examples.past_revenue,
            horizon=self.settings.target.horizon_quarters,
        )
        best = best_column(
            self.examples.values, self.examples.shares, criteria=self.examples.criteria
        )
        named = {rule.name: rule for rule in rules}
        return named if best.falling else {**named, best.name: best}

    def _by_card(self, chosen: Chosen) -> ModelChoice:
        steadied = steadied_card(
            self.examples,
            settings=self.settings,
            now=_values_at(self.panel, self.as_of),
            size=self.tested.capacities[0],
        )
        card = replace(steadied.card, dropped={**self.gate.leaks, **steadied.card.dropped})
        gate = replace(self.gate, overlap=steadied.overlap, bags=steadied.bags)
        made = self._choice(card, FITTED, chosen=chosen)
        reasoned = _with_reason(self.tested, chosen)
        return replace(made, backtest=reasoned, gate=gate, ranked_by="card")

    def _by_rule(self, rule: ColumnRule, chosen: Chosen | None) -> ModelChoice:
        is_past = rule.name == "past_revenue"
        card = fit_past_revenue_card(self.examples.values, self.examples.shares, column=rule.column)
        tested = self.tested
        if not is_past and chosen is not None:
            tested = compared_with_past(
                tested,
                rule.name,
                in_words=in_words(rule.name),
                settings=self.settings,
                candidates=len(chosen.table),
            )
        if chosen is not None:
            tested = _with_reason(tested, chosen)
        made = self._choice(card, PAST if is_past else SIMPLE, chosen=chosen)
        return replace(made, backtest=tested, ranked_by=rule.name, past_revenue=rule.column)

    def _choice(self, card: Card, kind: Kind, *, chosen: Chosen | None) -> ModelChoice:
        return ModelChoice(
            card,
            kind,
            self.tested,
            (*card.notes, *self.notes),
            self.complete,
            self.examples.past_revenue,
            self.gate,
            candidates=chosen,
        )


def _second_test(
    tested: Backtest, examples: Examples, complete: Sequence[date], settings: Settings
) -> pd.DataFrame | None:
    """Return held-out accounts as a test beside a single tested quarter-end; see `choose_ranking`.

    None where there is another number of them, or the settings ask for a rules card.
    """
    if tested.method != ROLLING or len(tested.as_of) != 1 or settings.model.kind == BY_HAND:
        return None
    return held_out_predictions(examples, complete, settings=settings)


def _with_reason(tested: Backtest, chosen: Chosen) -> Backtest:
    """Return the backtest whose reason ends with what ranks the accounts."""
    said = chosen.because[:1].upper() + chosen.because[1:] + "."
    if chosen.name == "past_revenue" and tested.because.endswith(KEEP):
        return tested
    if chosen.name == "card" and tested.verdict == BETTER:
        return tested
    return replace(tested, because=f"{tested.because.removesuffix(KEEP).strip()} {said}")


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
