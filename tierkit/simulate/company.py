"""The accounts of the simulated company: who they are and what they are worth by nature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.simulate.names import (
    COUNTRIES,
    FIRST_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    TextArray,
    company_names,
    domain_names,
)
from tierkit.simulate.scenario import (
    BoolArray,
    FloatArray,
    IntArray,
    Scenario,
    on_weekdays,
    to_dates,
)

AMOUNT_SPREAD = 0.70
"""Spread of the log amount of an account's deals around the account's own mean."""

OLD_SHARE = 0.50
"""Share of accounts that were in the CRM before the burn-in."""

DORMANT_SHARE = 0.25
"""Share of accounts that nearly never begin a deal."""

CHILD_SHARE = 0.08
ACCOUNTS_PER_REP = 84


@dataclass(frozen=True)
class Company:
    """Accounts in the order of their ids, with what nobody can look up in a CRM.

    Attributes
    ----------
    table
        The columns of `accounts`, nothing missing yet, without status.
    created
        Day of creation, in days since 1970.
    size
        Standardised log of employees.
    log_amount
        Mean log amount of the account's new-business deals.
    log_rate
        Mean log of deals won a quarter; the drift comes on top.
    tierable
        Whether the account may hold a tier: neither partner nor competitor.
    """

    table: pd.DataFrame
    created: IntArray
    size: FloatArray
    log_amount: FloatArray
    log_rate: FloatArray
    tierable: BoolArray

    @property
    def ids(self) -> pd.Series[str]:
        """The account ids."""
        return self.table["account_id"]


def draw_company(scenario: Scenario) -> Company:
    """Draw the accounts: age, size, industry, country, owner, and their value by nature."""
    rng = scenario.rng("company")
    n = scenario.accounts
    created = _created_days(scenario, rng)
    size = rng.standard_normal(n)
    industry = rng.choice(len(INDUSTRIES), size=n, p=[i.share for i in INDUSTRIES])
    country = rng.choice(len(COUNTRIES), size=n, p=[c.share for c in COUNTRIES])
    parent = _parents(size, rng)
    industry = np.where(parent >= 0, industry[parent], industry)
    employees = np.clip(np.exp(5.1 + 1.5 * size), 4, 240_000).round().astype(np.int64)
    kind = rng.choice(["buyer", "partner", "competitor"], size=n, p=[0.965, 0.025, 0.01])
    table = _firmographics(employees, industry, country, parent, rng).assign(
        created_date=to_dates(created), kind=kind
    )
    demand = np.array([i.demand for i in INDUSTRIES])[industry]
    demand = demand - np.where(rng.random(n) < DORMANT_SHARE, 3.0, 0.0)
    return Company(
        table=table,
        created=created,
        size=size,
        log_amount=np.log(19_500.0) + 0.62 * size + 0.45 * rng.standard_normal(n),
        log_rate=-2.52 + 0.26 * size + demand + 0.90 * rng.standard_normal(n),
        tierable=kind == "buyer",
    )


def _created_days(scenario: Scenario, rng: np.random.Generator) -> IntArray:
    """Return when accounts entered the CRM, oldest first: most before the data, then steadily."""
    n = scenario.accounts
    begins = scenario.first_day(0)
    old = begins - 1 - (rng.exponential(900, n).astype(np.int64) % 3000)
    new = rng.integers(begins, scenario.end - 14, n)
    is_old = np.arange(n) < round(OLD_SHARE * n)
    days = np.sort(np.where(is_old, old, new))
    floor = np.where(days < begins, 0, begins)
    return np.sort(on_weekdays(days, floor=floor, rng=rng))


def _parents(size: FloatArray, rng: np.random.Generator) -> IntArray:
    """Return the position of each account's parent, -1 for none; parents are large."""
    n = len(size)
    parents = np.argsort(-size, kind="stable")[: max(2, round(0.06 * n))]
    parent = np.full(n, -1)
    candidates = np.setdiff1d(np.arange(n), parents)
    children = rng.choice(candidates, size=round(CHILD_SHARE * n), replace=False)
    parent[children] = rng.choice(parents, size=len(children))
    return parent


def _firmographics(
    employees: IntArray,
    industry: IntArray,
    country: IntArray,
    parent: IntArray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the descriptive columns of `accounts`."""
    n = len(employees)
    width = max(6, len(str(n)))
    ids = np.array([f"A{number:0{width}d}" for number in range(1, n + 1)], dtype=object)
    per_head = np.array([i.revenue_per_employee for i in INDUSTRIES])[industry]
    revenue = employees * per_head * np.exp(0.45 * rng.standard_normal(n))
    names = company_names(industry, country, parent, rng)
    territory = _territories(country, rng)
    columns = {
        "account_id": ids,
        "name": names,
        "domain": domain_names(names, country),
        "parent_id": np.where(parent >= 0, ids[parent], np.array(None, dtype=object)),
        "industry": np.array([i.name for i in INDUSTRIES], dtype=object)[industry],
        "country": np.array([c.code for c in COUNTRIES], dtype=object)[country],
        "region": np.array([c.region for c in COUNTRIES], dtype=object)[country],
        "territory": territory,
        "segment": np.select(
            [employees < 200, employees < 2000], ["SMB", "Mid-Market"], "Enterprise"
        ),
        "employees": employees,
        "annual_revenue": (revenue / 10_000).round() * 10_000.0,
        "owner": _owners(territory, rng),
    }
    texts = {name: "str" for name, values in columns.items() if values.dtype.kind in "OU"}
    return pd.DataFrame(columns).astype(texts)


def _territories(country: IntArray, rng: np.random.Generator) -> TextArray:
    """Return one of its country's territories for each account."""
    chosen = np.empty(len(country), dtype=object)
    pick = rng.random(len(country))
    for code, land in enumerate(COUNTRIES):
        here = country == code
        names = np.array(land.territories, dtype=object)
        chosen[here] = names[(pick[here] * len(names)).astype(np.int64)]
    return chosen


def _owners(territory: TextArray, rng: np.random.Generator) -> TextArray:
    """Return the rep of each account: every territory has reps of its own, by its accounts."""
    people = rng.permutation(len(FIRST_NAMES) * len(LAST_NAMES))
    owner = np.empty(len(territory), dtype=object)
    hired = 0
    for name in sorted(set(territory)):
        here = np.flatnonzero(territory == name)
        team = people[hired + np.arange(max(1, round(len(here) / ACCOUNTS_PER_REP)))]
        hired += len(team)
        chosen = rng.choice(team, size=len(here))
        owner[here] = [
            f"{FIRST_NAMES[p // len(LAST_NAMES)]} {LAST_NAMES[p % len(LAST_NAMES)]}" for p in chosen
        ]
    return owner


def exposure(company: Company, scenario: Scenario, *, step: int) -> FloatArray:
    """Return the share of a quarter in which each account was in the CRM, from 0 to 1."""
    start, stop = scenario.first_day(step), scenario.first_day(step + 1)
    return np.clip((stop - company.created) / (stop - start), 0.0, 1.0)


def observed_accounts(
    company: Company,
    *,
    bought: BoolArray,
    customer: BoolArray,
    lapsed: BoolArray,
    scenario: Scenario,
) -> pd.DataFrame:
    """Return `accounts` as the CRM shows them: with a status, and gaps where nobody enriched.

    Accounts that never bought have more gaps: enrichment follows success.
    """
    rng = scenario.rng("company", 1)
    table = company.table
    status = np.select(
        [~company.tierable, customer, lapsed], [table["kind"].to_numpy(), "customer", "former"],
        "prospect",
    )  # fmt: skip
    seen = table.drop(columns="kind").assign(
        employees=table["employees"].astype("Int64"),
        status=pd.Series(status, index=table.index, dtype="str"),
    )
    gaps = {"employees": 0.16, "annual_revenue": 0.24, "industry": 0.12, "domain": 0.06}
    for column, share in gaps.items():
        missing = rng.random(len(seen)) < np.where(bought, share / 6, share)
        seen[column] = seen[column].mask(missing)
    order = [*list(table.columns[:12]), "status", "created_date"]
    return seen[order]
