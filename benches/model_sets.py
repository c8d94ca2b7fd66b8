"""Data to compare models on: what accounts were known to be, and what they won after.

Each set is a project of its own (settings and tables in a scratch folder), read the way a run reads
it. `lifetimes` and `leadforge` come with the dev extra; a set whose source is absent is left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from tierkit._backtest.folds import complete_dates, held_out_folds, rolling_folds
from tierkit._outcomes import join_outcomes, outcomes
from tierkit.calendar import complete_quarter_ends, trainable
from tierkit.crm.revenue import target_deals
from tierkit.crm.trusted import read_tables
from tierkit.features.panel import Panel, build_panel
from tierkit.features.windows import history_start
from tierkit.models.examples import Examples
from tierkit.settings import Settings, read_settings
from tierkit.simulate import simulate_crm, write_crm

EXAMPLES = Path(__file__).parent.parent / "examples"
SEEDS = (1, 2)
Fold = tuple[Examples, Examples]


@dataclass(frozen=True)
class ModelSet:
    """A panel with outcomes, and the orders behind it.

    Attributes
    ----------
    orders
        Won deals: `account_id`, `close_date`, `value`.
    dates
        The quarter-ends of the panel.
    as_of
        The first day that is not known.
    """

    name: str
    settings: Settings
    panel: Panel
    won: pd.Series[float]
    orders: pd.DataFrame
    dates: tuple[date, ...]
    as_of: date

    @property
    def is_rolling(self) -> bool:
        """Whether an earlier quarter-end can be learned from at a later one."""
        calendar, horizon = self.settings.fiscal_calendar, self.settings.target.horizon_quarters
        return any(trainable(self.dates, day, calendar, horizon) for day in self.dates)

    def folds(self) -> Iterator[Fold]:
        """Yield what is learned from and what is tested on, as a backtest does."""
        complete = complete_dates(self.dates, self.as_of, self.settings)
        examples = Examples.of(self.panel, self.won, days=complete)
        fold = rolling_folds if self.is_rolling else held_out_folds
        yield from fold(examples, complete, self.settings)


def model_sets(scratch: Path) -> Iterator[ModelSet]:
    """Yield every set that can be made here."""
    for name, (make, looks, as_of) in _SETS.items():
        folder = make(scratch / name)
        if folder is None:
            print(f"{name}: left out, its source is not here", flush=True)
            continue
        for look_back in looks:
            ending = f", look-back {look_back}" if len(looks) > 1 else ""
            yield read_set(f"{name}{ending}", folder, look_back=look_back, as_of=as_of)


def read_set(name: str, folder: Path, *, look_back: int, as_of: date) -> ModelSet:
    """Return the panel of a project folder, with outcomes and orders."""
    settings = read_settings(folder)
    tables = read_tables(settings)
    dates = _dates(history_start(tables, settings), settings, look_back=look_back, as_of=as_of)
    panel = build_panel(tables, dates, settings=settings, look_back=look_back)
    index: pd.MultiIndex = panel.values.index  # type: ignore[assignment]
    won = join_outcomes(index, outcomes(tables, dates, settings=settings))["won_revenue"]
    deals = target_deals(tables, settings).select("account_id", "close_date", "value", "is_won")
    orders = deals.collect().to_pandas()
    orders = orders[orders["is_won"].astype(bool)].drop(columns="is_won")
    orders = orders.assign(
        value=orders["value"].astype(float), close_date=pd.to_datetime(orders["close_date"])
    )
    return ModelSet(name, settings, panel, won, orders, tuple(dates), as_of)


def _dates(first: date | None, settings: Settings, *, look_back: int, as_of: date) -> list[date]:
    """Return the quarter-ends with a whole look-back; the one before the horizon where none has."""
    calendar, horizon = settings.fiscal_calendar, settings.target.horizon_quarters
    found = complete_quarter_ends(calendar, first, as_of, look_back=look_back, horizon=horizon)
    return found or [calendar.window_start(as_of, horizon)]


def _shared(name: str) -> Callable[[Path], Path | None]:
    def make(_folder: Path) -> Path | None:
        settings = read_settings(EXAMPLES / name)
        source = (EXAMPLES / name / settings.data.source).resolve()
        return EXAMPLES / name if source.is_dir() else None

    return make


def _simulated(seed: int) -> Callable[[Path], Path | None]:
    def make(folder: Path) -> Path | None:
        write_crm(simulate_crm(accounts=2_000, quarters=24, seed=seed), folder)
        return folder

    return make


def _cdnow(folder: Path) -> Path | None:
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "datasets" / "CDNOW_sample.txt"
    names = ["master_id", "customer_id", "date", "cds", "dollar_value"]
    orders = pd.read_csv(file, sep=r"\s+", header=None, names=names, dtype={"customer_id": str})
    orders = orders.assign(
        close_date=pd.to_datetime(orders["date"].astype(str), format="%Y%m%d").dt.date,
        opportunity_id=[f"O{place:06d}" for place in range(len(orders))],
        is_won=True,
    ).rename(columns={"customer_id": "account_id", "dollar_value": "amount"})
    accounts = orders[["account_id"]].drop_duplicates()
    deals = orders[["opportunity_id", "account_id", "close_date", "amount", "is_won"]]
    _write(folder, _HALF_YEAR.format(starts=1), accounts=accounts, opportunities=deals)
    return folder


def _leadforge(folder: Path) -> Path | None:
    """Make an instructor bundle: leads of one January, won or lost in the quarter that follows."""
    if importlib.util.find_spec("leadforge") is None:
        return None
    from leadforge.api.generator import Generator

    recipe = Generator.from_recipe(
        "b2b_saas_procurement_v1", seed=42, exposure_mode="research_instructor", n_leads=5_000
    )
    bundle = folder / "bundle"
    recipe.generate().save(str(bundle))
    tables = {file.stem: pd.read_parquet(file) for file in (bundle / "tables").glob("*.parquet")}
    of_lead = tables["leads"].set_index("lead_id")["account_id"]
    _write(folder, _QUARTER.format(starts=2), **_crm_of_leads(tables, of_lead))
    return folder


def _crm_of_leads(
    tables: dict[str, pd.DataFrame], of_lead: pd.Series[str]
) -> dict[str, pd.DataFrame]:
    deals, touches = tables["opportunities"], tables["touches"]
    outcome = deals["close_outcome"]
    opportunities = pd.DataFrame(
        {
            "opportunity_id": deals["opportunity_id"],
            "account_id": deals["lead_id"].map(of_lead),
            "created_date": deals["created_at"],
            "close_date": deals["closed_at"],
            "amount": deals["estimated_acv"],
            "is_won": outcome.map({"closed_won": "true"}).where(
                outcome.isna() | outcome.eq("closed_won"), "false"
            ),
        }
    )
    activities = pd.DataFrame(
        {
            "account_id": touches["lead_id"].map(of_lead),
            "date": touches["touch_timestamp"],
            "type": touches["touch_type"],
            "direction": touches["touch_direction"],
        }
    )
    sessions = tables["sessions"]
    visits = pd.DataFrame(
        {
            "account_id": sessions["lead_id"].map(of_lead),
            "date": sessions["session_timestamp"],
            "type": sessions["session_type"],
            "direction": "inbound",
        }
    )
    contacts = tables["contacts"].rename(
        columns={"role_function": "role", "created_at": "created_date"}
    )
    accounts = tables["accounts"].rename(
        columns={"company_name": "name", "created_at": "created_date"}
    )
    return {
        "accounts": accounts,
        "opportunities": opportunities,
        "activities": pd.concat([activities, visits], ignore_index=True),
        "contacts": contacts[["account_id", "contact_id", "role", "seniority", "created_date"]],
    }


def _write(folder: Path, settings: str, **tables: pd.DataFrame) -> None:
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(data / f"{name}.csv", index=False)
    (folder / "tierkit.toml").write_text(settings, encoding="utf-8")


_TIERS = """
[[tiers]]
name = "Tier 1"
capacity = 15

[[tiers]]
name = "Tier 2"
capacity = 300

[[tiers]]
name = "Tier 3"
"""
_HALF_YEAR = "[calendar]\nfiscal_year_starts = {starts}\n[target]\nhorizon_quarters = 2\n" + _TIERS
_QUARTER = (
    "[calendar]\nfiscal_year_starts = {starts}\n[target]\nhorizon_quarters = 1\n"
    "[features]\naccount_columns = ['employee_band', 'estimated_revenue_band',"
    " 'process_maturity_band']\n" + _TIERS
)
_SETS: dict[str, tuple[Callable[[Path], Path | None], tuple[int, ...], date]] = {
    "online_retail": (_shared("online_retail"), (4, 2), date(2011, 10, 1)),
    "adventureworks": (_shared("adventureworks"), (4,), date(2020, 4, 1)),
    "cdnow": (_cdnow, (4, 1), date(1998, 7, 1)),
    "leadforge": (_leadforge, (1,), date(2024, 5, 1)),
    **{f"simulated {seed}": (_simulated(seed), (8,), date(2026, 1, 1)) for seed in SEEDS},
}
