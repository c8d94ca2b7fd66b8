"""The simulated CRM as a whole: its tables, their planted faults, its truth and its settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from tierkit.errors import SettingsError
from tierkit.files import draft_of, make_folder, write_whole
from tierkit.simulate import records
from tierkit.simulate.company import Company, draw_company, observed_accounts
from tierkit.simulate.deals import stage_history
from tierkit.simulate.dynamics import History, live
from tierkit.simulate.project import settings_text
from tierkit.simulate.scenario import BURN_IN_QUARTERS, BoolArray, IntArray, Scenario, TierEffectOn


@dataclass(frozen=True)
class SimulatedCrm:
    """A CRM of which everything is known.

    Attributes
    ----------
    tables
        The tables of the contract by name, and `overrides`. Dates are timestamps at midnight, ids
        are text, amounts are US dollars; missing stays missing. `opportunities.amount` is text if
        faults are planted.
    truth
        What the tiers really do, as `truth.json` holds it.
    settings_text
        A `tierkit.toml` that fits the tables.
    """

    tables: dict[str, pd.DataFrame]
    truth: dict[str, Any]
    settings_text: str


def simulate_crm(  # noqa: PLR0913
    *,
    accounts: int = 2000,
    quarters: int = 20,
    seed: int = 1,
    tier_effect: float = 0.6,
    effort_bias: float = 3.0,
    dirty: bool = False,
    first_quarter_start: date = date(2021, 10, 1),
    tier_2_effect: float | None = None,
    tier_effect_on: TierEffectOn = "number of deals",
    tier_effect_ramp: int = 1,
) -> SimulatedCrm:
    """Simulate the CRM of a software company whose tiers have a known effect.

    Every account has a rate at which it begins new and expansion deals; the rate differs widely
    between accounts and drifts slowly. From the fifth quarter on, the company tiers its accounts
    each quarter by a score of what it knows. While an account holds Tier 1 its rate is
    `1 + tier_effect` times, while it holds Tier 2 `1 + tier_effect / 2` times that of Tier 3. The
    effort that goes with a tier moves nothing beyond that.

    Parameters
    ----------
    accounts
        How many, at least 20. Below 1000 the tiers have fewer places than 15 and 300.
    quarters
        How many the data hold, at least 6.
    seed
        The same arguments give the same tables.
    tier_effect
        The effect of Tier 1 on the rate, against Tier 3; 0 is none.
    effort_bias
        Outbound touches of a Tier 1 account against those of a Tier 3 account; Tier 2 gets the
        square root.
    dirty
        Whether faults that people meet in exports are planted; `truth["faults"]` counts them.
    first_quarter_start
        First day of the data: the first of a month.
    tier_2_effect
        The effect of Tier 2 on the rate, against Tier 3; by default half that of Tier 1.
    tier_effect_on
        What a tier raises: the number of deals begun, as above, or the size of each deal.
    tier_effect_ramp
        Quarters in a tier until its effect is whole; each brings as much. 1 is at once.

    Returns
    -------
    SimulatedCrm
        Tables, truth and settings.

    Raises
    ------
    tierkit.errors.SettingsError
        If arguments are out of range; all of them at once.

    Examples
    --------
    >>> crm = simulate_crm(accounts=40, quarters=8, tier_effect=0.6)
    >>> sorted(crm.tables)
    ['accounts', 'activities', 'contacts', 'contracts', 'costs', 'opportunities',
     'opportunity_lines', 'overrides', 'signals', 'stage_history', 'targets', 'tier_history']
    >>> [(b["boundary"], round(b["relative"], 4)) for b in crm.truth["boundaries"]]
    [('Tier 1 / Tier 2', 0.2308), ('Tier 2 / Tier 3', 0.3)]
    """
    scenario = Scenario(
        accounts=accounts,
        quarters=quarters,
        seed=seed,
        tier_effect=tier_effect,
        effort_bias=effort_bias,
        dirty=dirty,
        first_quarter_start=first_quarter_start,
        tier_2_effect=tier_2_effect,
        tier_effect_on=tier_effect_on,
        tier_effect_ramp=tier_effect_ramp,
    )
    company = draw_company(scenario)
    history = live(company, scenario)
    tables = _tables(history, company=company, scenario=scenario)
    tables, faults = plant_faults(tables, scenario=scenario) if dirty else (tables, [])
    truth = _truth(history, scenario) | {"faults": faults}
    return SimulatedCrm(tables=tables, truth=truth, settings_text=settings_text(scenario))


def _tables(history: History, *, company: Company, scenario: Scenario) -> dict[str, pd.DataFrame]:
    """Return all tables as a CRM would hold them on the last day of the data."""
    deals = records.visible_deals(history, scenario)
    stages = stage_history(deals, scenario=scenario)
    deals_table = records.opportunities(deals, stages, company=company, scenario=scenario)
    people = records.contacts(deals, company=company, scenario=scenario)
    return {
        "accounts": _accounts(history, company=company, scenario=scenario),
        "opportunities": deals_table,
        "opportunity_lines": records.opportunity_lines(deals_table, scenario=scenario),
        "stage_history": records.stage_table(stages, deals_table["opportunity_id"]),
        "activities": records.activities(history, people, company=company, scenario=scenario),
        "contacts": people[0],
        "signals": records.signals(history, company=company, scenario=scenario),
        "contracts": records.contracts(history, company=company, scenario=scenario),
        "costs": records.costs(history, company=company, scenario=scenario),
        "tier_history": records.tier_history(history, company=company, scenario=scenario),
        "targets": records.targets(history, scenario=scenario),
        "overrides": records.overrides(history, company=company, scenario=scenario),
    }


def _accounts(history: History, *, company: Company, scenario: Scenario) -> pd.DataFrame:
    """Return `accounts` with the status that each has on the last day of the data."""
    contracts = pd.concat(history.subscriptions.contracts, ignore_index=True)
    signed = contracts[contracts["close"] < scenario.end]
    until = signed.groupby("account")["end"].max().reindex(range(scenario.accounts), fill_value=-1)
    ends = until.to_numpy()
    return observed_accounts(
        company,
        bought=ends > 0,
        customer=ends >= scenario.end,
        lapsed=ends > 0,
        scenario=scenario,
    )


def _truth(history: History, scenario: Scenario) -> dict[str, Any]:
    """Return what an estimate is to be compared with."""
    return {
        "arguments": scenario.arguments(),
        "seed": scenario.seed,
        "quarters": {
            "first": scenario.label(BURN_IN_QUARTERS),
            "last": scenario.label(scenario.steps - 1),
        },
        "capacities": dict(zip(records.TIERS[1:3], scenario.capacities, strict=True)),
        "outcome": "new and expansion revenue won from deals that begin while the tier is held",
        "boundaries": [_boundary(history, scenario, upper) for upper in (1, 2)],
    }


def _boundary(history: History, scenario: Scenario, upper: int) -> dict[str, Any]:
    """Return the effect of holding a tier instead of the next lower one.

    Money is the mean, over the accounts and quarters in which the upper tier was held, of the
    difference between the two potential outcomes' means of the same account in the same quarter.
    Both are of an effect that is whole.
    """
    factors = scenario.effect_factors
    held = history.tier == upper
    gain = history.money[held] * (factors[upper] - factors[upper + 1])
    return {
        "boundary": f"{records.TIERS[upper]} / {records.TIERS[upper + 1]}",
        "relative": round(float(factors[upper] / factors[upper + 1] - 1.0), 9),
        "money": round(float(np.mean(gain)), 2),
        "account_quarters": int(held.sum()),
    }


_DECIMALS = {"score": 4, "cut_score": 4, "value": 1}


def keep_projects(folder: Path) -> None:
    """Refuse a folder whose project was not simulated: its settings and overrides would be lost.

    Raises
    ------
    SettingsError
        If the folder holds settings and nothing says that they were simulated.
    """
    if (folder / "tierkit.toml").exists() and not (folder / "truth.json").exists():
        raise SettingsError(
            f"{folder}: holds a project of its own (tierkit.toml), which a simulated CRM would "
            "replace. Name another folder."
        )


def write_crm(crm: SimulatedCrm, folder: Path) -> list[Path]:
    """Write a simulated CRM into a folder, the same bytes for the same arguments.

    Ids are text, dates ISO, amounts have two decimals, `is_won` is `true`, `false` or empty, lines
    end in a line feed.

    Parameters
    ----------
    crm
        As `tierkit.simulate.simulate_crm` gives it.
    folder
        Made if it does not exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        `data/*.csv` by name, `overrides.csv`, `truth.json`, `tierkit.toml`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     written = write_crm(simulate_crm(accounts=20, quarters=6), Path(folder))
    >>> [file.name for file in written][-3:]
    ['overrides.csv', 'truth.json', 'tierkit.toml']
    """
    data = make_folder(folder / "data", below=folder)
    written = []
    with duckdb.connect() as connection:
        for name in sorted(crm.tables, key=lambda name: (name == "overrides", name)):
            path = (folder if name == "overrides" else data) / f"{name}.csv"
            _write_table(crm.tables[name], path, connection)
            written.append(path)
    truth = json.dumps(crm.truth, indent=2, sort_keys=True, allow_nan=False) + "\n"
    for name, text in (("truth.json", truth), ("tierkit.toml", crm.settings_text)):
        write_whole(folder / name, text, lasting=False)
        written.append(folder / name)
    return written


def _write_table(table: pd.DataFrame, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write one table, its rows in the order that they have; text is quoted only where it must."""
    columns = pa.table({str(name): _as_written(table[name]) for name in table.columns})
    with draft_of(path) as draft:
        connection.from_arrow(columns).write_csv(str(draft), header=True)


def _as_written(column: pd.Series) -> pa.Array:
    """Return a column in the Arrow type whose text is the one wanted in the file."""
    array = pa.array(column, from_pandas=True)
    conversions: list[tuple[Callable[[pa.DataType], bool], pa.DataType]] = [
        (pa.types.is_timestamp, pa.date32()),
        (pa.types.is_floating, pa.decimal128(20, _DECIMALS.get(str(column.name), 2))),
    ]
    for applies, wanted in conversions:
        if applies(array.type):
            return array.cast(wanted)
    return array


Fault = dict[str, Any]

FOOTERS = ("Grand Totals ({rows} records)", "Confidential Information - Do Not Distribute")


def plant_faults(
    tables: dict[str, pd.DataFrame], *, scenario: Scenario
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Return the tables with faults, and what was planted.

    A row of `opportunities` gets at most one fault that excludes it; text for amounts and odd
    spelling of categories may come on top and exclude nothing.

    Returns
    -------
    tuple
        New tables, and per fault: table, fault, rows, excluded (rows that cannot be counted).
    """
    rng = scenario.rng("dirt")
    deals, faults = _faulty_deals(tables["opportunities"], rng)
    accounts, doubled = _with_copies(tables["accounts"], share=0.01, rng=rng)
    faults.append(_fault("accounts", "exact copy of another row", doubled, excluded=True))
    accounts = _with_footers(accounts, "account_id")
    deals = _with_footers(deals, "opportunity_id")
    faults += [
        _fault(table, "footer of a report", len(FOOTERS), excluded=True)
        for table in ("accounts", "opportunities")
    ]
    lines = tables["opportunity_lines"]
    without = deals.loc[deals["amount"].isna(), "opportunity_id"]
    lines = lines[~lines["opportunity_id"].isin(without)].reset_index(drop=True)
    return tables | {
        "accounts": accounts,
        "opportunities": deals,
        "opportunity_lines": lines,
    }, faults


def _fault(table: str, fault: str, rows: int, *, excluded: bool) -> Fault:
    return {"table": table, "fault": fault, "rows": rows, "excluded": excluded}


def _faulty_deals(
    deals: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Fault]]:
    """Return opportunities with faults in disjoint rows, some of them twice."""
    n = len(deals)
    free = rng.permutation(n)
    won_first = free[
        np.argsort(~deals["is_won"].fillna(value=False).to_numpy()[free], kind="stable")
    ]
    amountless = won_first[: max(2, round(0.001 * n))]
    free = free[~np.isin(free, amountless)]
    sizes = [max(2, round(share * n)) for share in (0.004, 0.002, 0.002)]
    orphan, stranger, dateless, clean = np.split(free, np.cumsum(sizes))
    table = deals.copy()
    table["account_id"] = table["account_id"].mask(_at(n, orphan))
    unknown = pd.Series([f"A9{number:07d}" for number in range(n)], dtype="str")
    table["account_id"] = table["account_id"].mask(_at(n, stranger), unknown)
    table["close_date"] = table["close_date"].mask(_at(n, dateless))
    table["amount"] = table["amount"].mask(_at(n, amountless))
    table, texts = _amounts_as_text(table, rng)
    table, odd = _odd_spelling(table, rng)
    copies = np.sort(clean[: max(2, round(0.01 * n))])
    table = pd.concat([table, table.iloc[copies]]).sort_index(kind="stable", ignore_index=True)
    counted = [
        ("missing amount on a won deal", len(amountless), True),
        ("no account", len(orphan), True),
        ("unknown account", len(stranger), True),
        ("missing close date", len(dateless), True),
        ("exact copy of another row", len(copies), True),
        ("amount written as text with a sign", texts, False),
        ("type or stage in other case or with spaces", odd, False),
    ]
    return table, [_fault("opportunities", name, k, excluded=out) for name, k, out in counted]


def _at(length: int, places: IntArray) -> BoolArray:
    mask = np.zeros(length, dtype=bool)
    mask[places] = True
    return mask


def _amounts_as_text(table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Return the table with every amount as text, some as `$45,000`; and how many of these."""
    signed = (rng.random(len(table)) < 0.08) & table["amount"].notna().to_numpy()
    text = [
        None if np.isnan(amount) else f"${amount:,.0f}" if sign else f"{amount:.2f}"
        for amount, sign in zip(table["amount"], signed, strict=True)
    ]
    return table.assign(amount=pd.Series(text, index=table.index, dtype="str")), int(signed.sum())


def _odd_spelling(table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Return the table with some types in capitals, some stages with spaces; and how many."""
    loud, spaced = rng.random((2, len(table))) < 0.02
    odd = table.assign(
        type=table["type"].where(~loud, table["type"].str.upper()),
        stage=table["stage"].where(~spaced, " " + table["stage"].str.lower() + " "),
    )
    return odd, int((loud | spaced).sum())


def _with_copies(
    table: pd.DataFrame, *, share: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    """Return the table with a share of its rows twice, next to each other; and how many."""
    copies = np.sort(rng.choice(len(table), size=max(1, round(share * len(table))), replace=False))
    doubled = pd.concat([table, table.iloc[copies]]).sort_index(kind="stable", ignore_index=True)
    return doubled, len(copies)


def _with_footers(table: pd.DataFrame, first: str) -> pd.DataFrame:
    """Return the table with the footer lines of a report in its first column."""
    lines = pd.DataFrame({first: [line.format(rows=len(table)) for line in FOOTERS]}, dtype="str")
    whole = {name: "Int64" for name, kind in table.dtypes.items() if kind == "int64"}
    nullable = table.astype(whole)
    footers = lines.reindex(columns=table.columns).astype(nullable.dtypes.to_dict())
    return pd.concat([nullable, footers], ignore_index=True)
