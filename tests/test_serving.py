"""How accounts are served is found once for the same tiers, and anew for others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierkit.dossiers.example import example_run
from tierkit.recalibration.serving import keep_serving, study_serving
from tierkit.recalibration.stages import tier_run_accounts


@pytest.fixture(scope="module")
def kept():
    """Return a run, its tiers, and what is found of them, which the run's folder holds too."""
    run = example_run()
    tiering = tier_run_accounts(run)
    found = study_serving(run, tiering)
    keep_serving(run, tiering)
    return run, tiering, found


def test_what_was_found_for_the_same_tiers_is_taken_as_it_is(kept, monkeypatch):
    run, tiering, found = kept
    monkeypatch.setattr(
        "tierkit.recalibration.serving.study_effort", lambda *_: pytest.fail("anew")
    )
    again = study_serving(run, tiering)
    assert again.scoreboard == found.scoreboard
    names = [tier.name for tier in run.settings.tiers]
    assert again.chances.facts(names) == found.chances.facts(names)


def test_other_tiers_are_looked_at_anew(kept, monkeypatch):
    run, tiering, _ = kept
    other = replace(tiering, assigned=tiering.assigned.iloc[::-1])
    monkeypatch.setattr("tierkit.recalibration.serving.study_effort", lambda *_: "anew")
    assert study_serving(run, other).effort == "anew"
