"""Rankings at earlier quarter-ends against what happened: cards, columns and own models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from tierkit import charts
from tierkit._backtest import (
    Fold,
    Predict,
    complete_dates,
    from_estimator,
    held_out_folds,
    measured,
    predictions_of,
    rolling_folds,
)
from tierkit.errors import DataError, SettingsError
from tierkit.library._card import Card
from tierkit.library._given import amounts, needed
from tierkit.library._panel import AccountPanel
from tierkit.models import HELD_OUT, ROLLING, Card as PlainCard, Examples
from tierkit.settings import Settings
from tierkit.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAST = "past revenue"
_MOST_BAGS = 4
_CAPACITIES = (15, 100)


@dataclass(frozen=True, repr=False, eq=False)
class BacktestResult(Table):
    """Measures of every model, on accounts and dates that it could not know.

    Attributes
    ----------
    to_frame()
        A row per model and measure: `estimate` with its 95 % range `low` to `high` (accounts
        resampled), `gain` over past revenue with its own range, `accounts`, `dates`, `wins`.
    predictions
        A row per tested account and as_of: what it brought, and what each model said.
    method
        `earlier quarter-ends` or `held-out accounts`.
    """

    _: KW_ONLY
    predictions: pd.DataFrame
    method: str

    def plot(self, measure: str = "gini", *, ax: Axes | None = None) -> Axes:
        """Draw one measure of every model with its range, the best at the top."""
        import matplotlib.pyplot as plt

        frame = self.to_frame()
        rows = frame[frame["measure"] == measure].sort_values("estimate")
        if rows.empty:
            raise SettingsError(
                f"{measure}: no measure of this backtest. There are "
                f"{', '.join(frame['measure'].unique())}."
            )
        axes = plt.subplots(figsize=(6, 0.6 + 0.5 * len(rows)))[1] if ax is None else ax
        low, high = rows["estimate"] - rows["low"], rows["high"] - rows["estimate"]
        places = range(len(rows))
        axes.errorbar(rows["estimate"], places, xerr=[low, high], fmt="o", color=charts.TONES[0])
        axes.set_yticks(places, [str(name) for name in rows["model"]])
        axes.set(xlabel=measure.replace("_", " "), title=self.caption)
        return axes


def backtest(
    panel: AccountPanel,
    models: Mapping[str, object],
    *,
    capacities: Sequence[int] = _CAPACITIES,
) -> BacktestResult:
    """Test models at earlier quarter-ends on outcomes that they could not know.

    At each tested quarter-end a model learns only from quarter-ends whose horizon was over by then.
    Where the history is too short for that, each fifth of the accounts is predicted from the
    others. Past revenue is always among the models.

    Parameters
    ----------
    panel
        As `build_panel` returns it.
    models
        By name: a card that `fit_card` has fitted (fitted again at each date, on the same
        criteria), a card set by hand (taken as it is), a regressor in the way of scikit-learn
        (cloned and fitted again; numbers with their missing values marked, categories as indicator
        columns; a pipeline is given the criteria as they are), or the name of a column to rank by.
    capacities
        Numbers of accounts at which the share of revenue captured is measured.

    Raises
    ------
    SettingsError
        If a model is none of these, or cannot be fitted; its name and what it raised.
    DataError
        If nothing can be tested, or a column to rank by holds no numbers.

    Examples
    --------
    >>> from tierkit.library.example import example_card, example_panel
    >>> from sklearn.linear_model import LinearRegression
    >>> found = backtest(example_panel(), {"card": example_card(), "mine": LinearRegression()},
    ...                  capacities=[10])
    >>> sorted(found.to_frame()["model"].unique())
    ['card', 'mine', 'past revenue']
    >>> found.to_frame()["measure"].unique().tolist()
    ['gini', 'capture_10']
    """
    needed(panel, AccountPanel, "backtest: a panel is needed, as build_panel returns it")
    if not isinstance(models, Mapping):
        raise SettingsError(
            "models: they are needed by name, such as {'card': card}; found "
            f"{type(models).__name__}."
        )
    _check_capacities(capacities)
    examples = panel.examples()
    predictors = {name: _predictor(name, model, panel) for name, model in models.items()}
    predictors.setdefault(PAST, _predictor(PAST, examples.past_revenue, panel))
    method, folds = _folds(examples, panel)
    rows = predictions_of(folds, predictors)
    ordered = rows.sort_values(["as_of", "account_id"], kind="stable", ignore_index=True)
    table = measured(
        ordered, [*predictors], base=PAST, capacities=capacities, seed=panel.settings.model.seed
    )
    return BacktestResult.of_frame(
        "backtest", f"Backtest on {method}", table, predictions=ordered, method=method, most=12
    )


def _folds(examples: Examples, panel: AccountPanel) -> tuple[str, list[Fold]]:
    settings = panel.settings
    complete = complete_dates(panel.days, panel.as_of, settings)
    kinds = ((ROLLING, rolling_folds), (HELD_OUT, held_out_folds))
    for method, folds_of in kinds:
        if folds := [*folds_of(examples, complete, settings)]:
            return method, folds
    raise DataError(f"No quarter-end before {panel.as_of} has a horizon that is over.")


def _predictor(name: str, model: object, panel: AccountPanel) -> Predict:
    """Return what predicts the tested rows of a fold from its training rows."""
    if isinstance(model, Card) and model.trained_on:
        return _refitted(model, panel.settings)
    if isinstance(model, PlainCard):
        return lambda _, test: model.predict(_rows(test))
    if isinstance(model, str):
        if model not in panel.to_frame().columns:
            raise SettingsError(f"{name}: the panel has no column {model}.")
        return lambda _, test: amounts(_rows(test)[model], name=f"{name}: column {model}")
    if hasattr(model, "fit") and hasattr(model, "predict") and not isinstance(model, type):
        return _guarded(name, from_estimator(model))
    raise SettingsError(
        f"{name}: a card, a column of the panel or a regressor with fit and predict is needed; "
        f"found {_in_words(model)}."
    )


def _in_words(model: object) -> str:
    if isinstance(model, type):
        return f"the class {model.__name__}; call it: {model.__name__}()"
    return type(model).__name__


def _guarded(name: str, predict: Predict) -> Predict:
    """Return what predicts, and names the model where it raises."""

    def guarded(train: Examples, test: Examples) -> pd.Series[float]:
        try:
            return predict(train, test)
        except Exception as error:
            raise SettingsError(f"{name}: {type(error).__name__}: {error}") from error

    return guarded


def _check_capacities(capacities: object) -> None:
    are_counts = isinstance(capacities, Sequence) and all(
        isinstance(one, int) and one > 0 for one in capacities
    )
    if not are_counts:
        raise SettingsError(
            f"capacities: numbers of accounts are needed, such as [15, 100]; found {capacities!r}."
        )


def _refitted(card: Card, settings: Settings) -> Predict:
    names = [one.name for one in card.criteria] + [*card.dropped]

    def predict(train: Examples, test: Examples) -> pd.Series[float]:
        return train.by(names).fit(settings, most_bags=_MOST_BAGS).predict(_rows(test))

    return predict


def _rows(examples: Examples) -> pd.DataFrame:
    return examples.values  # noqa: PD011 (no series)
