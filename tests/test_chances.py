"""How firm tiers are: drawn from what tests missed, and from what became of accounts before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from leadership_facts import sample

from tierkit import pages
from tierkit.runs.chances import OF_HISTORY, Chances
from tierkit.tiers.chances import (
    TOO_SHORT,
    UNTESTED,
    chances_ahead,
    chances_to_belong,
    tiers_a_year_later,
)


def assigned(money, tiers, groups=None):
    ids = pd.Index([f"A{n}" for n in range(len(money))], name="account_id")
    levels = pd.Categorical(tiers, categories=["Tier 1", "Tier 2", "Tier 3"], ordered=True)
    rank = np.arange(1.0, len(money) + 1)
    columns = {"tier": levels, "rank": rank, "predicted_revenue": money, "group": groups or ""}
    return pd.DataFrame(columns, index=ids)


def brought(ratios):
    """Tested predictions of 10 each, of which these parts were brought."""
    actual = [10.0 * ratio for ratio in ratios]
    return pd.DataFrame({"predicted": 10.0, "actual": actual})


def test_a_coin_that_doubles_or_halves_decides_between_neighbours():
    """A1 brings more than A0 only where it doubles and A0 halves: in one of four worlds."""
    rows = assigned([100.0, 60.0], ["Tier 1", "Tier 2"])
    found = chances_to_belong(rows, brought([0.5, 2.0] * 50), seed=3, draws=4_000)
    assert found["chance_in_tier"].tolist() == pytest.approx([0.75, 0.75], abs=0.02)
    assert found["chance_lower"].tolist() == pytest.approx([0.25, 0.0], abs=0.02)
    assert found["chance_higher"].tolist() == pytest.approx([0.0, 0.25], abs=0.02)
    assert found["borders_on"].tolist() == ["", ""]


def test_who_belongs_elsewhere_in_four_of_ten_worlds_is_on_the_borderline():
    """Nearly equal predictions: half a chance each, but for ties, which the better rank wins."""
    rows = assigned([100.0, 99.0, 1.0], ["Tier 1", "Tier 2", "Tier 3"])
    found = chances_to_belong(rows, brought(np.linspace(0.5, 1.5, 60)), seed=3)
    assert found["borders_on"].tolist() == ["Tier 2", "Tier 1", ""]
    assert found.loc["A2", "chance_in_tier"] == 1.0


def test_places_are_given_out_within_each_group():
    rows = assigned([100.0, 99.0], ["Tier 1", "Tier 1"], ["EMEA", "US"])
    found = chances_to_belong(rows, brought([0.1, 10.0] * 50), seed=3)
    assert found["chance_in_tier"].tolist() == [1.0, 1.0]


def test_the_chances_of_an_account_add_up_and_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    money = np.sort(rng.lognormal(10, 1, 40))[::-1]
    rows = assigned(money, ["Tier 1"] * 5 + ["Tier 2"] * 10 + ["Tier 3"] * 25)
    misses = brought(rng.lognormal(0, 0.7, 200))
    found = chances_to_belong(rows, misses, seed=2)
    assert (
        found[["chance_in_tier", "chance_higher", "chance_lower"]].sum(axis=1).round(9).eq(1).all()
    )
    shuffled = chances_to_belong(rows.sample(frac=1, random_state=4), misses, seed=2)
    pd.testing.assert_frame_equal(found, shuffled)


def test_too_few_tests_say_nothing():
    assert chances_to_belong(assigned([1.0], ["Tier 1"]), brought([1.0] * 49), seed=1).empty


def past(levels_by_account):
    rows = [
        (account, quarter, level, 10 + level)
        for account, levels in levels_by_account.items()
        for quarter, level in enumerate(levels)
        if level is not None
    ]
    return pd.DataFrame(rows, columns=["account_id", "quarter", "level", "rank"])


def test_an_account_that_was_elsewhere_once_within_four_quarters_moved():
    found = tiers_a_year_later(
        past({"A": [1, 1, 0, 1, 1], "B": [1, 1, 1, 1, 2], "C": [1, 1, None, None, None],
              "D": [1, None, None, None, None]})
    ).set_index("account_id")  # fmt: skip
    assert found["up"].to_dict() == {"A": True, "B": False, "C": False}
    assert found["down"].to_dict() == {"A": False, "B": True, "C": False}


def test_four_quarters_are_too_few_to_follow_an_account_for_a_year():
    assert tiers_a_year_later(past({"A": [1, 1, 0, 1]})).empty


def test_a_better_rank_has_its_own_chance():
    """Of 30 accounts in the better half ten rose, of 30 in the lesser half none did."""
    rows = pd.DataFrame(
        {"level": 1, "rank": range(60), "up": [n < 10 for n in range(60)], "down": False}
    )
    now = pd.DataFrame({"level": [1, 1, 0], "rank": [5, 50, 1]}, index=["A", "B", "C"])
    found = chances_ahead(now, rows)
    assert found.loc["A"].tolist() == pytest.approx([1 / 3, 0.0, 30.0])
    assert found.loc["B"].tolist() == [0.0, 0.0, 30.0]
    assert found.loc["C"].isna().all()


def chances(**changed):
    accounts = pd.DataFrame(
        {
            "tier": ["Tier 1", "Tier 2", "Tier 2"],
            "rank": [1.0, 2.0, 3.0],
            "predicted_revenue": [100.0, 90.0, 10.0],
            "chance_in_tier": [0.55, 0.5, 1.0],
            "chance_higher": [0.0, 0.5, 0.0],
            "chance_lower": [0.45, 0.0, 0.0],
            "borders_on": ["Tier 2", "Tier 1", ""],
            "chance_up": [0.0, 0.5, 0.1],
            "chance_down": [0.3, 0.0, 0.0],
            "account_quarters": [40.0, 60.0, 60.0],
        },
        index=pd.Index(["A", "B", "C"], name="account_id"),
    )
    return Chances(**{"accounts": accounts, "belonging_why": "", "ahead_why": "", "quarters": 9,
                      "rests_on": OF_HISTORY} | changed)  # fmt: skip


def test_facts_hold_counts_and_money_by_tier():
    first, second = chances().facts(["Tier 1", "Tier 2"])["tiers"]
    assert (first["borderline_accounts"], first["borderline_predicted_revenue"]) == (1, 100.0)
    assert (first["at_risk"], first["promotion_candidates"]) == (1, 0)
    assert (second["promotion_candidates"], second["expected_up"]) == (1, 0.6)
    assert second["mean_chance_in_tier"] == 0.75


def test_what_is_not_known_is_null_with_its_reason():
    nothing = chances().accounts.assign(chance_in_tier=np.nan, borders_on="", chance_up=np.nan,
                                        chance_down=np.nan)  # fmt: skip
    unknown = chances(accounts=nothing, belonging_why=UNTESTED, ahead_why=TOO_SHORT, quarters=0)
    facts = unknown.facts(["Tier 1"])
    (tier,) = facts["tiers"]
    assert tier["borderline_accounts"] is None
    assert tier["borderline_accounts_why"] == UNTESTED
    assert tier["promotion_candidates"] is None
    assert tier["promotion_candidates_why"] == TOO_SHORT
    assert facts["quarters_why"] == TOO_SHORT
    assert "could be tested" in pages.borderline_table(unknown, currency="USD").html
    assert "5 quarters in a row" in pages.chances_table(unknown).html


def test_the_analyst_page_lists_the_accounts():
    listed = pages.borderline_table(chances(), currency="USD").html
    assert "2 accounts on the borderline" in listed
    assert ">C<" not in listed
    ahead = pages.chances_table(chances()).html
    assert "Candidates for promotion" in ahead
    assert "At risk of falling" in ahead


SIDE = {
    "side": "raised",
    "what": "",
    "overridden": {"accounts": 12, "account_windows": 40, "mean": 500.0},
    "neighbours": {"accounts": 11, "account_windows": 40, "mean": 300.0},
    "difference": {"estimate": 200.0, "low": -50.0, "high": 450.0},
}


def test_both_pages_tell_how_firm_tiers_are_and_how_overrides_did():
    assert "put above the model" in pages.scoreboard_table([SIDE]).html
    facts = sample() | {"chances": chances().facts(["Tier 1", "Tier 2"])}
    facts["overrides"] = facts["overrides"] | {"scoreboard": [SIDE]}
    page = pages.how_sure(facts).html
    assert "2 accounts ($190 predicted) may as well belong in another tier" in page
    assert "brought about as much as those whose place they took" in page
    assert "−$50 to $450 in 8 of 10 cases" in page
