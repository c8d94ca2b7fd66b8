"""Wrong calls of the public functions: each is a sentence that says what was found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

import tierkit as tk
from tierkit.errors import TierkitError
from tierkit.library.example import example_card, example_frames, example_panel, example_tables
from tierkit.publishing.passed import check_passed

TIERS = [tk.Tier("Tier 1", capacity=5), tk.Tier("Tier 2")]
BY_INDUSTRY = [tk.Tier("Tier 1", capacity=3, where="industry == 'Energy'"), tk.Tier("Tier 2")]


class Broken(BaseEstimator):
    def fit(self, X, y):  # noqa: ARG002
        raise ZeroDivisionError("division by zero")

    def predict(self, X):
        return X


def frames(**changes):
    return tk.tables_from_frames({**example_frames(), **changes})


def deals(**columns):
    return frames(opportunities=example_frames()["opportunities"].assign(**columns))


def panel(**options):
    return tk.build_panel(example_tables(), "2026-01-01", **options)


def with_criterion(values, name="mine"):
    return example_panel().with_criterion(name, values)


def backtest(model, **options):
    return tk.backtest(example_panel(), {"mine": model}, **options)


def scores():
    return example_card().predict(example_panel().now)


def assigned(tiers=TIERS, **options):
    return tk.assign_tiers(scores(), tiers, **options)


TABLES = {
    "no table": (tk.tables_from_frames, "Pass it: tables_from_frames.opportunities=…."),
    "a folder": (lambda: tk.tables_from_frames("acme"), "`read_tables` reads a project's folder"),
    "a list": (lambda: frames(accounts=[1]), "accounts: a data frame is needed; found list"),
    "given twice": (
        lambda: tk.tables_from_frames(example_frames(), accounts=pd.DataFrame()), "given twice"),
    "no columns": (lambda: frames(opportunities=pd.DataFrame()), "the data frame has no columns"),
    "no rows": (
        lambda: frames(opportunities=example_frames()["opportunities"].iloc[:0]), "has no rows"),
    "dates": (lambda: deals(close_date="soon"), "opportunities.close_date: .*'soon'"),
    "amounts": (lambda: deals(amount="x"), "opportunities.amount: 900 of 900 values"),
    "no project": (lambda: tk.read_tables("/nowhere"), "no tierkit.toml there or above"),
    "no folder": (lambda: tk.read_tables(7), "a folder or its settings are needed; found int"),
    "a rule": (lambda: tk.accounts_where(example_tables(), 7), "a written rule is needed.*int"),
    "a rule on frames": (
        lambda: tk.accounts_where(pd.DataFrame(), "a == 1"), "trusted tables are needed"),
}  # fmt: skip
PANELS = {
    "frames": (lambda: tk.build_panel(example_frames(), "2026-01-01"), "tables_from_frames"),
    "a date": (lambda: tk.build_panel(example_tables(), "1.10.2026"), "is not a day. Write it as"),
    "too early": (lambda: tk.build_panel(example_tables(), "1999-01-01"), "none is known before"),
    "no horizon": (lambda: panel(horizon_quarters=0), "horizon_quarters: .*greater than"),
    "horizon in words": (lambda: panel(horizon_quarters="two"), 'integer, found "two"'),
    "one day": (lambda: panel(days="2025-01-01"), "a list of days is needed"),
    "an open day": (
        lambda: panel(days=["2025-07-01"]), "the 4 quarters after it are not over at 2026-01-01"),
    "a day to come": (lambda: panel(days=["2027-01-01"]), "are not over"),
    "no column": (
        lambda: with_criterion(lambda rows: rows["no"]), "mine: the function raised KeyError"),
    "an array": (lambda: with_criterion(np.ones(3)), "a series is needed"),
    "dates as values": (
        lambda: with_criterion(lambda rows: pd.Series(pd.Timestamp("2025-01-01"), rows.index)),
        "dates are no criterion"),
    "division by 0": (
        lambda: with_criterion(lambda rows: rows["won_revenue_4q"] / 0), "values are infinite"),
    "no name": (lambda: with_criterion(lambda rows: rows["industry"], name=7), "a name is needed"),
    "outcomes of a year": (lambda: tk.outcomes(example_tables(), 2025), "2025 is not a day"),
    "outcomes of a frame": (
        lambda: tk.outcomes(pd.DataFrame(), "2025-01-01"), "trusted tables are needed"),
    "comparing a folder": (lambda: tk.compare_tiers("acme"), "trusted tables are needed"),
}  # fmt: skip
MODELS = {
    "fit a frame": (lambda: tk.fit_card(example_panel().now), "a panel is needed"),
    "one criterion": (
        lambda: tk.fit_card(example_panel(), criteria="industry"), r"such as \['industry'\]"),
    "predict a panel": (lambda: example_card().predict(example_panel()), "pass panel.now"),
    "predict a list": (lambda: example_card().predict([1]), "a data frame is needed; found list"),
    "explain all days": (
        lambda: example_card().explain(example_panel().to_frame(), "A001"), "such as panel.now"),
    "no mapping": (lambda: tk.backtest(example_panel(), example_card()), "are needed by name"),
    "a class": (lambda: backtest(LinearRegression), r"call it: LinearRegression\(\)"),
    "text": (lambda: backtest("industry"), "column industry: numbers are needed; .*'Health'"),
    "one capacity": (lambda: backtest("wins_count_4q", capacities=15), "found 15"),
    "no accounts": (lambda: backtest("wins_count_4q", capacities=[0]), r"found \[0\]"),
    "it raises": (lambda: backtest(Broken()), "mine: ZeroDivisionError: division by zero"),
    "a classifier": (lambda: backtest(LogisticRegression()), "mine: ValueError"),
    "an estimator as challenger": (
        lambda: tk.challenger(LinearRegression()), "it marks a function that returns a regressor"),
    "no pairs": (lambda: tk.gini([1, 2], [1]), "they must be pairs"),
    "an amount is missing": (lambda: tk.gini([1, float("nan")], [1, 2]), "1 of 2 amounts"),
    "amounts in words": (lambda: tk.capture(["a"], [1], accounts=1), "numbers are needed"),
    "no amounts": (lambda: tk.gini([], []), "one per account"),
}  # fmt: skip
ASSIGNED = {
    "less than none": (lambda: tk.Tier("Tier 1", capacity=-1), "capacity: .*found -1"),
    "a mistyped rule": (lambda: tk.Tier("Tier 1", capcity=5), "Did you mean capacity?"),
    "a broken rule": (lambda: tk.Tier("Tier 1", where="employees >"), "cannot be read"),
    "names": (lambda: assigned(["Tier 1"]), "such as .* found str"),
    "no list": (lambda: assigned(5), "found int"),
    "one name twice": (lambda: assigned([TIERS[0], TIERS[0]]), "'Tier 1' is given twice"),
    "two that take the rest": (
        lambda: assigned([tk.Tier("A"), tk.Tier("B")]), "'A' has no capacity and is not the last"),
    "scores in a list": (lambda: tk.assign_tiers([1, 2], TIERS), "a pandas series by account_id"),
    "no scores": (lambda: tk.assign_tiers(scores().iloc[:0], TIERS), "there is no account"),
    "scores in words": (lambda: tk.assign_tiers(pd.Series({"A": "x"}), TIERS), "numbers .*'x'"),
    "holders in a list": (lambda: assigned(previous=["Tier 1"]), "by account_id is needed"),
    "overrides in a list": (lambda: assigned(overrides=["A001"]), "by account_id is needed"),
    "other accounts": (
        lambda: assigned(BY_INDUSTRY, accounts=pd.DataFrame({"industry": ["Energy"]})),
        "none of the scored accounts is in it"),
    "a narrow band": (lambda: assigned(keep_band=0.5), "keep_band: .*found 0.5"),
    "a band in words": (lambda: assigned(keep_band="wide"), 'found "wide"'),
    "too many moves": (lambda: assigned(max_moves_share=3), "max_moves_share"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(*case, id=name)
        for cases in (TABLES, PANELS, MODELS, ASSIGNED)
        for name, case in cases.items()
    ],
)
def test_a_wrong_call_is_a_sentence(call, sentence):
    with pytest.raises(TierkitError, match=f"(?s){sentence}"):
        call()


def test_a_sentence_names_no_folder_that_nobody_gave():
    with pytest.raises(TierkitError) as raised:
        tk.tables_from_frames(accounts=example_frames()["accounts"])
    assert "/" not in str(raised.value)
    assert ".csv" not in str(raised.value)


def test_accounts_of_rules_may_have_their_id_in_a_column():
    accounts = example_frames()["accounts"]
    one = assigned(BY_INDUSTRY, accounts=accounts).to_frame()
    other = assigned(BY_INDUSTRY, accounts=accounts.set_index("account_id")).to_frame()
    pd.testing.assert_frame_equal(one, other)
    assert (one["tier"] == "Tier 1").sum() == 3


def test_frames_of_polars_are_read_and_scored_as_those_of_pandas():
    polars = pytest.importorskip("polars")
    given = {name: polars.from_pandas(one) for name, one in example_frames().items()}
    lazy = {**given, "accounts": given["accounts"].lazy()}
    ids = [tk.tables_from_frames(one)["accounts"].collect().rows() for one in (given, lazy)]
    assert sorted(ids[0]) == sorted(ids[1])
    assert len(ids[0]) == 60
    now = example_panel().now
    found = example_card().predict(polars.from_pandas(now.reset_index()))
    pd.testing.assert_series_equal(found, scores(), check_index_type=False)


@pytest.mark.parametrize(
    "executed",
    [
        [],
        ['quarter = ""', "# Parameters\nquarter = '2026Q3'\n"],
        ["%matplotlib inline", "import tierkit"],
        ["# Parameters\nquater = '2026Q3'\n"],  # a notebook without a parameters cell
    ],
)
def test_parameters_that_a_notebook_takes_are_passed(executed):
    check_passed(executed)


def test_objects_say_what_they_are_in_a_few_lines():
    tables, tier = example_tables(), TIERS[0]
    assert repr(tables).startswith("Trusted tables: 60 accounts, 900 opportunities\n")
    assert repr(tier) == "Tier(name='Tier 1', capacity=5)"
    assert repr(example_panel().panel).startswith("Panel of 60 accounts on 10 days")
