"""The reading that decides: its bounds over a series of looks, and verdicts read back."""

import numpy as np
import pytest
from scipy.stats import norm, t as student

from tierkit.roi.poisson import Estimate, correlation, pooled
from tierkit.roi.primary import DECIDING, Claim, Primary, joint_bounds, primary_reading, with_looks


def estimate(effect, se, influence):
    return Estimate(effect, se, 1.0, 1.0, 10, np.array(influence))


def reading(number_z, size_z, *, money_z=None, quarters=12, se=0.1):
    """Number and size of deals, that nothing moves together, and the revenue they make."""
    one, other = np.repeat(se / np.sqrt(200), 200), np.zeros(200)
    number = estimate(number_z * se, se, np.concatenate([one, other]))
    size = estimate(size_z * se, se, np.concatenate([other, one]))
    both = (number_z + size_z) / np.sqrt(2) if money_z is None else money_z
    money = estimate(both * se, se, np.concatenate([one, one]) / np.sqrt(2))
    return Primary({"won revenue": money, "wins": number, "deal size": size}, 2, quarters)


def test_lines_are_pooled_by_what_they_tell_and_share_their_accounts():
    one, other = estimate(0.1, 0.1, [0.1, 0.0]), estimate(0.4, 0.2, [0.2, 0.0])
    both = pooled([one, other])
    assert both.log_effect == pytest.approx((4 * 0.1 + 0.4) / 5)
    assert both.se == pytest.approx((4 * 0.1 + 0.2) / 5)  # the same account moves both
    assert correlation(one, other) == pytest.approx(1.0)
    assert pooled([]) is None


def test_two_readings_err_together_as_often_as_one_alone_would():
    rng, error = np.random.default_rng(1), 0.04
    number, other = rng.standard_normal((2, 400_000))
    for together in (-0.3, 0.0, 0.8, 1.0):
        size = together * number + np.sqrt(1 - together**2) * other
        bounds = joint_bounds(error, together)
        beyond = (number > bounds["wins"]) | (size > bounds["deal size"])
        assert beyond.mean() == pytest.approx(error, abs=0.001)
    assert bounds["wins"] < bounds["deal size"]  # the number spends most of the error


def test_a_variance_that_few_accounts_decide_takes_more_to_claim():
    even = estimate(0.25, 0.1, np.repeat(0.01, 100))
    uneven = estimate(0.25, 0.1, np.r_[0.08, 0.05, np.repeat(0.0033, 99)])
    assert (even.z, even.freedom) == (2.5, np.inf)
    assert uneven.freedom == pytest.approx(2 / (0.4721 - 1 / 101), rel=0.01)
    assert norm.sf(uneven.z) == pytest.approx(student.sf(2.5, uneven.freedom))
    assert uneven.relative().high > even.relative().high


@pytest.mark.parametrize(
    ("number_z", "size_z", "claim"),
    [
        (2.0, 1.0, Claim("suggestive", "more", "wins")),
        (1.2, 3.3, Claim("shown", "more", "deal size")),
        (1.6, 2.4, Claim(None, None, None)),  # size alone takes more than the number alone
        (-2.2, -2.2, Claim(None, None, None)),  # that a tier does harm takes more
        (-1.0, -3.4, Claim("suggestive", "less", "deal size")),
        (3.2, 0.5, Claim("shown", "more", "wins")),
    ],
)
def test_either_factor_of_revenue_carries_a_claim_beyond_its_bound(number_z, size_z, claim):
    assert reading(number_z, size_z).claim() == claim


def test_nothing_is_claimed_where_revenue_points_the_other_way():
    """More deals but smaller ones, or larger deals but fewer."""
    assert reading(3.2, -3.6).claim() == Claim(None, None, None)
    assert reading(-3.6, 3.2).claim() == Claim(None, None, None)
    assert reading(-1.9, 3.2).claim() == Claim("shown", "more", "deal size")
    assert reading(3.2, 0.0, money_z=-0.1).claim() == Claim(None, None, None)
    assert reading(3.2, 0.0, money_z=0.1).claim() == Claim("shown", "more", "wins")
    assert reading(4.0, -2.1, money_z=1.3).claim() == Claim(None, None, None)
    assert reading(9.0, -2.1).claim() == Claim("shown", "more", "wins")  # revenue itself says so


def test_early_looks_take_more_and_late_ones_a_little():
    full, early, late = (
        reading(0, 0, quarters=known).bound("suggestive", "more", "wins") for known in (12, 3, 24)
    )
    assert early == pytest.approx(2 * full)
    assert full < late < 1.1 * full


def test_over_nine_looks_without_an_effect_little_is_ever_claimed():
    rng, worlds = np.random.default_rng(1), 20_000
    looks = np.arange(4, 13)
    number, size = (rng.standard_normal((worlds, 12)) for _ in range(2))
    z = np.stack([np.cumsum(one, axis=1) / np.sqrt(np.arange(1, 13)) for one in (number, size)])
    ever = {}
    for strength in ("suggestive", "shown"):
        beyond = np.zeros(worlds, dtype=bool)
        for look in looks:
            bounds = reading(0, 0, quarters=int(look))
            for at, name in zip(z[:, :, look - 1], DECIDING, strict=True):
                beyond |= at > bounds.bound(strength, "more", name)
                beyond |= at < -bounds.bound(strength, "less", name)
        ever[strength] = beyond.mean()
    assert ever["suggestive"] < 0.08
    assert ever["shown"] < 0.02


def test_a_line_that_tells_nothing_takes_no_part():
    nothing = dict.fromkeys(("won revenue", *DECIDING))
    known = {**nothing, "won revenue": estimate(0.2, 0.1, [0.1]), "wins": estimate(0.2, 0.1, [0.1])}
    found = primary_reading([known, nothing], quarters=5)
    assert (found.lines, list(found.deciding), found.together) == (1, ["wins"], 1.0)
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
