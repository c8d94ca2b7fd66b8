"""Fitting a card, past revenue as a card, simple rules, measures, ranges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.models.binning import amount_edges, bin_criteria, numeric_edges
from tierkit.models.boosting import bags_by_account, boost
from tierkit.models.fitting import fit_card
from tierkit.models.mixing import choose_shares, smooth_points
from tierkit.models.ranges import account_ranges
from tierkit.models.rows import account_draws, sample_accounts
from tierkit.models.simple_rules import (
    RandomRule,
    TierRule,
    best_column,
    fit_past_revenue_card,
    last_quarter_rule,
    past_revenue_column,
    uncalibrated_past_revenue_card,
)
from tierkit.settings import ModelSettings
from tierkit.statistics.intervals import accounts_that_count, compare, share_beyond
from tierkit.statistics.measures import actual_over_predicted, capture, capture_share, gini
from tierkit.statistics.regression import tweedie_coefficients

QUICK = ModelSettings(bags=2, max_bins=8)
DATES = pd.to_datetime(["2024-01-01", "2024-04-01"])


def panel_of(accounts=200, dates=DATES, seed=0):
    """Accounts with a lasting size, of which past revenue, wins and visits tell something."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"A{n:04d}" for n in range(accounts)], dates], names=["account_id", "as_of"]
    )
    rows = len(index)
    size = np.repeat(rng.normal(size=accounts), len(dates))
    buys = rng.random(rows) < 0.6
    values = pd.DataFrame(
        {
            "won_revenue_4q": np.where(buys, np.exp(8 + size + rng.normal(size=rows) / 2), 0.0),
            "wins_count_4q": np.where(buys, rng.integers(1, 5, rows), 0).astype(float),
            "visits": np.where(rng.random(rows) < 0.2, np.nan, size + rng.normal(size=rows)),
            "industry": rng.choice(["Energy", "Farming", "Retail"], rows),
        },
        index=index,
    )
    won = np.where(rng.random(rows) < 0.6, np.exp(8 + size + rng.normal(size=rows)), 0.0)
    return values, pd.Series(won, index=index, name="won_revenue")


@pytest.fixture(scope="module")
def panel():
    return panel_of()


@pytest.fixture(scope="module")
def card(panel):
    values, won = panel
    return fit_card(values, won, criteria=[*values], undated=["industry"], settings=QUICK)


# ---- the fitted card ------------------------------------------------------------------------


def test_the_small_regression_agrees_with_a_known_one():
    from sklearn.linear_model import TweedieRegressor

    rng = np.random.default_rng(1)
    columns = rng.normal(size=(500, 3)) * [1, 3, 0.1]
    mean = np.exp(columns @ [0.5, -0.3, 2.0])
    target = 1e6 * np.where(rng.random(500) < 0.5, 0.0, rng.gamma(2, mean))
    known = TweedieRegressor(power=1.5, alpha=0, link="log", tol=1e-10, max_iter=5_000)
    known.fit(columns, target / target.mean())
    np.testing.assert_allclose(tweedie_coefficients(columns, target), known.coef_, atol=1e-4)
    same_twice = np.column_stack([columns[:, 0], columns[:, 0]])
    halves = tweedie_coefficients(same_twice, target)
    assert halves.sum() == pytest.approx(tweedie_coefficients(columns[:, :1], target)[0], rel=1e-4)


def test_points_are_the_library_s_own(panel):
    values, won = panel
    binned = bin_criteria(values, [*values], max_bins=8)
    bags = bags_by_account(values.index.get_level_values(0), bags=2, seed=1)
    boosted = boost(binned.criteria, binned.codes, won.to_numpy(), bags, seed=1)
    columns = [points[binned.codes[:, at]] for at, points in enumerate(boosted.points)]
    by_points = np.exp(boosted.intercept + sum(columns))
    np.testing.assert_allclose(by_points, boosted.model.predict(boosted.rows), rtol=1e-9)


def test_predicted_revenue_of_the_training_rows_sums_to_what_they_brought(panel, card):
    values, won = panel
    assert card.predict(values).sum() == pytest.approx(won.sum())


def test_the_order_of_rows_and_columns_that_are_no_criteria_do_not_matter(panel, card):
    values, won = panel
    shuffled = values.sample(frac=1, random_state=3).assign(unused=1.0)
    again = fit_card(shuffled, won, criteria=[*values], undated=["industry"], settings=QUICK)
    assert again == card


def test_more_of_what_can_only_help_never_lowers_points(card):
    for name in ("won_revenue_4q", "wins_count_4q"):
        points = next(one.points for one in card.criteria if one.name == name)
        assert np.diff(points).min() >= -1e-9, name
        assert points[-1] > points[0], name


def test_points_of_a_criterion_are_0_on_average(panel, card):
    points = card.points_of(panel[0])
    np.testing.assert_allclose(points.mean(), 0.0, atol=1e-9)


def test_accounts_are_counted_once_at_the_last_date(card):
    assert {sum(one.accounts) for one in card.criteria} == {200}


def test_what_was_filled_in_after_success_gives_no_points_for_being_missing():
    values, won = panel_of()
    known = (won > 0) | (np.arange(len(won)) % 5 == 0)
    leaking = values.assign(employees=np.where(known, 50.0 + np.arange(len(won)), np.nan))

    def missing_points(undated):
        card = fit_card(leaking, won, criteria=[*leaking], undated=undated, settings=QUICK)
        return next(one.missing for one in card.criteria if one.name == "employees")

    assert missing_points(["employees"]) == 0.0
    assert missing_points([]) < -0.2


def test_rare_categories_share_the_points_of_the_others():
    values, won = panel_of()
    rare = values.assign(country=["US"] * 190 + ["DE"] * 190 + ["FR"] * 19 + ["LU"])
    binned = bin_criteria(rare, ["country"], max_bins=8)
    assert binned.criteria[0].categories == ("DE", "US")
    fitted = fit_card(rare, won, criteria=[*rare], settings=QUICK)
    country = next(one for one in fitted.criteria if one.name == "country")
    assert country.points_of(pd.Series(["FR", "LU", "never seen"])).tolist() == [country.other] * 3


def test_what_cannot_be_used_is_dropped_with_the_reason():
    values, won = panel_of()
    more = values.assign(
        twin=values["visits"], constant=1.0, empty=np.nan, alone="x", nearly=[1.0] * 399 + [2.0]
    )
    binned = bin_criteria(more, [*more, "absent"], max_bins=8)
    assert binned.dropped == {
        "twin": "identical to visits",
        "constant": "every account has the same value",
        "empty": "no account has a value",
        "alone": "every account has the same value",
        "absent": "the column is absent",
    }
    assert fit_card(more, won, criteria=[*more], settings=QUICK).dropped["twin"] == (
        "identical to visits"
    )


def test_of_identical_columns_past_revenue_stays():
    values, _ = panel_of(accounts=60)
    doubled = pd.concat([values["won_revenue_4q"].rename("won_revenue_ever"), values], axis=1)
    dropped = bin_criteria(doubled, [*doubled], max_bins=8, amounts=["won_revenue_4q"]).dropped
    assert dropped == {"won_revenue_ever": "identical to won_revenue_4q"}


def test_refunds_count_as_nothing_while_fitting_and_in_full_in_the_sum():
    values, won = panel_of()
    refunded = won.where(np.arange(len(won)) % 10 > 0, -500.0)
    card = fit_card(values, refunded, criteria=[*values], settings=QUICK)
    assert card.predict(values).sum() == pytest.approx(refunded.sum())
    assert card.predict(values).min() > 0


WIDE = pd.DataFrame(
    np.random.default_rng(1).normal(size=(60, 200)), columns=[f"c{n}" for n in range(200)]
)


@pytest.mark.parametrize(
    ("values", "won", "note"),
    [
        (pd.DataFrame({"x": [1.0, 2.0]}), [5.0, 0.0], "accounts: 2 of at least 50"),
        (pd.DataFrame({"x": np.arange(90.0)}), [0.0] * 90, "no account won anything"),
        (pd.DataFrame({"x": np.arange(90.0)}), [5.0] * 90, "every account won the same"),
        (pd.DataFrame({"x": ["one"] * 90}), np.arange(90.0), "no criterion can be used"),
        (pd.DataFrame({"x": [1.0] * 90}), np.arange(90.0), "no criterion can be used"),
        (pd.DataFrame({"x": [np.nan] * 90}), np.arange(90.0), "no criterion can be used"),
        (
            pd.DataFrame({"x": np.arange(90.0)}),
            [7.0] * 9 + [0.0] * 81,
            "rows with won revenue: 9 of at least 20",
        ),
        (WIDE, np.arange(60.0), "accounts: 60, fewer than the 200 criteria"),
        (pd.DataFrame({"x": np.arange(90.0)}), [-5.0] * 90, "no account won anything"),
        (pd.DataFrame({"x": pd.Series(dtype=float)}), [], "there are no rows to learn from"),
    ],
)
def test_too_little_to_learn_from_gives_the_mean_and_says_why(values, won, note):
    rows = values.set_axis(pd.Index([f"A{n}" for n in range(len(values))], name="account_id"))
    target = pd.Series(won, index=rows.index, dtype=float)
    card = fit_card(rows, target, criteria=[*rows], settings=QUICK)
    assert note in card.notes[0]
    assert card.criteria == ()
    assert card.base == pytest.approx(max(target.mean(), 0.0) if len(target) else 0.0)
    assert card.predict(rows).tolist() == [card.base] * len(rows)


def test_one_of_two_categories_and_one_account_more_is_enough():
    values = pd.DataFrame(
        {"x": ["a", "b"] * 30}, index=pd.Index([f"A{n:02d}" for n in range(60)], name="account_id")
    )
    won = pd.Series([100.0, 10.0] * 30, index=values.index)
    by_bin = fit_card(values, won, criteria=["x"], settings=QUICK).predict(values)
    assert by_bin.iloc[0] > 2 * by_bin.iloc[1]


def test_a_sample_takes_whole_accounts_by_their_ids_and_says_so():
    values, won = panel_of(accounts=100)
    shuffled = values.sample(frac=1, random_state=1)
    sample = sample_accounts(values, most_rows=121, seed=1)
    assert len(sample) == 120
    assert (sample.groupby(level="account_id").size() == 2).all()
    assert sample_accounts(shuffled, most_rows=121, seed=1).equals(sample)
    assert not sample_accounts(values, most_rows=121, seed=2).index.equals(sample.index)
    few = ModelSettings(bags=1, max_training_rows=120)
    note = "Fitted on 120 of 200 rows: those of 60 of 100 accounts, drawn by their ids."
    assert fit_card(values, won, criteria=["visits"], settings=few).notes == (note,)


def test_an_account_never_stands_on_both_sides_of_a_bag():
    ids = pd.Index([f"A{n % 40}" for n in range(120)])
    bags = bags_by_account(ids, bags=3, seed=1)
    sides = pd.DataFrame(bags).groupby(ids).nunique()
    assert (sides == 1).all(axis=None)
    assert ((bags == -1).sum(axis=0) == 3 * round(0.15 * 40)).all()
    assert not np.array_equal(bags[:, 0], bags[:, 1])


def test_edges_are_round_and_finer_at_the_top():
    numbers = np.random.default_rng(0).lognormal(10, 2, size=5_000)
    edges = np.array(numeric_edges(numbers, max_bins=16))
    assert len(edges) == 15
    assert all(float(f"{edge:.2g}") == edge for edge in edges)
    shares = [(numbers >= edge).mean() for edge in edges[-5:]]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 1 / 100


def test_zero_has_a_bin_of_its_own():
    edges = numeric_edges(np.r_[np.zeros(500), np.arange(37.0, 537.0)], max_bins=8)
    assert edges[0] == 37.0


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=50))
def test_edges_of_amounts_ascend_and_are_few(amounts):
    edges = np.array(amount_edges(np.array(amounts)))
    assert 1 <= len(edges) <= 49
    assert (np.diff(edges) > 0).all()


# ---- boosting and past revenue --------------------------------------------------------------


def shared_out(won):
    """Return the shares of the parts where outcomes follow from the values in this way."""
    values, _ = panel_of()
    binned = bin_criteria(values, [*values], max_bins=8, amounts=["won_revenue_4q"])
    windows = [one for one in binned.criteria if one.name == "won_revenue_4q"]
    return choose_shares(
        binned.criteria, binned.codes, values, np.asarray(won(values)), windows=windows, seed=1
    )


def test_boosting_gets_more_where_past_revenue_misses_what_matters():
    past = panel_of()[0]["won_revenue_4q"].to_numpy()
    by_visits = shared_out(lambda values: past * np.exp(2 * values["visits"].fillna(0)))
    by_past = shared_out(lambda _: past)
    assert by_visits.boosting > 0.5 >= by_past.boosting or by_visits.smooth > by_past.smooth


def test_where_nothing_can_be_tried_both_parts_count_the_same():
    found = shared_out(lambda values: (np.arange(len(values)) < 15) * 10.0)
    assert (found.boosting, found.smooth) == (0.5, 0.0)


# ---- the smooth part ----------------------------------------------------------------------------


def smooth_of(won):
    values, _ = panel_of()
    binned = bin_criteria(values, [*values], max_bins=8, amounts=["won_revenue_4q"])
    points = smooth_points(binned.criteria, binned.codes, values, np.asarray(won(values)))
    return dict(zip([one.name for one in binned.criteria], points, strict=True))


def test_regressions_follow_revenue_without_steps_and_never_fall_where_more_can_only_help():
    rising = smooth_of(lambda values: values["won_revenue_4q"].to_numpy())["won_revenue_4q"]
    assert (np.diff(rising[:-1]) > 0).all()
    falling = smooth_of(lambda values: 1.0 / (1.0 + values["won_revenue_4q"].to_numpy()))
    assert (np.diff(falling["won_revenue_4q"][:-1]) >= 0).all()


def test_too_few_wins_give_regressions_nothing_to_say():
    found = smooth_of(lambda values: (np.arange(len(values)) < 15) * 10.0)
    assert not any(points.any() for points in found.values())


# ---- past revenue and simple rules ----------------------------------------------------------


def test_the_past_revenue_card_never_falls_and_keeps_the_sum():
    values, won = panel_of()
    card = fit_past_revenue_card(values, won)
    predicted = card.predict(values)
    by_past = predicted.to_numpy()[np.argsort(values["won_revenue_4q"], kind="stable")]
    assert np.diff(by_past).min() >= 0
    assert predicted.sum() == pytest.approx(won.sum())
    assert card.criteria[0].accounts[-1] == 0
    rows = np.bincount(card.criteria[0].bin_of(values["won_revenue_4q"]))
    assert rows.min() >= 20


def test_one_large_account_does_not_set_the_amount_of_its_own_step():
    past = pd.DataFrame({"won_revenue_4q": [*[0.0] * 40, *range(100, 140), 1e6]})
    won = pd.Series([*[0.0] * 40, *[50.0] * 40, 9e6])
    assert len(fit_past_revenue_card(past, won).criteria[0].points) == 2


def test_nothing_won_gives_a_card_that_predicts_nothing():
    values = pd.DataFrame({"won_revenue_4q": [0.0, 5.0]})
    card = fit_past_revenue_card(values, pd.Series([0.0, -1.0]))
    assert card.predict(values).tolist() == [0.0, 0.0]


def test_without_any_outcome_past_revenue_is_scaled_to_the_horizon():
    values = pd.DataFrame({"won_revenue_4q": [0.0, 1_000.0, 4_000.0, -10.0]})
    card = uncalibrated_past_revenue_card(values, horizon=2)
    predicted = card.predict(values)
    assert predicted.sum() == pytest.approx(2_500.0)
    np.testing.assert_allclose(predicted, [0.0, 500.0, 2_000.0, 0.0], atol=0.1)
    assert "past revenue of 4 quarters, scaled to 2" in card.notes[0]
    assert uncalibrated_past_revenue_card(values[:1], horizon=2).predict(values).sum() == 0


def test_past_revenue_is_the_past_year_or_the_longest_window():
    assert past_revenue_column(["won_revenue_1q", "won_revenue_4q"]) == "won_revenue_4q"
    assert past_revenue_column(["won_revenue_1q", "won_revenue_ever"]) == "won_revenue_1q"
    assert past_revenue_column([]) == "won_revenue_4q"


def test_the_best_column_may_be_one_that_falls():
    values = pd.DataFrame({"noise": [1.0, 1, 1, 1], "days": [9.0, 1, 5, np.nan], "name": ["a"] * 4})
    rule = best_column(values, pd.Series([0.0, 90, 10, 0]), criteria=[*values])
    assert (rule.column, rule.falling) == ("days", True)
    assert best_column(values, pd.Series([0.0] * 4), criteria=["name"]).column == "won_revenue_4q"


def test_the_random_order_belongs_to_the_account():
    values, _ = panel_of(accounts=5)
    draws = RandomRule(seed=1).predict(values)
    first, second = (draws.xs(day, level="as_of") for day in DATES)
    assert first.equals(second)
    assert draws.sample(frac=1, random_state=1).sort_index().equals(draws)
    assert not np.allclose(draws, RandomRule(seed=2).predict(values))


def test_drawn_numbers_are_even():
    draws = account_draws(map(str, range(20_000)), purpose="test", seed=1)
    assert np.histogram(draws, bins=10, range=(0, 1))[0] == pytest.approx(2_000, rel=0.1)


def test_tiers_held_before_rank_by_their_place():
    values, _ = panel_of(accounts=3, dates=DATES[:1])
    held = pd.Series(["Tier 2", "Tier 1"], index=values.index[:2])
    found = TierRule(held, ("Tier 1", "Tier 2")).predict(values)
    assert found[:2].tolist() == [-1.0, 0.0]
    assert np.isnan(found.iloc[2])
    assert last_quarter_rule().predict(values).tolist() == [0.0] * 3


# ---- measures -------------------------------------------------------------------------------

amounts = st.lists(st.integers(0, 5), min_size=2, max_size=12)


def test_measures_by_hand():
    actual, predicted = [50, 30, 20, 0], [1, 4, 3, 2]
    # accounts in order 30, 20, 0, 50: cumulative 30, 50, 50, 100 of 100
    area = (15 + 40 + 50 + 75) / 400 - 0.5
    perfect = (25 + 65 + 90 + 100) / 400 - 0.5
    assert gini(actual, predicted) == pytest.approx(area / perfect)
    assert capture(actual, predicted, accounts=1) == 0.3
    assert capture(actual, predicted, accounts=2.5) == 0.5
    assert capture(actual, predicted, accounts=0) == 0.0
    assert capture(actual, predicted, accounts=99) == 1.0
    assert capture_share(actual, predicted, share=0.5) == 0.5
    assert actual_over_predicted([10, 20], [20, 40]) == 0.5


def test_perfect_foresight_is_1_its_reverse_minus_1_and_no_order_is_0():
    actual = [9.0, 5.0, 1.0, 0.0]
    assert gini(actual, actual) == pytest.approx(1.0)
    assert gini(actual, [-one for one in actual]) == pytest.approx(-1.0)
    assert gini(actual, [1, 1, 1, 1]) == pytest.approx(0.0)


def test_what_cannot_be_said_is_not_a_number():
    assert np.isnan(gini([0, 0], [1, 2]))
    assert np.isnan(gini([3, 3], [1, 2]))
    assert np.isnan(capture([0, 0], [1, 2], accounts=1))
    assert np.isnan(actual_over_predicted([1], [0]))


@given(amounts, st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(actual, random):
    predicted = [random.randint(0, 3) for _ in actual]
    places = [*range(len(actual))]
    random.shuffle(places)
    moved = [[column[at] for at in places] for column in (actual, predicted)]
    np.testing.assert_allclose(gini(*moved), gini(actual, predicted), atol=1e-12)
    np.testing.assert_allclose(
        capture(*moved, accounts=2), capture(actual, predicted, accounts=2), atol=1e-12
    )


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(lambda a: len({*a}) > 1))
def test_equal_predictions_count_as_the_mean_over_all_orders(actual):
    from itertools import permutations

    ties = [1] * len(actual)
    orders = [*permutations(range(len(actual)))]
    each = [gini(actual, order) for order in orders]
    assert gini(actual, ties) == pytest.approx(np.mean(each), abs=1e-9)
    each = [capture(actual, order, accounts=1) for order in orders]
    assert capture(actual, ties, accounts=1) == pytest.approx(np.mean(each))


def test_an_account_that_counts_twice_is_two_accounts():
    from tierkit.statistics.measures import Ranking, capture_of, gini_of

    actual, predicted = np.array([5.0, 3.0, 0.0]), np.array([3.0, 2.0, 2.0])
    weights = np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]).T
    ranking, perfect = Ranking.of(actual, predicted), Ranking.of(actual, actual)
    curve = ranking.curve(weights)
    assert gini_of(curve, perfect.curve(weights)).tolist() == [
        pytest.approx(gini([5, 5, 0], [3, 3, 2])),
        pytest.approx(gini(actual, predicted)),
    ]
    assert capture_of(curve, accounts=1)[0] == 0.5


def test_a_range_is_wider_where_few_accounts_bring_most():
    """By hand: 2.5 % beyond each end with many accounts, 0.1 % with five."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"account_id": [f"A{place}" for place in range(200)], "as_of": 1})
    rows = rows.assign(card=rng.random(200), past_revenue=rng.random(200))
    even = compare(rows.assign(actual=1.0 + rng.random(200)), capacities=[], seed=1, draws=200)
    few = rows.assign(actual=np.where(np.arange(200) < 5, 1000.0, 1.0))
    assert accounts_that_count(few) == pytest.approx(5195**2 / (5 * 1000**2 + 195))
    assert share_beyond(5) < share_beyond(30) < share_beyond(1_000) < 0.025
    found = compare(few, capacities=[], seed=1, draws=200)
    assert found.gain.high - found.gain.low > even.gain.high - even.gain.low


def test_a_gain_has_a_range_and_does_not_depend_on_the_order_of_rows():
    values, won = panel_of()
    rows = values.reset_index()[["account_id", "as_of"]].assign(
        actual=won.to_numpy(), card=won.to_numpy(), past_revenue=values["won_revenue_4q"].to_numpy()
    )
    found = compare(rows, capacities=[10, 50], seed=1, draws=200)
    assert found.card_gini.value == pytest.approx(1.0)
    assert found.gain.value == pytest.approx(1 - found.past_gini.value)
    assert found.gain.low < found.gain.value < found.gain.high
    assert found.gain.is_above(0)
    assert {*found.captures} == {10, 50}
    shuffled = compare(rows.sample(frac=1, random_state=2), capacities=[10, 50], seed=1, draws=200)
    np.testing.assert_allclose(shuffled.gain.low, found.gain.low)
    same = compare(rows.assign(card=rows["past_revenue"]), capacities=[10], seed=1, draws=200)
    assert (same.gain.low, same.gain.high) == (0.0, 0.0)
    assert not same.gain.is_above(0)
    assert not same.gain.is_below(0)


# ---- ranges ---------------------------------------------------------------------------------


def test_8_in_10_accounts_come_in_within_their_range():
    rng = np.random.default_rng(1)
    predicted = np.exp(rng.normal(8, 1, size=4_000))
    actual = predicted * np.exp(rng.normal(-0.5, 1, size=4_000))
    tested = pd.DataFrame({"predicted": predicted[:2_000], "actual": actual[:2_000]})
    new = pd.Series(predicted[2_000:])
    found = account_ranges(tested, new)
    inside = (actual[2_000:] >= found["predicted_low"]) & (
        actual[2_000:] <= found["predicted_high"]
    )
    assert inside.mean() == pytest.approx(0.8, abs=0.03)
    assert (found["predicted_low"] <= new).all()
    assert (found["predicted_high"] >= new).all()


def test_accounts_have_no_range_where_too_few_were_tested():
    tested = pd.DataFrame({"predicted": [1.0] * 49, "actual": [1.0] * 49})
    assert account_ranges(tested, pd.Series([5.0])).isna().all(axis=None)


def totals_off_by(ratios, *, dates):
    days = pd.date_range("2020-01-01", periods=dates, freq="QS")
    return pd.DataFrame(
        [
            {
                "account_id": f"A{n:02d}", "as_of": day, "rank_by": -n,
                "predicted": 10.0, "actual": 10.0 * ratio,
            }
            for day, ratio in zip(days, ratios, strict=True) for n in range(30)
        ]
    )  # fmt: skip
