"""The points card with a face: it scores, explains, translates itself to SQL and draws itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from tierkit import charts
from tierkit.criterion_words import plain_name
from tierkit.errors import SettingsError
from tierkit.library._given import by_account, needed
from tierkit.library._panel import AccountPanel
from tierkit.models import (
    FITTED,
    Card as PlainCard,
    Dialect,
    SavedModel,
    account_factors,
    card_in_short,
    model_sql,
)
from tierkit.table import Column, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Card(PlainCard):
    """A points card: predicted revenue is a base amount times one factor per criterion.

    Attributes
    ----------
    trained_on
        The quarter-ends that it was fitted to; empty where it was set by hand.
    horizon_quarters
        How many quarters of revenue it predicts.

    Examples
    --------
    >>> from tierkit.library.example import example_card, example_panel
    >>> card, now = example_card(), example_panel().now
    >>> bool(card.predict(now)["A059"] > card.predict(now)["A001"])
    True
    """

    trained_on: tuple[date, ...] = ()
    horizon_quarters: int = 4

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return predicted revenue by account_id, in money.

        Parameters
        ----------
        values
            Criteria by account_id, as `panel.now` holds them; of Polars or PyArrow with a column
            `account_id`. A number that is missing, or cannot be read, is unknown.

        Raises
        ------
        SettingsError
            If it is no data frame.
        DataError
            If a criterion of the card is no column of it.
        """
        return super().predict(_criteria_of(values))

    def explain(self, values: pd.DataFrame, account: str) -> Table:
        """Return why an account is predicted what it is: base × its factors, the strongest first.

        Parameters
        ----------
        values
            Criteria by account_id, as `panel.now` holds them.
        account
            Its account_id.

        Raises
        ------
        SettingsError
            If there is no such account.

        Examples
        --------
        >>> from tierkit.library.example import example_card, example_panel
        >>> list(example_card().explain(example_panel().now, "A001").to_frame().columns)
        ['criterion', 'bin', 'factor']
        """
        rows = _criteria_of(values)
        if rows.index.nlevels > 1:
            raise SettingsError("explain: criteria of one day are needed, such as panel.now.")
        if account not in rows.index:
            raise SettingsError(f"{account}: no account of that id among {len(rows):,}.")
        row = rows.loc[[account]]
        predicted = float(self.predict(row).iloc[0])
        caption = (
            f"{account}: predicted revenue {predicted:,.2f} = {self.base:,.2f} × these factors"
        )
        return Table.of_frame("factors", caption, account_factors(self, row))

    def to_frame(self) -> pd.DataFrame:
        """Return the card as people read it: a row per criterion and bin."""
        return self.table()

    def to_sql(self, *, dialect: Dialect = "duckdb") -> str:
        """Return the card as a query over a table `panel` of criteria.

        Examples
        --------
        >>> from tierkit.library.example import example_card
        >>> "FROM" in example_card().to_sql().upper()
        True
        """
        past = next((one.name for one in self.criteria), "won_revenue_4q")
        saved = SavedModel(self, FITTED, past, self.horizon_quarters, self.trained_on)
        return model_sql(saved, table="panel", dialect=dialect)

    def plot(self, criterion: str = "", *, ax: Axes | None = None) -> Axes:
        """Draw the factor of every bin of a criterion; by default the most important one.

        Parameters
        ----------
        criterion
            Its name in the panel or in words: `won_revenue_4q`, `won revenue (4 quarters)`.

        Raises
        ------
        SettingsError
            If the card has no such criterion.
        """
        import matplotlib.pyplot as plt

        table = self.table()
        if table.empty:
            raise SettingsError("The card has no criteria, so there is nothing to draw.")
        names = [*dict.fromkeys(table["criterion"])]
        chosen = plain_name(criterion) if criterion else names[0]
        if chosen not in names:
            there = ", ".join(one.name for one in self.criteria)
            raise SettingsError(f"{criterion}: no criterion of the card. There are {there}.")
        bins = table[table["criterion"] == chosen]
        axes = plt.subplots(figsize=(7, 0.5 + 0.4 * len(bins)))[1] if ax is None else ax
        axes.barh(bins["bin"].astype(str), bins["factor"], color=charts.TONES[0])
        axes.axvline(1.0, color=charts.GREY, linewidth=1)
        axes.invert_yaxis()
        axes.set(xlabel="factor on predicted revenue", title=chosen)
        return axes

    def to_plain(self) -> dict[str, Any]:
        """Return the card as plain data; `from_plain` gives it back exactly."""
        days = [day.isoformat() for day in self.trained_on]
        return {**super().to_plain(), "trained_on": days, "horizon_quarters": self.horizon_quarters}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Card:
        """Return the card of what `to_plain` has written, whatever fitted it."""
        days = tuple(date.fromisoformat(day) for day in data.get("trained_on", ()))
        horizon = int(data.get("horizon_quarters", 4))
        return _with_face(PlainCard.from_plain(data), days, horizon)

    def __repr__(self) -> str:
        """Return the base and the most important criteria."""
        how = f"fitted to {len(self.trained_on)} quarter-ends" if self.trained_on else "set by hand"
        top = [f"{name} {share:.0%}" for name, share in _most_important(self).items()]
        strongest = ", ".join(top) or "no criterion carries weight"
        return (
            f"Card of {len(self.criteria)} criteria, {how}; base {self.base:,.2f} for "
            f"{self.horizon_quarters} quarters\nmost important: {strongest}"
        )

    def _repr_html_(self) -> str:
        kinds = Column.each("share", "importance")
        return Table.of_frame("card", repr(self), card_in_short(self), kinds=kinds)._repr_html_()


def _criteria_of(values: object) -> pd.DataFrame:
    if isinstance(values, AccountPanel):
        raise SettingsError("card: criteria of one day are needed: pass panel.now, not the panel.")
    return by_account(values, name="card")


def _most_important(card: Card) -> pd.Series[float]:
    found = card.importance().sort_values(ascending=False, kind="stable")
    return found[found > 0].head(5)


def _with_face(card: PlainCard, days: Sequence[date], horizon: int) -> Card:
    return Card(card.base, card.criteria, card.dropped, card.notes, tuple(days), horizon)


def fit_card(panel: AccountPanel, *, criteria: Sequence[str] = ()) -> Card:
    """Return the card fitted to what accounts won after the panel's past quarter-ends.

    Parameters
    ----------
    panel
        As `build_panel` returns it.
    criteria
        Those that may be used; by default all of the panel.

    Raises
    ------
    SettingsError
        If one of them is not in the panel.
    DataError
        If no quarter-end has a horizon that is over.

    Examples
    --------
    >>> from tierkit.library.example import example_panel
    >>> fit_card(example_panel(), criteria=["won_revenue_4q"]).criteria[0].name
    'won_revenue_4q'
    """
    needed(panel, AccountPanel, "fit_card: a panel is needed, as build_panel returns it")
    if isinstance(criteria, str):
        raise SettingsError(f"criteria: a list of names is needed, such as [{criteria!r}].")
    unknown = [name for name in criteria if name not in panel.criteria]
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)}: no criterion of the panel. There are "
            f"{', '.join(panel.criteria)}."
        )
    examples = panel.examples().as_seen_on(panel.as_of)
    asked = examples.by(criteria or examples.criteria)
    fitted = asked.fit(panel.settings).recalibrated(
        examples.values, total=float(examples.won.sum())
    )
    return replace(_with_face(fitted, panel.days, panel.settings.target.horizon_quarters))
