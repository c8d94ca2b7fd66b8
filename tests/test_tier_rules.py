"""Tiers by share, line, share of revenue and written rules; groups, owners, stay, move budget."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.errors import DataError, SettingsError
from tierkit.settings import StabilitySettings, Tier, parse_settings
from tierkit.tiers.assign import assign_within_budget
from tierkit.tiers.overrides import no_overrides
from tierkit.tiers.ranked_accounts import AccountContext

FREE = StabilitySettings(keep_band=1.5, min_quarters=0, max_moves_share=1.0)
REST = Tier(name="Rest")
NOBODY = pd.Series([], index=pd.Index([], dtype="str"), dtype="str")


def accounts(money):
    index = pd.Index(list(money), name="account_id", dtype="str")
    values = pd.Series(list(money.values()), index=index, dtype=float)
    return pd.DataFrame({"score": values, "predicted_revenue": values})


TEN = {letter: 100.0 - 10 * place for place, letter in enumerate("ABCDEFGHIJ")}  # 100, 90 … 10


def tiered(money, *tiers, held=None, forced=None, stability=FREE, **known):
    overrides = no_overrides()
    if forced:
        overrides = pd.DataFrame({"account_id": list(forced), "tier": list(forced.values())})
    columns = known.pop("columns", None)
    context = AccountContext(
        columns=None if columns is None else pd.DataFrame(columns),
        **{name: pd.Series(values) for name, values in known.items()},
    )
    return assign_within_budget(
        accounts(money),
        tiers=tiers,
        stability=stability,
        previous=NOBODY if held is None else pd.Series(held, dtype="str"),
        overrides=overrides,
        context=context,
    )


def of(assignment, tier="Top"):
    frame = assignment.accounts
    return "".join(sorted(frame.index[frame["tier"] == tier]))


def test_a_share_of_accounts_is_rounded_half_up():
    assert of(tiered(TEN, Tier(name="Top", share=0.25), REST)) == "ABC"  # 2.5 of 10
    assert of(tiered(TEN, Tier(name="Top", share=0.24), REST)) == "AB"


def test_a_line_lets_in_whoever_is_predicted_that_much():
    found = tiered(TEN, Tier(name="Top", line=70.0), REST)
    assert of(found) == "ABCD"
    assert found.accounts["cut_score"].eq(70.0).all()


def test_an_incumbent_stays_down_to_the_line_over_the_band():
    # 60 / 1.5 = 40: E and G stay, H (30) goes; F (50) held nothing and does not reach 60
    held = {"E": "Top", "G": "Top", "H": "Top"}
    found = tiered(TEN, Tier(name="Top", line=60.0), REST, held=held).accounts
    assert "".join(sorted(found.index[found["tier"] == "Top"])) == "ABCDEG"
    assert found.loc["H", "move_reason"] == "predicted revenue fell below the line"
    assert found.loc["G", ["kept_by", "cut_score"]].tolist() == ["keep band", 40.0]


def test_a_share_of_predicted_revenue_takes_as_many_accounts_as_hold_it():
    # 550 in all; A–C hold 270 (49 %), A–D 340: half needs four. Then 30 % (165): E, F, G hold 150
    found = tiered(
        TEN,
        Tier(name="Top", revenue_share=0.5),
        Tier(name="Middle", revenue_share=0.3),
        REST,
    )
    assert (of(found), of(found, "Middle"), of(found, "Rest")) == ("ABCD", "EFGH", "IJ")


def test_a_share_that_is_met_exactly_takes_no_account_more():
    assert (
        of(tiered({"A": 50.0, "B": 30.0, "C": 20.0}, Tier(name="Top", revenue_share=0.5), REST))
        == "A"
    )


def test_nobody_is_predicted_anything():
    assert of(tiered({"A": 0.0, "B": 0.0}, Tier(name="Top", revenue_share=0.5), REST)) == ""


SIZES = {
    "employees": {"A": 10.0, "B": 3000.0, "C": 2500.0, "D": None, "E": 2000.0},
    "industry": {**dict.fromkeys("ABDE", "Finance"), "C": "Retail"},
}
FIVE = dict(zip("ABCDE", [50.0, 40.0, 30.0, 20.0, 10.0], strict=True))
LARGE_BANK = 'employees >= 2000 and industry == "Finance"'


def test_a_written_rule_lets_in_whoever_meets_it_and_unknown_is_not_met():
    assert of(tiered(FIVE, Tier(name="Top", where=LARGE_BANK), REST, columns=SIZES)) == "BE"


def test_a_written_rule_with_a_capacity_takes_the_best_of_those_that_meet_it():
    assert (
        of(tiered(FIVE, Tier(name="Top", where=LARGE_BANK, capacity=1), REST, columns=SIZES)) == "B"
    )


def test_an_incumbent_that_no_longer_meets_the_rule_leaves_whatever_its_stay():
    top = Tier(name="Top", where=LARGE_BANK, min_quarters=2)
    found = tiered(FIVE, top, REST, columns=SIZES, held={"C": "Top"}, quarters_held={"C": 1})
    assert of(found) == "BE"
    assert found.accounts.loc["C", "move_reason"] == "no longer meets the tier's rule"


def test_a_rule_on_an_unknown_column_is_a_sentence():
    with pytest.raises(SettingsError, match="no column employes"):
        tiered(FIVE, Tier(name="Top", where="employes >= 20"), REST, columns=SIZES)


GROUPS = dict(zip("ABCDEFGHIJ", ["N"] * 6 + ["S"] * 4, strict=True))


def test_each_territory_has_its_own_places():
    tiers = (Tier(name="Top", capacity=2, capacities={"S": 1}), REST)
    found = tiered(TEN, *tiers, groups=GROUPS)
    assert of(found) == "ABG"
    lines = found.accounts["cut_score"]
    assert lines["F"] == 90.0  # the last let in of its own territory
    assert lines["J"] == 40.0


def test_a_share_holds_in_each_territory():
    assert of(tiered(TEN, Tier(name="Top", share=0.5), REST, groups=GROUPS)) == "ABCGH"


def test_the_keep_band_holds_within_a_territory():
    # two places in each; the band ends at the territory's rank 3: C and I stay, J goes
    held = {"C": "Top", "I": "Top", "J": "Top"}
    assert of(tiered(TEN, Tier(name="Top", capacity=2), REST, groups=GROUPS, held=held)) == "ACGI"


def test_more_overrides_than_a_territory_has_places_are_refused():
    with pytest.raises(DataError, match="2 accounts are put into Top in S; it has 1 places"):
        tiered(
            TEN, Tier(name="Top", capacity=1), REST, groups=GROUPS, forced={"I": "Top", "J": "Top"}
        )


OWNERS = {
    "owner": {**dict.fromkeys("ABCH", "Kim"), **dict.fromkeys("DE", "Lee"), "I": "Ann", "J": "Ann"}
    | dict.fromkeys("FG")
}


def test_an_owner_holds_no_more_than_one_may():
    # Kim's third account, C, makes room for the next of other owners; accounts without one are free
    found = tiered(TEN, Tier(name="Top", capacity=5, max_per_owner=2), REST, columns=OWNERS)
    assert of(found) == "ABDEF"


def test_an_owners_overrides_and_incumbents_count():
    found = tiered(TEN, Tier(name="Top", capacity=5, max_per_owner=2), REST, columns=OWNERS,
                   forced={"H": "Top"}, held={"C": "Top"})  # fmt: skip
    assert of(found) == "CDEFH"


def test_an_incumbent_that_its_owner_has_no_room_for_is_told_so():
    held = {"A": "Top", "B": "Top", "C": "Top"}
    found = tiered(
        TEN, Tier(name="Top", capacity=5, max_per_owner=2), REST, columns=OWNERS, held=held
    )
    assert found.accounts.loc["C", "move_reason"].startswith("its owner holds as many")


def test_a_minimum_stay_keeps_an_account_for_its_quarters_and_no_longer():
    held = {"I": "Top", "J": "Top"}
    steady = StabilitySettings(keep_band=1.0, min_quarters=2, max_moves_share=1.0)
    found = tiered(TEN, Tier(name="Top", capacity=2), REST, held=held, stability=steady,
                   quarters_held={"I": 1, "J": 2})  # fmt: skip
    assert of(found) == "AI"
    assert found.accounts.loc["I", "kept_by"] == "minimum stay"
    assert np.isnan(found.accounts.loc["I", "cut_score"])


def test_a_tier_may_have_a_longer_stay_of_its_own():
    found = tiered(TEN, Tier(name="Top", capacity=1, min_quarters=4), REST, held={"J": "Top"},
                   quarters_held={"J": 3})  # fmt: skip
    assert of(found) == "J"


def test_the_move_budget_keeps_those_nearest_to_the_line():
    # by rank alone A and B replace C and J: four moves; a budget of two (of ten) lets one exchange
    held = dict.fromkeys("ABDEFGHI", "Rest") | {"C": "Top", "J": "Top"}
    tight = StabilitySettings(keep_band=1.0, min_quarters=0, max_moves_share=0.2)
    found = tiered(TEN, Tier(name="Top", capacity=2), REST, held=held, stability=tight)
    assert of(found) == "AC"
    assert found.accounts.loc["C", "kept_by"] == "move budget"
    assert (found.budget.most, found.budget.asked) == (2, 4)
    assert 1.5 <= found.budget.band < 1.6


def test_a_budget_of_nothing_moves_nobody():
    held = dict.fromkeys("ABCDEFGH", "Rest") | {"I": "Top", "J": "Top"}
    still = StabilitySettings(max_moves_share=0.0)
    found = tiered(TEN, Tier(name="Top", capacity=2), REST, held=held, stability=still)
    assert of(found) == "IJ"


money = st.lists(st.integers(0, 6), min_size=1, max_size=25)
kinds = st.sampled_from(["capacity", "share", "line", "revenue_share"])


@st.composite
def worlds(draw):
    values = draw(money)
    ids = [f"A{n:02d}" for n in range(len(values))]
    sizes = {"capacity": 2, "share": 0.3, "line": 3.0, "revenue_share": 0.4}
    first, second = draw(kinds), draw(kinds)
    sizes_below = {**sizes, "line": 2.0}
    tiers = (
        Tier(
            name="Top", max_per_owner=draw(st.sampled_from([None, 1, 3])), **{first: sizes[first]}
        ),
        Tier(name="Middle", **{second: sizes_below[second]}),
        REST,
    )
    held = {a: draw(st.sampled_from(["Top", "Middle", "Rest", ""])) for a in ids}
    return {
        "money": dict(zip(ids, map(float, values), strict=True)),
        "tiers": tiers,
        "held": {a: tier for a, tier in held.items() if tier},
        "groups": {a: draw(st.sampled_from(["N", "S"])) for a in ids},
        "owners": {a: draw(st.sampled_from(["Kim", "Lee", None])) for a in ids},
    }


def tier_world(world, ids=None, held=None):
    ids = ids or list(world["money"])
    return tiered(
        {a: world["money"][a] for a in ids},
        *world["tiers"],
        held=world["held"] if held is None else held,
        groups={a: world["groups"][a] for a in reversed(ids)},
        columns={"owner": {a: world["owners"][a] for a in ids}},
    )


@settings(max_examples=40, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_under_any_rule(world, random):
    ids = list(world["money"])
    random.shuffle(ids)
    pd.testing.assert_frame_equal(tier_world(world).accounts, tier_world(world, ids).accounts)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_unchanged_data_give_no_moves_under_any_rule(world):
    once = tier_world(world).accounts["tier"].astype("object").dropna()
    again = tier_world(world, held=once.to_dict()).accounts
    assert again["tier"].astype("object").equals(again["previous_tier"].astype("object"))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_capacity_and_owners_hold_in_every_group(world):
    frame = tier_world(world).accounts
    assert frame["tier"].notna().all()
    for tier in world["tiers"]:
        members = frame.index[frame["tier"] == tier.name]
        if tier.capacity is not None:
            assert (
                members.map(world["groups"]).value_counts().max() <= tier.capacity or members.empty
            )
        if tier.max_per_owner is not None:
            owned = [world["owners"][a] for a in members if world["owners"][a]]
            assert all(owned.count(owner) <= tier.max_per_owner for owner in owned)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"capacity": 3, "share": 0.1}, "sized by capacity and by share"),
        ({"capacities": {"N": 3}, "capacity": 1}, "not filled within groups"),
        ({"where": "employees >"}, "cannot be read"),
        ({"share": 1.5}, "less than or equal to 1"),
    ],
)
def test_rules_that_contradict_each_other_are_sentences(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_settings({"tiers": [{"name": "Top", **text}, {"name": "Rest"}]})


def test_lines_and_shares_must_leave_room_for_the_tier_below():
    with pytest.raises(SettingsError) as raised:
        parse_settings({"tiers": [
            {"name": "A", "line": 10.0}, {"name": "B", "line": 20.0},
            {"name": "C", "share": 0.7}, {"name": "D", "share": 0.6},
        ]})  # fmt: skip
    message = str(raised.value)
    assert "the line of 'B' (20) is not below that of 'A' (10)" in message
    assert "the share of all tiers together is 1.3" in message


def test_hours_that_cannot_serve_one_account_are_refused():
    visit = {"activity": "visit", "role": "AE", "per_quarter": 10.0, "hours": 8.0}
    with pytest.raises(SettingsError, match=r"80 hours of AE a quarter, but \[roles.AE\] has 40"):
        parse_settings({
            "tiers": [{"name": "A", "entitlements": [visit]}],
            "roles": {"AE": {"people": 1.0, "hours_per_person": 40.0}},
        })  # fmt: skip


FIRST_AND_LAST = {"J": "Top", "A": "Top"}
TWO = Tier(name="Top", capacity=2)


@pytest.mark.parametrize(
    ("known", "model_tier"),
    [
        (
            {},
            "Rest",
        ),  # nothing is known of how J came to the top: by its rank it would not be there
        ({"held_by_model": {"J": "Rest", "A": "Top"}}, "Rest"),
        (
            {"held_by_model": {"J": "Top", "A": "Top"}},
            "Top",
        ),  # the model itself let it in last time
    ],
)
def test_the_model_does_not_say_the_tier_that_a_person_set_a_quarter_ago(known, model_tier):
    long = StabilitySettings(keep_band=1.5, min_quarters=2, max_moves_share=1.0)
    found = tiered(TEN, TWO, REST, held=FIRST_AND_LAST, forced={"J": "Top"}, stability=long,
                   quarters_held={"J": 1, "A": 1}, **known).accounts  # fmt: skip
    assert found.loc["J", ["tier", "model_tier", "rule_tier"]].tolist() == [
        "Top", model_tier, "Rest",
    ]  # fmt: skip
    assert found.loc["A", "model_tier"] == "Top"
