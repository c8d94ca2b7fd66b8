"""The points card as a regressor of scikit-learn: fit, predict, pipelines, cross-validation."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from tierkit.library import Card
from tierkit.models import fit_card
from tierkit.settings import ModelSettings

_DAY = pd.Timestamp("2000-01-01")


class CardRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A points card fitted by additive boosting, for amounts of 0 and more.

    Every row is an account. Numbers may be missing; text columns of a data frame (pandas, polars)
    are categories. Amounts below 0 count as 0. With fewer than 50 rows, or fewer than 20 amounts
    above 0, the card predicts the mean.

    Parameters
    ----------
    bags
        How many cards are averaged.
    max_bins
        The most bins of a criterion.
    seed
        Of the bags.

    Attributes
    ----------
    card_
        The card: it scores, explains, and translates itself to SQL.

    Examples
    --------
    >>> size = np.arange(200.0)[:, None]
    >>> model = CardRegressor(bags=2).fit(size, 10 * size[:, 0])
    >>> bool(model.predict([[180.0]])[0] > model.predict([[20.0]])[0])
    True
    """

    def __init__(self, *, bags: int = 4, max_bins: int = 8, seed: int = 1) -> None:
        self.bags = bags
        self.max_bins = max_bins
        self.seed = seed

    def fit(self, X: npt.ArrayLike | pd.DataFrame, y: npt.ArrayLike) -> CardRegressor:
        """Fit the card to rows and their amounts."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        rows, target = self._checked(X, y)
        index = _as_accounts(len(rows))
        settings = ModelSettings(bags=self.bags, max_bins=self.max_bins, seed=self.seed)
        won = pd.Series(np.maximum(target, 0.0), index=index, name="won_revenue")
        fitted = fit_card(rows.set_axis(index), won, criteria=[*rows.columns], settings=settings)
        self.card_ = Card(fitted.base, fitted.criteria, fitted.dropped, fitted.notes)
        return self

    def predict(self, X: npt.ArrayLike | pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the predicted amount of each row."""
        check_is_fitted(self)
        return np.asarray(self.card_.predict(self._checked(X)[0]), dtype=np.float64)

    def _checked(
        self,
        X: Any,  # noqa: ANN401 (as scikit-learn passes them)
        y: Any = None,  # noqa: ANN401 (as scikit-learn passes them)
    ) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
        """Return the rows as a data frame, numbers as floats, and the amounts, empty without."""
        is_new = y is not None
        frame = _as_frame(X)
        if frame is not None and _has_text(frame):
            validate_data(self, frame, reset=is_new, skip_check_array=True)
            amounts = check_array(y, ensure_2d=False, dtype=float) if is_new else np.empty(0)
            if is_new:
                check_consistent_length(frame, amounts)
            return frame.rename(columns=str), amounts
        how = {"dtype": np.float64, "ensure_all_finite": "allow-nan", "reset": is_new}
        given = X if frame is None else frame
        if is_new:
            values, amounts = validate_data(self, given, y, y_numeric=True, **how)
        else:
            values, amounts = validate_data(self, given, **how), np.empty(0)
        names = getattr(self, "feature_names_in_", [f"x{n}" for n in range(values.shape[1])])
        return pd.DataFrame(values, columns=[str(name) for name in names]), amounts

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        """Say that missing values and categories are welcome, and that no amount lies below 0."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True
        return tags


def _as_frame(given: object) -> pd.DataFrame | None:
    """Return a data frame of whatever library as one of pandas; None where it is none."""
    if isinstance(given, pd.DataFrame):
        return given
    found = nw.from_native(given, eager_only=True, pass_through=True)
    return found.to_pandas() if isinstance(found, nw.DataFrame) else None


def _has_text(frame: pd.DataFrame) -> bool:
    return any(
        isinstance(kind, (pd.StringDtype, pd.CategoricalDtype))
        or pd.api.types.is_object_dtype(kind)
        for kind in frame.dtypes
    )


def _as_accounts(rows: int) -> pd.MultiIndex:
    """Return an index that takes every row for an account of its own, in order."""
    ids = [f"{row:012}" for row in range(rows)]
    return pd.MultiIndex.from_product([ids, [_DAY]], names=["account_id", "as_of"])
