"""Pipeline coverage: qualified pipeline against the target of the coming quarter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter
from tierkit.crm import TARGET_TYPES, Tables, deals_as_known, look_up

NO_TARGETS = "needs the table targets: a quarter and its amount"
NO_HISTORY = "needs stage_history: without it amount and stage of open deals are not known"


@dataclass(frozen=True)
class PipelineCoverage:
    """Open qualified pipeline over a target, by territory where targets have one.

    Attributes
    ----------
    territory
        Empty for the company as a whole.
    pipeline, deals
        Amount of the deals that are open and qualified at `as_of`, and their number.
    target
        The quota of the quarter that begins at `as_of`.
    """

    territory: str
    pipeline: float
    deals: int
    target: float

    @property
    def coverage(self) -> float:
        """Pipeline ÷ target; missing where the target is not above zero."""
        return self.pipeline / self.target if self.target > 0 else float("nan")


def pipeline_coverage(
    tables: Tables, quarter: Quarter, *, as_of: date, qualified_stages: Sequence[str]
) -> tuple[list[PipelineCoverage], str]:
    """Return how far the open pipeline covers the target of the quarter that begins at `as_of`.

    Deals as they were known at `as_of`, so it needs `stage_history`.

    Parameters
    ----------
    quarter
        The quarter that begins at `as_of`.
    qualified_stages
        The stages that count; every open one where there are none.

    Returns
    -------
    list of PipelineCoverage
        One for each territory with a target, by name.
    str
        Why there are none; empty otherwise.
    """
    if "targets" not in tables:
        return [], NO_TARGETS
    if not tables.has("stage_history", "amount", "stage"):
        return [], NO_HISTORY
    rows = tables["targets"].select("quarter", "amount", "territory").collect().to_pandas()
    wanted = quarter.label.removeprefix("FY").upper()
    labels = rows["quarter"].astype("str").str.strip().str.upper().str.removeprefix("FY")
    goals = rows[labels == wanted]
    if goals.empty:
        return [], f"targets have no row for {quarter.label}"
    deals = _open_deals(tables, as_of, qualified_stages)
    quota = goals.assign(territory=goals["territory"].fillna("").astype("str"))
    found = []
    for territory, target in quota.groupby("territory", dropna=False)["amount"].sum().items():
        inside = deals if not territory else deals[deals["territory"] == territory]
        amount = float(inside["amount"].astype(float).sum())
        found.append(PipelineCoverage(str(territory), amount, len(inside), float(target)))
    return found, ""


def _open_deals(tables: Tables, as_of: date, stages: Sequence[str]) -> pd.DataFrame:
    known = deals_as_known(tables, [as_of]).filter(
        nw.col("is_won").is_null(), nw.col("revenue_type").is_in([*TARGET_TYPES])
    )
    if stages:
        plain = nw.col("stage").str.strip_chars(" ").str.to_lowercase()
        known = known.filter(plain.is_in([stage.strip().lower() for stage in stages]))
    accounts = tables["accounts"].select("account_id", "territory")
    deals = known.select("account_id", "amount")
    joined = look_up(deals, accounts, on="account_id", what="accounts")
    frame: pd.DataFrame = joined.collect().to_pandas()
    return frame
