"""Cost of the tiers: hours and money that entitlements promise, against what the team has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm import TARGET_TYPES, Tables, grouped, to_frame
from tierkit.figure import Figure
from tierkit.settings import Entitlement, Role, Settings, Tier
from tierkit.tiers import tiers_in_force

PLANNED = "planned cost of the entitlements"
ACTUAL = "actual cost of the last four quarters"
_NO_ENTITLEMENTS = "no tier has entitlements; write [[tiers.entitlements]] in tierkit.toml"


def boundary_name(upper: str, lower: str) -> str:
    """Return how the boundary between two tiers is named, `Tier 1 / Tier 2`."""
    return f"{upper} / {lower}"


def tier_effort(
    accounts: Mapping[str, int], *, tiers: Sequence[Tier], roles: Mapping[str, Role]
) -> pd.DataFrame:
    """Return the hours and the cost that each tier's entitlements ask for in a quarter.

    Hours are accounts × times a quarter × hours; the cost is those hours at the role's cost per
    hour plus the entitlement's own cost each time. A cost of zero in the settings means that it is
    not known.

    Parameters
    ----------
    accounts
        How many accounts each tier holds; a tier that is absent holds none.

    Returns
    -------
    pandas.DataFrame
        One row per tier: `accounts`, and as figures `hours` and `cost`.

    Examples
    --------
    >>> visit = Entitlement(activity="visit", role="AE", per_quarter=2.0, hours=3.0)
    >>> effort = tier_effort(
    ...     {"Tier 1": 15},
    ...     tiers=[Tier(name="Tier 1", entitlements=(visit,))],
    ...     roles={"AE": Role(people=10.0, hours_per_person=400.0, cost_per_hour=95.0)},
    ... )
    >>> [figure.value for figure in effort.loc["Tier 1", ["hours", "cost"]]]
    [90.0, 8550.0]
    """
    nothing_set = Figure.unknown(_NO_ENTITLEMENTS)
    is_set = any(tier.entitlements for tier in tiers)
    rows = []
    for tier in tiers:
        count = accounts.get(tier.name, 0)
        hours = Figure.of(float(count * sum(_hours(tier, role) for role in roles)))
        cost = _cost_per_account(tier, roles).times(count)
        rows.append(
            {
                "tier": tier.name,
                "accounts": count,
                "hours": hours if is_set else nothing_set,
                "cost": cost if is_set else nothing_set,
            }
        )
    return pd.DataFrame(rows).set_index("tier")


def role_effort(
    accounts: Mapping[str, int], *, tiers: Sequence[Tier], roles: Mapping[str, Role]
) -> pd.DataFrame:
    """Return the hours that tiers ask of each role in a quarter, against what its people have.

    Returns
    -------
    pandas.DataFrame
        One row per role, in the order of the settings: one column of hours per tier, `hours` (their
        sum), `available` (people × hours per person, 0 where not known), and as a figure
        `share_used`.
    """
    rows = []
    for name, role in roles.items():
        hours = {tier.name: accounts.get(tier.name, 0) * _hours(tier, name) for tier in tiers}
        total, available = sum(hours.values()), role.hours
        rows.append(
            {
                "role": name,
                **hours,
                "hours": total,
                "available": available,
                "share_used": Figure(total / available)
                if available
                else Figure.unknown(f"the hours of [roles.{name}] are not set"),
            }
        )
    columns = ["role", *(tier.name for tier in tiers), "hours", "available", "share_used"]
    return pd.DataFrame(rows, columns=columns).set_index("role")


def break_even(  # noqa: PLR0913
    accounts: Mapping[str, int],
    predicted_revenue: Mapping[str, float],
    *,
    horizon_quarters: int,
    tiers: Sequence[Tier],
    roles: Mapping[str, Role],
    margin: float = 1.0,
    spent: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return the effect on revenue at which each tier pays for what it costs more than the next.

    The extra cost per account and quarter, over what is left of the predicted revenue per account
    and quarter of the upper tier: 0.12 means that the tier pays if it lifts revenue by 12 %. The
    cost is what accounts of either tier really cost where that is recorded, else what their
    entitlements ask for.

    Parameters
    ----------
    accounts, predicted_revenue
        By tier: how many accounts it holds, and the revenue predicted for all of them together over
        the horizon.
    margin
        What is left of a unit of predicted revenue after the cost of what was sold.
    spent
        As `spent_by_tier` returns it.

    Returns
    -------
    pandas.DataFrame
        One row per `boundary`, from the top: `extra_cost` (a figure) and `revenue` (money per
        account and quarter), `margin`, `basis` (which cost it is), `break_even` (a figure: a share,
        0 where the upper tier costs no more).
    """
    rows = []
    for upper, lower in pairwise(tiers):
        extra, basis = _extra(upper, lower, roles, spent or {})
        count = accounts.get(upper.name, 0)
        total = predicted_revenue.get(upper.name, 0.0)
        revenue = total / count / horizon_quarters if count else np.nan
        rows.append(
            {
                "boundary": boundary_name(upper.name, lower.name),
                "extra_cost": extra,
                "revenue": revenue,
                "margin": margin,
                "basis": basis,
                "break_even": _break_even(extra, revenue * margin, upper.name),
            }
        )
    columns = ["boundary", "extra_cost", "revenue", "margin", "basis", "break_even"]
    return pd.DataFrame(rows, columns=columns).set_index("boundary")


def _break_even(extra: Figure, left_of_revenue: float, upper: str) -> Figure:
    if extra.is_known and not left_of_revenue > 0:
        return Figure.unknown(f"no revenue is predicted for {upper}")
    return extra.map(lambda cost: max(0.0, cost) / left_of_revenue)


def _extra(
    upper: Tier, lower: Tier, roles: Mapping[str, Role], spent: Mapping[str, float]
) -> tuple[Figure, str]:
    """Return what an account of the upper tier costs more, and which cost it is."""
    if upper.name in spent and lower.name in spent:
        return Figure(spent[upper.name] - spent[lower.name]), ACTUAL
    return extra_cost(upper, lower, roles=roles), PLANNED


def tiers_pay(
    boundaries: pd.DataFrame,
    effort: pd.DataFrame,
    predicted_revenue: Mapping[str, float],
    *,
    horizon_quarters: int,
) -> pd.DataFrame:
    """Return by tier what it costs more than the next, and the effect at which that pays.

    The same numbers as `break_even`, for all accounts of a tier over the horizon.

    Parameters
    ----------
    boundaries
        As `break_even` returns it.
    effort
        As `tier_effort` returns it.
    predicted_revenue
        By tier, of all its accounts over the horizon.

    Returns
    -------
    pandas.DataFrame
        One row per `tier`: `cost` (a figure: money more than the next tier, over the horizon),
        `predicted_revenue`, `break_even` (a figure: a share).
    """
    rows = []
    for number, (tier, accounts) in enumerate(effort["accounts"].items()):
        money = predicted_revenue.get(str(tier), 0.0)
        if number >= len(boundaries):
            last = Figure.unknown("no tier lies below it")
            rows.append([last, money, last])
            continue
        line = boundaries.iloc[number]
        cost = line["extra_cost"].times(float(accounts) * horizon_quarters)
        rows.append([cost, money, line["break_even"]])
    columns = ["cost", "predicted_revenue", "break_even"]
    return pd.DataFrame(rows, index=effort.index, columns=columns)


def hours_by_role(
    accounts: Mapping[str, int], *, tiers: Sequence[Tier], roles: Mapping[str, Role]
) -> dict[str, dict[str, float]]:
    """Return the hours a quarter by tier and role; a role that a tier does not need is absent.

    Examples
    --------
    >>> visit = Entitlement(activity="visit", role="AE", per_quarter=2.0, hours=3.0)
    >>> hours_by_role({"Tier 1": 15}, tiers=[Tier(name="Tier 1", entitlements=(visit,))],
    ...               roles={"AE": Role(people=10.0, hours_per_person=400.0)})
    {'Tier 1': {'AE': 90.0}}
    """
    return {
        tier.name: {
            role: accounts.get(tier.name, 0) * hours
            for role in roles
            if (hours := _hours(tier, role))
        }
        for tier in tiers
    }


def extra_cost(upper: Tier, lower: Tier, *, roles: Mapping[str, Role]) -> Figure:
    """Return what an account of the upper tier costs more in a quarter."""
    if not (upper.entitlements or lower.entitlements):
        return Figure.unknown(f"neither {upper.name} nor {lower.name} has entitlements")
    above, below = (_cost_per_account(tier, roles) for tier in (upper, lower))
    if above.value is None or below.value is None:
        return Figure.unknown(above.why or below.why)
    return Figure(above.value - below.value)


def _cost_per_account(tier: Tier, roles: Mapping[str, Role]) -> Figure:
    """Return what one account of the tier costs in a quarter."""
    costs = [_cost_each_time(entitlement, roles) for entitlement in tier.entitlements]
    unknown = sorted({e.role for e, cost in zip(tier.entitlements, costs, strict=True) if not cost})
    if unknown:
        return Figure.unknown(f"no cost_per_hour is set for {', '.join(unknown)}")
    times = (entitlement.per_quarter for entitlement in tier.entitlements)
    return Figure(float(sum(n * cost for n, cost in zip(times, costs, strict=True))))


def _hours(tier: Tier, role: str) -> float:
    """Return the hours of one role that an account of the tier gets in a quarter."""
    return sum(x.per_quarter * x.hours for x in tier.entitlements if x.role == role)


def _cost_each_time(entitlement: Entitlement, roles: Mapping[str, Role]) -> float:
    return entitlement.hours * roles[entitlement.role].cost_per_hour + entitlement.cost


QUARTERS = 4


@dataclass(frozen=True)
class Margin:
    """The share left of a unit of revenue, and the source of that number."""

    share: float
    source: str


def gross_margin(tables: Tables, *, settings: Settings, as_of: date) -> Margin:
    """Return the margin with which an effect on revenue is held against what a tier costs.

    `effort.gross_margin` where it is set. Otherwise, where won deals of the last four quarters have
    a cost, (amount − cost) / amount of them together. Otherwise 1: revenue counts whole, and the
    source says so. Predicted margin (`target.measure`) is margin already.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount cost is_won;"
    ...     "A 2025-03-01 100 20 true; A 2025-04-01 100 40 true; A 2025-05-01 900 - true")
    >>> gross_margin(tables, settings=Settings(), as_of=date(2026, 1, 1))
    Margin(share=0.7, source='2 won deals with a cost in the last four quarters')
    """
    if settings.target.measure == "margin":
        return Margin(1.0, "predicted revenue is margin already")
    if settings.effort.gross_margin is not None:
        return Margin(settings.effort.gross_margin, "effort.gross_margin of the settings")
    whole = Margin(1.0, "not known: revenue counts whole; set effort.gross_margin")
    if not tables.has("opportunities", "cost"):
        return whole
    days = tables.dates({"as_of": [look_back_start(as_of, QUARTERS)], "horizon_end": [as_of]})
    deals = tables["opportunities"].filter(
        nw.col("is_won"), nw.col("revenue_type").is_in([*TARGET_TYPES]), ~nw.col("cost").is_null()
    )
    sums = outcome_rows(deals, "close_date", days).select(
        deals=nw.len(), amount=nw.col("amount").sum(), cost=nw.col("cost").sum()
    )
    count, amount, cost = sums.collect().rows()[0]
    if not count or not amount > 0 or not 0 < 1 - float(cost) / float(amount) <= 1:
        return whole
    said = f"{count:,} won deals with a cost in the last four quarters"
    return Margin(round(1 - float(cost) / float(amount), 6), said)


_COSTS = (("costs", "amount"), ("activities", "cost"))


def spent_by_tier(tables: Tables, *, settings: Settings, as_of: date) -> Mapping[str, float]:
    """Return what an account of each tier cost a quarter, on average over the last four quarters.

    All that `costs` holds and what `activities` cost, for the accounts that held the tier on a
    quarter's first day; an account without a row cost nothing.

    Returns
    -------
    mapping
        Money by tier; a tier that nobody held is absent. Empty where no cost is recorded, or it is
        not known who held which tier.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(
    ...     tier_history="account_id tier start_date; A T1 2025-01-01; B T1 2025-01-01",
    ...     costs="account_id date amount; A 2025-02-01 800; A 2025-12-31 80")
    >>> spent_by_tier(tables, settings=Settings(), as_of=date(2026, 1, 1))
    {'T1': 110.0}
    """
    recorded = [(table, column) for table, column in _COSTS if tables.has(table, column)]
    if not recorded or "tier_history" not in tables:
        return {}
    calendar = settings.fiscal_calendar
    quarters = calendar.between(calendar.window_start(as_of, QUARTERS), as_of)
    days = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    sums = []
    for table, column in recorded:
        rows = outcome_rows(tables[table], "date", tables.dates(days))
        spent = grouped(rows, ("as_of", "account_id"), spent=nw.col(column).sum())
        sums.append(to_frame(spent))
    held = tiers_in_force(tables, days["as_of"]).rename(columns={"day": "as_of"})
    whole = pd.concat(sums).dropna(subset=["account_id", "spent"])
    if whole.empty or held.empty:
        return {}
    keys = ["as_of", "account_id"]
    money = (
        whole.assign(spent=whole["spent"].astype(float)).groupby(keys, dropna=False)["spent"].sum()
    )
    joined = held.merge(money.reset_index(), on=keys, how="left", validate="1:1")
    means = (
        joined.assign(spent=joined["spent"].fillna(0.0))
        .groupby("tier", dropna=False)["spent"]
        .mean()
    )
    return {str(tier): float(value) for tier, value in means.items()}
