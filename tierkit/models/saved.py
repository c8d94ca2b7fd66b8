"""The saved model: the fitted card, the one set by hand, or the simple rule that ranks accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from tierkit.errors import SettingsError
from tierkit.files import read_json
from tierkit.models.card import Card
from tierkit.models.prospects import Prospects
from tierkit.models.simple_rules import PAST_REVENUE, ColumnRule

Kind = Literal["fitted card", "rules card", "past revenue", "simple rule"]
FITTED: Kind = "fitted card"
BY_HAND: Kind = "rules card"
PAST: Kind = "past revenue"
SIMPLE: Kind = "simple rule"
BY_COLUMN = (PAST, SIMPLE)
"""Kinds that rank by a column itself; their card only says what its amounts are worth."""

MODEL_SCHEMA = 1
"""Of `model.json`; files of an earlier release of the same schema load and score identically."""


def ranked(card: Card, kind: Kind, values: pd.DataFrame, *, past_revenue: str) -> pd.DataFrame:
    """Return `score` and `predicted_revenue` of each row; accounts rank by both, in this order.

    Past revenue or another simple rule ranks by its column itself, since all accounts of one step
    of its card are predicted the same.

    Parameters
    ----------
    values
        A row per account, with the columns of the card and of past revenue.
    past_revenue
        The column that a simple rule ranks by: as a rule, past revenue.

    Examples
    --------
    >>> values = pd.DataFrame({"won_revenue_4q": [50.0, None]}, index=["A", "B"])
    >>> ranked(Card(7.0), "past revenue", values, past_revenue="won_revenue_4q").to_dict("list")
    {'score': [50.0, 0.0], 'predicted_revenue': [7.0, 7.0]}
    """
    score = card.score(values)
    if kind in BY_COLUMN:
        score = ColumnRule(past_revenue, past_revenue).predict(values).fillna(0.0)
    return pd.DataFrame({"score": score, "predicted_revenue": card.predict(values)})


@dataclass(frozen=True)
class SavedModel:
    """The content of `model.json`: enough to rank accounts again, without any fit.

    Attributes
    ----------
    card, kind, past_revenue
        What ranks, and the column of past revenue or of the simple rule that ranks.
    ranked_by
        The name of the candidate that ranks; empty where the file does not say.
    horizon_quarters
        How far ahead revenue is predicted.
    trained_on
        The as_of dates that the card learned from.
    look_back
        The quarters of deals that its criteria look back on; None where the file does not say.
    prospects
        The cards of wins and pipeline; None where there are none.
    """

    card: Card
    kind: Kind
    past_revenue: str
    horizon_quarters: int
    trained_on: tuple[date, ...] = ()
    look_back: int | None = None
    prospects: Prospects | None = None
    ranked_by: str = ""

    def ranked(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return `score` and `predicted_revenue` of each row, as `ranked` does."""
        return ranked(self.card, self.kind, values, past_revenue=self.past_revenue)

    def to_plain(self) -> dict[str, Any]:
        """Return the model as plain data; `from_plain` gives it back exactly."""
        return {
            "schema": MODEL_SCHEMA,
            "kind": self.kind,
            "past_revenue": self.past_revenue,
            "ranked_by": self.ranked_by,
            "horizon_quarters": self.horizon_quarters,
            "trained_on_as_of": [day.isoformat() for day in self.trained_on],
            "look_back": self.look_back,
            "card": self.card.to_plain(),
            "prospects": None if self.prospects is None else self.prospects.to_plain(),
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> SavedModel:
        """Return the model of what a run has saved; keys that it does not know are left alone.

        Raises
        ------
        SettingsError
            If it is of another schema, or not a model.
        """
        if data.get("schema") != MODEL_SCHEMA:
            raise SettingsError(
                f"model: schema must be {MODEL_SCHEMA}, found {data.get('schema')!r}. "
                "Use the release of tierkit that wrote it, or run the recalibration again."
            )
        beside = data.get("prospects")
        try:
            if data["kind"] not in get_args(Kind):
                raise ValueError(data["kind"])  # noqa: TRY301 (one sentence for all of them)
            return cls(
                card=Card.from_plain(data["card"]),
                kind=data["kind"],
                past_revenue=str(data.get("past_revenue", PAST_REVENUE[0])),
                horizon_quarters=int(data["horizon_quarters"]),
                trained_on=tuple(date.fromisoformat(day) for day in data["trained_on_as_of"]),
                look_back=data.get("look_back"),
                prospects=None if beside is None else Prospects.from_plain(beside),
                ranked_by=str(data.get("ranked_by", "")),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise SettingsError(
                f"model: not a saved model ({error!r}). `tierkit run` publishes one as model.json."
            ) from error


def read_model(path: Path) -> SavedModel:
    """Return the model that a run has published as `model.json`.

    Raises
    ------
    SettingsError
        If there is no such file, or it holds something else.
    """
    try:
        data = read_json(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"{path.name}: not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{path.name}: not a saved model; a run publishes one as model.json.")
    return SavedModel.from_plain(data)
