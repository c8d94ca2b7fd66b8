"""A randomised band through the files: drawn from a report, put in force, read out afterwards."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from projects import world_frames, write_project
from report_samples import write_published

from tierkit.cli import main
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world
from tierkit.runs.experiments import (
    EXPERIMENTS,
    bands_before,
    draw_quarter_band,
    read_bands,
    read_effort_draws,
)
from tierkit.runs.run import Run
from tierkit.runs.tier_roi import compare_tiers
from tierkit.settings import read_settings

SETTINGS = """
[[tiers]]
name = "Tier 1"
capacity = 40
[[tiers]]
name = "Tier 2"
capacity = 80
[[tiers]]
name = "Tier 3"
[roi]
certificate_worlds = 0
"""
WORLD = World(accounts=300, capacities=(40, 80), quarters=4, wins=1.5)
PUBLISHED, DRAWN_FOR, AS_OF = "2023Q3", "2023Q4", date(2024, 1, 1)


@pytest.fixture(scope="module")
def standings():
    return simulate_world(WORLD, seed=3).standings


@pytest.fixture
def project(tmp_path, standings):
    """A project whose last quarter's tiers are proposed in the report of the quarter before."""
    frames, _ = world_frames(standings)
    history = frames["tier_history"]
    history = history[history["start_date"] < date(2023, 10, 1)]
    accounts = pd.DataFrame({"account_id": standings.account_ids})
    deals = frames["opportunities"].drop(columns="revenue_type")
    write_project(tmp_path, accounts=accounts.to_csv(index=False), deals=deals.to_csv(index=False),
                  tier_history=history.to_csv(index=False), settings=SETTINGS)  # fmt: skip
    settings = read_settings(tmp_path)
    publish(settings, standings)
    return settings


def publish(settings, standings):
    level, score = standings.level[:, -1], standings.score[:, -1]
    rank = np.empty(len(score), dtype=int)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    tier = np.array(standings.tiers)[level]
    tiers = pd.DataFrame({
        "account_id": standings.account_ids, "tier": tier, "model_tier": tier, "rank": rank,
        "score": score, "predicted_revenue": 1000.0 - rank, "cut_score": standings.cut_score[:, -1],
        "overridden": standings.overridden[:, -1], "move_reason": "",
    }).sort_values("rank")  # fmt: skip
    write_published(settings.reports, PUBLISHED, tiers.to_csv(index=False))


def command(project, *arguments):
    main_arguments = [*arguments, "-f", str(project.folder)]
    with pytest.raises(SystemExit) as caught:
        main(main_arguments)
    return caught.value.code


def read_out(project):
    work = Run(
        settings=project,
        quarter=project.fiscal_calendar.parse(DRAWN_FOR),
        source=read_tables(project),
        folder=project.scratch,
    )
    return compare_tiers(work, SimpleNamespace(break_even=pd.DataFrame()))


def test_a_band_is_drawn_put_in_force_and_read_out(project, standings, capsys):
    assert command(project, "draw", PUBLISHED, "--ranks", "6-75", "--seed", "7") == 0
    told = capsys.readouterr().out
    assert "of predicted revenue at risk" in told
    (band,) = read_bands(project)
    assert band.hash in told
    assert (band.quarter, band.seed) == (DRAWN_FOR, 7)

    assert command(project, "accept", PUBLISHED) == 0
    assert (
        f"{len(band.rows)} of them hold the tier that was drawn by lot" in capsys.readouterr().out
    )
    held = pd.read_csv(project.folder / "tier_history.csv", index_col="account_id")
    drawn = band.rows.set_index("account_id")["drawn_tier"]
    assert held.loc[drawn.index, "tier"].tolist() == drawn.tolist()
    assert held.loc[drawn.index, "overridden"].all()
    assert held.loc[drawn.index, "reason"].unique().tolist() == [
        f"drawn by lot, randomised band {band.hash} ({PUBLISHED})"
    ]
    sizes = [int((level == 0).sum()) for level in (standings.level[:, -1],)]
    assert [(held["tier"] == "Tier 1").sum()] == sizes  # a draw keeps the tier's size

    first, second = read_out(project).boundaries
    lot = next(one for one in first["designs"] if one["design"] == "randomised")
    assert lot["account_quarters"] == len(band.rows)
    assert lot["relative"]["low"] < 0 < lot["relative"]["high"]  # this world has no effect
    other = next(one for one in second["designs"] if one["design"] == "randomised")
    assert other["why"] == "no band was drawn by lot at this line"


def test_a_run_for_an_earlier_quarter_sees_no_later_draw(project):
    draw_quarter_band(project, PUBLISHED, ranks=(6, 75))
    assert bands_before(project, date(2023, 10, 1)) == []
    assert len(bands_before(project, AS_OF)) == 1


def test_a_lot_that_decided_nothing_is_not_told(project):
    draw_quarter_band(project, PUBLISHED, ranks=(6, 75), seed=7)
    assert command(project, "accept", PUBLISHED, "--from", "2023-10-15") == 0
    (first, _) = read_out(project).boundaries
    lot = next(one for one in first["designs"] if one["design"] == "randomised")
    assert lot["relative"]["estimate"] is None


def test_accepting_within_a_quarter_says_that_the_band_cannot_be_read_out(project, capsys):
    draw_quarter_band(project, PUBLISHED, ranks=(6, 75))
    command(project, "accept", PUBLISHED, "--from", "2023-10-15")
    assert "that takes force on 2023-10-15 cannot be read out" in capsys.readouterr().out


def test_by_default_the_band_reaches_a_fifth_of_the_places_to_both_sides(project):
    ranks = draw_quarter_band(project, PUBLISHED).band.rows["rank"]
    assert (ranks.min(), ranks.max()) == (33, 48)
    second = draw_quarter_band(project, PUBLISHED, upper="Tier 2").band.rows
    assert second["rank"].between(105, 136).all()


def test_an_account_takes_part_in_one_band_alone(project):
    first = draw_quarter_band(project, PUBLISHED, ranks=(20, 110)).band.rows
    second = draw_quarter_band(project, PUBLISHED, upper="Tier 2", ranks=(100, 140)).band.rows
    assert not set(first["account_id"]) & set(second["account_id"])


def test_a_band_is_drawn_once(project):
    drawn = draw_quarter_band(project, PUBLISHED, ranks=(6, 75))
    with pytest.raises(SettingsError, match=f"drawn already as {drawn.band.hash}"):
        draw_quarter_band(project, PUBLISHED, ranks=(6, 75), seed=8)


def test_a_report_that_changed_after_the_draw_is_not_accepted(project):
    draw_quarter_band(project, PUBLISHED, ranks=(6, 75))
    file = project.reports / PUBLISHED / "tiers.csv"
    tiers = pd.read_csv(file)
    tiers.assign(rank=tiers["rank"] + 1).to_csv(file, index=False)
    assert command(project, "accept", PUBLISHED) == 3
    assert not (project.folder / "tier_history.csv").exists()


def test_a_file_that_was_changed_after_the_draw_stops_a_run_before_it_begins(project, capsys):
    drawn = draw_quarter_band(project, PUBLISHED, ranks=(6, 75))
    text = drawn.file.read_text()
    drawn.file.write_text(text.replace("Tier 1,Tier 2,Tier 1", "Tier 1,Tier 2,Tier 2", 1))
    with pytest.raises(DataError, match="changed it after the draw"):
        read_bands(project)
    assert command(project, "run", "--quarter", DRAWN_FOR, "--dry-run") == 3
    assert "changed it after the draw" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("draw", "2023Q2"), "2023Q2: no report of it is published"),
        (("draw", PUBLISHED, "--upper", "Tier 3"), "no line lies below it"),
        (("draw", PUBLISHED, "--ranks", "18-12"), "write the first and the last rank"),
        (("draw", PUBLISHED, "--ranks", "1-3"), "a band needs both"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(project, capsys, arguments, says):
    assert command(project, *arguments) == 2
    assert says in capsys.readouterr().err
    assert not (project.folder / EXPERIMENTS).exists()


def test_less_effort_is_drawn_inside_a_tier_and_read_out(project, capsys):
    asked = ("draw", PUBLISHED, "--effort", "less", "--tier", "Tier 2", "--share", "0.4")
    assert command(project, *asked, "--effect", "0.2", "--quarters", "1") == 0
    told = capsys.readouterr().out
    (draw,) = read_effort_draws(project)
    count = int(draw.rows["drawn"].sum())
    assert count == round(0.4 * len(draw.rows))
    assert told.startswith(f"{count} accounts of Tier 2 get less effort for 1 quarter,")
    assert "Nobody's tier changes" in told
    assert read_bands(project) == []

    assert command(project, "accept", PUBLISHED) == 0
    (found,) = read_out(project).effort_tests
    assert (found["tier"], found["arm"], found["drawn"]) == ("Tier 2", "less", count)
    assert found["relative"]["low"] < 0 < found["relative"]["high"]  # nothing was withheld here
    assert found["holds"] is None  # what the effort costs is not known
    assert command(project, *asked) == 2
    assert "drawn already as" in capsys.readouterr().err


def test_a_hold_out_belongs_to_the_report_it_was_drawn_from(project, capsys):
    facts = project.reports / PUBLISHED / "facts.json"
    first = json.loads(facts.read_text(encoding="utf-8"))
    assert command(project, "draw", PUBLISHED, "--effort", "more", "--share", "0.3") == 0
    assert read_effort_draws(project)[0].report == first["fingerprint"]
    facts.write_text(json.dumps({**first, "fingerprint": "second"}), encoding="utf-8")
    assert command(project, "accept", PUBLISHED) == 3
    assert "published anew as second" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--effort", "none"), "--effort none: write less or more."),
        (("--effort", "less", "--effect", "0"), "--effect 0: give a share above 0"),
        (("--effort", "less", "--tier", "Gold"), "--tier Gold: there is no such tier"),
        (("--effort", "less", "--share", "0.05"), "a draw needs 10"),
    ],
)
def test_a_hold_out_that_cannot_be_drawn_is_a_sentence(project, capsys, arguments, says):
    assert command(project, "draw", PUBLISHED, *arguments) == 2
    assert says in capsys.readouterr().err
