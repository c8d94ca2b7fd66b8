"""Effort against value: the index of each account and tier, the Lorenz curve, one flag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm import Rows, Tables, summed, to_frame
from tierkit.figure import Figure

FloatArray = npt.NDArray[np.float64]

DRAWS = 200
_CURVE_POINTS = 20
FEW = "too few accounts to say"


def effort_index(value: pd.Series[float], effort: pd.Series[float]) -> pd.DataFrame:
    """Return how the effort that each account received compares with its value.

    Parameters
    ----------
    value
        Predicted revenue by account_id.
    effort
        As `effort_received` gives it; accounts that are absent received none.

    Returns
    -------
    pandas.DataFrame
        One row per account of `value`, in its order: `value`, `effort`, `effort_index` (its share
        of all effort over its share of all value; 1.0 is proportional; missing where it has no
        value or nobody received any effort), `excess_effort` (effort beyond its proportional part).

    Examples
    --------
    >>> value = pd.Series({"A": 90.0, "B": 10.0})
    >>> effort_index(value, pd.Series({"A": 50.0, "B": 50.0}))[["effort_index"]].round(2).T
                     A    B
    effort_index  0.56  5.0
    """
    known = effort.reindex(value.index).fillna(0.0).astype(float)
    all_value, all_effort = float(value.sum()), float(known.sum())
    fair = value / all_value * all_effort if all_value > 0 else value * np.nan
    return pd.DataFrame(
        {
            "value": value.astype(float),
            "effort": known,
            "effort_index": (known / fair.where(fair > 0)).astype(float),
            "excess_effort": (known - fair).astype(float),
        }
    )


def tier_index(proportion: pd.DataFrame, tier: pd.Series[str], *, seed: int) -> pd.DataFrame:
    """Return the effort index of each tier, with a 95 % interval from resampling accounts.

    Returns
    -------
    pandas.DataFrame
        One row per tier in its order: `accounts`, `effort_share`, `value_share`, `effort_index`,
        `low`, `high`; missing where nobody received effort or nobody has value.
    """
    codes, names = pd.factorize(tier, sort=True)
    cells = proportion[["effort", "value"]].to_numpy(dtype=float)
    totals = _by_tier(cells, codes, len(names))
    draws = [
        _ratios(_by_tier(cells * weights[:, None], codes, len(names)))
        for weights in _weights(len(cells), seed=seed)
    ]
    low, high = _interval(np.array(draws)) if draws else (np.nan, np.nan)
    shares = np.divide(
        totals, totals.sum(axis=0), out=np.full_like(totals, np.nan), where=totals.sum(axis=0) > 0
    )
    return pd.DataFrame(
        {
            "accounts": np.bincount(codes, minlength=len(names)),
            "effort_share": shares[:, 0],
            "value_share": shares[:, 1],
            "effort_index": _ratios(totals),
            "low": low,
            "high": high,
        },
        index=pd.Index([str(name) for name in names], name="tier"),
    )


def lorenz_curve(proportion: pd.DataFrame) -> pd.DataFrame:
    """Return which part of value and of effort the most valuable accounts hold together.

    Returns
    -------
    pandas.DataFrame
        From 0 to 1 in at most 21 steps: `accounts_share` (the most valuable ones first),
        `value_share`, `effort_share`. A line from corner to corner is everyone alike. Without rows
        where all accounts together have no value or got no effort.

    Examples
    --------
    >>> frame = pd.DataFrame({"value": [90.0, 10.0], "effort": [50.0, 50.0]}, index=["A", "B"])
    >>> lorenz_curve(frame).values.tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.9, 0.5], [1.0, 1.0, 1.0]]
    """
    ordered = _by_value(proportion)
    count = len(ordered)
    steps = np.unique(np.linspace(0, count, min(count, _CURVE_POINTS) + 1).round().astype(int))
    sums = np.vstack([[0.0, 0.0], ordered.cumsum(axis=0)])
    if not (sums[-1] > 0).all():
        steps = steps[:0]
    shares = sums / np.where(sums[-1] > 0, sums[-1], np.nan)
    return pd.DataFrame(
        {
            "accounts_share": steps / max(count, 1),
            "value_share": shares[steps, 0],
            "effort_share": shares[steps, 1],
        }
    )


def concentration(proportion: pd.DataFrame, *, seed: int) -> tuple[Figure, Figure]:
    """Return how strongly effort, and how strongly value, gathers on the most valuable accounts.

    Twice the area between the curve and everyone alike: 0 where all accounts get the same, towards
    1 where the most valuable one gets everything, below 0 where the least valuable get most. Of
    value it is the Gini coefficient. The second estimate is effort's over value's, each with its
    95 % interval from resampling accounts.

    Returns
    -------
    tuple of Figure
        Effort's concentration, and effort's as a share of value's.
    """
    ordered = _by_value(proportion)
    everyone = np.ones(len(ordered))
    found = _concentrations(ordered, everyone)
    draws = np.array([_concentrations(ordered, w) for w in _weights(len(ordered), seed=seed)])
    of_effort, of_value = found
    ratios = draws[:, 0] / np.where(draws[:, 1] > 0, draws[:, 1], np.nan)
    share = of_effort / of_value if of_value > 0 else np.nan
    return _figure(of_effort, draws[:, 0]), _figure(share, ratios)


def _figure(value: float, draws: FloatArray) -> Figure:
    low, high = _interval(draws[:, None]).ravel()
    return Figure.of(value, FEW, low=min(low, value), high=max(high, value))


def value_gini(proportion: pd.DataFrame) -> float:
    """Return the Gini coefficient of value: 0 where all accounts have the same."""
    ordered = _by_value(proportion)
    return float(_concentrations(ordered, np.ones(len(ordered)))[1])


def _by_value(proportion: pd.DataFrame) -> FloatArray:
    """Return value and effort, the most valuable account first; ties by account_id."""
    ordered = proportion.sort_index().sort_values("value", ascending=False, kind="stable")
    return ordered[["value", "effort"]].to_numpy(dtype=float)


def _concentrations(ordered: FloatArray, weights: FloatArray) -> tuple[float, float]:
    place = (np.cumsum(weights) - weights / 2) / max(weights.sum(), 1.0)
    found = []
    for column in (1, 0):
        amounts = ordered[:, column] * weights
        total = amounts.sum()
        found.append(1 - 2 * float(place @ amounts) / total if total > 0 else np.nan)
    return found[0], found[1]


def _weights(count: int, *, seed: int) -> list[FloatArray]:
    """Return how often each account is drawn, for each draw with replacement."""
    if not count:
        return []
    rng = np.random.default_rng(seed)
    return [
        np.bincount(rng.integers(0, count, size=count), minlength=count).astype(float)
        for _ in range(DRAWS)
    ]


def _by_tier(cells: FloatArray, codes: npt.NDArray[np.intp], tiers: int) -> FloatArray:
    return np.column_stack(
        [np.bincount(codes, weights=cells[:, column], minlength=tiers) for column in (0, 1)]
    )


def _ratios(totals: FloatArray) -> FloatArray:
    shares = totals / np.where(totals.sum(axis=0) > 0, totals.sum(axis=0), np.nan)
    return np.asarray(shares[:, 0] / np.where(shares[:, 1] > 0, shares[:, 1], np.nan))


def _interval(draws: FloatArray) -> FloatArray:
    """Return the ends of the middle 95 % of each column; missing where fewer than half can tell."""
    ends = np.full((2, draws.shape[1]), np.nan)
    for column in range(draws.shape[1]):
        valid = draws[~np.isnan(draws[:, column]), column]
        if len(valid) > DRAWS / 2:
            ends[:, column] = np.quantile(valid, [0.025, 0.975])
    return ends


NO_EFFORT = (
    "neither costs nor outbound activities are known: give the table costs, or activities with a "
    "direction"
)


@dataclass(frozen=True)
class EffortReceived:
    """The effort that accounts received before `as_of`.

    Attributes
    ----------
    by_account
        Effort by account_id; accounts without any are absent, and that is a true zero.
    measure
        `money spent`, `minutes` or `activities`: what the numbers count.
    quarters
        How many quarters before `as_of` are counted.
    why
        Why nothing is known; empty otherwise.
    """

    by_account: pd.Series[float]
    measure: str
    quarters: int
    why: str = ""


def effort_received(tables: Tables, *, as_of: date, quarters: int) -> EffortReceived:
    """Return the effort that each account received in the quarters before `as_of`.

    Money from `costs` where the source has it, else minutes of outbound activities, else their
    number. Effort describes what we did; it is never a reason to call an account valuable.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(costs="account_id date amount; A 2025-10-01 60; A 2026-01-01 500;"
    ...                          "B 2024-12-31 7")
    >>> effort_received(tables, as_of=date(2026, 1, 1), quarters=4).by_account.to_dict()
    {'A': 60.0}
    """
    window = {"as_of": [look_back_start(as_of, quarters)], "horizon_end": [as_of]}
    dates = tables.dates(window)
    if "costs" in tables:
        rows = outcome_rows(tables["costs"], "date", dates)
        return EffortReceived(_totals(rows, nw.col("amount").sum()), "money spent", quarters)
    if not tables.has("activities", "direction"):
        nobody = pd.Index([], name="account_id", dtype="str")
        return EffortReceived(pd.Series(0.0, index=nobody), "", quarters, NO_EFFORT)
    outbound = tables["activities"].filter(nw.col("direction") == "outbound")
    rows = outcome_rows(outbound, "date", dates)
    if tables.has("activities", "minutes"):
        minutes = nw.col("minutes").cast(nw.Decimal(38, 4)).sum()
        return EffortReceived(_totals(rows, minutes), "minutes", quarters)
    return EffortReceived(_totals(rows, nw.len()), "activities", quarters)


def _totals(rows: Rows, total: nw.Expr) -> pd.Series[float]:
    totals = summed(rows, "account_id", sums={"effort": total}, what="effort received")
    frame = to_frame(totals.select("account_id", nw.col("effort").cast(nw.Float64)))
    found: pd.Series[float] = frame.set_index("account_id")["effort"].fillna(0.0).sort_index()
    return found


NOTHING_SPENT = "nobody received any effort in these quarters"
HARDLY_DIFFERS = 0.1
"""Below this Gini coefficient of predicted revenue accounts hardly differ in value."""


@dataclass(frozen=True)
class EqualTreatment:
    """Equal treatment of all accounts; None where it is not known, with the reason."""

    alike: bool | None
    because: str


def treated_alike(
    proportion: pd.DataFrame,
    relative: Figure,
    received: EffortReceived,
    *,
    below: float,
    fewest: int,
) -> EqualTreatment:
    """Say whether effort follows value so little that everyone is treated alike.

    Parameters
    ----------
    proportion
        As `effort_index` gives it; no rows where nobody received any effort.
    relative
        Effort's concentration as a share of value's, with its 95 % interval.
    below
        Alike where the whole interval lies below this share, not alike where it lies above.
    fewest
        Fewer accounts are too few to say.
    """
    if received.why or proportion.empty:
        return EqualTreatment(None, received.why or NOTHING_SPENT)
    if len(proportion) < fewest or not relative.has_range:
        return EqualTreatment(None, f"too few to say (n = {len(proportion)})")
    if value_gini(proportion) < HARDLY_DIFFERS:
        return EqualTreatment(None, "predicted revenue hardly differs between accounts")
    times = relative.say("{:.2f}".format)
    seen = (
        f"{received.measure} gathers on valuable accounts {times} times as strongly "
        f"as predicted revenue does ({relative.say_range('{:.2f} to {:.2f}'.format)}; 0 is "
        "everyone alike, 1 is in proportion)"
    )
    if relative.is_below(below):
        verdict = f"{seen}: the team treats everyone alike although value differs"
        return EqualTreatment(alike=True, because=verdict)
    if relative.is_above(below):
        return EqualTreatment(alike=False, because=seen)
    return EqualTreatment(
        None, f"{seen}: the interval holds {below:g}, below which it counts as alike"
    )
