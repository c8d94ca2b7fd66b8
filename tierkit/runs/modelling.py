"""The stage that fits the model, tests it, and predicts every account."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit._backtest import Known, ModelChoice, choose_model, in_words
from tierkit._outcomes import join_outcomes
from tierkit.features import Panel, build_panel
from tierkit.figure import Figure
from tierkit.forecast import tier_ranges, with_total
from tierkit.models import (
    FITTED,
    POINTS_TO_DOUBLE,
    Card,
    Prospects,
    SavedModel,
    account_ranges,
    actual_over_predicted_by,
    by_history,
    past_tiers,
    ranges_tested,
    read_model,
    reasons,
    shortened,
    tenths,
    whole_points,
)
from tierkit.publishing import package_versions
from tierkit.rendering import Step
from tierkit.runs._reading import training_dates
from tierkit.runs.challenge import champion
from tierkit.runs.decision import decide
from tierkit.runs.leakage import future_rows_seen
from tierkit.runs.next_quarter import quarter_tests
from tierkit.runs.run import MODEL_FILE, PANEL_FILE, Run
from tierkit.runs.side_models import edit_facts, prospect_facts, prospects_at, run_prospects
from tierkit.settings import Settings
from tierkit.tiers import tiers_in_force
from tierkit.words import factor_words, plain_name

_HELD = "The card is one that an earlier run has saved; the tests are those of a card fitted anew."


def write_model(work: Run, choice: ModelChoice, *, prospects: Prospects | None = None) -> Path:
    """Write the card and what is needed to use it again, as plain data; return the file."""
    text = json.dumps(
        saved_model(work, choice, prospects=prospects),
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    path = work.folder / MODEL_FILE
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def saved_model(
    work: Run, choice: ModelChoice, *, prospects: Prospects | None = None
) -> dict[str, Any]:
    """Return what `model.json` holds: the model, and which run it is of."""
    model = SavedModel(
        card=choice.card,
        kind=choice.kind,
        past_revenue=choice.past_revenue,
        horizon_quarters=work.settings.target.horizon_quarters,
        trained_on=choice.trained_on,
        prospects=prospects,
        ranked_by=choice.ranked_by if choice.backtest.method is not None else "",
    ).to_plain()
    card, beside = model.pop("card"), model.pop("prospects")
    return {
        **model,
        "tiers": [{"name": tier.name, "capacity": tier.capacity} for tier in work.settings.tiers],
        "calendar": work.settings.calendar.model_dump(mode="json"),
        "fingerprint": work.fingerprint,
        "versions": package_versions(),
        "card": card,
        "prospects": beside,
    }


def with_saved_card(choice: ModelChoice, file: Path) -> ModelChoice:
    """Return the choice with a card that an earlier run has saved."""
    saved = read_model(file)
    return replace(
        choice,
        card=saved.card,
        kind=saved.kind,
        trained_on=saved.trained_on,
        notes=(*choice.notes, _HELD),
        past_revenue=saved.past_revenue,
        ranked_by=saved.ranked_by or choice.ranked_by,
    )


_FEW = "too few tested accounts, or nothing was won or predicted there"


def check_facts(choice: ModelChoice, settings: Settings) -> dict[str, Any]:
    """Return calibration, history and account ranges as the backtest found them."""
    tested = choice.tested()
    if tested.empty:
        return {"calibration": {"tiers": [], "tenths": []}, "by_history": [], "ranges": _ranges({})}
    capacities = [tier.capacity for tier in settings.tiers]
    names = {place: tier.name for place, tier in enumerate(settings.tiers)}
    tried = ranges_tested(tested, capacities)
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


PREDICTIONS_FILE = "predictions.parquet"
TESTED_FILE, QUARTERS_FILE = "tested.parquet", "tested_quarters.parquet"
DECISION = "decision"
_WEIGHTS_NAMED = 3


def make_panel(work: Run) -> Panel:
    """Build the criteria of all accounts, at every quarter-end to learn from and at `as_of`."""
    dates = training_dates(work.tables, settings=work.settings, as_of=work.as_of)
    panel = build_panel(work.tables, [*dates, work.as_of], settings=work.settings)
    panel.write(work.folder / PANEL_FILE)
    return panel


def fit_model(work: Run, panel: Panel, *, step: Step = lambda _: None) -> ModelChoice:
    """Fit the card, test it against simple rules, and choose what ranks the accounts.

    Where the run was given a saved model, that card is used as it is, and the tests are those of a
    card fitted anew.
    """
    dates = _past_dates(panel, work)
    present = champion(work)
    happened = join_outcomes(_index_at(panel, dates), work.outcomes(dates))
    choice = choose_model(
        panel,
        happened["won_revenue"],
        settings=work.settings,
        dates=dates,
        as_of=work.as_of,
        known=Known(
            previous_tiers=_held_before(work, dates),
            future_rows=future_rows_seen(work.tables, dates, settings=work.settings),
            kept=work.cache,
            step=step,
            ranked_by="" if present is None else present.model.ranked_by,
            totals=work.forecast_at(dates),
        ),
    )
    if work.model_file is not None:
        return _worth(work, panel, with_saved_card(choice, work.model_file))
    if present is None:
        work.write_facts(DECISION, {})
        return _worth(work, panel, choice)
    choice = _worth(work, panel, choice)
    decided = decide(work, panel, choice, present)
    told = {"action": decided.action, "because": decided.because, **decided.facts}
    work.write_facts(DECISION, told)
    return _worth(work, panel, decided.applied(choice, present))


def _worth(work: Run, panel: Panel, choice: ModelChoice) -> ModelChoice:
    """Return the choice whose predicted revenue adds up to the forecast of all known accounts."""
    total = work.forecast.horizon.predicted
    if not math.isfinite(total):
        return choice
    now = _values_at(panel, work.as_of)
    return replace(choice, card=choice.card.recalibrated(now, total=total))


def save_model(work: Run, panel: Panel, choice: ModelChoice) -> dict[str, Any]:
    """Leave model, predictions and facts for the stages that follow; return the facts."""
    prospects = run_prospects(work, panel, choice.trained_on)
    beside = prospects_at(panel, work.as_of, prospects)
    predictions = predict_accounts(work, panel, choice).join(beside, validate="1:1")
    predictions.reset_index().to_parquet(work.folder / PREDICTIONS_FILE, index=False)
    _tested_with_pipeline(work, choice).to_parquet(work.folder / TESTED_FILE, index=False)
    quarters = quarter_tests(work, choice)
    quarters.to_parquet(work.folder / QUARTERS_FILE, index=False)
    write_model(work, choice, prospects=prospects)
    facts = model_facts(work, choice)
    facts |= {
        "prospects": prospect_facts(work, panel, choice.trained_on),
        "edits": edit_facts(work, choice),
    }
    work.write_facts("model", {"model": facts})
    return facts


def predict_accounts(work: Run, panel: Panel, choice: ModelChoice) -> pd.DataFrame:
    """Return one row per account at `as_of`: score, predicted revenue with its range, reasons."""
    now = _values_at(panel, work.as_of)
    ranked = choice.ranked(now)
    ranges = account_ranges(choice.tested(), ranked["predicted_revenue"])
    return ranked.join(ranges, validate="1:1").assign(reasons=reasons(choice.card, now))


def tier_totals(work: Run, tiered: pd.DataFrame) -> pd.DataFrame:
    """Return predicted revenue of each tier with the range that the tests allow.

    Parameters
    ----------
    tiered
        Accounts with `tier` and `predicted_revenue`.

    Returns
    -------
    pandas.DataFrame
        By tier: `predicted_revenue`, `low`, `high`, and `why` where no range can be said.
    """
    names = [tier.name for tier in work.settings.tiers]
    totals = tiered.groupby("tier", observed=False)["predicted_revenue"].sum()
    totals = totals.reindex(names).fillna(0.0).astype(float)
    found = tier_ranges(
        pd.read_parquet(work.folder / TESTED_FILE),
        totals,
        capacities=tier_sizes(work, tiered),
        whole=work.forecast.horizon,
        seed=work.settings.model.seed,
        largest=largest_share(tiered, names),
    )
    return with_total(found, work.forecast.horizon)


def largest_share(tiered: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    """Return by tier the share of its predicted revenue that one account holds."""
    by_tier = tiered.groupby("tier", observed=False)["predicted_revenue"]
    sums = by_tier.sum()
    return (by_tier.max() / sums.where(sums > 0)).reindex(names)


def tier_sizes(work: Run, tiered: pd.DataFrame) -> list[int | None]:
    """Return how many accounts each tier holds by its rule; None for the one that takes the rest.

    A capacity for all accounts is its own size; other rules have the size that they gave.
    """
    tiering = work.settings.tiering
    whole = tiering.within is None and not tiering.new_and_expansion_apart
    counts = tiered["tier"].value_counts()
    return [
        None
        if tier.takes_rest
        else tier.capacity
        if whole and tier.capacity is not None and tier.where is None
        else int(counts.get(tier.name, 0))
        for tier in work.settings.tiers
    ]


def tier_pipeline(work: Run, totals: pd.DataFrame, tiered: pd.DataFrame) -> pd.DataFrame:
    """Return the pipeline that each tier should create in the horizon.

    It is the sum of what is predicted for its accounts.

    Returns
    -------
    pandas.DataFrame
        By tier: `predicted_pipeline`, and `why` where it cannot be said.
    """
    if not work.tables.has("opportunities", "created_date"):
        return _unsaid_pipeline(totals, "needs opportunities.created_date")
    by_tier = tiered.groupby("tier", observed=False)["predicted_pipeline"].sum(min_count=1)
    amounts = by_tier.reindex(totals.index).astype(float)
    amounts = amounts.mask(totals["predicted_revenue"].eq(0) & amounts.isna(), 0.0)
    why = "too few accounts have created pipeline to learn from"
    return pd.DataFrame({"predicted_pipeline": amounts, "why": why}, index=totals.index)


def model_facts(work: Run, choice: ModelChoice) -> dict[str, Any]:
    """Return what `facts.json` says of the model."""
    seen = choice.gate.future_rows
    return {
        "kind": choice.kind,
        "against_tiers_in_force": _against_tiers(choice, work.settings),
        "ranked_by": choice.ranked_by,
        "ranked_by_in_words": in_words(choice.ranked_by),
        "candidates": [] if choice.candidates is None else choice.candidates.facts(),
        "horizon_quarters": work.settings.target.horizon_quarters,
        "features": [criterion.name for criterion in choice.card.criteria],
        "trained_on_as_of": [day.isoformat() for day in choice.trained_on],
        **choice.backtest.facts(),
        **choice.gate.facts(),
        **check_facts(choice, work.settings),
        **({"future_rows_seen": seen} if seen is not None else _not_checked()),
        "weights": weights(choice.card, min_group=work.settings.run.min_group),
        "card": work.settings.model.card,
        "short_card": short_card_facts(choice, min_group=work.settings.run.min_group),
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


SHORT_ENOUGH = 0.01
"""A short card whose Gini is lower by no more than this is as good as the full one."""


def weights(card: Card, *, min_group: int = 1) -> list[dict[str, Any]]:
    """Return the criteria that carry most of the weight, with a sentence on each.

    Bins of fewer accounts than `min_group` are not told.
    """
    table = card.table()
    found = []
    for name, bins in table.groupby("criterion", sort=False):
        known = bins[bins["accounts"].fillna(min_group) >= min_group]
        known = known if len(known) else bins
        ordered = known.sort_values("points", kind="stable").to_dict("records")
        worst, best = ordered[0], ordered[-1]
        share = float(bins["share_of_importance"].iloc[0])
        found.append(
            {
                "criterion": str(name),
                "share": share,
                "sentence": (
                    f"{str(name)[:1].upper()}{str(name)[1:]}: "
                    f"{factor_words(float(worst['points']))} where it is {worst['bin']}, "
                    f"{factor_words(float(best['points']))} where it is {best['bin']}."
                ),
            }
        )
    return found[:_WEIGHTS_NAMED]


def _values_at(panel: Panel, day: date) -> pd.DataFrame:
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    at = values.index.get_level_values("as_of") == pd.Timestamp(day)
    return values[at].droplevel("as_of")


def _past_dates(panel: Panel, work: Run) -> list[date]:
    moments = panel.values.index.get_level_values("as_of").unique()  # noqa: PD011
    return sorted({moment.date() for moment in moments} - {work.as_of})


def _index_at(panel: Panel, dates: list[date]) -> pd.MultiIndex:
    index: pd.MultiIndex = panel.values.index  # type: ignore[assignment]  # noqa: PD011
    chosen = index.get_level_values("as_of").isin(pd.to_datetime(dates))
    return index[chosen]


def _held_before(work: Run, dates: list[date]) -> pd.Series[str] | None:
    """Return the tier held the day before each date, None where nobody held one."""
    if "tier_history" not in work.tables or not dates:
        return None
    held = tiers_in_force(work.tables, [day - timedelta(days=1) for day in dates])
    if held.empty:
        return None
    as_of = pd.to_datetime(held["day"]) + pd.Timedelta(days=1)
    return held.assign(as_of=as_of).set_index(["account_id", "as_of"])["tier"]


def _tested_with_pipeline(work: Run, choice: ModelChoice) -> pd.DataFrame:
    tested = choice.tested()
    if tested.empty:
        return tested.assign(pipeline_created_amount=[])
    days = [day.date() for day in sorted(tested["as_of"].unique())]
    created = work.outcomes(days)["pipeline_created_amount"]
    keyed = tested.set_index(["account_id", "as_of"]).join(created, how="left", validate="1:1")
    return keyed.fillna({created.name: 0.0}).reset_index()


def _unsaid_pipeline(totals: pd.DataFrame, why: str) -> pd.DataFrame:
    return pd.DataFrame({"predicted_pipeline": np.nan, "why": why}, index=totals.index)


def _not_checked() -> dict[str, Any]:
    return {"future_rows_seen": None, "future_rows_seen_why": "there is no earlier quarter-end"}
