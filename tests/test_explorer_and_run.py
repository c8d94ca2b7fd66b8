"""The explorer, `tierkit explain` and the published report say the same of every account."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from report_samples import write_published

import tierkit
from tests.small_company import write_small_company
from tierkit.commands._explain import open_report
from tierkit.runs.modelling import (
    PREDICTIONS_FILE,
    fit_model,
    make_panel,
    save_model,
    tier_pipeline,
    tier_totals,
)
from tierkit.runs.opening import open_run
from tierkit.runs.report import tiers_table
from tierkit.runs.tiering import tier_accounts
from tierkit.settings import read_settings

pytestmark = pytest.mark.slow

AS_SIMULATED = ""
BY_HAND_IN_GROUPS = (
    "\n[tiering]\nnew_and_expansion_apart = true\n"
    '[[card.criteria]]\ncriterion = "employees"\nedges = [100, 1000]\npoints = [0.0, 4.0, 9.0]\n'
    '[[card.criteria]]\ncriterion = "won_revenue_4q"\nedges = [1.0]\npoints = [0.0, 8.0]\n'
)


@pytest.fixture(scope="module", params=[AS_SIMULATED, BY_HAND_IN_GROUPS], ids=["fitted", "by hand"])
def published(request, tmp_path_factory):
    """A project whose quarter is published, and what its run has proposed."""
    folder = write_small_company(tmp_path_factory.mktemp("published"), accounts=120)
    file = folder / "tierkit.toml"
    text, effort = file.read_text(), re.compile(r"^gross_margin = [\d.]+", re.MULTILINE)
    text = effort.sub("gross_margin = 0.6", text)
    if request.param == BY_HAND_IN_GROUPS:
        text = text.replace("[model]", '[model]\nkind = "rules card"')
    file.write_text(text + request.param)
    work = open_run(str(folder))
    work = replace(work, folder=folder / "reports" / work.quarter.label)
    work.folder.mkdir(parents=True)
    panel = make_panel(work)
    save_model(work, panel, fit_model(work, panel))
    predictions = pd.read_parquet(work.folder / PREDICTIONS_FILE).set_index("account_id")
    tiering = tier_accounts(work, predictions)
    tiers = tiers_table(tiering).to_csv(index=False)
    write_published(folder / "reports", work.quarter.label, tiers)
    pipeline = tier_pipeline(work, tier_totals(work, tiering.tiered), tiering.tiered)
    explorer = tierkit.explore(str(folder))
    explorer.check_gate()  # ranges of a card set by hand are the run's from here on
    report = open_report(read_settings(folder))
    return SimpleNamespace(
        explorer=explorer,
        report=report,
        shown={one: explorer.show_account(one) for one in report.accounts["account_id"]},
        tiering=tiering,
        pipeline=pipeline["predicted_pipeline"],
    )


def test_every_account_is_explained_as_tierkit_explain_does(published):
    moved = 0
    for account, shown in published.shown.items():
        told = published.report.explain(account)
        assert shown.standing == told.standing
        moved += len(told.moves)
        if shown.explained is not None:
            assert shown.explained.moves == told.moves
            assert shown.explained.reasons == told.reasons
            assert shown.predicted == pytest.approx(told.predicted_revenue, rel=1e-9)
            pd.testing.assert_frame_equal(shown.explained.factors, told.factors)
    assert moved


def test_every_account_stands_in_the_explorer_as_in_the_published_tiers(published):
    tiers = published.report.published.tiers
    for account, shown in published.shown.items():
        assert (account in tiers.index) == bool(shown.tier)
        if shown.tier:
            row = tiers.loc[account]
            assert shown.tier == row["tier"]
            assert shown.explained.reasons == ("" if pd.isna(row["reasons"]) else row["reasons"])
            assert shown.predicted == pytest.approx(row["predicted_revenue"], abs=0.006)
            low, high = row["predicted_low"], row["predicted_high"]
            assert shown.range_is_of_run
            assert (shown.low is None) == pd.isna(low)
            if shown.low is not None:
                assert (shown.low, shown.high) == pytest.approx((low, high), abs=0.006)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the numbers of its figures."""
    return frame.assign(break_even=[one.value for one in frame["break_even"]])


def test_money_hours_and_moves_of_the_tiers_are_those_of_the_run(published):
    view, run = published.explorer.view, published.tiering
    shown, told = (_numbers(one.break_even) for one in (view, run))
    pd.testing.assert_frame_equal(shown, told)
    assert view.break_even["margin"].eq(0.6).all()
    pd.testing.assert_frame_equal(view.tier_effort, run.tier_effort)
    pd.testing.assert_frame_equal(view.role_effort, run.role_effort)
    assert view.pipeline == pytest.approx(published.pipeline.to_dict(), nan_ok=True)
    counted = {name: getattr(run.moves, name) for name in ("up", "down", "entered", "left")}
    assert view.moves == counted
    assert view.matrix.to_dict("index") == run.moves.matrix


def test_why_an_account_has_no_tier_is_what_the_run_says(published):
    untiered = published.tiering.untiered.set_index("account_id")["reason"]
    for account, reason in untiered.items():
        assert published.shown[account].standing == f"No tier: {reason}."
