"""Models that the card is compared with, on the same rows and the same criteria.

Each is a function from what is learned from, what is tested on, and the set, to a number per tested
row: higher is better. Those in `MONEY` predict amounts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import GammaRegressor, LogisticRegression, TweedieRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benches.model_sets import ModelSet
from tierkit.models.binning import is_category
from tierkit.models.examples import Examples
from tierkit.models.simple_rules import best_column
from tierkit.statistics.arrays import FloatArray

Predict = Callable[[Examples, Examples, ModelSet], FloatArray]
MONEY = ("card", "BG/NBD × Gamma-Gamma", "Tweedie GLM", "hurdle", "Poisson trees", "two-part trees",
         "additive boosting")  # fmt: skip
_DAYS_A_QUARTER = 91.3125
_PENALTY = 0.01
_FIVE = 5


def card(train: Examples, test: Examples, one: ModelSet) -> FloatArray:
    """Predict by tierkit's card as a run fits it."""
    return train.fit(one.settings).predict(test.values).to_numpy()


def past_year(_train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Rank by past revenue: of the year, or the longest whole window."""
    return test.values["won_revenue_4q"].to_numpy(dtype=float)


def last_quarter(_train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Rank by the revenue of the last quarter."""
    return test.values["won_revenue_1q"].to_numpy(dtype=float)


def best_single(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Rank by the one column that ranks the training rows best."""
    rule = best_column(train.values, train.won, criteria=train.criteria)
    return rule.predict(test.values).to_numpy(dtype=float)


def rfm_sum(_train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Rank by the sum of the fifths of recency, frequency and monetary value."""
    wins = next(n for n in ("wins_count_4q", "wins_count_ever") if n in test.values)
    recency = -test.values["days_since_last_won"].astype(float)
    columns = [recency, test.values[wins], test.values["won_revenue_4q"]]
    return np.sum([_fifth(column) for column in columns], axis=0)


def buy_till_you_die(_train: Examples, test: Examples, one: ModelSet) -> FloatArray:
    """Predict by BG/NBD purchases times Gamma-Gamma values, from the orders of the look-back."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter
    from lifetimes.utils import ConvergenceError, summary_data_from_transaction_data

    (as_of,) = test.values.index.get_level_values("as_of").unique()
    start = pd.Timestamp(
        one.settings.fiscal_calendar.window_start(as_of.date(), one.panel.look_back)
    )
    seen = one.orders["close_date"].between(start, as_of, inclusive="left")
    orders = one.orders[seen & (one.orders["value"] > 0)]
    summary = summary_data_from_transaction_data(
        orders, "account_id", "close_date", monetary_value_col="value",
        observation_period_end=as_of - pd.Timedelta(days=1),
    )  # fmt: skip
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    if len(repeat) < _FIVE:
        return np.zeros(len(test.values))
    days = one.settings.target.horizon_quarters * _DAYS_A_QUARTER
    weeks, history = 7.0, summary[["frequency", "recency", "T"]].astype(float)
    history = history.assign(recency=history["recency"] / weeks, T=history["T"] / weeks)
    try:
        buying = BetaGeoFitter(_PENALTY).fit(history["frequency"], history["recency"], history["T"])
    except ConvergenceError:  # orders that are nothing like its assumptions: it says nothing
        return np.zeros(len(test.values))
    times = buying.conditional_expected_number_of_purchases_up_to_time(
        days / weeks, history["frequency"], history["recency"], history["T"]
    )
    scale = repeat["monetary_value"].mean()
    spending = GammaGammaFitter(_PENALTY).fit(repeat["frequency"], repeat["monetary_value"] / scale)
    worth = spending.conditional_expected_average_profit(
        summary["frequency"], summary["monetary_value"] / scale
    )
    expected = (times * worth * scale).reindex(test.values.index.get_level_values("account_id"))
    return expected.fillna(0.0).to_numpy(dtype=float)


def tweedie_glm(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Predict by a Tweedie regression with a log link on logarithms of amounts and counts."""
    model = make_pipeline(
        _columns(train), TweedieRegressor(power=1.5, alpha=0.01, link="log", max_iter=1_000)
    )
    scale = _positive(train).mean()
    return model.fit(train.values, _positive(train) / scale).predict(test.values) * scale


def hurdle(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Predict whether anything is won (logit), times how much then (Gamma regression)."""
    won = _positive(train)
    some = won > 0
    whether = make_pipeline(_columns(train), LogisticRegression(C=0.3, max_iter=2_000))
    how_much = make_pipeline(_columns(train), GammaRegressor(alpha=0.1, max_iter=1_000))
    chance = whether.fit(train.values, some).predict_proba(test.values)[:, 1]
    scale = won[some].mean()
    amount = how_much.fit(train.values[some], won[some] / scale).predict(test.values)
    return chance * amount * scale


def poisson_trees(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Predict by boosted trees with a Poisson loss."""
    every = np.ones(len(train.values), dtype=bool)
    seen, unseen, categories = _for_trees(train, test, among=every)
    model = HistGradientBoostingRegressor(loss="poisson", **_trees(categories))
    scale = _positive(train).mean()
    return model.fit(seen, _positive(train) / scale).predict(unseen) * scale


def two_part_trees(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Predict by boosted trees whether anything is won, times how much then (Gamma loss)."""
    won = _positive(train)
    some = won > 0
    seen, unseen, categories = _for_trees(train, test, among=some)
    whether = HistGradientBoostingClassifier(**_trees(categories)).fit(seen, some)
    scale = won[some].mean()
    how_much = HistGradientBoostingRegressor(loss="gamma", **_trees(categories))
    how_much.fit(seen[some], won[some] / scale)
    return whether.predict_proba(unseen)[:, 1] * how_much.predict(unseen) * scale


def additive_boosting(train: Examples, test: Examples, _one: ModelSet) -> FloatArray:
    """Predict by plain additive boosting (interpret, Tweedie, no interactions, four bags)."""
    from interpret.glassbox import ExplainableBoostingRegressor

    names = [*train.criteria]
    model = ExplainableBoostingRegressor(
        objective="tweedie_deviance:variance_power=1.5", interactions=0, outer_bags=4, n_jobs=1,
        random_state=1,
    )  # fmt: skip
    model.fit(train.values[names], _positive(train))
    return np.asarray(model.predict(test.values[names]), dtype=float)


PEERS: Mapping[str, Predict] = {
    "card": card,
    "past year": past_year,
    "last quarter": last_quarter,
    "RFM sum": rfm_sum,
    "best column": best_single,
    "BG/NBD × Gamma-Gamma": buy_till_you_die,
    "Tweedie GLM": tweedie_glm,
    "hurdle": hurdle,
    "Poisson trees": poisson_trees,
    "two-part trees": two_part_trees,
    "additive boosting": additive_boosting,
}


def predicted(name: str, train: Examples, test: Examples, one: ModelSet) -> FloatArray:
    """Return what a model says of the tested rows; its library's warnings are not ours to show."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = PEERS[name](train, test, one)
    return np.nan_to_num(np.asarray(found, dtype=float), nan=-np.inf)


def _positive(train: Examples) -> FloatArray:
    return np.maximum(train.won.to_numpy(dtype=float), 0.0)


def _fifth(column: pd.Series[float]) -> FloatArray:
    """Return 1 to 5 by fifths of the known values, 0 where unknown."""
    place = column.rank(pct=True, method="average")
    return np.ceil(place * _FIVE).fillna(0.0).to_numpy(dtype=float)


def _columns(train: Examples) -> object:
    """Return the usual preparation: signed logarithms, medians for unknown with a flag, levels."""
    text = [name for name in train.criteria if is_category(train.values[name])]
    usable = [name for name in train.criteria if train.values[name].notna().any()]
    numbers = [name for name in usable if name not in text]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        FunctionTransformer(_signed_log),
        StandardScaler(),
    )
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20)
    return make_column_transformer((scaled, numbers), (levels, text))


def _signed_log(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.log1p(np.abs(values))


def _for_trees(
    train: Examples, test: Examples, *, among: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, Sequence[int]]:
    """Return numbers for trees of the columns that differ among some of the rows learned from."""
    fitted = train.values[among]
    names = [name for name in train.criteria if fitted[name].nunique() > 1]
    text = [name for name in names if is_category(train.values[name])]
    seen, unseen = train.values[names].copy(), test.values[names].copy()
    for name in text:
        levels = pd.Index(sorted(seen[name].dropna().map(str).unique()))[:250]
        for frame in (seen, unseen):
            codes = levels.get_indexer(frame[name].map(str)).astype(float)
            frame[name] = np.where(codes < 0, np.nan, codes)
    return (
        seen.to_numpy(dtype=float),
        unseen.to_numpy(dtype=float),
        [names.index(name) for name in text],
    )


def _trees(categories: Sequence[int]) -> dict[str, object]:
    return {
        "learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 15, "min_samples_leaf": 30,
        "l2_regularization": 1.0, "categorical_features": [*categories], "random_state": 1,
    }  # fmt: skip
