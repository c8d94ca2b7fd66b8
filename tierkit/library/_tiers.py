"""Tiers of ranked accounts, with everything but the scores and the tiers optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import ValidationError

from tierkit.errors import DataError, SettingsError
from tierkit.library._given import amounts, by_account, texts_by_account
from tierkit.settings import StabilitySettings, Tier as TierSettings, settings_error, tier_problems
from tierkit.table import Table
from tierkit.tiers import AccountContext, assign_tiers as assign


class Tier(TierSettings):
    """One tier, its name in first place: `Tier("Tier 1", capacity=15)`.

    Raises
    ------
    SettingsError
        With every rule that there is not, or whose value makes no sense.

    Examples
    --------
    >>> Tier("Tier 1", capacity=15).capacity
    15
    """

    def __init__(self, name: str, **rules: Any) -> None:  # noqa: ANN401
        try:
            super().__init__(name=name, **rules)
        except ValidationError as error:
            raise settings_error(error, name=f"tier {name!r}", model=TierSettings) from error


@dataclass(frozen=True, repr=False, eq=False)
class TierList(Table):
    """Accounts with their tiers, the best rank first."""

    def counts(self) -> Table:
        """Return how many accounts each tier holds, and their predicted revenue in money."""
        by_tier = self.to_frame().groupby("tier", observed=False)["predicted_revenue"]
        found = by_tier.agg(accounts="size", predicted_revenue="sum").reset_index()
        return Table.of_frame("tier_counts", "Accounts and predicted revenue by tier", found)


def assign_tiers(  # noqa: PLR0913 (all but two are optional)
    scores: pd.Series[float] | pd.DataFrame,
    tiers: Sequence[TierSettings],
    *,
    previous: Mapping[str, str] | pd.Series[str] | None = None,
    overrides: Mapping[str, str] | None = None,
    accounts: pd.DataFrame | None = None,
    keep_band: float = 1.25,
    max_moves_share: float = 1.0,
) -> TierList:
    """Return the tier of every account; no tier holds more accounts than its capacity.

    Parameters
    ----------
    scores
        By account_id, higher is better: predicted revenue, or a frame with `score` and
        `predicted_revenue`. Equal scores are taken in the order of account_id.
    tiers
        From the top. A tier without a rule takes the rest.
    previous
        The tier that each account held before; without it rank alone decides.
    overrides
        The tier that a person has set for an account: it takes its slot first. An account without
        a score has the tier, too, and no rank.
    accounts
        Columns by account_id that written rules of tiers ask for, `account_id` in the index or in
        a column.
    keep_band, max_moves_share
        How far an account may fall behind before it loses its tier, as a multiple of capacity; and
        the largest share of a tier's holders that may move at once.

    Returns
    -------
    TierList
        A row per account: `tier`, `rank` (1 is best), `score`, `predicted_revenue`,
        `previous_tier`, `move_reason`, `overridden`.

    Raises
    ------
    DataError
        If an account appears twice or has no score, or a tier is given more overrides than places.
    SettingsError
        If tiers contradict each other, or a name is not one of theirs.

    Examples
    --------
    >>> scores = pd.Series({"A1": 90.0, "A2": 80.0, "A3": 70.0})
    >>> found = assign_tiers(scores, [Tier("Tier 1", capacity=1), Tier("Tier 2")])
    >>> found.to_frame()["tier"].to_dict()
    {'A1': 'Tier 1', 'A2': 'Tier 2', 'A3': 'Tier 2'}
    >>> kept = assign_tiers(scores, [Tier("Tier 1", capacity=1), Tier("Tier 2")],
    ...                     previous={"A2": "Tier 1"}, keep_band=2)
    >>> kept.to_frame().loc["A2", "tier"]
    'Tier 1'
    """
    held = {} if previous is None else texts_by_account(previous, name="previous")
    chosen = {} if overrides is None else texts_by_account(overrides, name="overrides")
    _check_tiers(tiers, {**held, **chosen})
    predicted = _predicted(scores)
    assigned = assign(
        predicted,
        tiers=tiers,
        stability=_stability(keep_band, max_moves_share),
        previous=_by_account(held, "tier"),
        overrides=pd.DataFrame({"account_id": [*chosen], "tier": [*chosen.values()]}, dtype="str"),
        context=AccountContext(columns=_columns(accounts, predicted.index)),
    )
    money = predicted["predicted_revenue"].reindex(assigned.index)
    shown = assigned.assign(predicted_revenue=money)[
        ["tier", "rank", "score", "predicted_revenue", "previous_tier", "move_reason", "overridden"]
    ]
    sizes = shown["tier"].value_counts(sort=False)
    caption = "Tiers: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    return TierList.of_frame("tiers", caption, shown)


def _predicted(scores: pd.Series[float] | pd.DataFrame) -> pd.DataFrame:
    """Return `score` and `predicted_revenue` by account_id, which is text."""
    if isinstance(scores, pd.Series):
        scores = pd.DataFrame({"score": scores, "predicted_revenue": scores})
    elif not isinstance(scores, pd.DataFrame):
        raise SettingsError(
            "scores: a pandas series by account_id is needed, as card.predict(panel.now) gives it; "
            f"found {type(scores).__name__}."
        )
    lacking = {"score", "predicted_revenue"} - set(scores.columns)
    if lacking:
        raise DataError(f"scores: no column {', '.join(sorted(lacking))}; pass a series instead.")
    if scores.empty:
        raise DataError("scores: there is no account.")
    if scores.index.nlevels > 1:
        raise DataError("scores: one row per account_id is needed; take those of one as_of.")
    wanted = ("score", "predicted_revenue")
    frame = pd.DataFrame({name: amounts(scores[name], name=f"scores.{name}") for name in wanted})
    return frame.set_axis(pd.Index(scores.index.astype(str), name="account_id", dtype="str"))


def _columns(accounts: pd.DataFrame | None, scored: pd.Index[Any]) -> pd.DataFrame:
    """Return the columns that rules ask for, by account_id as text."""
    if accounts is None:
        return pd.DataFrame()
    frame = by_account(accounts, name="accounts")
    found = frame.set_axis(frame.index.astype(str))
    if not scored.isin(found.index).any():
        raise DataError(
            "accounts: none of the scored accounts is in it. Index it by account_id, or give it a "
            f"column account_id; found {[*found.index[:3]]}."
        )
    return found


def _by_account(given: Mapping[str, str], name: str) -> pd.Series[str]:
    index = pd.Index([*given], name="account_id", dtype="str")
    return pd.Series([*given.values()], index=index, dtype="str", name=name)


def _stability(keep_band: float, max_moves_share: float) -> StabilitySettings:
    rules: dict[str, Any] = {"keep_band": keep_band, "max_moves_share": max_moves_share}
    try:
        return StabilitySettings(min_quarters=0, **rules)
    except ValidationError as error:
        raise settings_error(error, name="assign_tiers", model=StabilitySettings) from error


def _check_tiers(tiers: object, used: Mapping[str, str]) -> None:
    """Refuse what is no list of tiers, tiers that contradict each other, names of no tier."""
    given = [*tiers] if isinstance(tiers, Sequence) and not isinstance(tiers, str) else [tiers]
    listed = [one for one in given if isinstance(one, TierSettings)]
    wrong = [one for one in given if not isinstance(one, TierSettings)]
    if wrong or not listed:
        found = f"; found {type(wrong[0]).__name__}" if wrong else ""
        raise SettingsError(
            f"tiers: at least one is needed, such as [Tier('Tier 1', capacity=15)]{found}."
        )
    if problems := tier_problems(listed):
        raise SettingsError("; ".join(problems))
    names = [tier.name for tier in listed]
    unknown = sorted(set(used.values()) - set(names))
    if unknown:
        raise SettingsError(f"{', '.join(unknown)}: no tier of that name. There are {names}.")
