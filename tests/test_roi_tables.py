"""From tables to a standings, and from a standings to the facts of a report."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from projects import world_frames

from tierkit.charts.effects import event_study as event_chart, line_picture as line_chart
from tierkit.crm.tables import tables_from_frames
from tierkit.roi._outcomes_by_tier import TierOutcomes, outcomes_by_tier
from tierkit.roi.boundaries import compare_boundaries, study_boundaries
from tierkit.roi.from_tables import tier_standings
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world
from tierkit.settings import parse_settings

AS_OF = date(2026, 7, 1)
HISTORY = pd.DataFrame(
    [("A", "Tier 1", "2026-01-01", "2026-04-01", 90.0, 80.0, "false"),
     ("A", "Tier 2", "2026-04-01", None, 70.0, 80.0, "false"),
     ("B", "Tier 1", "2026-01-01", None, 20.0, 80.0, "true"),
     ("C", "Gold", "2026-01-01", None, 10.0, 80.0, "false")],
    columns=["account_id", "tier", "start_date", "end_date", "score", "cut_score", "overridden"],
)  # fmt: skip
DEALS = pd.DataFrame(
    [("O1", "A", "2025-09-01", "2025-12-31", "100.00", "true"),
     ("O2", "A", "2026-01-01", "2026-03-31", "300.00", "true"),
     ("O3", "A", "2026-01-02", "2026-04-01", "-40.00", "true"),
     ("O4", "B", "2025-12-31", "2026-06-30", "50.00", "false"),
     ("O5", "B", "2026-05-01", "2026-09-30", "70.00", None),
     ("O6", "Z", "2026-05-01", "2026-05-30", "70.00", "true")],
    columns=["opportunity_id", "account_id", "created_date", "close_date", "amount", "is_won"],
)  # fmt: skip
ACCOUNTS = pd.DataFrame({
    "account_id": ["A", "B", "C", "P"], "parent_id": ["P", "P", None, None],
    "employees": ["9", None, "99", "5"], "created_date": ["2025-01-01", None, None, None],
})  # fmt: skip


def project(**changes):
    tiers = [{"name": "Tier 1", "capacity": 2}, {"name": "Tier 2"}]
    return parse_settings({"tiers": tiers, **changes})


def crm(**frames):
    return tables_from_frames(
        {"tier_history": HISTORY, "opportunities": DEALS, "accounts": ACCOUNTS, **frames}
    )


def test_a_ladder_by_hand():
    found = tier_standings(crm(), settings=project(), as_of=AS_OF)
    assert found.account_ids.tolist() == ["A", "B", "C"]
    assert found.quarters == ("2026Q1", "2026Q2")  # 2025Q4 is not whole in the data
    assert found.level.tolist() == [[0, 1], [0, 0], [-1, -1]]  # Gold is no tier of the settings
    assert found.score[:2].tolist() == [[90.0, 70.0], [20.0, 20.0]]
    assert found.overridden.tolist() == [[False, False], [True, True], [False, False]]
    assert found.history.won_revenue.tolist() == [[300.0, -40.0], [0.0, 0.0], [0.0, 0.0]]
    assert found.history.wins_count.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]


def test_open_deals_had_been_created_and_not_been_closed():
    open_deals = tier_standings(crm(), settings=project(), as_of=AS_OF).history.open_deals
    assert open_deals.tolist() == [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_a_deal_counts_in_the_quarter_that_it_began_in_once_it_was_watched_as_deals_take():
    history = tier_standings(crm(), settings=project(), as_of=date(2026, 7, 1)).history
    assert history.watched_days == 121  # from 2025-09-01 to 2025-12-31, the longest of four
    assert np.isnan(history.begun_revenue).all()  # 2026Q1 ended 91 days ago
    later = tier_standings(crm(), settings=project(), as_of=date(2026, 10, 1)).history
    assert later.begun_revenue[0, 0] == 260.0  # 300 and the refund of 40, both created in 2026Q1
    assert later.begun_wins[0, 0] == 1.0
    assert np.isnan(later.begun_revenue[:, 1:]).all()


def test_deals_that_take_longer_than_they_are_watched_do_not_count():
    late = DEALS.assign(created_date=["2025-12-30", *["2026-01-01"] * 2, *["2026-05-01"] * 3])
    slow = pd.DataFrame([("S", "A", "2026-01-02", "2026-09-01", "900.00", "true")],
                        columns=DEALS.columns)  # fmt: skip
    many = pd.concat([late, slow, *(
        pd.DataFrame([(f"Q{n}", "Z", "2026-02-01", "2026-02-11", "5.00", "true")],
                     columns=DEALS.columns) for n in range(100)
    )])  # fmt: skip
    found = tier_standings(crm(opportunities=many), settings=project(), as_of=date(2026, 10, 1))
    assert found.history.watched_days == 10
    assert found.history.begun_revenue[0, 0] == 0.0  # 300 took 89 days, 900 took eight months
    assert not np.isnan(found.history.begun_revenue[:, :2]).any()


def test_without_created_dates_what_closed_in_the_quarter_counts():
    tables = crm(opportunities=DEALS.drop(columns="created_date"))
    found = tier_standings(tables, settings=project(), as_of=AS_OF)
    assert not found.begun
    assert found.outcome(1).tolist() == found.history.won_revenue.tolist()
    few = DEALS.assign(created_date=[*DEALS["created_date"][:1], *[None] * 5])
    assert not tier_standings(crm(opportunities=few), settings=project(), as_of=AS_OF).begun


def test_accounts_below_one_parent_are_one_cluster():
    history = tier_standings(crm(), settings=project(), as_of=AS_OF).history
    assert history.cluster[0] == history.cluster[1] != history.cluster[2]
    assert np.isnan(history.size[1])
    assert history.size[[0, 2]] == pytest.approx(np.log([10, 100]))
    assert history.tenure[0] == pytest.approx(np.log1p([4.0, 5.0]), abs=0.01)


def test_a_parent_that_turns_in_a_circle_ends():
    circle = ACCOUNTS.assign(parent_id=["B", "A", None, None])
    history = tier_standings(crm(accounts=circle), settings=project(), as_of=AS_OF).history
    assert len(history.cluster) == 3


def test_quarters_that_are_not_over_are_no_columns():
    found = tier_standings(crm(), settings=project(), as_of=date(2026, 6, 30))
    assert found.quarters == ("2026Q1",)
    assert tier_standings(crm(), settings=project(), as_of=date(2026, 1, 5)) is None


def test_without_tier_history_there_is_no_ladder():
    tables = tables_from_frames({"opportunities": DEALS})
    assert tier_standings(tables, settings=project(), as_of=AS_OF) is None


def test_without_recorded_scores_the_report_says_what_to_record():
    settings = project(run={"min_group": 1})
    tables = crm(tier_history=HISTORY.drop(columns=["score", "cut_score"]))
    outcomes = outcomes_by_tier(tables, settings=settings, as_of=AS_OF)
    (facts,) = compare_boundaries(
        outcomes, break_even=pd.DataFrame(), settings=settings, tables=tables, as_of=AS_OF
    )
    assert facts["verdict"] == "cannot tell"
    assert "`tierkit accept`" in facts["because"]
    assert facts["designs"][0]["design"] == "raw"


def test_a_handful_of_accounts_is_told_in_words():
    settings = project(run={"min_group": 1})
    outcomes = outcomes_by_tier(crm(), settings=settings, as_of=AS_OF)
    (facts,) = compare_boundaries(
        outcomes, break_even=pd.DataFrame(), settings=settings, tables=crm(), as_of=AS_OF
    )
    json.dumps(facts, allow_nan=False)
    assert facts["verdict"] == "cannot tell"
    assert facts["smallest_detectable_why"].startswith("too few at the line to say")


def as_tables(standings):
    frames, as_of = world_frames(standings)
    return tables_from_frames(frames), as_of


def test_tables_tell_what_the_world_behind_them_tells():
    small = World(accounts=400, capacities=(25, 90), quarters=6)
    standings = simulate_world(small, seed=5).standings
    tables, as_of = as_tables(standings)
    settings = parse_settings({"tiers": [
        {"name": "Tier 1", "capacity": 25}, {"name": "Tier 2", "capacity": 90}, {"name": "Tier 3"},
    ]})  # fmt: skip
    found = tier_standings(tables, settings=settings, as_of=as_of)
    assert (found.level == standings.level[:, -found.level.shape[1] :]).all()
    outcomes = outcomes_by_tier(tables, settings=settings, as_of=as_of)
    studies = study_boundaries(outcomes, found, break_even=pd.DataFrame(), settings=settings)
    direct = study_boundaries(TierOutcomes(()), standings, break_even=pd.DataFrame(),
                              settings=settings)  # fmt: skip
    for one, other in zip(studies.boundaries, direct.boundaries, strict=True):
        assert [d["design"] for d in one.facts["designs"]] == ["raw", "cutoff", "adjusted", "moved"]
        assert one.facts["verdict"] == other.facts["verdict"]
        assert one.facts["smallest_detectable"] == pytest.approx(
            other.facts["smallest_detectable"],
            rel=0.35,  # here a quarter's deals are one
        )


def test_the_pictures_draw_what_was_computed():
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    settings = parse_settings({"tiers": [
        {"name": "Tier 1", "capacity": 60}, {"name": "Tier 2", "capacity": 240},
        {"name": "Tier 3"},
    ]})  # fmt: skip
    standings = simulate_world(
        World(accounts=1200, capacities=(60, 240), quarters=8), seed=1
    ).standings
    study = study_boundaries(
        TierOutcomes(()), standings, break_even=pd.DataFrame(), settings=settings
    ).boundaries[1]
    figure, (left, right) = plt.subplots(1, 2)
    line_chart(study.line_picture, ax=left, tiers=("Tier 2", "Tier 3"), money="{:,.0f}".format)
    event_chart(study.event_study, ax=right, money="{:,.0f}".format)
    words = {text.get_text() for ax in (left, right) for text in ax.texts}
    assert {"Tier 2 →", "← Tier 3", "moved up", "moved down"} <= words
    dots = np.concatenate([line.get_ydata() for line in left.lines[:2]])
    assert sorted(dots) == pytest.approx(sorted(study.line_picture["mean"]))
    plt.close(figure)
