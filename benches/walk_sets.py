"""Companies for the walk: real order books at hand, simulated ones with one trait each, a CRM.

Each is a project folder of its own. `lifetimes` comes with the bench extra; a company whose source
is absent is left out and named.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benches.raw_lines import write_raw_lines
from tierkit.settings import read_settings
from tierkit.simulate import simulate_crm, write_crm

EXAMPLES = Path(__file__).parent.parent / "examples"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_DAYS = 91.3125
_TIERS = """
[[tiers]]
name = "Tier 1"
capacity = {first}

[[tiers]]
name = "Tier 2"
capacity = {second}

[[tiers]]
name = "Tier 3"
"""


@dataclass(frozen=True)
class Company:
    """A project folder to walk through, and where its data lie if not in that folder."""

    name: str
    folder: Path
    source: str = ""

    @property
    def overrides(self) -> list[str]:
        """Overrides of its settings."""
        return [f"data.source='{self.source}'"] if self.source else []


@dataclass(frozen=True)
class Trait:
    """The pattern of a simulated company's orders.

    Attributes
    ----------
    season
        Revenue of the four quarters of a year, relative to each other.
    growth, arrivals, churn
        A year's growth of order sizes; new accounts a quarter and the accounts that leave in one,
        as shares of those at the beginning.
    whale
        The share of revenue that one account brings.
    orders
        Mean orders of an account in a quarter.
    """

    season: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    growth: float = 0.0
    arrivals: float = 0.03
    churn: float = 0.03
    whale: float = 0.0
    orders: float = 0.8


TRAITS = {
    "steady": Trait(),
    "seasonal": Trait(season=(0.6, 0.8, 0.9, 1.7)),
    "growing": Trait(growth=0.4, arrivals=0.08),
    "churning": Trait(season=(0.8, 1.0, 0.8, 1.4), churn=0.1, arrivals=0.02),
    "whale": Trait(whale=0.4),
    "rare orders": Trait(orders=0.15, season=(0.8, 0.9, 1.0, 1.3)),
}


def companies(scratch: Path, names: Collection[str] = ()) -> Iterator[Company]:
    """Yield every company that can be made here, or those of some names."""
    for name in ("adventureworks", "online_retail"):
        if names and name not in names:
            continue
        given = read_settings(EXAMPLES / name).data.source
        places = [(EXAMPLES / name / given).resolve(), SHARED / name]
        found = next((place for place in places if place.is_dir()), None)
        if (
            found is not None
            and name == "online_retail"
            and not list(found.glob("online_retail_II*"))
        ):
            found = write_raw_lines(found / "invoices.csv", scratch / "online_retail_raw")
        if found is not None:
            yield Company(name, EXAMPLES / name, str(found))
    makers: dict[str, Callable[[Path], Path | None]] = {
        "cdnow": _cdnow,
        **{name: _maker(trait, seed) for seed, (name, trait) in enumerate(TRAITS.items(), 1)},
        "crm": _crm,
    }
    for name, make in makers.items():
        if names and name not in names:
            continue
        folder = make(scratch / name)
        if folder is None:
            print(f"{name}: left out, its source is not here", flush=True)
        else:
            yield Company(name, folder)


def orders_of(trait: Trait, *, accounts: int, quarters: int, seed: int) -> pd.DataFrame:
    """Return orders (`account_id`, `close_date`, `amount`) of a company, by an open model.

    Accounts order at gamma-distributed rates that drift, for log-normal amounts of their own size;
    each leaves with the same chance a quarter and new ones come.
    """
    rng = np.random.default_rng(seed)
    arriving = round(trait.arrivals * accounts)
    whole = accounts + arriving * (quarters - 1)
    begins = np.concatenate([np.zeros(accounts), np.repeat(np.arange(1, quarters), arriving)])
    stays = rng.geometric(max(trait.churn, 1e-9), whole)
    rate = rng.gamma(0.7, trait.orders / 0.7, whole)
    size = np.exp(rng.normal(6.0, 0.9, whole))
    rows = []
    for quarter in range(quarters):
        rate = rate * np.exp(rng.normal(-0.01, 0.15, whole))
        is_here = (begins <= quarter) & (quarter < begins + stays)
        count = rng.poisson(np.where(is_here, rate * trait.season[quarter % 4], 0.0))
        ids = np.repeat(np.arange(whole), count)
        level = (1 + trait.growth) ** (quarter / 4)
        amount = size[ids] * level * np.exp(rng.normal(0, 0.5, len(ids)))
        day = (quarter + rng.random(len(ids))) * _DAYS
        rows.append(pd.DataFrame({"account": ids, "day": day, "amount": amount}))
        if trait.whale:
            share = trait.whale / (1 - trait.whale)
            big = amount.sum() * share * np.exp(rng.normal(0, 0.3))
            rows.append(pd.DataFrame({"account": [whole], "day": [(quarter + 0.5) * _DAYS],
                                      "amount": [big]}))  # fmt: skip
    found = pd.concat(rows, ignore_index=True)
    first = pd.Timestamp("2021-01-01")
    return pd.DataFrame(
        {
            "account_id": found["account"].map("A{:05d}".format),
            "close_date": (first + pd.to_timedelta(found["day"], unit="D")).dt.date,
            "amount": found["amount"].round(2),
        }
    )


def _maker(trait: Trait, seed: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        orders = orders_of(trait, accounts=300, quarters=13, seed=seed)
        return write_orders(folder, orders, sizes=(15, 100))

    return make


def write_orders(folder: Path, orders: pd.DataFrame, *, sizes: tuple[int, int]) -> Path:
    """Write a project of orders alone, whose accounts are those that ordered."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    ids = [f"O{place:06d}" for place in range(len(orders))]
    deals = orders.assign(opportunity_id=ids, is_won=True)
    deals.to_csv(data / "opportunities.csv", index=False)
    deals[["account_id"]].drop_duplicates().to_csv(data / "accounts.csv", index=False)
    tiers = _TIERS.format(first=sizes[0], second=sizes[1])
    (folder / "tierkit.toml").write_text(tiers, encoding="utf-8")
    return folder


def _crm(folder: Path) -> Path:
    """Write a company of `tierkit simulate`, with pipeline, contracts and activities."""
    write_crm(simulate_crm(accounts=800, seed=3), folder)
    return folder


def _cdnow(folder: Path) -> Path | None:
    """Write the whole CDNOW data of 23,570 customers, every fourth of them."""
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "datasets" / "CDNOW_master.txt"
    names = ["customer", "date", "cds", "amount"]
    raw = pd.read_csv(file, sep=r"\s+", header=None, names=names, dtype={"customer": str},
                      skiprows=1)  # fmt: skip
    raw = raw[raw["customer"].astype(int) % 4 == 0]
    orders = pd.DataFrame(
        {
            "account_id": raw["customer"],
            "close_date": pd.to_datetime(raw["date"].astype(str), format="%Y%m%d").dt.date,
            "amount": raw["amount"],
        }
    )
    return write_orders(folder, orders, sizes=(15, 300))
