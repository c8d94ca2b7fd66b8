"""Engagement fades, needs several people, and its threshold is chosen on what came of it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.serving.engagement import EngagementWeeks, engagement_weeks, qualified_accounts
from tierkit.serving.qualifying import became_qualified, choose_threshold, eligible_weeks
from tierkit.settings import EngagementSettings, Settings, parse_settings

AS_OF = date(2026, 1, 7)
TOUCHES = "account_id date type direction contact_id;"


def weeks_of(touches, **changes):
    settings = EngagementSettings(**{"weeks": 8, "half_life_days": 7.0, **changes})
    return engagement_weeks(tables_of(activities=TOUCHES + touches), as_of=AS_OF, settings=settings)


def test_points_fade_by_half_after_each_half_life_and_add_up():
    weeks = weeks_of(
        "A 2026-01-06 demo inbound C1; A 2025-12-31 demo inbound C1", points={"demo": 8}
    )
    # a day old: 8 × 0.5^(1/7); seven days old: 8 × 0.5
    assert weeks.now()["score"].tolist() == pytest.approx([8 * 0.5 ** (1 / 7) + 4])


def test_what_happens_on_the_day_or_later_and_our_own_touches_do_not_count():
    weeks = weeks_of("A 2026-01-07 visit inbound C1; A 2026-01-06 call outbound C1;"
                     "B 2026-01-06 visit inbound C2")  # fmt: skip
    assert weeks.accounts.tolist() == ["B"]


def test_types_without_points_count_nothing_once_any_has_points():
    touches = "A 2026-01-06 visit inbound C1; B 2026-01-06 Demo inbound C2"
    assert weeks_of(touches, points={"demo": 5}).accounts.tolist() == ["B"]
    assert weeks_of(touches).accounts.tolist() == ["A", "B"]


def test_the_score_of_a_week_is_the_same_whatever_comes_later():
    early = "A 2025-12-02 visit inbound C1; A 2025-12-20 visit inbound C2;"
    alone, later = weeks_of(early), weeks_of(f"{early} A 2026-01-05 visit inbound C3")
    before = [day < date(2026, 1, 5) for day in alone.days]
    np.testing.assert_allclose(alone.score[:, before], later.score[:, before])
    assert (alone.contacts[:, before] == later.contacts[:, before]).all()


def test_a_contact_counts_once_while_any_of_its_activities_is_recent():
    touches = (
        "A 2025-12-01 visit inbound C1; A 2025-12-08 visit inbound C1;"
        "A 2025-12-08 visit inbound -; A 2025-12-10 visit inbound C2; A 2025-12-30 visit inbound C1"
    )
    weeks = weeks_of(touches, contact_days=14)
    found = dict(zip(weeks.days, weeks.contacts[0].tolist(), strict=True))
    # C1 from 2 to 22 December and again from 31, C2 from 11 to 24
    assert found[date(2025, 12, 3)] == 1
    assert found[date(2025, 12, 17)] == 2
    assert found[date(2025, 12, 24)] == 1
    assert found[date(2025, 12, 31)] == 1


def made_weeks(score, contacts=None):
    score = np.array(score, dtype=float)
    days = tuple(AS_OF - timedelta(days=7 * n) for n in range(score.shape[1] - 1, -1, -1))
    ids = pd.Index([f"A{n}" for n in range(len(score))])
    people = np.full(score.shape, 2) if contacts is None else np.array(contacts)
    return EngagementWeeks(ids, days, score, people)


def qualified(weeks, **changes):
    settings = EngagementSettings(**{"quiet_days": 14, **changes})
    everyone = np.full(weeks.score.shape, fill_value=True)
    found = qualified_accounts(weeks, 5.0, settings=settings, eligible=everyone)
    return list(zip(found["account_id"], found["week"], strict=True))


def test_an_account_qualifies_when_it_crosses_and_not_while_it_stays():
    assert qualified(made_weeks([[0, 6, 7, 0, 6, 0], [6, 6, 6, 6, 6, 6]])) == [("A0", 1), ("A0", 4)]


def test_not_again_within_the_quiet_days():
    assert qualified(made_weeks([[0, 6, 0, 6, 0, 6]]), quiet_days=21) == [("A0", 1), ("A0", 5)]


def test_too_few_people_do_not_qualify_however_busy_they_are():
    weeks = made_weeks([[0, 9, 9, 9]], [[1, 1, 1, 2]])
    assert qualified(weeks) == [("A0", 3)]
    assert qualified(weeks, min_contacts=0) == [("A0", 1)]


def past(seed=1, accounts=300, weeks=80):
    """Accounts whose score rises now and then; where it rose far, an opportunity follows."""
    rng = np.random.default_rng(seed)
    peaks = rng.random((accounts, weeks)) < 0.04
    height = np.where(peaks, rng.uniform(1, 10, (accounts, weeks)), 0.0)
    came = rng.random((accounts, weeks)) < np.where(height > 6, 0.9, 0.05)
    return made_weeks(height), came


def chosen(**changes):
    weeks, came = past()
    settings = EngagementSettings(**{"outcome_days": 28, "quiet_days": 7, **changes})
    everyone = np.full(came.shape, fill_value=True)
    return choose_threshold(weeks, eligible=everyone, became=came, settings=settings)


def test_the_threshold_for_a_precision_is_the_lowest_that_reached_it():
    found = chosen(precision=0.8)
    assert 5 < found.value < 7
    assert found.learned.precision[0] >= 0.8
    assert found.tested.precision[0] == pytest.approx(found.learned.precision[0], abs=0.08)
    assert found.tested.precision[0] > 3 * found.base_rate


def test_the_threshold_for_a_capacity_brings_no_more_than_the_team_can_take():
    found = chosen(weekly_capacity=3.0)
    assert 2 < found.learned.a_week <= 3.0
    assert found.tested.a_week == pytest.approx(3.0, rel=0.35)
    assert chosen(weekly_capacity=1.0).value > found.value


def test_a_precision_out_of_reach_and_nothing_asked_are_said_in_words():
    assert chosen(precision=0.99).value is None
    assert "0.99" in chosen(precision=0.99).why
    assert "weekly_capacity" in chosen().why


def test_weeks_whose_outcome_is_not_over_teach_nothing():
    weeks, came = past()
    came[:, -4:] = True  # the last four weeks have less than 28 days behind them
    settings = EngagementSettings(outcome_days=28, quiet_days=7, precision=0.8)
    everyone = np.full(came.shape, fill_value=True)
    found = choose_threshold(weeks, eligible=everyone, became=came, settings=settings)
    assert found.value == chosen(precision=0.8).value
    assert found.learned.weeks + found.tested.weeks == 80 - 4 - 1


DEALS = "account_id created_date close_date amount is_won;"


def test_an_opportunity_within_the_days_counts_and_an_open_one_makes_busy():
    weeks = made_weeks([[1, 1, 1, 1]])  # 17, 24, 31 December, 7 January
    deals = DEALS + "A0 2025-12-26 2026-01-02 9 false; B 2025-12-26 - 9 -"
    settings = Settings(engagement=EngagementSettings(outcome_days=7))
    became, busy = became_qualified(tables_of(opportunities=deals), weeks, settings=settings)
    assert became.tolist() == [[False, True, False, False]]
    assert busy.tolist() == [[False, False, True, False]]


def test_only_who_held_the_tier_that_week_could_qualify():
    weeks = made_weeks([[1, 1, 1, 1], [1, 1, 1, 1]])
    held = "account_id tier start_date end_date; A0 T3 2025-12-20 -; A1 T1 2025-01-01 -"
    busy = np.zeros((2, 4), dtype=bool)
    eligible, _ = eligible_weeks(tables_of(tier_history=held), weeks, tier="T3", busy=busy)
    assert eligible.tolist() == [[False, True, True, True], [False] * 4]


def test_two_ways_to_choose_contradict_each_other():
    with pytest.raises(SettingsError, match="each alone decides"):
        parse_settings({"engagement": {"precision": 0.2, "weekly_capacity": 5.0}})


def test_a_tier_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match="no tier 'Gold'"):
        parse_settings({"engagement": {"tier": "Gold"}, "readiness": {"fresh_days": {"Tier 1": 9}}})


def test_without_directions_the_reason_is_said():
    tables = tables_of(activities="account_id date type; A 2026-01-01 visit")
    weeks = engagement_weeks(tables, as_of=AS_OF, settings=EngagementSettings())
    found = choose_threshold(weeks, eligible=np.zeros((0, 105), dtype=bool),
                             became=np.zeros((0, 105), dtype=bool),
                             settings=EngagementSettings(weekly_capacity=5.0))  # fmt: skip
    assert "direction" in found.why
