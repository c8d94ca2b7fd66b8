"""People, touches and money as the CRM shows them: contacts, activities, costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.simulate.company import Company
from tierkit.simulate.deals import RENEWAL
from tierkit.simulate.dynamics import History
from tierkit.simulate.records import ids, texts
from tierkit.simulate.scenario import (
    BURN_IN_QUARTERS,
    FloatArray,
    IntArray,
    Scenario,
    to_dates,
)
from tierkit.simulate.touches import INBOUND, OUTBOUND_COSTS, OUTBOUND_MINUTES, TYPES, Touches

ROLES = ("champion", "economic buyer", "user", "technical")
SENIORITIES = ("C-level", "VP", "Director", "Manager", "Individual contributor")
MARKETING_COSTS = 450.0
"""Marketing money for an account of Tier 3 that is in a programme in a quarter."""

PROGRAMME_SHARE = 0.35
"""Share of accounts without extra effort that a programme reaches in a quarter."""

_SENIORITY_BY_ROLE = np.array(
    [[0.02, 0.13, 0.35, 0.40, 0.10], [0.40, 0.38, 0.18, 0.04, 0.00],
     [0.00, 0.01, 0.09, 0.35, 0.55], [0.04, 0.10, 0.26, 0.35, 0.25]]
)  # fmt: skip


def contacts(
    deals: pd.DataFrame, *, company: Company, scenario: Scenario
) -> tuple[pd.DataFrame, IntArray, IntArray]:
    """Return `contacts` with account (position) and day of each, in order of account and day.

    Some are known from the start, more with size; deals bring new ones.
    """
    rng = scenario.rng("contacts")
    first = 1 + rng.poisson(np.exp(0.3 + 0.25 * company.size))
    early = np.repeat(np.arange(scenario.accounts), first)
    wait = (rng.exponential(200, len(early)) * (rng.random(len(early)) < 0.6)).astype(np.int64)
    met = np.flatnonzero((deals["type"] != RENEWAL) & (rng.random(len(deals)) < 0.35))
    account = np.concatenate([early, deals["account"].to_numpy()[met]])
    day = np.concatenate([company.created[early] + wait, deals["created"].to_numpy()[met]])
    order = np.lexsort((day, account))
    order = order[day[order] < scenario.end]
    account, day = account[order], day[order]
    role = rng.choice(len(ROLES), size=len(account), p=[0.18, 0.17, 0.40, 0.25])
    steps = np.cumsum(_SENIORITY_BY_ROLE, axis=1)[role][:, :-1]
    seniority = (rng.random(len(account))[:, None] > steps).sum(axis=1)
    table = pd.DataFrame(
        {
            "contact_id": ids("C", len(account)),
            "account_id": company.ids.array.take(account),
            "role": texts(ROLES, role).mask(rng.random(len(account)) < 0.22),
            "seniority": texts(SENIORITIES, seniority).mask(rng.random(len(account)) < 0.10),
            "created_date": to_dates(day),
        }
    )
    return table, account, day


def activities(
    history: History,
    people: tuple[pd.DataFrame, IntArray, IntArray],
    *,
    company: Company,
    scenario: Scenario,
) -> pd.DataFrame:
    """Return `activities` of both directions, in order of account and date."""
    rng = scenario.rng("contacts", 1)
    touches = Touches.joined([history.inbound, history.outbound])
    seen = (touches.day >= scenario.start) & (touches.day < scenario.end)
    order = np.flatnonzero(seen)
    order = order[np.lexsort((touches.type[order], touches.day[order], touches.account[order]))]
    account, day, kind = touches.account[order], touches.day[order], touches.type[order]
    outbound = kind >= len(INBOUND)
    minutes = np.concatenate([np.zeros(len(INBOUND), dtype=np.int64), OUTBOUND_MINUTES])[kind]
    spent = np.maximum((minutes * rng.uniform(0.6, 1.4, len(kind))).round(), 1).astype(np.int64)
    return pd.DataFrame(
        {
            "account_id": company.ids.array.take(account),
            "date": to_dates(day),
            "type": texts(TYPES, kind),
            "direction": texts(("inbound", "outbound"), outbound.astype(np.int64)),
            "contact_id": _contact_of(account, day, people, rng),
            "minutes": pd.Series(spent).astype("Int64").mask(~outbound),
        }
    )


def _contact_of(
    account: IntArray,
    day: IntArray,
    people: tuple[pd.DataFrame, IntArray, IntArray],
    rng: np.random.Generator,
) -> pd.Series[str]:
    """Return a contact of each touch among those known on its day; often nobody."""
    table, owner, since = people
    span = np.int64(1_000_000)
    first = np.searchsorted(owner, account, side="left")
    known = np.searchsorted(owner * span + since, account * span + day, side="right") - first
    pick = first + (rng.random(len(account)) * known).astype(np.int64)
    nobody = (known <= 0) | (rng.random(len(account)) < 0.3)
    words = table["contact_id"].array
    return pd.Series(words.take(np.where(nobody, -1, pick), allow_fill=True))


def costs(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return `costs`: sales and marketing money an account and quarter, booked on its last day."""
    rng = scenario.rng("costs")
    sales = _sales_costs(history.outbound, scenario)
    effort = scenario.effort_factors[history.tier[:, BURN_IN_QUARTERS:]]
    ends = scenario.bounds[BURN_IN_QUARTERS + 1 : scenario.steps + 1]
    reachable = company.tierable[:, None] & (company.created[:, None] < ends)
    chosen = rng.random(effort.shape) < np.where(effort > 1, 1.0, PROGRAMME_SHARE)
    marketing = MARKETING_COSTS * effort**2 * rng.uniform(0.7, 1.3, effort.shape)
    marketing = marketing * (reachable & chosen)
    parts = [_cost_rows(sales, "sales"), _cost_rows(marketing, "marketing")]
    rows = pd.concat(parts, ignore_index=True).sort_values(
        ["account", "step", "category"], kind="stable", ignore_index=True
    )
    days = scenario.bounds[BURN_IN_QUARTERS + 1 + rows["step"].to_numpy()] - 1
    return pd.DataFrame(
        {
            "account_id": company.ids.array.take(rows["account"].to_numpy()),
            "date": to_dates(days),
            "amount": rows["amount"],
            "category": rows["category"].astype("str"),
        }
    )


def _sales_costs(outbound: Touches, scenario: Scenario) -> FloatArray:
    """Return what outbound touches cost, a row per account and a column per quarter of the data."""
    step = scenario.quarter_of(outbound.day) - BURN_IN_QUARTERS
    seen = step >= 0
    cell = outbound.account[seen] * scenario.quarters + step[seen]
    money = OUTBOUND_COSTS[outbound.type[seen] - len(INBOUND)]
    total = np.bincount(cell, weights=money, minlength=scenario.accounts * scenario.quarters)
    return np.asarray(total, dtype=np.float64).reshape(scenario.accounts, scenario.quarters)


def _cost_rows(amount: FloatArray, category: str) -> pd.DataFrame:
    account, step = np.nonzero(amount)
    return pd.DataFrame(
        {"account": account, "step": step, "amount": amount[account, step].round(2),
         "category": category}
    )  # fmt: skip
