"""The stage that fits the model, tests it, and predicts every account."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest import Known, ModelChoice, choose_model
from tierkit._outcomes import join_outcomes
from tierkit.features import Panel, build_panel
from tierkit.files import write_whole
from tierkit.forecast import tier_ranges, with_total
from tierkit.models import (
    Prospects,
    SavedModel,
    account_ranges,
    read_model,
    reasons,
)
from tierkit.publishing import package_versions
from tierkit.rendering import Step
from tierkit.runs._reading import training_dates
from tierkit.runs.challenge import Champion, champion
from tierkit.runs.decision import decide
from tierkit.runs.leakage import check_own_criteria, future_rows_seen
from tierkit.runs.model_facts import model_facts
from tierkit.runs.next_quarter import quarter_tests
from tierkit.runs.run import MODEL_FILE, PANEL_FILE, Run
from tierkit.runs.side_models import edit_facts, prospect_facts, prospects_at, run_prospects
from tierkit.tiers import tiers_in_force

_HELD = "The card is one that an earlier run has saved; the tests are those of a card fitted anew."


def write_model(run: Run, choice: ModelChoice, *, prospects: Prospects | None = None) -> Path:
    """Write the card and what is needed to use it again, as plain data; return the file."""
    text = json.dumps(
        saved_model(run, choice, prospects=prospects),
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    path = run.folder / MODEL_FILE
    write_whole(path, f"{text}\n", lasting=False)
    return path


def saved_model(
    run: Run, choice: ModelChoice, *, prospects: Prospects | None = None
) -> dict[str, Any]:
    """Return what `model.json` holds: the model, and which run it is of."""
    model = SavedModel(
        card=choice.card,
        kind=choice.kind,
        past_revenue=choice.past_revenue,
        horizon_quarters=run.settings.target.horizon_quarters,
        trained_on=choice.trained_on,
        prospects=prospects,
        ranked_by=choice.ranked_by if choice.backtest.method is not None else "",
    ).to_plain()
    card, beside = model.pop("card"), model.pop("prospects")
    return {
        **model,
        "tiers": [{"name": tier.name, "capacity": tier.capacity} for tier in run.settings.tiers],
        "calendar": run.settings.calendar.model_dump(mode="json"),
        "fingerprint": run.fingerprint,
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


PREDICTIONS_FILE = "predictions.parquet"
TESTED_FILE, QUARTERS_FILE = "tested.parquet", "tested_quarters.parquet"
DECISION = "decision"


def make_panel(run: Run) -> Panel:
    """Build the criteria of all accounts, at every quarter-end to learn from and at `as_of`.

    Raises
    ------
    SettingsError
        If one of the project's own criteria sees the future or rests on our own effort.
    """
    dates = training_dates(run.tables, settings=run.settings, as_of=run.as_of)
    check_own_criteria(run.tables, dates, settings=run.settings)
    days = [*dates, run.as_of]
    panel = build_panel(run.tables, days, settings=run.settings, cache=run.cache)
    panel.write(run.folder / PANEL_FILE)
    return panel


def fit_model(run: Run, panel: Panel, *, step: Step = lambda _: None) -> ModelChoice:
    """Fit the card, test it against simple rules, and choose what ranks the accounts.

    Where the run was given a saved model, that card is used as it is, and the tests are those of a
    card fitted anew.
    """
    present = champion(run)
    choice = _chosen(run, panel, present, step)
    if run.model_file is not None:
        return _worth(run, panel, with_saved_card(choice, run.model_file))
    if present is None:
        run.write_facts(DECISION, {})
        return _worth(run, panel, choice)
    choice = _worth(run, panel, choice)
    decided = decide(run, panel, choice, present)
    told = {"action": decided.action, "because": decided.because, **decided.facts}
    run.write_facts(DECISION, told)
    return _worth(run, panel, decided.applied(choice, present))


def _chosen(run: Run, panel: Panel, present: Champion | None, step: Step) -> ModelChoice:
    dates = _past_dates(panel, run)
    happened = join_outcomes(_index_at(panel, dates), run.outcomes(dates))
    return choose_model(
        panel,
        happened["won_revenue"],
        settings=run.settings,
        dates=dates,
        as_of=run.as_of,
        known=Known(
            previous_tiers=_held_before(run, dates),
            future_rows=_future_rows(run, dates),
            cache=run.cache,
            step=step,
            ranked_by="" if present is None else present.model.ranked_by,
            totals=run.forecast_at(dates),
        ),
    )


def _future_rows(run: Run, dates: list[date]) -> int | None:
    """Return how many accounts' criteria see the future; of the same data it is tried once."""
    found: int | None = run.cache.value(
        "future_rows",
        [run.data_fingerprint, run.as_of, run.settings.criteria_fingerprint, dates[:1]],
        lambda: future_rows_seen(run.tables, dates, settings=run.settings),
    )
    return found


def predict_apart(run: Run) -> Path:
    """Return the folder of predictions and tests under other settings than the run's own.

    The model is fitted, tested and chosen as in a run, but for the refits on shuffled outcomes and
    the check of effort; an earlier model is never held. Kept in the cache.

    Parameters
    ----------
    run
        With the settings of a what-if.
    """

    def make(folder: Path) -> None:
        apart = replace(run, folder=folder, model_file=None)
        panel = make_panel(apart)
        choice = _chosen(apart, replace(panel, effort=()), champion(run), lambda _: None)
        worth = _worth(apart, panel, choice)
        frames = {
            PREDICTIONS_FILE: predict_accounts(apart, panel, worth).reset_index(),
            TESTED_FILE: _tested_with_pipeline(apart, worth),
        }
        for name, frame in frames.items():
            write_whole(folder / name, frame.to_parquet(index=False), lasting=False)

    return run.cache.files("what_if", [run.key], make)


def _worth(run: Run, panel: Panel, choice: ModelChoice) -> ModelChoice:
    """Return the choice whose predicted revenue adds up to the forecast of all known accounts."""
    total = run.forecast.horizon.predicted
    if not math.isfinite(total):
        return choice
    now = _values_at(panel, run.as_of)
    return replace(choice, card=choice.card.recalibrated(now, total=total))


def save_model(run: Run, panel: Panel, choice: ModelChoice) -> dict[str, Any]:
    """Leave model, predictions and facts for the stages that follow; return the facts."""
    prospects = run_prospects(run, panel, choice.trained_on)
    beside = prospects_at(panel, run.as_of, prospects)
    predictions = predict_accounts(run, panel, choice).join(beside, validate="1:1")
    frames = {
        PREDICTIONS_FILE: predictions.reset_index(),
        TESTED_FILE: _tested_with_pipeline(run, choice),
        QUARTERS_FILE: quarter_tests(run, choice),
    }
    for name, frame in frames.items():
        write_whole(run.folder / name, frame.to_parquet(index=False), lasting=False)
    write_model(run, choice, prospects=prospects)
    facts = model_facts(run, choice)
    facts |= {
        "prospects": prospect_facts(run, panel, choice.trained_on),
        "edits": edit_facts(run, choice),
    }
    run.write_facts("model", {"model": facts})
    return facts


def predict_accounts(run: Run, panel: Panel, choice: ModelChoice) -> pd.DataFrame:
    """Return one row per account at `as_of`: score, predicted revenue with its range, reasons."""
    now = _values_at(panel, run.as_of)
    ranked = choice.ranked(now)
    ranges = account_ranges(choice.tested_predictions(), ranked["predicted_revenue"])
    return ranked.join(ranges, validate="1:1").assign(reasons=reasons(choice.card, now))


def tier_totals(run: Run, tiered: pd.DataFrame) -> pd.DataFrame:
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
    names = [tier.name for tier in run.settings.tiers]
    totals = tiered.groupby("tier", observed=False)["predicted_revenue"].sum()
    totals = totals.reindex(names).fillna(0.0).astype(float)
    found = tier_ranges(
        pd.read_parquet(run.folder / TESTED_FILE),
        totals,
        capacities=tier_sizes(run, tiered),
        whole=run.forecast.horizon,
        seed=run.settings.model.seed,
        largest=largest_share(tiered, names),
    )
    return with_total(found, run.forecast.horizon)


def largest_share(tiered: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    """Return by tier the share of its predicted revenue that one account holds."""
    by_tier = tiered.groupby("tier", observed=False)["predicted_revenue"]
    sums = by_tier.sum()
    return (by_tier.max() / sums.where(sums > 0)).reindex(names)


def tier_sizes(run: Run, tiered: pd.DataFrame) -> list[int | None]:
    """Return how many accounts each tier holds by its rule; None for the one that takes the rest.

    A capacity for all accounts is its own size; other rules have the size that they gave.
    """
    tiering = run.settings.tiering
    whole = tiering.within is None and not tiering.new_and_expansion_apart
    counts = tiered["tier"].value_counts()
    return [
        None
        if tier.takes_rest
        else tier.capacity
        if whole and tier.capacity is not None and tier.where is None
        else int(counts.get(tier.name, 0))
        for tier in run.settings.tiers
    ]


def tier_pipeline(run: Run, totals: pd.DataFrame, tiered: pd.DataFrame) -> pd.DataFrame:
    """Return the pipeline that each tier should create in the horizon.

    It is the sum of what is predicted for its accounts.

    Returns
    -------
    pandas.DataFrame
        By tier: `predicted_pipeline`, and `why` where it cannot be said.
    """
    if not run.tables.has("opportunities", "created_date"):
        return _unsaid_pipeline(totals, "needs opportunities.created_date")
    by_tier = tiered.groupby("tier", observed=False)["predicted_pipeline"].sum(min_count=1)
    amounts = by_tier.reindex(totals.index).astype(float)
    amounts = amounts.mask(totals["predicted_revenue"].eq(0) & amounts.isna(), 0.0)
    why = "too few accounts have created pipeline to learn from"
    return pd.DataFrame({"predicted_pipeline": amounts, "why": why}, index=totals.index)


def _values_at(panel: Panel, day: date) -> pd.DataFrame:
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    at = values.index.get_level_values("as_of") == pd.Timestamp(day)
    return values[at].droplevel("as_of")


def _past_dates(panel: Panel, run: Run) -> list[date]:
    moments = panel.values.index.get_level_values("as_of").unique()  # noqa: PD011
    return sorted({moment.date() for moment in moments} - {run.as_of})


def _index_at(panel: Panel, dates: list[date]) -> pd.MultiIndex:
    index: pd.MultiIndex = panel.values.index  # type: ignore[assignment]  # noqa: PD011
    chosen = index.get_level_values("as_of").isin(pd.to_datetime(dates))
    return index[chosen]


def _held_before(run: Run, dates: list[date]) -> pd.Series[str] | None:
    """Return the tier held the day before each date, None where nobody held one."""
    if "tier_history" not in run.tables or not dates:
        return None
    held = tiers_in_force(run.tables, [day - timedelta(days=1) for day in dates])
    if held.empty:
        return None
    as_of = pd.to_datetime(held["day"]) + pd.Timedelta(days=1)
    return held.assign(as_of=as_of).set_index(["account_id", "as_of"])["tier"]


def _tested_with_pipeline(run: Run, choice: ModelChoice) -> pd.DataFrame:
    tested = choice.tested_predictions()
    if tested.empty:
        return tested.assign(pipeline_created_amount=[])
    days = [day.date() for day in sorted(tested["as_of"].unique())]
    created = run.outcomes(days)["pipeline_created_amount"]
    keyed = tested.set_index(["account_id", "as_of"]).join(created, how="left", validate="1:1")
    return keyed.fillna({created.name: 0.0}).reset_index()


def _unsaid_pipeline(totals: pd.DataFrame, why: str) -> pd.DataFrame:
    return pd.DataFrame({"predicted_pipeline": np.nan, "why": why}, index=totals.index)
