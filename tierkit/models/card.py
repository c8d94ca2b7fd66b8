"""The points card: a base amount and one factor per criterion; the model, however it was made."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tierkit.criterion_words import factor_words, plain_name
from tierkit.errors import DataError, SettingsError
from tierkit.files import parse_json
from tierkit.models.criteria import CategoricalCriterion, Criterion, NumericCriterion
from tierkit.statistics import IntArray

SCHEMA = 1
_COLUMNS_IN_SHORT = ("criterion", "importance", "factors")
_BETWEEN = "\u00a0· "  # a line breaks between bins, not before a factor or a dot


@dataclass(frozen=True)
class Card:
    """A model of revenue: base amount × one factor per criterion.

    Attributes
    ----------
    base
        Predicted revenue of an account with 0 points, in money.
    criteria
        What gives points.
    dropped
        For each criterion that gives none, why.
    notes
        What a reader must know, in sentences.

    Examples
    --------
    >>> revenue = NumericCriterion("won_revenue_4q", (100.0,), (0.0, math.log(3)))
    >>> card = Card(base=20.0, criteria=(revenue,))
    >>> values = pd.DataFrame({"won_revenue_4q": [50.0, 150.0]}, index=["A", "B"])
    >>> card.predict(values).round(9).to_dict()
    {'A': 20.0, 'B': 60.0}
    """

    base: float
    criteria: tuple[Criterion, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise where the base is no amount or a criterion is named twice."""
        names = [criterion.name for criterion in self.criteria]
        if not (math.isfinite(self.base) and self.base >= 0):
            raise SettingsError(f"card: base must be an amount, 0 or more; found {self.base!r}.")
        if wrong := [name for name in names if not isinstance(name, str)]:
            raise SettingsError(f"card: the name of a criterion is text; found {wrong[0]!r}.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError(f"card: criteria named twice: {', '.join(twice)}.")

    def bins_of(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the position of each account's bin, a column per criterion."""
        self._check_columns(values)
        found = {one.name: one.bin_of(values[one.name]) for one in self.criteria}
        return pd.DataFrame(found, index=values.index)

    def points_of(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return each account's points, a column per criterion; factor = exp(points).

        Raises
        ------
        DataError
            If `values` lacks a column of the card.
        """
        self._check_columns(values)
        found = {one.name: one.points_of(values[one.name]) for one in self.criteria}
        return pd.DataFrame(found, index=values.index, dtype=float)

    def score(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return each account's sum of points; higher is better."""
        self._check_columns(values)
        total = np.zeros(len(values))
        for one in self.criteria:
            total = total + one.points_of(values[one.name])
        return pd.Series(total, index=values.index, name="score")

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return each account's predicted revenue over the horizon, in money: never below 0."""
        predicted = self.base * np.exp(self.score(values).to_numpy())
        return pd.Series(predicted, index=values.index, name="predicted_revenue")

    def importance(self) -> pd.Series[float]:
        """Return each criterion's share of importance; the shares sum to 1.

        Importance is the mean absolute points over the accounts of training, or over the bins where
        accounts are not known.
        """
        sizes = {one.name: _mean_absolute_points(one) for one in self.criteria}
        found = pd.Series(sizes, dtype=float, name="share_of_importance")
        return found / found.sum() if found.sum() > 0 else found

    def recalibrated(self, values: pd.DataFrame, *, total: float) -> Card:
        """Return the card with the base that makes predicted revenue of `values` sum to `total`."""
        share = float(np.exp(self.score(values)).sum())
        return replace(self, base=total / share if share > 0 else 0.0)

    def with_accounts(self, values: pd.DataFrame) -> Card:
        """Return the card with the number of accounts of `values` in every bin."""
        self._check_columns(values)
        counted = [
            replace(one, accounts=counts_by_bin(one, one.bin_of(values[one.name])))
            for one in self.criteria
        ]
        return replace(self, criteria=tuple(counted))

    def table(self) -> pd.DataFrame:
        """Return the card as people read it: a row per criterion and bin.

        Returns
        -------
        DataFrame
            `criterion` and `bin` in words, `accounts` (missing where not known), `factor`, `points`
            and the criterion's `share_of_importance`; the most important criterion first.
        """
        importance = self.importance().sort_values(ascending=False, kind="stable")
        by_name = {one.name: one for one in self.criteria}
        columns = ["criterion", "bin", "accounts", "factor", "points", "share_of_importance"]
        parts = [_bin_rows(by_name[str(name)], share) for name, share in importance.items()]
        if not parts:
            return pd.DataFrame(columns=columns)
        return pd.concat(parts, ignore_index=True)[columns]

    def to_plain(self) -> dict[str, Any]:
        """Return the card as plain data: dictionaries, lists, texts and numbers."""
        kinds = {NumericCriterion: "numeric", CategoricalCriterion: "categorical"}
        return {
            "schema": SCHEMA,
            "base": self.base,
            "criteria": [{"kind": kinds[type(one)], **_listed(asdict(one))}
                         for one in self.criteria],
            "dropped": dict(self.dropped),
            "notes": list(self.notes),
        }  # fmt: skip

    def to_json(self) -> str:
        """Return the card as JSON; `Card.from_json` gives it back exactly."""
        return json.dumps(self.to_plain(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Card:
        """Return the card of what `to_plain` has written, whatever fitted it.

        Raises
        ------
        SettingsError
            If it is of another schema or not a card.
        """
        if data.get("schema") != SCHEMA:
            raise SettingsError(
                f"card: schema must be {SCHEMA}, found {data.get('schema')!r}. "
                "Use the release of tierkit that wrote it, or fit it again."
            )
        try:
            return cls(
                base=float(data["base"]),
                criteria=tuple(_criterion(one) for one in data["criteria"]),
                dropped=dict(data.get("dropped", {})),
                notes=tuple(data.get("notes", ())),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SettingsError(f"card: not a card: {error!r}. Fit it again.") from error

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Return the card of a JSON text that `to_json` has written; see `from_plain`."""
        try:
            data = parse_json(text)
        except ValueError as error:
            raise SettingsError(f"card: not JSON: {error}.") from error
        if not isinstance(data, dict):
            raise SettingsError(f"card: a JSON object is needed, found {type(data).__name__}.")
        return cls.from_plain(data)

    def _check_columns(self, values: pd.DataFrame) -> None:
        lacking = [one.name for one in self.criteria if one.name not in values.columns]
        if lacking:
            raise DataError(
                f"card: the values lack the column(s) {', '.join(lacking)}; "
                f"found {', '.join(map(str, values.columns)) or 'none'}."
            )


def _mean_absolute_points(criterion: Criterion) -> float:
    points = np.abs(criterion.points_by_bin)
    weights = np.array(criterion.accounts, dtype=float)
    if weights.sum() <= 0:
        return float(points.mean())
    return float(points @ weights / weights.sum())


def counts_by_bin(criterion: Criterion, codes: IntArray) -> tuple[int, ...]:
    """Return how many rows are in each bin; `codes` are the positions of their bins."""
    return (*map(int, np.bincount(codes, minlength=len(criterion.points_by_bin))),)


def _bin_rows(criterion: Criterion, share: float) -> pd.DataFrame:
    points = criterion.points_by_bin
    places = pd.RangeIndex(len(points))
    accounts = pd.Series(
        [*criterion.accounts], index=places[: len(criterion.accounts)], dtype="Int64"
    )
    return pd.DataFrame(
        {
            "criterion": plain_name(criterion.name),
            "bin": criterion.bins,
            "accounts": accounts.reindex(places),
            "factor": np.exp(points),
            "points": points,
            "share_of_importance": share,
        }
    )


def _listed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: [*value] if isinstance(value, tuple) else value for key, value in values.items()}


def _criterion(data: Mapping[str, Any]) -> Criterion:
    kinds: Mapping[str, Callable[..., Criterion]] = {
        "numeric": NumericCriterion,
        "categorical": CategoricalCriterion,
    }
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key != "kind"
    }
    return kinds[data["kind"]](**values)


def card_in_short(card: Card) -> pd.DataFrame:
    r"""Return what a person reads at a glance; the whole card is `Card.table`.

    Returns
    -------
    DataFrame
        A row per criterion, the weightiest first: `criterion` in words, `importance` (its share,
        0 to 1), and `factors` in words: bins beside each other whose factors are the same in two
        digits are one. Unknown values have a factor where an account has one.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1, 2, 3), (-0.7, 0.01, 0.02, 0.7), counts=True)
    >>> card_in_short(Card(20.0, (wins,)))["factors"].str.replace("\xa0", " ").tolist()
    ['0 ×0.50 · 1–2 ×1.0 · 3 or more ×2.0 · unknown ×1.0']
    """
    criteria = {one.name: one for one in card.criteria}
    shares = card.importance().sort_values(ascending=False, kind="stable")
    rows = [
        (plain_name(str(name)), float(share), _BETWEEN.join(_factors(criteria[str(name)])))
        for name, share in shares.items()
    ]
    return pd.DataFrame(rows, columns=[*_COLUMNS_IN_SHORT])


def _factors(criterion: Criterion) -> list[str]:
    short = _joined_bins(criterion) if isinstance(criterion, NumericCriterion) else criterion
    said = [factor_words(points) for points in short.points_by_bin]
    bins = [*zip(short.bins, said, strict=True)]
    shown = bins if _has_unknown(criterion) else bins[:-1]
    if isinstance(short, NumericCriterion):
        return [f"{name}\u00a0{factor}" for name, factor in shown]
    by_factor: dict[str, list[str]] = {}
    for name, factor in shown:
        by_factor.setdefault(factor, []).append(name)
    return [f"{', '.join(names)}\u00a0{factor}" for factor, names in by_factor.items()]


def _joined_bins(criterion: NumericCriterion) -> NumericCriterion:
    """Return the criterion without the edges between bins whose factors are spelled the same."""
    said = [factor_words(points) for points in criterion.points]
    kept = [place for place in range(len(criterion.edges)) if said[place] != said[place + 1]]
    return replace(
        criterion,
        edges=_at(criterion.edges, kept),
        points=(criterion.points[0], *_at(criterion.points[1:], kept)),
        accounts=(),
    )


def _at(values: Sequence[float], places: Sequence[int]) -> tuple[float, ...]:
    return tuple(values[place] for place in places)


def _has_unknown(criterion: Criterion) -> bool:
    return not criterion.accounts or criterion.accounts[-1] > 0
