"""What came of an account is the same whoever asks: as it was known at the run's as_of."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from projects import write_project
from report_samples import facts, write_published

import tierkit
from tierkit.explorer import learned
from tierkit.features import build_panel
from tierkit.roi import override_scoreboard
from tierkit.runs import challenge, ledger, modelling, next_quarter, side_models
from tierkit.runs.opening import open_run
from tierkit.runs.run import Run

WON = 70.0
DEALS = """opportunity_id,account_id,created_date,close_date,amount,is_won,stage
O1,A1,2025-01-20,2026-06-20,70,false,Lost
O2,A2,2024-01-01,2024-02-01,10,true,Won
O3,A2,2024-01-01,2024-02-01,10,false,Lost
"""
HISTORY = """opportunity_id,changed_date,stage,amount,close_date
O1,2025-06-15,Won,70,2025-06-15
O1,2026-02-10,Talk,,2026-09-30
O1,2026-06-20,Lost,70,2026-06-20
"""
YEAR_BEFORE, QUARTER_BEFORE = date(2025, 1, 1), date(2025, 4, 1)


class Asked(Exception):
    """What somebody was told that accounts brought."""


@pytest.fixture
def run(tmp_path) -> Run:
    """A deal won in June 2025, re-opened in February 2026 and lost in June, as of January 2026."""
    project = write_project(tmp_path, deals=DEALS, stage_history=HISTORY)
    return open_run(str(project), quarter="2025Q4")


def a1(happened: pd.DataFrame, day: date) -> float:
    return float(happened["won_revenue"].get(("A1", pd.Timestamp(day)), 0.0))


def panel_at(run: Run, *days: date):
    return build_panel(run.tables, [*days, run.as_of], settings=run.settings)


@pytest.fixture
def told(monkeypatch):
    """Let a module's question end with the answer that it gets."""

    def of(module, ask, day: date) -> float:
        def answer(_index, happened):
            raise Asked(happened)

        monkeypatch.setattr(module, "join_outcomes", answer)
        with pytest.raises(Asked) as caught:
            ask()
        return a1(caught.value.args[0], day)

    return of


def test_the_run_itself(run):
    assert a1(run.outcomes([YEAR_BEFORE]), YEAR_BEFORE) == WON
    assert a1(run.outcomes([QUARTER_BEFORE], horizon_quarters=1), QUARTER_BEFORE) == WON
    later = open_run(str(run.settings.folder), quarter="2026Q2")
    assert a1(later.outcomes([YEAR_BEFORE]), YEAR_BEFORE) == 0


def test_fit_and_backtest(run, told):
    panel = panel_at(run, YEAR_BEFORE)
    assert told(modelling, lambda: modelling.fit_model(run, panel), YEAR_BEFORE) == WON


def test_challenge(run, told):
    panel = panel_at(run, YEAR_BEFORE)
    present = SimpleNamespace(fitted_as_of=lambda _: QUARTER_BEFORE)
    ask = lambda: challenge.challenge(run, panel, None, present)  # noqa: E731 (asked later)
    assert told(challenge, ask, QUARTER_BEFORE) == WON


def test_prospects(run, told):
    panel = panel_at(run, YEAR_BEFORE)
    ask = lambda: side_models.run_prospects(run, panel, [YEAR_BEFORE])  # noqa: E731 (asked later)
    assert told(side_models, ask, YEAR_BEFORE) == WON


def test_explorer(run, told):
    panel = panel_at(run, YEAR_BEFORE)
    choice = SimpleNamespace(trained_on=[YEAR_BEFORE], card=None)
    ask = lambda: learned._with_both_cards(run, panel, choice)  # noqa: E731 (asked later)
    assert told(learned, ask, YEAR_BEFORE) == WON


def test_ledger(run):
    promised = [{"tier": "Tier 1", "predicted_revenue": 80.0, "low": 40.0, "high": 160.0}]
    told = {"model": {**facts()["model"], "horizon_quarters": 1}, "tiers": promised}
    tiers = "account_id,tier,predicted_revenue\nA1,Tier 1,80\n"
    write_published(run.settings.reports, "2025Q1", tiers, told=told)
    (entry,) = ledger.ledger_facts(run)
    assert entry["delivered"] == WON


def test_the_next_quarter_of_earlier_predictions(run):
    tested = pd.DataFrame(
        {"account_id": ["A1"], "as_of": [pd.Timestamp("2025-04-01")], "rank_by": [1.0],
         "predicted": [80.0], "actual": [WON]}
    )  # fmt: skip
    choice = SimpleNamespace(
        tested_predictions=lambda: tested, kind="past revenue", ranked=lambda values: pd.DataFrame(
            {"score": 0.0, "predicted_revenue": 0.0}, index=values.index
        ),
    )  # fmt: skip
    found = next_quarter.quarter_tests(run, choice)
    first = found[(found["account_id"] == "A1") & (found["as_of"] == "2025-04-01")]
    assert first[next_quarter.COLUMN].tolist() == [WON]


def test_overrides_that_are_scored(tmp_path):
    held = (
        "account_id,tier,start_date,end_date,model_tier,overridden\n"
        "A1,Tier 1,2025-04-01,,Tier 2,true\nA2,Tier 2,2025-04-01,,Tier 1,false\n"
    )
    tiers = '[[tiers]]\nname = "Tier 1"\ncapacity = 1\n[[tiers]]\nname = "Tier 2"\n'
    project = write_project(
        tmp_path, deals=DEALS, stage_history=HISTORY, tier_history=held, settings=tiers
    )
    run = open_run(str(project), quarter="2025Q4")
    raised, _ = override_scoreboard(run.tables, settings=run.settings, as_of=run.as_of)
    assert raised["overridden"]["account_windows"] == 3
    assert raised["overridden"]["mean"] == pytest.approx(WON / 3)


SPEAK_OF_THE_DATA = {"runs/run.py", "runs/report.py", "pages/data.py", "pages/headings.py"}


def test_only_what_speaks_of_the_data_reads_later_rows():
    """Everything else has `Run.tables`, which hold nothing that was written later."""
    package = Path(tierkit.__file__).parent
    reads = {
        file.relative_to(package).as_posix()
        for room in ("runs", "pages", "dossiers", "explorer", "commands")
        for file in (package / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "source"
        and isinstance(node.value, ast.Name)
        and node.value.id in ("work", "run", "self")
    }
    assert reads == SPEAK_OF_THE_DATA


def test_no_settings_are_copied_to_ask_for_another_horizon():
    package = Path(tierkit.__file__).parent
    found = [
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if 'update={"horizon_quarters"' in file.read_text(encoding="utf-8")
    ]
    assert found == []
