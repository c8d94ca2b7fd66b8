"""The library: from data frames to tiers in ten lines, with errors that are sentences."""

from __future__ import annotations

import inspect
from datetime import date

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

import tierkit
from tierkit.errors import DataError, SettingsError, TierkitError
from tierkit.library.example import (
    example_card,
    example_frames,
    example_panel,
    example_tables,
    quick_settings,
)

mpl.use("agg")


def ten_lines(accounts, deals, quick):
    import tierkit as tk

    tables = tk.tables_from_frames(accounts=accounts, opportunities=deals)
    panel = tk.build_panel(tables, "2026-01-01", horizon_quarters=2, settings=quick)
    panel = panel.with_criterion("per_win", lambda v: v["won_revenue_4q"] / v["wins_count_4q"])
    card = tk.fit_card(panel)
    tested = tk.backtest(panel, {"card": card, "mine": LinearRegression()})
    tested.plot("gini")
    tiers = [tk.Tier("Tier 1", capacity=5), tk.Tier("Tier 2", capacity=20), tk.Tier("Tier 3")]
    return tk.assign_tiers(card.predict(panel.now), tiers), card, tested


def test_from_tables_to_tiers_in_ten_lines_and_one_import():
    frames = example_frames()
    tiers, card, tested = ten_lines(frames["accounts"], frames["opportunities"], quick_settings())
    body = [line for line in inspect.getsource(ten_lines).splitlines()[1:] if line.strip()]
    assert len(body) <= 10
    assert tiers.counts().to_frame()["accounts"].tolist() == [5, 20, 35]
    top = tiers.to_frame().query("tier == 'Tier 1'").index
    assert np.median([int(account[1:]) for account in top]) > 30  # larger accounts buy more
    assert set(tested.to_frame()["model"]) == {"card", "mine", "past revenue"}
    assert card.trained_on


# ---- tables --------------------------------------------------------------------------------------


def test_frames_are_checked_like_any_source():
    frames = example_frames()
    broken = frames["opportunities"].assign(amount="ten")
    with pytest.raises(DataError) as raised:
        tierkit.tables_from_frames(accounts=frames["accounts"], opportunities=broken)
    assert any("amount" in str(problem) for problem in raised.value.problems)
    with pytest.raises(SettingsError, match="deals: no table of the contract"):
        tierkit.tables_from_frames(accounts=frames["accounts"], deals=broken)


def test_what_is_given_is_not_changed():
    frames = example_frames()
    before = {name: frame.copy() for name, frame in frames.items()}
    tierkit.tables_from_frames(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


# ---- panel ---------------------------------------------------------------------------------------


def test_a_panel_sees_nothing_of_the_future():
    frames = example_frames()
    deals = frames["opportunities"]
    later = deals.assign(amount=deals["amount"].where(deals["close_date"] < "2025-07-01", 10**6))
    then = [
        tierkit.build_panel(
            tierkit.tables_from_frames(accounts=frames["accounts"], opportunities=one),
            "2025-07-01", horizon_quarters=2,
        )
        for one in (deals, later)
    ]  # fmt: skip
    pd.testing.assert_frame_equal(then[0].to_frame(), then[1].to_frame())
    pd.testing.assert_series_equal(then[0].won, then[1].won)


def test_a_criterion_is_a_function_of_the_values_or_a_series_by_account():
    panel = example_panel()
    twice = panel.with_criterion("twice", lambda rows: rows["won_revenue_4q"] * 2)
    assert (twice.now["twice"] == 2 * panel.now["won_revenue_4q"]).all()
    assert "twice" not in twice.panel.undated
    fit = pd.Series({"A001": "good", "A002": "bad"})
    named = panel.with_criterion("fit", fit)
    assert named.now["fit"].dropna().to_dict() == fit.to_dict()
    assert "fit" in named.panel.undated  # today's value at every date
    assert panel.criteria == example_panel().criteria
    assert "fit" not in named.without("fit").criteria


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (lambda _: 7, "a series is needed, found int"),
        (pd.Series({"nobody": 1.0}), "no account of the panel has a value"),
        (pd.Series([1.0, 2.0], index=["A001", "A001"]), "an account has more than one value"),
    ],
)
def test_a_criterion_that_fits_no_account_is_a_sentence(values, sentence):
    with pytest.raises(DataError, match=f"mine: {sentence}"):
        example_panel().with_criterion("mine", values)


def test_days_and_names_that_are_not_there_are_sentences():
    for wrong in (
        lambda: tierkit.build_panel(example_tables(), "soon"),
        lambda: example_panel().at("2025-02-03"),
        lambda: example_panel().without("won_revenue"),
        lambda: tierkit.fit_card(example_panel(), criteria=["won"]),
        lambda: tierkit.backtest(example_panel(), {"mine": 7}),
        lambda: tierkit.backtest(example_panel(), {"mine": "won"}),
        lambda: example_card().explain(example_panel().now, "A999"),
        lambda: example_card().plot("won"),
    ):
        with pytest.raises(SettingsError, match=r"such as|is not a day|There are|no |needed"):
            wrong()


# ---- card and backtest ---------------------------------------------------------------------------


def test_a_card_comes_back_from_json_with_what_it_was_trained_on():
    card = example_card()
    again = tierkit.Card.from_json(card.to_json())
    assert again == card
    assert again.trained_on == example_panel().days


def test_factors_explain_the_prediction():
    card, now = example_card(), example_panel().now
    factors = card.explain(now, "A030").to_frame()["factor"]
    predicted = card.predict(now)["A030"]
    assert card.base * factors.prod() == pytest.approx(predicted)


def test_a_fitted_card_is_fitted_again_at_each_date_and_one_set_by_hand_is_not():
    panel = example_panel()
    card = example_card()
    by_hand = tierkit.Card(card.base, card.criteria)
    models = {"card": card, "by hand": by_hand, "column": "won_revenue_4q",
              "trees": DecisionTreeRegressor(max_depth=3, random_state=1)}  # fmt: skip
    found = tierkit.backtest(panel, models, capacities=[10])
    said = found.predictions.set_index(["account_id", "as_of"])
    test = panel.to_frame().loc[said.index]
    np.testing.assert_allclose(said["by hand"], by_hand.predict(test))
    assert not np.allclose(said["card"], card.predict(test))
    pd.testing.assert_series_equal(said["column"], said["past revenue"], check_names=False)
    table = found.to_frame()
    assert set(table["measure"]) == {"gini", "capture_10"}
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert (table.loc[table["model"] == "column", "gain"] == 0).all()
    assert {"accounts", "dates", "wins"} <= set(table.columns)


def test_past_revenue_measures_as_gini_does():
    found = tierkit.backtest(example_panel(), {}, capacities=[10])
    rows = found.predictions
    by_date = [tierkit.gini(one["actual"], one["past revenue"]) for _, one in rows.groupby("as_of")]
    assert found.to_frame()["estimate"].iloc[0] == pytest.approx(np.mean(by_date))


# ---- tiers ---------------------------------------------------------------------------------------

TIERS = [tierkit.Tier("Tier 1", capacity=1), tierkit.Tier(name="Tier 2", capacity=1)]


def test_everything_but_scores_and_tiers_is_optional():
    found = tierkit.assign_tiers(pd.Series({"B": 2.0, "A": 2.0, "C": 1.0}), TIERS).to_frame()
    assert found["tier"].astype("object").fillna("none").to_dict() == {
        "A": "Tier 1", "B": "Tier 2", "C": "none",
    }  # fmt: skip
    assert found["rank"].tolist() == [1, 2, 3]


def test_overrides_and_holders_come_first():
    scores = pd.Series({"A": 3.0, "B": 2.0, "C": 1.0})
    found = tierkit.assign_tiers(scores, TIERS, overrides={"C": "Tier 1"}).to_frame()
    assert found["tier"].astype("object").to_dict()["C"] == "Tier 1"
    kept = tierkit.assign_tiers(scores, TIERS, previous={"B": "Tier 1"}, keep_band=2).to_frame()
    assert kept.loc["B", "tier"] == "Tier 1"
    held = pd.Series({"B": "Tier 1"})
    series = tierkit.assign_tiers(scores, TIERS, previous=held, keep_band=2).to_frame()
    pd.testing.assert_frame_equal(series, kept)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"tiers": []}, "at least one is needed"),
        ({"tiers": TIERS, "overrides": {"A": "Tier 9"}}, "Tier 9: no tier of that name"),
    ],
)
def test_tiers_that_are_not_there_are_sentences(arguments, sentence):
    with pytest.raises(SettingsError, match=sentence):
        tierkit.assign_tiers(pd.Series({"A": 1.0}), **arguments)


def test_tiers_are_compared_for_some_accounts_and_nothing_is_invented():
    frames = example_frames()
    history = pd.DataFrame({
        "account_id": frames["accounts"]["account_id"],
        "tier": ["Tier 2"] * 40 + ["Tier 1"] * 20,
        "start_date": "2024-01-01",
    })  # fmt: skip
    tables = tierkit.tables_from_frames(frames, tier_history=history)
    tiers = [tierkit.Tier("Tier 1", capacity=20), tierkit.Tier("Tier 2")]
    found = tierkit.compare_tiers(tables, tiers=tiers)
    table = found.to_frame()
    assert set(table["boundary"]) == {"Tier 1 / Tier 2"}
    assert "raw" in set(table["design"])
    half = tierkit.compare_tiers(tables, where="industry == 'Energy'", tiers=tiers)
    counts = [one.outcomes.query("measure == 'won_revenue'")["accounts"].sum()
              for one in (found, half)]  # fmt: skip
    assert counts == [60, 30]
    with pytest.raises(DataError, match="no account of 60 meets it"):
        tierkit.compare_tiers(tables, where="industry == 'Mining'", tiers=tiers)
    with pytest.raises(SettingsError, match="height"):
        tierkit.compare_tiers(tables, where="height > 3", tiers=tiers)
    with pytest.raises(DataError, match="tier_history: this table is needed"):
        tierkit.compare_tiers(example_tables(), tiers=tiers)


# ---- face ----------------------------------------------------------------------------------------


def test_everything_shows_itself_in_a_few_lines():
    panel, card = example_panel(), example_card()
    shown = [
        panel, card, card.explain(panel.now, "A001"),
        tierkit.outcomes(example_tables(), "2025-01-01"),
        tierkit.assign_tiers(card.predict(panel.now), TIERS),
    ]  # fmt: skip
    for one in shown:
        assert 1 <= len(repr(one).splitlines()) <= 14
        assert one._repr_html_().startswith('<table class="mathjax_ignore')  # no $ is mathematics


def test_outcomes_take_days_as_text_or_dates_and_a_horizon():
    one = tierkit.outcomes(example_tables(), "2025-01-01", horizon_quarters=1)
    several = tierkit.outcomes(example_tables(), [date(2025, 1, 1)], horizon_quarters=1)
    pd.testing.assert_frame_equal(one.to_frame(), several.to_frame())


def test_plots_are_axes_with_words():
    axes = tierkit.plot_capture([60, 30, 10, 0], [4, 3, 2, 1], name="mine")
    assert axes.get_title() == "mine: Gini 1.00"
    assert axes.get_xlabel() == "share of accounts, best first"
    with pytest.raises(TierkitError, match="they must be pairs"):
        tierkit.plot_capture([1], [1, 2])
    with pytest.raises(TierkitError, match="Nothing was won"):
        tierkit.plot_capture([0, 0], [1, 2])
    for name in ("", "won_revenue_4q", "won revenue (4 quarters)"):
        axes = example_card().plot(name)
        assert axes.get_xlabel() == "factor on predicted revenue"
        assert axes.get_title() == "won revenue (4 quarters)"


def test_each_public_name_is_listed_once():
    assert len(tierkit.__all__) == len(set(tierkit.__all__))
    assert callable(tierkit.outcomes)
    assert callable(tierkit.backtest)
