"""Facts of a fitted model: what `facts.json` says of its ranking, its calibration and its card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import pandas as pd

from tierkit._backtest import ModelChoice, in_words
from tierkit.criterion_words import is_counted, plain_name
from tierkit.figure import Figure
from tierkit.models import (
    FITTED,
    POINTS_TO_DOUBLE,
    Card,
    actual_over_predicted_by,
    by_history,
    past_tiers,
    range_coverage,
    shortened,
    tenths,
    whole_points,
)
from tierkit.runs.run import Run
from tierkit.settings import Settings
from tierkit.words import ratio, sentence, share

SHORT_ENOUGH = 0.01
"""A short card whose Gini is lower by no more than this is as good as the full one."""

_WEIGHTS_NAMED = 3
_FEW = "too few tested accounts, or nothing was won or predicted there"


def model_facts(run: Run, choice: ModelChoice) -> dict[str, Any]:
    """Return what `facts.json` says of the model."""
    seen = choice.gate.future_rows
    return {
        "kind": choice.kind,
        "against_tiers_in_force": _against_tiers(choice, run.settings),
        "ranked_by": choice.ranked_by,
        "ranked_by_in_words": in_words(choice.ranked_by),
        "candidates": [] if choice.candidates is None else choice.candidates.facts(),
        "horizon_quarters": run.settings.target.horizon_quarters,
        "features": [criterion.name for criterion in choice.card.criteria],
        "trained_on_as_of": [day.isoformat() for day in choice.trained_on],
        **choice.backtest.facts(),
        **choice.gate.facts(),
        **check_facts(choice, run.settings),
        **({"future_rows_seen": seen} if seen is not None else _not_checked()),
        "weights": weights(choice.card, min_group=run.settings.run.min_group),
        "card": run.settings.model.card,
        "short_card": short_card_facts(choice, min_group=run.settings.run.min_group),
        "notes": list(choice.notes),
    }


def _against_tiers(choice: ModelChoice, settings: Settings) -> dict[str, Any]:
    """Return by how much what ranks is ahead of the tiers in force; the reason where not known."""
    found = choice.against_tiers_in_force(seed=settings.model.seed)
    why = "no earlier tiers are known at a tested date"
    sizes = dict(zip(("capture_tier_1", "capture_tier_2"), choice.backtest.capacities, strict=True))
    gains = {"gini": None if found is None else found.gain} | {
        name: None if found is None or not size else found.captures[size]
        for name, size in sizes.items()
    }
    return {name: (gain or Figure.unknown(why)).effect() for name, gain in gains.items()}


def short_card_facts(choice: ModelChoice, *, min_group: int) -> dict[str, Any]:
    """Return the short card as people print it, and how far its Gini is below the full one's.

    Empty where no fitted card ranks. Bins of fewer accounts than `min_group` are not told.
    """
    if choice.kind != FITTED or not choice.card.criteria:
        return {"criteria": [], "criteria_why": "no fitted card ranks the accounts"}
    scores = choice.backtest.scores
    pairs = (("card", "short_card"), ("full_card", "card"))
    full, short = next((pair for pair in pairs if set(pair) <= set(scores.index)), ("", ""))
    below = float(scores["gini"][full] - scores["gini"][short]) if full else math.nan
    card = choice.card if full == "full_card" else shortened(choice.card, fewest=min_group)
    return {
        "points_to_double": POINTS_TO_DOUBLE,
        **Figure.of(below, "nothing could be tested").facts("gini_below_the_full_card"),
        "is_as_good": bool(below <= SHORT_ENOUGH) if math.isfinite(below) else None,
        "criteria": [
            {
                "criterion": plain_name(one["criterion"]),
                "bins": [row for row in one["bins"] if _can_be_told(row["accounts"], min_group)],
            }
            for one in whole_points(card)
        ],
    }


def _can_be_told(accounts: int | None, min_group: int) -> bool:
    return accounts is None or accounts >= min_group


_TIMES_FROM, _HARDLY = 1.5, 0.005


def weights(card: Card, *, min_group: int = 1) -> list[dict[str, Any]]:
    """Return the criteria that carry most of the weight, with a sentence on each.

    Bins of fewer accounts than `min_group` are not told, nor criteria that have no others.
    """
    table = card.table()
    found = []
    for name, bins in table.groupby("criterion", sort=False):
        known = bins[bins["accounts"].fillna(min_group) >= min_group]
        if known.empty:
            continue
        ordered = known.sort_values("points", kind="stable").to_dict("records")
        worst, best = ordered[0], ordered[-1]
        weight = float(bins["share_of_importance"].iloc[0])
        found.append(
            {
                "criterion": str(name),
                "share": weight,
                "sentence": sentence(
                    f"{bin_words(str(name), str(worst['bin']))}: "
                    f"{change_words(float(worst['points']))}; {best['bin']}: "
                    f"{change_words(float(best['points']))}"
                ),
            }
        )
    return found[:_WEIGHTS_NAMED]


def bin_words(criterion: str, bin_: str) -> str:
    """Return a criterion in one of its bins, as people say it.

    Examples
    --------
    >>> bin_words("employees", "under 20"), bin_words("tenure days", "0–339")
    ('under 20 employees', 'tenure days, 0–339')
    """
    return f"{bin_} {criterion}" if is_counted(criterion) else f"{criterion}, {bin_}"


def change_words(points: float) -> str:
    """Return the factor of some points as a change, in words.

    Examples
    --------
    >>> [change_words(math.log(factor)) for factor in (0.69, 1.0, 1.31, 1.9)]
    ['31 % less', 'as much as the mean', '31 % more', '1.9 times as much']
    """
    factor = math.exp(points)
    if factor >= _TIMES_FROM:
        return f"{ratio(factor)} times as much"
    if abs(factor - 1) < _HARDLY:
        return "as much as the mean"
    return f"{share(abs(factor - 1))} {'more' if factor > 1 else 'less'}"


def check_facts(choice: ModelChoice, settings: Settings) -> dict[str, Any]:
    """Return calibration, history and account ranges as the backtest found them."""
    tested = choice.tested_predictions()
    if tested.empty:
        return {"calibration": {"tiers": [], "tenths": []}, "by_history": [], "ranges": _ranges({})}
    capacities = [tier.capacity for tier in settings.tiers]
    names = {place: tier.name for place, tier in enumerate(settings.tiers)}
    tried = range_coverage(tested, capacities)
    return {
        "calibration": {
            "tiers": _by(tested, past_tiers(tested, capacities), "tier", names, settings),
            "tenths": _by(tested, tenths(tested), "tenth", {}, settings),
        },
        "by_history": [
            {"accounts_that_are": str(name), **_figures(row.to_dict())}
            for name, row in by_history(choice.backtest.predictions).iterrows()
        ],
        "ranges": _ranges({} if tried is None else vars(tried)),
    }


def _by(
    tested: pd.DataFrame,
    groups: npt.ArrayLike,
    key: str,
    names: Mapping[int, str],
    settings: Settings,
) -> list[dict[str, Any]]:
    found = actual_over_predicted_by(tested, groups, seed=settings.model.seed)
    rows = found.rename(columns={"ratio": "actual_over_predicted"})
    return [
        {key: names.get(place, place), **_figures(row)}
        for place, row in zip(rows.index.astype(int).tolist(), rows.to_dict("records"), strict=True)
    ]


def _ranges(tried: Mapping[str, Any]) -> dict[str, Any]:
    return _figures({key: tried.get(key) for key in ("rows", "above", "below", "inside_upper")})


def _figures(numbers: Mapping[Any, float | None]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, number in numbers.items():
        figure = Figure.of(number, _FEW)
        whole = key in ("accounts", "rows") and figure.value is not None
        facts |= {key: int(figure.numbers()[0])} if whole else figure.facts(str(key))
    return facts


def _not_checked() -> dict[str, Any]:
    return {"future_rows_seen": None, "future_rows_seen_why": "there is no earlier quarter-end"}
