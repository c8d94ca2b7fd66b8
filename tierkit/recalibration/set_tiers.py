"""The tiers that people set, at the accounts that there are now: merges and parents carry them."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tierkit.crm.hierarchy import successors
from tierkit.crm.merges import carry_overrides
from tierkit.crm.tables import Tables
from tierkit.project import OVERRIDES
from tierkit.settings import Settings
from tierkit.tiers.overrides import read_overrides


def project_overrides(
    settings: Settings,
    tables: Tables,
    *,
    as_of: date,
    groups: pd.Series[str] | None = None,
) -> pd.DataFrame:
    """Return the overrides of a project as `read_overrides` does, each at the account that is left.

    An override of an account that was merged, or is tiered with its ultimate parent, is carried
    there; the override of the account itself counts before it.

    Parameters
    ----------
    groups
        The group of each account, where tiers are filled within groups.

    Raises
    ------
    DataError
        With every problem of `overrides.csv`.
    """
    accounts = tables["accounts"].select("account_id").collect()["account_id"].to_list()
    now = successors(tables)
    within = None
    if groups is not None:
        within = dict(zip(map(str, groups.index), groups.fillna("").map(str), strict=True))
    found = read_overrides(
        settings.folder / OVERRIDES,
        accounts=frozenset(accounts) | frozenset(now),
        tiers=settings.tiers,
        as_of=as_of,
        groups=within,
    )
    return carry_overrides(found, now)
