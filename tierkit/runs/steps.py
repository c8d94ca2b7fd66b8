"""The stages of a run as its methods call them: each leaves its result and returns what to show."""

from __future__ import annotations

import pandas as pd

from tierkit._backtest import FIT_STEPS, ModelChoice
from tierkit.features import Panel
from tierkit.files import write_whole
from tierkit.rendering import Fragment, progress_bar, tag
from tierkit.roi import batches_of
from tierkit.runs.effort import slot_facts
from tierkit.runs.modelling import (
    PREDICTIONS_FILE,
    QUARTERS_FILE,
    fit_model,
    make_panel,
    save_model,
    tier_pipeline,
    tier_totals,
)
from tierkit.runs.next_quarter import forecast_facts, next_quarter_totals, with_next_quarter
from tierkit.runs.report import write_report
from tierkit.runs.run import PANEL_FILE, Run
from tierkit.runs.scenarios import SCENARIOS_FILE, study_scenarios
from tierkit.runs.serving import Serving, study_serving
from tierkit.runs.tier_roi import TierRoi, compare_tiers
from tierkit.runs.tiering import Tiering, tier_accounts, tier_facts


def fit(run: Run, panel: Panel) -> ModelChoice:
    """Fit the card and test it, with a progress bar."""
    with progress_bar(len(FIT_STEPS)) as step:
        return fit_model(run, panel, step=step)


def save_fitted_model(run: Run, model: ModelChoice) -> Fragment:
    """Leave the model and its predictions for the stages that follow."""
    save_model(run, Panel.read(run.folder / PANEL_FILE), model)
    return _done(f"The {model.kind} is saved for the notebooks that follow.")


def assign(run: Run, model: ModelChoice | None = None) -> Tiering:
    """Give each account in scope its tier, by the given model or the one that is saved."""
    if model is not None:
        save_fitted_model(run, model)
    return tier_accounts(run, _predictions(run))


def compare_past_tiers(run: Run) -> TierRoi:
    """Compare what came of the tiers that were in force, with a progress bar."""
    tiering = assign(run)
    with progress_bar(batches_of(run.settings.roi.certificate_worlds)) as step:
        return compare_tiers(
            run,
            tiering,
            progress=lambda _done, _all: step("trying the designs on simulated accounts"),
        )


def save_roi(run: Run, roi: TierRoi) -> Fragment:
    """Leave the comparison of tiers for the report."""
    run.write_facts("roi", {"roi": roi.facts()})
    return _done("The comparison is saved for the report.")


def write_files(run: Run, tiering: Tiering, serving: Serving | None = None) -> dict[str, object]:
    """Write facts, tiers and the CRM file of the report; return what `facts.json` holds."""
    totals = tier_totals(run, tiering.tiered)
    pipeline = tier_pipeline(run, totals, tiering.tiered)
    coming = next_quarter_totals(run, totals, pd.read_parquet(run.folder / QUARTERS_FILE))
    if not run.read_facts("roi"):
        save_roi(run, compare_tiers(run, tiering))
    found = tier_facts(run, tiering, totals=totals, pipeline=pipeline, slots=slot_facts(run))
    facts = {"tiers": with_next_quarter(found, coming), "forecast": forecast_facts(run, totals)}
    run.write_facts("tiers", facts)
    scenarios, rows = study_scenarios(run, tiering, _predictions(run))
    run.write_facts("scenarios", {"scenarios": scenarios})
    if len(rows):
        text = rows.to_csv(index=False, lineterminator="\n")
        write_whole(run.folder / SCENARIOS_FILE, text, lasting=False)
    return write_report(run, tiering, serving or study_serving(run, tiering))


def _predictions(run: Run) -> pd.DataFrame:
    file = run.folder / PREDICTIONS_FILE
    if not file.is_file():
        panel = make_panel(run)
        save_model(run, panel, fit(run, panel))
    return pd.read_parquet(file).set_index("account_id")


def _done(text: str) -> Fragment:
    return Fragment(str(tag("p", text)))
