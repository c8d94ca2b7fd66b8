"""What was found ahead of its notebook is taken for the same tiers, and found anew for others."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tierkit.commands import run as run_command
from tierkit.commands.units import REPORT_PLAN
from tierkit.dossiers.example import example_run
from tierkit.dossiers.make import MADE_AHEAD
from tierkit.publishing.parameters import RUN_NOTEBOOKS
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.worlds import World, simulate_world
from tierkit.runs.leakage import future_rows_of, leave_future_rows
from tierkit.runs.run import open_run
from tierkit.runs.serving import leave_serving, leave_serving_without_tiers, study_serving
from tierkit.runs.steps import tier_run_accounts
from tierkit.runs.tier_roi import compare_tiers, leave_certificate, leave_past
from tierkit.settings import Settings


@pytest.fixture(scope="module")
def kept():
    """Return a run, its tiers, and what is found of them, which the run's folder holds too."""
    run = example_run()
    tiering = tier_run_accounts(run)
    found = study_serving(run, tiering)
    leave_serving(run, tiering)
    leave_serving_without_tiers(run)
    return run, tiering, found


def found_anew(monkeypatch, *names: str) -> None:
    """Let each of these functions of serving say that it was asked."""
    for name in names:
        monkeypatch.setattr(f"tierkit.runs.serving.{name}", lambda *_, **__: "anew")


BY_TIERS = ("study_effort", "study_readiness", "study_chances")
WITHOUT_TIERS = ("study_engagement", "override_scoreboard")


def test_what_was_found_for_the_same_tiers_is_taken_as_it_is(kept, monkeypatch):
    run, tiering, found = kept
    found_anew(monkeypatch, *BY_TIERS, *WITHOUT_TIERS)
    again = study_serving(run, tiering)
    assert "anew" not in [vars(again)[name] for name in vars(again)]
    assert again.scoreboard == found.scoreboard
    names = [tier.name for tier in run.settings.tiers]
    assert again.chances.facts(names) == found.chances.facts(names)


def test_other_tiers_are_looked_at_anew(kept, monkeypatch):
    run, tiering, _ = kept
    other = replace(tiering, assigned=tiering.assigned.iloc[::-1])
    found_anew(monkeypatch, *BY_TIERS)
    again = study_serving(run, other)
    assert [again.effort, again.readiness, again.chances] == ["anew"] * 3


def test_other_settings_are_looked_at_anew(kept, monkeypatch):
    run, tiering, _ = kept
    target = run.settings.target.model_copy(update={"horizon_quarters": 2})
    other = replace(run, settings=run.settings.model_copy(update={"target": target}))
    found_anew(monkeypatch, *BY_TIERS, *WITHOUT_TIERS)
    assert {*vars(study_serving(other, tiering)).values()} == {"anew"}


def test_what_came_of_past_tiers_is_taken_as_it_was_left(kept, monkeypatch):
    run, tiering, _ = kept
    first = compare_tiers(run, tiering)
    leave_past(run)
    for name in ("outcomes_by_tier", "tier_standings"):
        monkeypatch.setattr(f"tierkit.runs.tier_roi.{name}", lambda *_, **__: pytest.fail("anew"))
    assert compare_tiers(run, tiering).facts() == first.facts()


def test_what_needs_no_tiers_is_taken_whatever_the_tiers_are(kept, monkeypatch):
    run, tiering, found = kept
    found_anew(monkeypatch, *WITHOUT_TIERS)
    other = replace(tiering, assigned=tiering.assigned.iloc[::-1])
    again = study_serving(run, other)
    pd.testing.assert_frame_equal(again.engagement.qualified, found.engagement.qualified)


@pytest.fixture
def dates(kept, monkeypatch):
    """Return two quarter-ends that the run learns from."""
    run, _, _ = kept
    shift = run.settings.fiscal_calendar.shift
    found = [shift(run.quarter, quarters).as_of for quarters in (-2, -1)]
    for module in ("run", "leakage"):
        monkeypatch.setattr(f"tierkit.runs.{module}.training_dates", lambda *_, **__: found)
    return found


def test_the_look_for_the_future_is_taken_for_the_same_date_alone(kept, dates, monkeypatch):
    run, _, _ = kept
    leave_future_rows(run)
    monkeypatch.setattr("tierkit.runs.leakage.future_rows_seen", lambda *_, **__: "anew")
    assert future_rows_of(run, dates) == 0
    assert future_rows_of(run, dates[1:]) == "anew"


def test_outcomes_are_taken_as_they_were_left(kept, dates, monkeypatch):
    run = open_run(run_folder=str(kept[0].folder))
    found = run.known_outcomes(dates)
    assert found["won_revenue"].sum() > 0
    run.leave_outcomes()
    monkeypatch.setattr("tierkit.runs.run.outcomes", lambda *_, **__: pytest.fail("anew"))
    again = open_run(run_folder=str(run.folder))
    pd.testing.assert_frame_equal(again.known_outcomes(dates), found)


def test_a_certificate_is_taken_as_it_was_left(kept, monkeypatch):
    run, tiering, _ = kept
    roi = run.settings.roi.model_copy(update={"certificate_worlds": 2})
    run = replace(run, settings=run.settings.model_copy(update={"roi": roi}))
    past = SimpleNamespace(
        outcomes=TierOutcomes(()), standings=simulate_world(World(accounts=300), seed=1).standings
    )
    monkeypatch.setattr("tierkit.runs.tier_roi._past", lambda _: past)
    leave_certificate(run)
    monkeypatch.setattr(
        "tierkit.roi._certificate.try_designs", lambda *_, **__: pytest.fail("anew")
    )
    assert compare_tiers(run, tiering).certificate["worlds"] == 2


@pytest.mark.parametrize(("accounts", "begun"), [(999, set()), (1_000, {"fit_tier_model", "late"})])
def test_work_is_done_beside_notebooks_where_accounts_are_many(monkeypatch, accounts, begun):
    plans = []

    def run(_, **options):
        plans.append(options["plan"])
        return SimpleNamespace(remark="Ran.", folder=Path("nowhere"))

    tables = SimpleNamespace(source_rows={"accounts": accounts})
    monkeypatch.setattr(run_command, "_read", lambda _: (tables, None))
    monkeypatch.setattr(run_command, "_read_in_words", lambda *_: "")
    monkeypatch.setattr(run_command, "run_recalibration", run)
    request = run_command.Request(settings=Settings())
    run_command.recalibrate(request, on_step=str, ahead={"late": "some.module"})
    assert {*plans[0].ahead} & {"fit_tier_model", "late"} == begun


@pytest.mark.parametrize(
    ("notebook", "module"), sorted({**REPORT_PLAN.ahead, **MADE_AHEAD}.items())
)
def test_a_module_beside_a_notebook_of_a_run_works_alone(kept, notebook, module):
    """It is run without a word, so that nobody would notice that it does not."""
    assert notebook in RUN_NOTEBOOKS
    run, _, _ = kept
    subprocess.run([sys.executable, "-m", module, str(run.folder)], check=True)
