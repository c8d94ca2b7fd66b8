"""The reading that decides: its bounds over a series of looks, and verdicts read back."""

import numpy as np
import pytest

from tierkit.roi.poisson import Estimate, correlation, pooled
from tierkit.roi.primary import Claim, Primary, larger_of_two, primary_reading, with_looks


def estimate(effect, se, influence):
    return Estimate(effect, se, 1.0, 1.0, 10, np.array(influence))


def reading(money_z, number_z, *, quarters=12, se=0.1):
    """Money and number that move together by 0.8, so many standard errors from nothing."""
    money = estimate(money_z * se, se, [se, 0.0])
    number = estimate(number_z * se, se, [0.8 * se, 0.6 * se])
    return Primary({"won revenue": money, "wins": number}, 2, quarters)


def test_lines_are_pooled_by_what_they_tell_and_share_their_accounts():
    one, other = estimate(0.1, 0.1, [0.1, 0.0]), estimate(0.4, 0.2, [0.2, 0.0])
    both = pooled([one, other])
    assert both.log_effect == pytest.approx((4 * 0.1 + 0.4) / 5)
    assert both.se == pytest.approx((4 * 0.1 + 0.2) / 5)  # the same account moves both
    assert correlation(one, other) == pytest.approx(1.0)
    assert pooled([]) is None


def test_the_bound_of_two_readings_lies_between_one_and_two_apart():
    alone, apart = larger_of_two(0.04, 1.0), larger_of_two(0.04, 0.0)
    assert alone < larger_of_two(0.04, 0.8) < apart
    assert alone == pytest.approx(1.751, abs=1e-3)
    assert apart == pytest.approx(2.0496, abs=1e-3)  # each with a chance of 0.0202


@pytest.mark.parametrize(
    ("money_z", "number_z", "claim"),
    [
        (1.0, 2.2, Claim("suggestive", "more", "wins")),
        (2.9, 2.2, Claim("shown", "more", "won revenue")),
        (1.8, 1.8, Claim(None, None, None)),
        (-2.2, -2.2, Claim(None, None, None)),  # that a tier does harm takes more
        (-2.6, -1.0, Claim("suggestive", "less", "won revenue")),
        (0.5, 3.2, Claim("shown", "more", "wins")),
    ],
)
def test_either_reading_carries_a_claim_beyond_its_bound(money_z, number_z, claim):
    assert reading(money_z, number_z).claim() == claim


def test_early_looks_take_more_and_late_ones_a_little():
    full = reading(0, 0).bound("suggestive", "more")
    assert reading(0, 0, quarters=3).bound("suggestive", "more") == pytest.approx(2 * full)
    assert full < reading(0, 0, quarters=24).bound("suggestive", "more") < 1.1 * full


def test_over_nine_looks_without_an_effect_little_is_ever_claimed():
    rng, worlds = np.random.default_rng(1), 20_000
    looks = np.arange(4, 13)
    money, more = (rng.standard_normal((worlds, 12)) for _ in range(2))
    number = 0.8 * money + 0.6 * more
    z = np.stack([np.cumsum(one, axis=1) / np.sqrt(np.arange(1, 13)) for one in (money, number)])
    ever = {}
    for strength in ("suggestive", "shown"):
        beyond = np.zeros(worlds, dtype=bool)
        for look in looks:
            bounds = reading(0, 0, quarters=int(look))
            at = z[:, :, look - 1]
            beyond |= at.max(axis=0) > bounds.bound(strength, "more")
            beyond |= at.min(axis=0) < -bounds.bound(strength, "less")
        ever[strength] = beyond.mean()
    assert ever["suggestive"] < 0.08
    assert ever["shown"] < 0.02


def test_a_line_that_tells_nothing_takes_no_part():
    known = {"won revenue": estimate(0.2, 0.1, [0.1]), "wins": None}
    found = primary_reading([known, {"won revenue": None, "wins": None}], quarters=5)
    assert (found.lines, list(found.pooled), found.together) == (1, ["won revenue"], 1.0)
    assert primary_reading([], quarters=0).claim() == Claim(None, None, None)


# Verdicts read back


def together(quarters, effect, claim="suggestive"):
    return {
        "quarters": quarters, "quarters_withheld": 1, "carried_by": "wins" if claim else None,
        "readings": [{"reading": "won revenue", "relative": {"estimate": 0.0}},
                     {"reading": "wins", "relative": {"estimate": effect}}],
    }  # fmt: skip


def boundary(verdict, direction=None):
    return {"boundary": "Tier 1 / Tier 2", "verdict": verdict, "direction": direction}


def test_a_verdict_that_changes_says_why():
    before = {"boundaries": [boundary("suggestive", "more")], "together": together(7, 0.25)}
    now = together(8, 0.16, claim=None)
    (found,) = with_looks([boundary("cannot tell")], now, [("2026Q2", before)])
    assert found["look"] == 2
    assert found["earlier"] == [{"quarter": "2026Q2", "verdict": "suggestive", "direction": "more"}]
    assert found["changed_because"] == (
        "2026Q2 said “suggestive: more”, this report says “cannot tell”: with 1 more quarter of "
        "outcomes what all lines show together went from +25 % to +16 %."
    )
    assert found["look_sentence"].startswith(
        "Look 2 at this line: 8 of 12 planned quarters of outcomes are in, 1 more not yet watched "
        "long enough. 2026Q2 said"
    )


def test_a_verdict_that_stays_needs_no_reason_and_other_data_are_named():
    before = {"boundaries": [boundary("cannot tell")], "together": together(8, 0.1)}
    (same,) = with_looks([boundary("cannot tell")], together(8, 0.1), [("2026Q2", before)])
    assert same["changed_because"] == ""
    (other,) = with_looks([boundary("suggestive", "more")], together(8, 0.3), [("2026Q2", before)])
    assert (
        "on as many quarters of outcomes, from other data or settings" in (other["changed_because"])
    )


def test_reports_that_read_other_deals_are_not_compared():
    before = {"boundaries": [boundary("shown", "more")]}  # of an earlier release
    (found,) = with_looks([boundary("cannot tell")], together(8, 0.1), [("2026Q2", before)])
    assert found["changed_because"].endswith("the two reports do not compare the same deals.")
    (first,) = with_looks([boundary("cannot tell")], {}, [])
    assert (first["look"], first["earlier"], first["look_sentence"]) == (1, [], "")
