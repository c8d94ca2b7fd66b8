"""Training examples: accounts as they were known at past dates, and what they won after."""

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
from tierkit.models.mixing import Shares
from tierkit.models.rows import AS_OF, newest_rows, sample_accounts
from tierkit.models.rules_card import fit_rules_card
from tierkit.models.short_card import shortened
from tierkit.models.simple_rules import past_revenue_column
from tierkit.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from tierkit.features import Panel

Chosen = npt.NDArray[np.bool_]
_COUNTS = ("wins_count", "closed_deals_count", "inbound_count", "outbound_count")


@dataclass(frozen=True)
class Examples:
    """Accounts as they were known at past dates, with what they won in the horizon after.

    Attributes
    ----------
    observed
        For each column that is a sum over a window, the quarters that it covers at each as_of.
    """

    values: pd.DataFrame
    won: pd.Series[float]
    criteria: tuple[str, ...]
    undated: frozenset[str]
    cache: Cache = field(default_factory=Cache)
    observed: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of(
        cls,
        panel: Panel,
        won: pd.Series[float],
        *,
        days: Sequence[date],
        cache: Cache | None = None,
    ) -> Examples:
        """Return the rows of a panel at some dates; cards fitted to them are kept in `cache`.

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
        return cls(rows, known, criteria, undated, cache or Cache(), panel.observed)

    @property
    def past_revenue(self) -> str:
        """The column of past revenue."""
        return past_revenue_column(self.criteria)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, whether or not it may be a criterion."""
        return (*map(str, self.values.columns),)

    @property
    def past(self) -> pd.Series[float]:
        """Past revenue of each row."""
        return self.values[self.past_revenue].astype(float)

    @property
    def bought(self) -> pd.Series[bool]:
        """True where the account of a row won anything in the look-back."""
        ever = "won_revenue_ever"
        known = self.values[ever].astype(float) if ever in self.values.columns else self.past
        return (known > 0) | (self.past > 0)

    @property
    def shares(self) -> pd.Series[float]:
        """Won revenue of each row, where every date is made to bring as much as the mean of all.

        Dates of good and bad seasons, or of a smaller company, count alike: what is learned is who
        brings how much of the whole. Dates at which nothing was won are as they are.
        """
        means = self.won.clip(lower=0.0).groupby(level=AS_OF).transform("mean")
        return (self.won / means.where(means > 0) * means.mean()).fillna(self.won)

    def as_seen_on(self, day: date) -> Examples:
        """Return the same rows with sums over windows as long as those that `day` looks back on.

        A window that is cut where the data begin holds less at an early date. Sums are taken for
        the quarters that they cover: two wins in two quarters count as four in four.
        """
        moment = pd.Timestamp(day)
        if moment not in self.observed.index:
            return self
        names = [name for name in self.observed.columns if name in self.values.columns]
        days = self.values.index.get_level_values(AS_OF)
        then = self.observed[names].reindex(days).to_numpy(dtype=float)
        now = self.observed.loc[moment, names].to_numpy(dtype=float)
        ratios = np.where(then > 0, now / np.where(then > 0, then, 1.0), 1.0)
        if (ratios == 1.0).all():
            return self
        scaled = self.values[names] * ratios
        whole = [name for name in names if name.startswith(_COUNTS)]
        scaled[whole] = scaled[whole].round()
        return replace(self, values=self.values.assign(**{n: scaled[n] for n in names}))

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
        shares: Shares | None = None,
    ) -> Card:
        """Return the card fitted to these rows; the last three as in `Prepared.fit`."""
        bags = min(settings.model.bags, most_bags or settings.model.bags)
        chosen = settings.model.model_copy(update={"bags": bags})
        how = [bags, first_bag, astuple(pace), None if shares is None else astuple(shares)]

        def fitted() -> dict[str, Any]:
            made = self._prepared(chosen)
            return made.fit(self.shares, first_bag=first_bag, pace=pace, shares=shares).to_plain()

        return Card.from_plain(self.cache.value("card", [*self._key(chosen), how], fitted))

    def part_shares(self, settings: Settings) -> Shares:
        """Return the shares of the parts of a card of these rows; see `Prepared.part_shares`."""

        def tried() -> list[float]:
            return [*astuple(self._prepared(settings.model).part_shares(self.shares))]

        return Shares(*self.cache.value("part shares", self._key(settings.model), tried))

    def _key(self, settings: ModelSettings) -> list[Any]:
        """Return all that a fit depends on, but for bags and pace."""
        names = [name for name in self.criteria if name in self.values.columns]
        how = settings.model_dump(include={"max_bins", "max_training_rows", "seed"})
        return [self.values[names], self.shares, self.criteria, sorted(self.undated), how]

    def _prepared(self, settings: ModelSettings) -> Prepared:
        return Prepared.of(
            self.values, criteria=self.criteria, undated=self.undated, settings=settings
        )

    def ranking_card(self, settings: Settings, *, most_bags: int | None = None) -> Card:
        """Return the card that the settings ask for: fitted, with its edits, or set by hand."""
        if settings.model.kind == "rules card":
            return fit_rules_card(self.values, self.shares, settings=settings.card)
        return self.finished(self.fit(settings, most_bags=most_bags), settings)

    def compared_cards(
        self, settings: Settings, *, most_bags: int | None = None
    ) -> dict[str, Card]:
        """Return the card that the settings ask for, as `card`, and those to compare it with.

        They are the short card beside the full one (`short_card`) or the other way round
        (`full_card`), the same card without its edits (`unedited_card`), the card set by hand
        beside a fitted one (`rules_card`), or the fitted one beside that (`fitted_card`).
        """
        fitted = self.fit(settings, most_bags=most_bags)
        rules: dict[str, Card] = {}
        if settings.card.criteria:
            by_hand = fit_rules_card(self.values, self.shares, settings=settings.card)
            rules = {"rules_card": by_hand}
        if settings.model.kind == "rules card":
            return {"card": rules["rules_card"], "fitted_card": fitted}
        if settings.card.edits and fitted.criteria:
            rules["unedited_card"] = fitted
        full = self.edited(fitted, settings)
        short = self.shortened(full, settings)
        if settings.model.card == "short":
            return {"card": short, "full_card": full, **rules}
        return {"card": full, "short_card": short, **rules}

    def shortened(self, card: Card, settings: Settings) -> Card:
        """Return the short card of a fitted one, with the same sum of predicted revenue."""
        if not card.criteria:
            return card
        total = float(card.predict(self.values).sum())
        return shortened(card, fewest=settings.run.min_group).recalibrated(self.values, total=total)

    def finished(self, card: Card, settings: Settings) -> Card:
        """Return a fitted card as the settings want it: edited, full or short."""
        edited = self.edited(card, settings)
        return self.shortened(edited, settings) if settings.model.card == "short" else edited

    def edited(self, card: Card, settings: Settings) -> Card:
        """Return the card with the edits of the settings and the base that keeps its total."""
        if not settings.card.edits:
            return card
        edited = edit_card(card, settings.card.edits).with_accounts(newest_rows(self.values))
        return edited.recalibrated(self.values, total=float(card.predict(self.values).sum()))


def rows_at(values: pd.DataFrame, days: Sequence[date]) -> Chosen:
    """Return which rows lie at one of the dates."""
    return np.asarray(values.index.get_level_values(AS_OF).isin(pd.DatetimeIndex([*days])))
