"""The records of the simulated CRM: the tables of the contract, one function each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tierkit.simulate.company import Company
from tierkit.simulate.deals import CLOSED_WON, PRODUCTS, RENEWAL, SOURCES, STAGES, TYPES
from tierkit.simulate.dynamics import (
    ACTIVITY_TYPES,
    INBOUND,
    OUTBOUND_COSTS,
    OUTBOUND_MINUTES,
    History,
    Touches,
)
from tierkit.simulate.scenario import BURN_IN_QUARTERS, FloatArray, IntArray, Scenario, to_dates
from tierkit.simulate.tiering import OVERRIDE_REASONS

TIERS = ("", "Tier 1", "Tier 2", "Tier 3")


def texts(vocabulary: Sequence[str | None], codes: IntArray) -> pd.Series[str]:
    """Return the words of a vocabulary by their codes, as pandas text."""
    words = pd.Series(list(vocabulary), dtype="str").array
    return pd.Series(words.take(codes))


def ids(prefix: str, count: int) -> pd.Series[str]:
    """Return ids such as O0000001, of equal length."""
    width = max(6 + (prefix in "OX"), len(str(count)))
    return pd.Series([f"{prefix}{number:0{width}d}" for number in range(1, count + 1)], dtype="str")


def visible_deals(history: History, scenario: Scenario) -> pd.DataFrame:
    """Return the deals begun before the data end and not closed before they start, by id."""
    deals = history.deals
    seen = deals[(deals["close"] >= scenario.start) & (deals["created"] < scenario.end)]
    return seen.sort_values(["created", "account", "type", "close"], kind="stable",
                            ignore_index=True)  # fmt: skip


def opportunities(
    deals: pd.DataFrame, stages: pd.DataFrame, *, company: Company, scenario: Scenario
) -> pd.DataFrame:
    """Return `opportunities`: closed deals as they closed, open ones as last edited."""
    rng = scenario.rng("lines")
    last = stages.drop_duplicates("deal", keep="last").set_index("deal").sort_index()
    account = deals["account"].to_numpy()
    stage = last["stage"].to_numpy()
    product = rng.choice(len(PRODUCTS), size=len(deals), p=[0.42, 0.2, 0.16, 0.13, 0.09])
    product = np.where(deals["type"] == RENEWAL, 0, product)
    is_won = pd.Series(stage == CLOSED_WON).astype("boolean").mask(stage < CLOSED_WON)
    return pd.DataFrame(
        {
            "opportunity_id": ids("O", len(deals)),
            "account_id": company.ids.array.take(account),
            "created_date": to_dates(deals["created"].to_numpy()),
            "close_date": to_dates(last["close"].to_numpy()),
            "amount": last["amount"].to_numpy(),
            "currency": pd.Series("USD", index=deals.index, dtype="str"),
            "stage": texts(STAGES, stage),
            "is_won": is_won,
            "type": texts(TYPES, deals["type"].to_numpy()),
            "product": texts(PRODUCTS, product),
            "owner": company.table["owner"].array.take(account),
            "source": texts(SOURCES, deals["source"].to_numpy()),
            "term_months": 12,
        }
    )


def opportunity_lines(opportunities: pd.DataFrame, *, scenario: Scenario) -> pd.DataFrame:
    """Return `opportunity_lines`: one or two products per deal, which add up to its amount."""
    rng = scenario.rng("lines", 1)
    n = len(opportunities)
    cents = (opportunities["amount"].to_numpy() * 100).round().astype(np.int64)
    main = np.select([opportunities["product"] == p for p in PRODUCTS], range(len(PRODUCTS)))
    second = (main + rng.integers(1, len(PRODUCTS), n)) % len(PRODUCTS)
    has_second = rng.random(n) < 0.3
    part = np.where(has_second, (cents * rng.uniform(0.1, 0.4, n)).astype(np.int64), 0)
    rows = np.concatenate([np.arange(n), np.flatnonzero(has_second)])
    order = np.argsort(rows, kind="stable")
    product = np.concatenate([main, second[has_second]])[order]
    amount = np.concatenate([cents - part, part[has_second]])[order] / 100
    return pd.DataFrame(
        {
            "opportunity_id": opportunities["opportunity_id"].array.take(rows[order]),
            "product": texts(PRODUCTS, product),
            "amount": amount,
            "quantity": np.maximum((amount / 120).astype(np.int64), 1),
        }
    )


def stage_table(stages: pd.DataFrame, opportunity_id: pd.Series[str]) -> pd.DataFrame:
    """Return `stage_history`."""
    return pd.DataFrame(
        {
            "opportunity_id": opportunity_id.array.take(stages["deal"].to_numpy()),
            "changed_date": to_dates(stages["day"].to_numpy()),
            "stage": texts(STAGES, stages["stage"].to_numpy()),
            "amount": stages["amount"].to_numpy(),
            "close_date": to_dates(stages["close"].to_numpy()),
        }
    )


def contracts(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return `contracts`: subscriptions of won deals, of which some ran when the data begin."""
    rows = pd.concat(history.subscriptions.contracts, ignore_index=True)
    rows = rows[(rows["close"] < scenario.end) & (rows["end"] > scenario.start)]
    rows = rows.sort_values(["start", "account", "close", "end"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "contract_id": ids("K", len(rows)),
            "account_id": company.ids.array.take(rows["account"].to_numpy()),
            "start_date": to_dates(rows["start"].to_numpy()),
            "end_date": to_dates(rows["end"].to_numpy()),
            "annual_value": rows["annual_value"],
        }
    )


def tier_history(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return `tier_history`: one row per account and re-tiering, the last ones still held."""
    rows = history.tiers.sort_values(["account", "step"], kind="stable", ignore_index=True)
    step = rows["step"].to_numpy()
    still_held = step == scenario.steps - 1
    overridden = rows["overridden"].to_numpy()
    return pd.DataFrame(
        {
            "account_id": company.ids.array.take(rows["account"].to_numpy()),
            "tier": texts(TIERS, rows["tier"].to_numpy()),
            "start_date": to_dates(scenario.bounds[step]),
            "end_date": to_dates(np.where(still_held, -1, scenario.bounds[step + 1])),
            "model_tier": texts(TIERS, rows["model_tier"].to_numpy()),
            "score": rows["score"],
            "rank": rows["rank"],
            "cut_score": rows["cut_score"],
            "overridden": overridden,
            "reason": texts(OVERRIDE_REASONS, rows["reason"].to_numpy()).mask(~overridden),
        }
    )


def overrides(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return the overrides in force at the end; they are to be reviewed half a year after."""
    desk = history.desk
    held = np.flatnonzero(desk.override > 0)
    set_on = scenario.bounds[desk.set_on[held]]
    region = company.table["region"].to_numpy()[held]
    return pd.DataFrame(
        {
            "account_id": company.ids.array.take(held),
            "tier": texts(TIERS, desk.override[held]),
            "reason": texts(OVERRIDE_REASONS, desk.reason[held]),
            "set_by": pd.Series([f"VP Sales {name}" for name in region], dtype="str"),
            "set_on": to_dates(set_on),
            "review_on": to_dates(set_on + 182),
        }
    )


def signals(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return `signals`: usage each quarter and satisfaction now and then, of customers only."""
    rng = scenario.rng("signals")
    customer = history.customer[:, BURN_IN_QUARTERS:] > 0
    account, step = np.nonzero(customer)
    drift = history.drift[account, step + BURN_IN_QUARTERS]
    habit = rng.standard_normal(scenario.accounts)[account]
    noise = rng.standard_normal((2, len(account)))
    usage = np.clip(54 + 13 * drift + 10 * habit + 9 * noise[0], 0, 100).round(1)
    satisfaction = np.clip(7.4 + 0.9 * drift + 1.2 * noise[1], 0, 10).round(0)
    start = scenario.bounds[step + BURN_IN_QUARTERS]
    asked = rng.random(len(account)) < 0.4
    rows = pd.concat(
        [
            pd.DataFrame({"account": account, "day": start + rng.integers(30, 90, len(account)),
                          "signal": "usage", "value": usage}),
            pd.DataFrame({"account": account, "day": start + rng.integers(5, 90, len(account)),
                          "signal": "satisfaction", "value": satisfaction})[asked],
        ]
    ).sort_values(["account", "day", "signal"], kind="stable", ignore_index=True)  # fmt: skip
    return pd.DataFrame(
        {
            "account_id": company.ids.array.take(rows["account"].to_numpy()),
            "date": to_dates(rows["day"].to_numpy()),
            "signal": rows["signal"].astype("str"),
            "value": rows["value"],
        }
    )


def targets(history: History, *, scenario: Scenario) -> pd.DataFrame:
    """Return `targets`: quotas 12 % above what was won a year before, the next one too."""
    deals = history.deals[history.deals["won"] & (history.deals["type"] != RENEWAL)]
    closed = scenario.quarter_of(deals["close"].to_numpy())
    won = np.bincount(closed, weights=deals["amount"], minlength=scenario.steps + 1)
    steps = np.arange(BURN_IN_QUARTERS, scenario.steps + 1)
    quota = (1.12 * won[steps - 4] / 50_000).round() * 50_000.0
    return pd.DataFrame(
        {
            "quarter": pd.Series([scenario.label(int(step)) for step in steps], dtype="str"),
            "amount": quota,
        }
    )


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
            "type": texts(ACTIVITY_TYPES, kind),
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
