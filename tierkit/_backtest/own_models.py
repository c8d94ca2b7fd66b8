"""Own models in the backtest: on the same folds and the same rows as the card."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tierkit._backtest.shuffling import shuffled_ranking
from tierkit._backtest.trial import complete_dates, held_out_folds, rolling_folds
from tierkit.errors import SettingsError
from tierkit.features import Panel
from tierkit.figure import Figure
from tierkit.models import ROLLING, Examples
from tierkit.settings import Settings
from tierkit.statistics import measured_draws, resampled

if TYPE_CHECKING:
    from tierkit._backtest.choice import ModelChoice

Fold = tuple[Examples, Examples]
RANKS = "what ranks the accounts"
Predict = Callable[[Examples, Examples], "pd.Series[float]"]


def challenge_ranking(
    panel: Panel,
    won: pd.Series[float],
    choice: ModelChoice,
    *,
    models: Mapping[str, object],
    settings: Settings,
    as_of: date,
) -> pd.DataFrame:
    """Return how own models would have ranked accounts, beside what ranks them.

    They learn from the same rows and are tested on the same accounts and dates as the card, and
    pass the same gate: criteria that do not see the future, a Gini above that of what ranks with
    the whole 95 % range, no capture that is below it, and more gained on the true outcomes than on
    any that were dealt out anew.

    Parameters
    ----------
    won
        Won revenue of the horizon by account_id and as_of.
    models
        By name: regressors in the way of scikit-learn.

    Returns
    -------
    DataFrame
        As `measured` gives it, with the gain over what ranks, whether the model `passes` the gate
        and `because` of what; no rows where nothing was tested.

    Raises
    ------
    SettingsError
        If a model cannot be fitted; its name and what it raised.
    """
    complete = complete_dates([*choice.trained_on], as_of, settings)
    if not models or choice.backtest.method is None or not complete:
        return pd.DataFrame()
    examples = Examples.of(panel, won, days=complete)
    folds_of = rolling_folds if choice.backtest.method == ROLLING else held_out_folds
    predictors = {name: _guarded(name, from_estimator(model)) for name, model in models.items()}
    folds = [*folds_of(examples, complete, settings)]
    rows = predictions_of(folds, predictors)
    ranked = choice.tested_predictions()[["account_id", "as_of", "rank_by"]]
    both = rows.merge(ranked, on=["account_id", "as_of"], how="inner", validate="1:1")
    names = [*models, choice.kind]
    sizes = [tier.capacity for tier in settings.tiers[:1] if tier.capacity]
    found = measured(both.rename(columns={"rank_by": choice.kind}), names, base=choice.kind,
                     capacities=sizes, seed=settings.model.seed)  # fmt: skip
    said = {
        name: _gate(found[found["model"] == name], folds, predict, choice, settings)
        for name, predict in predictors.items()
    }
    said[choice.kind] = (False, RANKS)
    return found.assign(
        passes=[said[name][0] for name in found["model"]],
        because=[said[name][1] for name in found["model"]],
    )


def _gate(
    rows: pd.DataFrame,
    folds: Sequence[Fold],
    predict: Predict,
    choice: ModelChoice,
    settings: Settings,
) -> tuple[bool, str]:
    """Return whether a challenger passes the gate, and what settled it."""
    if choice.gate.future_rows:
        return False, "criteria see the future"
    if not rows.loc[rows["measure"] == "gini", "gain_low"].gt(0).all():
        return False, "its Gini is not above that of what ranks with the whole range"
    if rows["gain_high"].lt(0).any():
        return False, "the first accounts that it ranks brought less, with the whole range"
    shuffled = shuffled_ranking(folds, predict, settings=settings)
    if shuffled is None:
        return True, "not tried on shuffled outcomes (model.shuffled_refits)"
    times, above = len(shuffled.gains), shuffled.rank - 1
    if above:
        return False, f"{above} of {times} refits on shuffled outcomes gained as much"
    return True, f"none of {times} refits on shuffled outcomes gained as much"


def _guarded(name: str, predict: Predict) -> Predict:
    def guarded(train: Examples, test: Examples) -> pd.Series[float]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return predict(train, test)
        except Exception as error:
            raise SettingsError(f"challenger {name}: {type(error).__name__}: {error}") from error

    return guarded


def predictions_of(folds: Iterable[Fold], predictors: Mapping[str, Predict]) -> pd.DataFrame:
    """Return a row per tested account and as_of: what it brought, and what each model said."""
    return pd.concat([_tested(fold, predictors) for fold in folds], ignore_index=True)


def _tested(fold: Fold, predictors: Mapping[str, Predict]) -> pd.DataFrame:
    train, test = fold
    found = {name: predict(train, test) for name, predict in predictors.items()}
    frame = pd.DataFrame({"actual": test.won, **found})
    return frame.rename_axis(["account_id", "as_of"]).reset_index()


def measured(
    rows: pd.DataFrame, names: Sequence[str], *, base: str, capacities: Sequence[int], seed: int
) -> pd.DataFrame:
    """Return measures of every model with their 95 % ranges and their gain over one of them.

    Returns
    -------
    DataFrame
        A row per model and measure: `estimate`, `low`, `high`, `gain`, `gain_low`, `gain_high`,
        `accounts`, `dates`, `wins`.
    """
    whole, drawn, tail = measured_draws(rows, names=names, capacities=[*capacities], seed=seed)
    measures = ["gini", *(f"capture_{size}" for size in capacities)]
    place_of_base = names.index(base)
    counts = {
        "accounts": rows["account_id"].nunique(),
        "dates": rows["as_of"].nunique(),
        "wins": int((rows["actual"] > 0).sum()),
    }
    found = []
    for place, name in enumerate(names):
        for column, measure in enumerate(measures):
            own = resampled(whole[place, column], drawn[:, place, column], tail)
            gain = resampled(
                whole[place, column] - whole[place_of_base, column],
                drawn[:, place, column] - drawn[:, place_of_base, column],
                tail,
            )
            found.append({"model": name, "measure": measure, **_numbers(own, gain), **counts})
    return pd.DataFrame(found)


def _numbers(own: Figure, gain: Figure) -> dict[str, float | None]:
    return {
        "estimate": own.value, "low": own.low, "high": own.high,
        "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
    }  # fmt: skip


def from_estimator(model: Any) -> Predict:  # noqa: ANN401 (anything with fit and predict)
    """Return what predicts by a regressor in the way of scikit-learn, fitted anew to each fold."""
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    is_pipeline = isinstance(model, Pipeline)

    def predict(train: Examples, test: Examples) -> pd.Series[float]:
        names = [name for name in train.criteria if name in train.columns]
        rows = _rows(train)[names]
        whole = clone(model) if is_pipeline else Pipeline([
            ("criteria", as_numbers(rows)), ("model", clone(model)),
        ])  # fmt: skip
        whole.fit(rows, train.shares.to_numpy())
        found = np.asarray(whole.predict(_rows(test)[names]), dtype=float).ravel()
        return pd.Series(found, index=test.won.index)

    return predict


def _rows(examples: Examples) -> pd.DataFrame:
    return examples.values  # noqa: PD011 (no series)


def as_numbers(rows: pd.DataFrame) -> Any:  # noqa: ANN401 (a transformer of scikit-learn)
    """Return what turns criteria into numbers: missing ones are marked, categories indicators."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    texts = [name for name in rows if name not in numbers]
    indicators = Pipeline([
        ("missing", FunctionTransformer(_missing_as_a_category)),
        ("indicators", OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
    ])  # fmt: skip
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return ColumnTransformer([("numbers", filled, numbers), ("texts", indicators, texts)])


def _missing_as_a_category(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype("object").where(frame.notna(), "(missing)")
