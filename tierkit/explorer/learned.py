"""The panel, the fitted card, the cards of the backtest, and what the gate says of a card."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tierkit._outcomes import join_outcomes
from tierkit.features import Panel
from tierkit.files import read_json, write_whole
from tierkit.models import BY_COLUMN, BY_HAND, FITTED, PAST, Card, Examples, fit_past_revenue_card
from tierkit.rendering import Step
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit._backtest import ModelChoice
    from tierkit.explorer.basis import Basis
    from tierkit.models import Card, Kind, Method
    from tierkit.runs import Run
    from tierkit.settings import Settings


_FILE, _PANEL, _TESTED, _WON = "learned.json", "panel.parquet", "tested.parquet", "won.parquet"
_PIPELINE = "pipeline.parquet"
_SHAPING = ("data", "calendar", "target", "features", "model")
"""The settings that decide the panel and the fitted cards; `model.kind` and `card` do not."""


@dataclass(frozen=True)
class Learned:
    """The panel of a project, and what a fit and a backtest without any edit made of it.

    Attributes
    ----------
    fitted
        The fitted card; None where no earlier quarter-end has a complete outcome.
    past
        Past revenue as a card of one criterion.
    past_revenue, past_kind, ranked_by
        The column of past revenue, or of another simple rule that ranks better; which it is, and
        its name in the backtest.
    pipeline
        Pipeline predicted for the horizon by account_id; missing where it cannot be.
    method, folds, tested
        How was tested, the card of each fold, and a row per account and tested date as in
        `Backtest.predictions`; None, no card and no row where nothing could be tested.
    untested_because
        Why nothing could be tested; empty where it could.
    won
        Won revenue of the horizon by account_id and as_of, at the dates of training.
    ranks, because, gated
        Whether the gate found the fitted card better than past revenue, why, and under which
        settings (`gate_key`).
    """

    panel: Panel
    fitted: Card | None
    past: Card
    past_revenue: str
    past_kind: Kind
    ranked_by: str
    pipeline: pd.Series[float]
    method: Method | None
    folds: tuple[Card, ...]
    tested: pd.DataFrame
    untested_because: str
    won: pd.Series[float]
    trained_on: tuple[date, ...]
    ranks: bool
    because: str
    gated: str


def learned_of(run: Run, *, progress: Step) -> Learned:
    """Return what was learned from a project, from its cache where it is there already.

    It is learned anew where data, quarter, earlier reports, the code or a setting that shapes the
    cards has changed.

    Parameters
    ----------
    progress
        Is told the name of each step as it starts.
    """

    def make(folder: Path) -> None:
        _write(learn(run, progress=progress, folder=folder), folder)

    return _read(run.cache.files("learned", _key(run), make))


def learn(run: Run, *, progress: Step, folder: Path | None = None) -> Learned:
    """Build the panel, fit the card and test it, as a run does, but for edits of the card.

    Parameters
    ----------
    folder
        Where the stages of the run leave what they found; that of `run` by default.
    """
    from tierkit.runs import fit_model, make_panel

    plain = replace(run, settings=unedited(run.settings), model_file=None)
    plain = replace(plain, folder=folder or run.folder)
    progress("building the criteria of every account")
    panel = make_panel(plain)
    choice = fit_model(plain, panel, step=progress)
    progress("comparing with past revenue")
    return _with_both_cards(plain, panel, choice)


def unedited(settings: Settings) -> Settings:
    """Return the settings with a fitted card that nobody has edited."""
    model = settings.model.model_copy(update={"kind": "fitted card"})
    changed = settings.model_copy(update={"model": model, "card": type(settings.card)()})
    changed._folder = settings.folder
    return changed


def _with_both_cards(run: Run, panel: Panel, choice: ModelChoice) -> Learned:
    days = list(choice.trained_on)
    values = panel.values  # noqa: PD011 (a panel is no series)
    known = values.index.get_level_values("as_of").isin(pd.to_datetime(days))
    index: pd.MultiIndex = values.index[known]  # type: ignore[assignment]
    fitted: Card | None = None
    past = choice.card
    won: pd.Series[float] = pd.Series(0.0, index=index[:0], name="won_revenue")
    if days:
        happened = run.outcomes(days)
        won = join_outcomes(index, happened)["won_revenue"]
        examples = Examples.of(panel, won, days=days).as_seen_on(run.as_of)
        now = values[values.index.get_level_values("as_of") == pd.Timestamp(run.as_of)]
        total = float(choice.card.predict(now).sum())
        is_fitted = choice.kind == "fitted card"
        fitted = choice.card
        if not is_fitted:
            fitted = examples.fit(run.settings).recalibrated(now, total=total)
        else:
            past = fit_past_revenue_card(
                examples.values, examples.shares, column=choice.past_revenue
            ).recalibrated(now, total=total)
    tested = choice.backtest
    return Learned(
        panel=panel,
        fitted=fitted,
        past=past,
        past_revenue=choice.past_revenue,
        ranked_by=choice.ranked_by if choice.kind in BY_COLUMN else "past_revenue",
        past_kind=choice.kind if choice.kind in BY_COLUMN else PAST,
        pipeline=_pipeline(run, panel, days),
        method=tested.method,
        folds=tested.cards,
        tested=tested.predictions,
        untested_because="" if tested.method else tested.because,
        won=won,
        trained_on=choice.trained_on,
        ranks=choice.kind == "fitted card",
        because=tested.because,
        gated=gate_key(run.settings),
    )


def _pipeline(run: Run, panel: Panel, days: list[date]) -> pd.Series[float]:
    """Return the pipeline that each account should create in the horizon, as a run has it."""
    from tierkit.runs import prospects_at, run_prospects

    found = prospects_at(panel, run.as_of, run_prospects(run, panel, days))
    pipeline: pd.Series[float] = found["predicted_pipeline"].astype(float)
    return pipeline


def gate_key(settings: Settings) -> str:
    """Return what the gate depends on: the card, and the capacities at which it is compared."""
    tiers = [tier.model_dump(mode="json", exclude={"entitlements", "label"})
             for tier in settings.tiers[:2]]  # fmt: skip
    parts = [settings.model.kind, settings.card.model_dump(mode="json"), tiers,
             [*settings.features.leave_out]]  # fmt: skip
    return json.dumps(parts, sort_keys=True)


def _key(run: Run) -> list[str]:
    """Return all that decides what is learned."""
    shaping = run.settings.model_dump(mode="json", include=set(_SHAPING))
    shaping["model"].pop("kind", None)
    return [
        json.dumps(shaping, sort_keys=True),
        json.dumps([tier.name for tier in run.settings.tiers]),
        run.quarter.label,
        run.data_fingerprint,
        run.settings.module_hash,
        *run.earlier_files(),
    ]


def _write(learned: Learned, folder: Path) -> None:
    learned.panel.write(folder / _PANEL)
    frames = {
        _TESTED: learned.tested,
        _WON: learned.won.reset_index(),
        _PIPELINE: learned.pipeline.rename_axis("account_id").reset_index(),
    }
    for name, frame in frames.items():
        write_whole(folder / name, frame.to_parquet(index=False), lasting=False)
    about = {
        "fitted": learned.fitted.to_plain() if learned.fitted else None,
        "past": learned.past.to_plain(),
        "past_revenue": learned.past_revenue,
        "past_kind": learned.past_kind,
        "ranked_by": learned.ranked_by,
        "method": learned.method,
        "folds": [card.to_plain() for card in learned.folds],
        "untested_because": learned.untested_because,
        "trained_on": [day.isoformat() for day in learned.trained_on],
        "ranks": learned.ranks,
        "because": learned.because,
        "gated": learned.gated,
    }
    write_whole(folder / _FILE, json.dumps(about, ensure_ascii=False), lasting=False)


def _read(folder: Path) -> Learned:
    about: dict[str, Any] = read_json(folder / _FILE)
    won = pd.read_parquet(folder / _WON).set_index(["account_id", "as_of"])["won_revenue"]
    return Learned(
        panel=Panel.read(folder / _PANEL),
        fitted=Card.from_plain(about["fitted"]) if about["fitted"] else None,
        past=Card.from_plain(about["past"]),
        past_revenue=about["past_revenue"],
        past_kind=about["past_kind"],
        ranked_by=about["ranked_by"],
        pipeline=pd.read_parquet(folder / _PIPELINE).set_index("account_id")["predicted_pipeline"],
        method=about["method"],
        folds=tuple(Card.from_plain(card) for card in about["folds"]),
        tested=pd.read_parquet(folder / _TESTED),
        untested_because=about["untested_because"],
        won=won,
        trained_on=tuple(date.fromisoformat(day) for day in about["trained_on"]),
        ranks=about["ranks"],
        because=about["because"],
        gated=about["gated"],
    )


@dataclass(frozen=True)
class Gate:
    """The verdict of the quarterly run's gate on the card on screen.

    Attributes
    ----------
    card_ranks
        Whether the card ranks the accounts; past revenue does otherwise.
    because
        Why, in words.
    card
        The card that the run would use; None where it is the one that was learned at the opening.
    tested
        What the run would compute ranges from; None where the gate did not have to test.
    """

    card_ranks: bool
    because: str
    card: Card | None = None
    tested: pd.DataFrame | None = field(default=None, repr=False, compare=False)


_BY_HAND = "A card set by hand ranks the accounts as it is."


def gate_of(basis: Basis, settings: Settings, *, by_hand: bool = False) -> Gate:
    """Return what the run would do under these settings, by the same function; it takes seconds.

    Parameters
    ----------
    by_hand
        Whether to test a card set by hand, too, which ranks the accounts whatever the test says.
    """
    from tierkit.runs import fit_model

    learned, is_by_hand = basis.learned, settings.model.kind == BY_HAND
    if is_by_hand and not by_hand:
        return Gate(card_ranks=True, because=_BY_HAND)
    if not is_by_hand and (learned.fitted is None or gate_key(settings) == learned.gated):
        return Gate(card_ranks=learned.ranks, because=learned.because)
    choice = fit_model(replace(basis.run, settings=settings, model_file=None), learned.panel)
    tested = choice.tested_predictions() if choice.backtest.method else None
    if is_by_hand:
        return Gate(card_ranks=True, because=_BY_HAND, tested=tested)
    ranks = choice.kind == FITTED
    return Gate(ranks, choice.backtest.because, choice.card if ranks else None, tested)
