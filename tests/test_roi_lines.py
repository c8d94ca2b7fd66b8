"""The line that each account faced, and what was known on a quarter's first day."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.roi.boundary_rows import Boundaries, known_columns
from tierkit.roi.lines import NormalScale, capacity_line, find_line, own_lines
from tierkit.roi.standings import NO_TIER, History, Standings
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world


def standings(score, level, *, cut=None, overridden=None, won=None):
    """A standings of accounts × quarters from lists; wins are one per quarter with revenue."""
    score = np.asarray(score, dtype=float)
    won = np.zeros(score.shape) if won is None else np.asarray(won, dtype=float)
    count = len(score)
    return Standings(
        history=History(won, (won > 0) * 1.0, np.arange(count), np.zeros(count)),
        level=np.asarray(level),
        score=score,
        cut_score=np.full(score.shape, np.nan) if cut is None else np.asarray(cut, dtype=float),
        overridden=np.zeros(score.shape, bool) if overridden is None else np.asarray(overridden),
        tiers=("Tier 1", "Tier 2", "Tier 3"),
        account_ids=np.array([f"A{n}" for n in range(count)], dtype=object),
        quarters=tuple(f"Q{n}" for n in range(score.shape[1])),
    )


def test_an_account_has_the_line_that_was_recorded_or_that_of_its_peers():
    # two lines of one quarter: 80 into Tier 1, 40 into Tier 2; each row carries the nearer one
    scores = [[90.0], [75.0], [50.0], [30.0]]
    found = standings(scores, [[0], [1], [1], [2]], cut=[[80.0], [80.0], [40.0], [40.0]])
    assert own_lines(found, 0)[:, 0].tolist() == [80.0] * 4
    assert own_lines(found, 1)[:, 0].tolist() == [40.0] * 4


def test_incumbents_face_their_own_line():
    # in the second quarter whoever held Tier 1 stays down to 60; others need 85
    level = [[0, 0], [0, 0], [1, 1], [1, 0]]
    score = [[90, 90], [80, 65], [50, 80], [40, 95]]
    cut = [[70, 60], [70, 60], [70, 85], [70, 85]]
    lines = own_lines(standings(score, level, cut=cut), 0)
    assert lines[:, 1].tolist() == [60.0, 60.0, 85.0, 85.0]


def test_an_overridden_account_has_the_line_of_its_boundary():
    # score 20, put into Tier 1 by hand: it carries Tier 1's line in one CRM, Tier 2's in another
    for carried in (80.0, 40.0):
        found = standings(
            [[90.0], [75.0], [50.0], [30.0], [20.0]],
            [[0], [1], [1], [2], [0]],
            cut=[[80.0], [80.0], [40.0], [40.0], [carried]],
            overridden=[[False]] * 4 + [[True]],
        )
        assert own_lines(found, 0)[4, 0] == 80.0
        assert own_lines(found, 1)[4, 0] == 40.0


def test_without_a_recorded_line_it_lies_where_it_misplaces_the_fewest():
    found = standings(
        [[90.0], [80.0], [70.0], [60.0], [10.0]],
        [[0], [0], [1], [1], [0]],
        overridden=[[False]] * 4 + [[True]],  # put into Tier 1 against its score
    )
    assert set(own_lines(found, 0)[:, 0]) == {75.0}


def test_a_recorded_line_that_did_not_decide_is_not_believed():
    world = simulate_world(World(accounts=600, capacities=(25, 90), quarters=5), seed=2).standings
    shared = np.where(np.isnan(world.score), np.nan, 0.0)
    for quarter in range(4, 9):
        score, level = world.score[:, quarter], world.level[:, quarter]
        upper, lower = (capacity_line(score, level, boundary) for boundary in (0, 1))
        shared[:, quarter] = np.where(np.abs(score - upper) < np.abs(score - lower), upper, lower)
    one_for_all = Standings(**{**vars(world), "cut_score": shared})
    rows = Boundaries(one_for_all).rows(1, outcome_quarters=1)
    assert (rows.held == rows.ruled).mean() > 0.95


def test_no_account_lies_on_its_line_by_construction():
    found = standings([[90.0], [80.0], [70.0]], [[0], [0], [1]], cut=[[80.0], [80.0], [80.0]])
    assert own_lines(found, 0)[:, 0].tolist() == [75.0, 75.0, 75.0]


def test_recorded_and_found_lines_agree_on_who_is_ruled_in():
    world = simulate_world(World(accounts=600, capacities=(25, 90), quarters=5), seed=2).standings
    blind = Standings(**{**vars(world), "cut_score": np.full(world.score.shape, np.nan)})
    for boundary in (0, 1):
        given_, found = (Boundaries(x).rows(boundary, outcome_quarters=1) for x in (world, blind))
        assert (given_.ruled == found.ruled).mean() > 0.995
        apart = given_.held != given_.ruled
        assert apart.mean() < 0.1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=15))
def test_no_line_misplaces_fewer(pairs):
    score, upper = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])

    def misplaced(line):
        return int(((score >= line) != upper).sum())

    found = find_line(score, upper)
    assert misplaced(found) == min(misplaced(line) for line in np.arange(-1.5, 22.0))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True), st.floats(0.1, 1e3))
def test_normal_scores_depend_on_order_alone(values, stretch):
    scores = np.array(values)
    assert NormalScale(scores).of(scores) == pytest.approx(
        NormalScale(scores * stretch).of(scores * stretch)
    )


def test_one_line_for_all_holds_as_many_as_hold_the_tier():
    score, level = np.array([9.0, 8.0, 7.0, 6.0]), np.array([0, 1, 0, 1])
    assert capacity_line(score, level, 0) == 7.5


def test_what_is_known_ends_before_the_quarter():
    rng = np.random.default_rng(4)
    won = rng.gamma(1.0, 100.0, (5, 8)) * (rng.random((5, 8)) < 0.6)
    changed = won.copy()
    changed[:, 5:] = 7e6
    history = [History(x, (x > 0) * 1.0, np.arange(5), np.zeros(5)) for x in (won, changed)]
    for name in known_columns(history[0]):
        before, after = (known_columns(h)[name][:, :6] for h in history)
        assert np.array_equal(before, after), name


def test_a_window_that_is_not_over_has_no_outcome():
    found = standings(np.ones((2, 3)), [[0, 0, 0], [1, 1, 1]], won=[[1, 2, 4], [8, 16, 32]])
    assert np.isnan(found.outcome(2)[:, 2]).all()
    assert found.outcome(2)[:, :2].tolist() == [[3.0, 6.0], [24.0, 48.0]]


def test_only_rows_of_the_two_tiers_with_a_score_are_compared():
    score = [[90.0], [80.0], [70.0], [np.nan], [60.0], [50.0]]
    found = standings(score, [[0], [0], [1], [1], [2], [NO_TIER]], won=np.ones((6, 1)))
    rows = Boundaries(found).rows(0, outcome_quarters=1)
    assert rows.account.tolist() == [0, 1, 2]
    assert rows.ruled.tolist() == [True, True, False]
