"""Who can be tiered, who gets which tier, what moved, and what tiers cost."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.crm.tables import tables_from_frames
from tierkit.errors import DataError, SettingsError
from tierkit.figure import Figure
from tierkit.serving.cost import break_even, role_effort, tier_effort
from tierkit.settings import Entitlement, Role, StabilitySettings, Tier
from tierkit.tiers.assign import assign_tiers
from tierkit.tiers.eligibility import check_eligibility
from tierkit.tiers.moves import moved_accounts, previous_tiers, tier_moves
from tierkit.tiers.overrides import no_overrides

BAND = StabilitySettings(keep_band=1.5, max_moves_share=1.0)
ONE_TWO_REST = (
    Tier(name="Tier 1", capacity=2),
    Tier(name="Tier 2", capacity=2),
    Tier(name="Tier 3"),
)
NOBODY = pd.Series([], index=pd.Index([], dtype="str"), dtype="str")


def predicted(scores):
    index = pd.Index(list(scores), name="account_id", dtype="str")
    score = pd.Series(list(scores.values()), index=index, dtype=float)
    return pd.DataFrame({"score": score, "predicted_revenue": score * 10})


def ranked(ids):
    """The accounts of `ids` in this order, best first."""
    return predicted({account: len(ids) - place for place, account in enumerate(ids)})


def overriding(tiers):
    return pd.DataFrame({"account_id": list(tiers), "tier": list(tiers.values())}, dtype="str")


def assign(frame, *, tiers=ONE_TWO_REST, previous=NOBODY, overrides=None, stability=BAND):
    return assign_tiers(
        frame,
        tiers=tiers,
        stability=stability,
        previous=previous if isinstance(previous, pd.Series) else pd.Series(previous, dtype="str"),
        overrides=no_overrides() if overrides is None else overriding(overrides),
    )


def members(assigned, tier):
    return "".join(sorted(assigned.index[assigned["tier"] == tier]))


def test_without_earlier_tiers_rank_alone_decides():
    assigned = assign(ranked("ABCDEF"))
    assert assigned["tier"].tolist() == ["Tier 1"] * 2 + ["Tier 2"] * 2 + ["Tier 3"] * 2
    assert assigned["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert assigned["model_tier"].tolist() == assigned["tier"].tolist()
    assert assigned["previous_tier"].isna().all()
    assert not assigned["kept_by_band"].any()
    assert tier_moves(assigned).up == tier_moves(assigned).entered == 0


def test_an_incumbent_keeps_its_slot_up_to_the_end_of_the_band():
    # Tier 1 has 2 places, so its band ends at rank 3: C stays, and B finds no open slot
    held = {"A": "Tier 1", "C": "Tier 1", "B": "Tier 2", "D": "Tier 2", "E": "Tier 3"}
    assigned = assign(ranked("ABCDE"), previous=held)
    assert members(assigned, "Tier 1") == "AC"
    assert members(assigned, "Tier 2") == "BD"
    assert assigned.index[assigned["kept_by_band"]].tolist() == ["C"]


def test_an_incumbent_past_the_band_makes_room_for_the_best_of_the_rest():
    held = {"A": "Tier 1", "D": "Tier 1", "B": "Tier 2", "C": "Tier 2", "E": "Tier 3"}
    assigned = assign(ranked("ABCDE"), previous=held)
    assert members(assigned, "Tier 1") == "AB"
    assert assigned.loc[["B", "D"], "move_reason"].tolist() == [
        "rank rose into the tier",
        "rank fell past the keep band",
    ]


def test_a_demoted_account_does_not_fall_through_a_tier_that_it_ranks_inside():
    # D falls out of Tier 1 at rank 4; E and F hold Tier 2 inside its band, but rank after D
    held = {
        "A": "Tier 1",
        "D": "Tier 1",
        "E": "Tier 2",
        "F": "Tier 2",
        "B": "Tier 3",
        "C": "Tier 3",
    }
    assigned = assign(ranked("ABCDEF"), previous=held)
    assert members(assigned, "Tier 1") == "AB"
    assert members(assigned, "Tier 2") == "DE"


def test_lines_are_the_exit_line_for_incumbents_and_the_entry_line_for_challengers():
    held = {"A": "Tier 1", "G": "Tier 1", "B": "Tier 2", "C": "Tier 2"}
    scores = {"A": 70.0, "B": 60.0, "C": 50.0, "D": 40.0, "E": 30.0, "F": 20.0, "G": 10.0}
    assigned = assign(predicted(scores), previous=held)
    # Tier 1: the band ends at rank 3, at 50 points, so A stays and G goes; B enters with 60.
    # Tier 2: the band ends at rank 6, at 20 points, so C stays; D enters with 40.
    assert assigned["tier"].tolist() == ["Tier 1"] * 2 + ["Tier 2"] * 2 + ["Tier 3"] * 3
    assert assigned["cut_score"].to_dict() == {
        "A": 50.0, "B": 60.0, "C": 60.0, "D": 40.0, "E": 40.0, "F": 40.0, "G": 20.0,
    }  # fmt: skip


def test_a_challenger_faces_no_line_where_no_slot_was_open():
    tiers = (Tier(name="Tier 1", capacity=1), Tier(name="Tier 2"))
    assigned = assign(
        ranked("ABC"),
        tiers=tiers,
        previous={"B": "Tier 1"},
        stability=StabilitySettings(keep_band=2),
    )
    assert members(assigned, "Tier 1") == "B"
    assert assigned["cut_score"].isna().tolist() == [True, False, True]


def test_overrides_take_their_slots_first():
    assigned = assign(ranked("ABCDE"), overrides={"E": "Tier 1", "A": "Tier 3"})
    assert members(assigned, "Tier 1") == "BE"
    assert members(assigned, "Tier 3") == "A"
    assert assigned.loc[["E", "A"], "model_tier"].tolist() == ["Tier 3", "Tier 1"]
    assert assigned["overridden"].sum() == 2


def test_the_model_tier_is_what_the_rule_gives_without_any_override():
    frame = ranked("ABCDE")
    with_override = assign(frame, overrides={"E": "Tier 1"})
    assert with_override["model_tier"].tolist() == assign(frame)["tier"].tolist()
    assert with_override.loc["B", ["tier", "model_tier"]].tolist() == ["Tier 2", "Tier 1"]


def test_an_override_displaces_an_incumbent_and_says_so():
    held = {"A": "Tier 1", "B": "Tier 1", "C": "Tier 2", "D": "Tier 2", "E": "Tier 3"}
    assigned = assign(ranked("ABCDE"), previous=held, overrides={"E": "Tier 1"})
    assert members(assigned, "Tier 1") == "AE"
    assert assigned.loc["E", "move_reason"] == "override"
    assert assigned.loc["B", "move_reason"] == "overrides or a smaller capacity left no slot"


def test_an_override_stands_for_an_account_outside_the_scope():
    assigned = assign(ranked("ABC"), overrides={"X": "Tier 1"})
    assert members(assigned, "Tier 1") == "AX"
    assert assigned.loc["X"].isna()[["rank", "score", "cut_score", "model_tier"]].all()


def test_more_overrides_than_places_are_refused_with_the_counts():
    with pytest.raises(DataError, match="3 accounts are put into Tier 1; it has 2 places"):
        assign(ranked("ABCDE"), overrides=dict.fromkeys("ABC", "Tier 1"))


def test_beyond_the_last_capacity_there_is_no_tier():
    tiers = (Tier(name="Tier 1", capacity=1), Tier(name="Tier 2", capacity=1))
    assigned = assign(ranked("ABC"), tiers=tiers)
    assert assigned["tier"].isna().tolist() == [False, False, True]


def test_a_capacity_larger_than_the_number_of_accounts_is_no_error():
    tiers = (Tier(name="Tier 1", capacity=15), Tier(name="Tier 2"))
    assert members(assign(ranked("ABC"), tiers=tiers), "Tier 1") == "ABC"


def test_a_tier_of_no_places_stays_empty():
    tiers = (Tier(name="Tier 1", capacity=0), Tier(name="Tier 2"))
    assert members(assign(ranked("AB"), tiers=tiers, previous={"A": "Tier 1"}), "Tier 2") == "AB"


def test_no_account_at_all():
    assert assign(predicted({})).empty


def test_equal_predictions_are_taken_by_account_id():
    scores = {f"A{number:02d}": number % 2 for number in range(20)}  # alternating
    assigned = assign(predicted(scores))
    assert assigned.index[:4].tolist() == ["A01", "A03", "A05", "A07"]
    assert assigned.index[-2:].tolist() == ["A16", "A18"]


def test_sixty_zeros_of_a_hundred_fill_the_tiers_exactly():
    scores = {f"A{number:03d}": max(0, 40 - number) for number in range(100)}
    tiers = (
        Tier(name="Tier 1", capacity=25),
        Tier(name="Tier 2", capacity=25),
        Tier(name="Tier 3"),
    )
    assigned = assign(predicted(scores), tiers=tiers)
    assert assigned["tier"].value_counts().to_dict() == {"Tier 1": 25, "Tier 2": 25, "Tier 3": 50}
    assert members(assigned, "Tier 2").endswith("A048A049")


def test_a_score_is_ranked_before_predicted_revenue():
    frame = pd.DataFrame(
        {"score": [1.0, 2.0, 2.0], "predicted_revenue": [9.0, 1.0, 2.0]},
        index=pd.Index(["A", "B", "C"], name="account_id"),
    )
    assert assign(frame).index.tolist() == ["C", "B", "A"]


def test_an_account_without_a_score_is_refused_by_name():
    with pytest.raises(DataError, match="1 accounts have none, for example B"):
        assign(predicted({"A": 1.0, "B": float("nan")}))


def test_an_account_that_appears_twice_is_refused_by_name():
    with pytest.raises(DataError, match="appear more than once, for example A"):
        assign(pd.concat([ranked("AB"), ranked("A")]))


accounts = st.lists(st.integers(0, 4), min_size=1, max_size=30)
tier_names = st.sampled_from(["Tier 1", "Tier 2", "Tier 3", None])


@st.composite
def worlds(draw):
    scores = draw(accounts)
    ids = [f"A{number:02d}" for number in range(len(scores))]
    held = [draw(tier_names) for _ in ids]
    forced = draw(
        st.dictionaries(st.sampled_from(ids), st.sampled_from(["Tier 1", "Tier 3"]), max_size=2)
    )
    return (
        predicted(dict(zip(ids, scores, strict=True))),
        pd.Series(held, index=ids, dtype="str").dropna(),
        forced,
    )


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_no_tier_holds_more_than_its_capacity_and_none_is_left_open(world):
    frame, held, forced = world
    counts = assign(frame, previous=held, overrides=forced)["tier"].value_counts()
    assert counts["Tier 1"] <= 2
    assert counts["Tier 2"] <= 2
    assert counts.sum() == len(frame)
    if counts["Tier 3"] > list(forced.values()).count("Tier 3"):
        assert counts["Tier 1"] == counts["Tier 2"] == 2


@settings(max_examples=40, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(world, random):
    frame, held, forced = world
    rows, before = list(frame.index), list(held.index)
    random.shuffle(rows)
    random.shuffle(before)
    pd.testing.assert_frame_equal(
        assign(frame, previous=held, overrides=forced),
        assign(
            frame.loc[rows], previous=held.loc[before], overrides=dict(reversed(forced.items()))
        ),
    )


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_unchanged_data_give_no_moves(world):
    frame, held, forced = world
    first = assign(frame, previous=held, overrides=forced)
    again = assign(frame, previous=first["tier"].astype("object").dropna(), overrides=forced)
    assert moved_accounts(again).empty
    assert again["move_reason"].eq("").all()


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_nothing_that_was_passed_is_changed(world):
    frame, held, forced = world
    copies = frame.copy(), held.copy()
    assign(frame, previous=held, overrides=forced)
    pd.testing.assert_frame_equal(frame, copies[0])
    pd.testing.assert_series_equal(held, copies[1])


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_moves_add_up(world):
    frame, held, forced = world
    assigned = assign(frame, previous=held, overrides=forced)
    counted = tier_moves(assigned)
    moved = counted.up + counted.down + counted.entered + counted.left
    assert moved == len(moved_accounts(assigned)) == sum(counted.reasons.values())
    if counted.matrix:
        assert sum(n for row in counted.matrix.values() for n in row.values()) == len(assigned)


def test_a_little_noise_moves_fewer_accounts_with_the_band_than_without():
    rng = np.random.default_rng(1)
    ids = pd.Index([f"A{number:04d}" for number in range(400)], name="account_id")
    score = pd.Series(rng.normal(size=400), index=ids)
    tiers = (
        Tier(name="Tier 1", capacity=20),
        Tier(name="Tier 2", capacity=100),
        Tier(name="Tier 3"),
    )
    held = assign(pd.DataFrame({"score": score, "predicted_revenue": score}), tiers=tiers)["tier"]
    noisy = score + 0.05 * rng.normal(size=400)
    frame = pd.DataFrame({"score": noisy, "predicted_revenue": noisy})
    moved = [
        len(moved_accounts(assign(frame, tiers=tiers, previous=held.astype("object"),
                                  stability=StabilitySettings(keep_band=band))))
        for band in (1.0, 1.25)
    ]  # fmt: skip
    assert moved[0] >= 4
    assert moved[1] == 0


def test_moves_are_counted_with_their_reasons():
    # G falls from Tier 1 past both bands; B and D rise, E and F are new, X is no longer there
    held = {
        "A": "Tier 1",
        "G": "Tier 1",
        "B": "Tier 2",
        "C": "Tier 2",
        "D": "Tier 3",
        "X": "Tier 2",
    }
    counted = tier_moves(assign(ranked("ABCDEFG"), previous=held))
    assert (counted.up, counted.down, counted.entered, counted.left) == (2, 1, 2, 1)
    assert counted.reasons == {
        "entered scope": 2,
        "rank rose into the tier": 2,
        "left scope": 1,
        "rank fell past the keep band": 1,
    }
    assert counted.reasons_between_tiers == {
        "rank rose into the tier": 2,
        "rank fell past the keep band": 1,
    }
    assert counted.matrix["Tier 1"] == {"Tier 1": 1, "Tier 2": 0, "Tier 3": 1, "Untiered": 0}
    assert counted.matrix["Tier 2"]["Untiered"] == 1
    assert counted.matrix["Untiered"]["Tier 3"] == 2
    assert counted.facts()["up"] == 2


def test_a_tier_that_the_settings_no_longer_have_gives_no_right_to_a_slot():
    assigned = assign(ranked("ABC"), previous={"A": "Gold", "C": "Gold", "B": "Tier 1"})
    assert members(assigned, "Tier 1") == "AB"
    assert assigned.loc["A", "move_reason"] == "the earlier tier is no longer in the settings"
    assert tier_moves(assigned).matrix["Gold"]["Tier 2"] == 1


def test_every_account_is_eligible_or_has_a_reason():
    frame = pd.DataFrame({
        "account_id": ["A", "B", "C", "D", "E"],
        "country": ["US", "FR", None, None, "FR"],
        "employees": [50.0, 50.0, 50.0, None, None],
    })  # fmt: skip
    found = check_eligibility(frame, where=["country in ['US', 'DE'] or employees < 10"])
    assert found["reason"].tolist() == [
        "",
        "outside the ICP: country in ['US', 'DE'] or employees < 10",
        "ICP unknown: country is missing",
        "ICP unknown: country and employees are missing",
        "ICP unknown: employees is missing",
    ]
    assert found["eligible"].tolist() == [True, False, False, False, False]


def test_a_rule_that_is_not_met_counts_before_one_that_is_unknown():
    frame = pd.DataFrame({"account_id": ["A"], "country": [None], "employees": [5]})
    found = check_eligibility(frame, where=["country == 'US'", "employees >= 20"])
    assert found["reason"].tolist() == ["outside the ICP: employees >= 20"]


def test_without_rules_everybody_is_eligible():
    assert check_eligibility(pd.DataFrame({"account_id": ["A"]}), where=[])["eligible"].all()


def test_rules_on_unknown_columns_are_all_named_with_the_nearest():
    frame = pd.DataFrame({"account_id": ["A"], "employees": [5], "country": ["US"]})
    with pytest.raises(SettingsError) as raised:
        check_eligibility(frame, where=["employes >= 20", "contry == 'US'"])
    assert "Did you mean employees?" in str(raised.value)
    assert "Did you mean country?" in str(raised.value)


HISTORY = pd.DataFrame({
    "account_id": ["A", "A", "B", "C", "D"],
    "tier": ["Tier 2", "Tier 1", "Tier 2", "Tier 3", "Tier 1"],
    "start_date": ["2026-01-01", "2026-07-01", "2026-04-01", "2026-01-01", "2026-10-01"],
    "end_date": ["2026-07-01", None, "2026-09-30", "2026-10-01", None],
})  # fmt: skip


def test_the_previous_tier_is_the_one_in_force_the_day_before_as_of():
    # B's ended on 30 September exclusive, C's ends on 1 October exclusive, D's begins on 1 October
    found = previous_tiers(tables_from_frames({"tier_history": HISTORY}), as_of=date(2026, 10, 1))
    assert found.tiers.to_dict() == {"A": "Tier 1", "C": "Tier 3"}
    assert (found.source, found.remark) == ("tier_history", "")


def test_the_models_tier_is_read_beside_the_tier_that_a_person_set():
    history = HISTORY.assign(model_tier=["Tier 2", "Tier 3", None, "Tier 3", None])
    found = previous_tiers(tables_from_frames({"tier_history": history}), as_of=date(2026, 10, 1))
    assert found.by_model.to_dict() == {"A": "Tier 3", "C": "Tier 3"}


def test_of_overlapping_spans_the_one_that_began_last_counts():
    history = HISTORY.iloc[:2].assign(end_date=None)
    found = previous_tiers(tables_from_frames({"tier_history": history}), as_of=date(2026, 10, 1))
    assert found.tiers.to_dict() == {"A": "Tier 1"}


def test_without_history_the_last_published_run_counts_with_a_remark():
    published = pd.Series({"0012": "Tier 1", "NA": "Tier 2", "B": None})
    tables = tables_from_frames({"tier_history": HISTORY.iloc[4:]})
    found = previous_tiers(tables, as_of=date(2026, 10, 1), published=[published])
    assert found.tiers.to_dict() == {"0012": "Tier 1", "NA": "Tier 2"}
    assert found.source == "last published run"
    assert "no tier in force on 30 Sep 2026" in found.remark


def test_without_either_nobody_held_a_tier():
    found = previous_tiers(tables_from_frames({}), as_of=date(2026, 10, 1))
    assert found.tiers.empty
    assert found.source == "none"
    assert assign(ranked("ABC"), previous=found.tiers)["tier"].tolist()[0] == "Tier 1"


AE = Role(people=2.0, hours_per_person=100.0, cost_per_hour=50.0)
SDR = Role(people=1.0, hours_per_person=80.0, cost_per_hour=20.0)
MEETING = Entitlement(activity="meeting", role="AE", per_quarter=2.0, hours=3.0, cost=10.0)
CALL = Entitlement(activity="call", role="SDR", per_quarter=4.0, hours=0.5)
TREATED = (
    Tier(name="Tier 1", capacity=10, entitlements=(MEETING, CALL)),
    Tier(name="Tier 2", capacity=30, entitlements=(CALL,)),
    Tier(name="Tier 3"),
)
COUNTS = {"Tier 1": 10, "Tier 2": 30, "Tier 3": 500}


def test_hours_and_cost_follow_from_the_entitlements():
    # Tier 1: 2 × 3 h AE + 4 × 0.5 h SDR = 8 h; 2 × (3 × 50 + 10) + 4 × 0.5 × 20 = 360 an account
    effort = tier_effort(COUNTS, tiers=TREATED, roles={"AE": AE, "SDR": SDR})
    assert effort["hours"].tolist() == [Figure(80.0), Figure(60.0), Figure(0.0)]
    assert effort["cost"].tolist() == [Figure(3600.0), Figure(1200.0), Figure(0.0)]


def test_hours_by_role_stand_against_what_the_team_has():
    roles = {"AE": AE, "SDR": SDR, "Marketing": Role(people=0.0, hours_per_person=400.0)}
    effort = role_effort(COUNTS, tiers=TREATED, roles=roles)
    assert effort["hours"].tolist() == [60.0, 80.0, 0.0]
    assert effort["share_used"].tolist()[:2] == [Figure(0.3), Figure(1.0)]
    assert effort.loc["SDR", ["Tier 1", "Tier 2"]].tolist() == [20.0, 60.0]
    assert effort.loc["Marketing", "share_used"].why == "the hours of [roles.Marketing] are not set"


def test_a_cost_that_is_not_set_is_not_zero():
    roles = {"AE": Role(people=2.0, hours_per_person=100.0), "SDR": SDR}
    no_ticket = MEETING.model_copy(update={"cost": 0.0})
    tiers = (TREATED[0].model_copy(update={"entitlements": (no_ticket,)}), *TREATED[1:])
    effort = tier_effort(COUNTS, tiers=tiers, roles=roles)
    assert effort.loc["Tier 1", "cost"] == Figure.unknown("no cost_per_hour is set for AE")
    assert effort.loc["Tier 2", "cost"] == Figure(1200.0)


def test_without_entitlements_nothing_is_known():
    effort = tier_effort(COUNTS, tiers=ONE_TWO_REST, roles={})
    unknown = [*effort["hours"], *effort["cost"]]
    assert all(one.why.startswith("no tier has entitlements") for one in unknown)
    assert role_effort(COUNTS, tiers=ONE_TWO_REST, roles={}).empty


def test_break_even_is_the_extra_cost_over_the_revenue_of_an_account_and_quarter():
    # Tier 1 costs 360 an account, Tier 2 40: 320 more; 10 accounts × 4 quarters × 4,000 = 160,000
    pays = break_even(COUNTS, {"Tier 1": 160_000.0, "Tier 2": 0.0}, horizon_quarters=4,
                      tiers=TREATED, roles={"AE": AE, "SDR": SDR})  # fmt: skip
    assert pays.loc["Tier 1 / Tier 2", ["extra_cost", "revenue", "break_even"]].tolist() == [
        Figure(320.0), 4000.0, Figure(0.08),
    ]  # fmt: skip
    second = pays.loc["Tier 2 / Tier 3", "break_even"]
    assert second == Figure.unknown("no revenue is predicted for Tier 2")


def test_an_upper_tier_that_costs_no_more_pays_at_once():
    tiers = (Tier(name="Tier 1"), Tier(name="Tier 2", entitlements=(CALL,)))
    pays = break_even({"Tier 1": 1}, {"Tier 1": 100.0}, horizon_quarters=4, tiers=tiers,
                      roles={"SDR": SDR})  # fmt: skip
    assert pays["break_even"].tolist() == [Figure(0.0)]


def test_break_even_is_not_told_without_entitlements():
    pays = break_even(COUNTS, {}, horizon_quarters=4, tiers=ONE_TWO_REST, roles={})
    assert pays["break_even"].iloc[0].why == "neither Tier 1 nor Tier 2 has entitlements"
    assert not any(one.is_known for one in pays["break_even"])
