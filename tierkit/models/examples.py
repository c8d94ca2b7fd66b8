"""What is learned from: accounts as they were known at past dates, and what they won after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.cache import Cache
from tierkit.errors import DataError
from tierkit.models.boosting import CAREFUL, Pace
from tierkit.models.card import Card
from tierkit.models.edits import edit_card
from tierkit.models.fitting import Prepared
from tierkit.models.past_revenue import past_revenue_column
from tierkit.models.rows import AS_OF, newest_rows, sample_accounts
from tierkit.models.rules_card import fit_rules_card
from tierkit.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from tierkit.features import Panel

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Accounts as they were known at past dates, with what they won in the horizon after."""

    values: pd.DataFrame
    won: pd.Series[float]
    criteria: tuple[str, ...]
    undated: frozenset[str]
    kept: Cache = field(default_factory=Cache)

    @classmethod
    def of(
        cls,
        panel: Panel,
        won: pd.Series[float],
        *,
        days: Sequence[date],
        kept: Cache | None = None,
    ) -> Examples:
        """Return the rows of a panel at some dates; cards fitted to them are kept in `kept`.

        Raises
        ------
        DataError
            If an account has no outcome at one of them.
        """
        values = panel.values  # noqa: PD011 (a panel is no series)
        rows = values[rows_at(values, days)].sort_index(kind="stable")
        known = won.reindex(rows.index)
        if known.isna().any():
            example = known.index[known.isna()][0][0]
            raise DataError(
                f"outcomes: {int(known.isna().sum())} of {len(known)} rows have no outcome, for "
                f"example account {example}. Join outcomes to the panel first: an account that won "
                "nothing has an outcome of 0."
            )
        criteria, undated = tuple(panel.criteria), frozenset(panel.undated)
        return cls(rows, known, criteria, undated, kept or Cache())

    @property
    def past_revenue(self) -> str:
        """The column of past revenue."""
        return past_revenue_column(self.criteria)

    @property
    def past(self) -> pd.Series[float]:
        """Past revenue of each row."""
        return self.values[self.past_revenue].astype(float)

    @property
    def bought(self) -> pd.Series[bool]:
        """Whether each row's account won anything in the look-back."""
        ever = "won_revenue_ever"
        known = self.values[ever].astype(float) if ever in self.values.columns else self.past
        return (known > 0) | (self.past > 0)

    def at(self, days: Sequence[date]) -> Examples:
        """Return those at some dates."""
        return self.where(rows_at(self.values, days))

    def where(self, chosen: Chosen) -> Examples:
        """Return some of them."""
        return replace(self, values=self.values[chosen], won=self.won[chosen])

    def sampled(self, most_rows: int, *, seed: int) -> Examples:
        """Return whole accounts, as many as fit into so many rows, in order."""
        rows = sample_accounts(self.values, most_rows=most_rows, seed=seed)
        return replace(self, values=rows, won=self.won.reindex(rows.index))

    def by(self, criteria: Sequence[str]) -> Examples:
        """Return the same rows, to be judged by other criteria."""
        return replace(self, criteria=tuple(criteria))

    def fit(
        self,
        settings: Settings,
        *,
        most_bags: int | None = None,
        first_bag: int = 0,
        pace: Pace = CAREFUL,
    ) -> Card:
        """Return the card fitted to these rows; `first_bag` and `pace` as in `Prepared.fit`."""
        bags = min(settings.model.bags, most_bags or settings.model.bags)
        chosen = settings.model.model_copy(update={"bags": bags})
        how = chosen.model_dump(include={"bags", "max_bins", "max_training_rows", "seed"})
        names = [name for name in self.criteria if name in self.values.columns]
        parts = [
            self.values[names], self.won, self.criteria, sorted(self.undated), how, first_bag,
            astuple(pace),
        ]  # fmt: skip

        def fitted() -> dict[str, Any]:
            card = self._prepared(chosen).fit(self.won, first_bag=first_bag, pace=pace)
            return card.to_plain()

        return Card.from_plain(self.kept.value("card", parts, fitted))

    def _prepared(self, settings: ModelSettings) -> Prepared:
        return Prepared.of(
            self.values, criteria=self.criteria, undated=self.undated, settings=settings
        )

    def ranking_card(self, settings: Settings, *, most_bags: int | None = None) -> Card:
        """Return the card that the settings ask for: fitted, with its edits, or set by hand."""
        if settings.model.kind == "rules card":
            return fit_rules_card(self.values, self.won, settings=settings.card)
        return self.edited(self.fit(settings, most_bags=most_bags), settings)

    def compared_cards(
        self, settings: Settings, *, most_bags: int | None = None
    ) -> dict[str, Card]:
        """Return the card that the settings ask for, as `card`, and those to compare it with.

        They are the same card without its edits (`unedited_card`), the card set by hand beside a
        fitted one (`rules_card`), or the fitted one beside a card set by hand (`fitted_card`).
        """
        fitted = self.fit(settings, most_bags=most_bags)
        rules: dict[str, Card] = {}
        if settings.card.criteria:
            by_hand = fit_rules_card(self.values, self.won, settings=settings.card)
            rules = {"rules_card": by_hand}
        if settings.model.kind == "rules card":
            return {"card": rules["rules_card"], "fitted_card": fitted}
        if settings.card.edits and fitted.criteria:
            return {"card": self.edited(fitted, settings), "unedited_card": fitted, **rules}
        return {"card": fitted, **rules}

    def edited(self, card: Card, settings: Settings) -> Card:
        """Return the card with the edits of the settings and the base that keeps its total."""
        if not settings.card.edits:
            return card
        edited = edit_card(card, settings.card.edits).with_accounts(newest_rows(self.values))
        return edited.recalibrated(self.values, total=float(card.predict(self.values).sum()))


def rows_at(values: pd.DataFrame, days: Sequence[date]) -> Chosen:
    """Return which rows lie at one of the dates."""
    return np.asarray(values.index.get_level_values(AS_OF).isin(pd.DatetimeIndex([*days])))
