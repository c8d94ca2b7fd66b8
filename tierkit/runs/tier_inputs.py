"""The tiers that people set, at the accounts that there are now: merges and parents carry them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import before
from tierkit.crm import (
    RENEWAL_TYPES,
    TARGET_TYPES,
    Tables,
    carry_overrides,
    successors,
    target_deals,
    to_frame,
)
from tierkit.errors import DataError, Problem, SettingsError, TierkitError
from tierkit.features import Panel
from tierkit.models import PAST, SavedModel, read_model
from tierkit.publishing import Published
from tierkit.runs.project import OVERRIDES
from tierkit.runs.run import MODEL_FILE, PANEL_FILE, Run
from tierkit.settings import EXPANSION, NEW_LOGO, Settings
from tierkit.tiers import EarlierRun, check_eligibility, read_overrides, tier_rule_problems


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
        date_order=settings.data.date_order,
    )
    return carry_overrides(found, now)


BETWEEN = " / "


def account_groups(
    tables: Tables, accounts: pd.DataFrame, *, settings: Settings, as_of: date
) -> pd.Series[str] | None:
    """Return the group of each account, None where all accounts are one.

    Parameters
    ----------
    accounts
        One row per account_id, with the column that `tiering.within` names.
    as_of
        First day that is not yet known: an account that won nothing before it is a new logo.

    Returns
    -------
    pandas.Series or None
        By account_id: the value of `tiering.within`, `new logo` or `expansion`, or both as
        `EMEA / expansion`; missing where the account's value of `tiering.within` is.
    """
    index = pd.Index(accounts["account_id"].astype(str), name="account_id")
    parts = []
    if settings.tiering.within is not None:
        values = accounts[settings.tiering.within].astype("object")
        parts.append(pd.Series(values.to_numpy(), index=index).replace("", None))
    if settings.tiering.new_and_expansion_apart:
        bought = index.isin(_bought(tables, settings=settings, as_of=as_of))
        parts.append(pd.Series(bought, index=index).map({True: EXPANSION, False: NEW_LOGO}))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1], sep=BETWEEN)


def _bought(tables: Tables, *, settings: Settings, as_of: date) -> list[str]:
    """Return the accounts with a win before a date."""
    deals = target_deals(tables, settings, revenue_types=(*TARGET_TYPES, *RENEWAL_TYPES))
    won = before(deals, "close_date", as_of).filter(nw.col("is_won"), nw.col("value") > 0)
    ids: list[str] = won.select("account_id").unique().collect()["account_id"].to_list()
    return ids


def check_tiering(tables: Tables, *, settings: Settings, as_of: date) -> tuple[Problem, ...]:
    """Check rules, groups and overrides against the accounts, and return what is worth a remark.

    Raises
    ------
    SettingsError
        With every problem of rules and of `overrides.csv`, where a rule is wrong.
    DataError
        With every problem of `overrides.csv`, where that alone is wrong.
    """
    accounts = to_frame(tables["accounts"])
    found = tier_rule_problems(accounts, settings=settings)
    of_rules = [problem for problem in found if problem.blocks]
    of_rules += _raised(lambda: check_eligibility(accounts, where=settings.icp.where))
    groups = None
    if not of_rules:
        groups = account_groups(tables, accounts, settings=settings, as_of=as_of)
    of_rows = _raised(lambda: project_overrides(settings, tables, as_of=as_of, groups=groups))
    if of_rules:
        raise SettingsError("the rules of the tiers do not fit the accounts", of_rules + of_rows)
    if of_rows:
        raise DataError(f"{OVERRIDES}: {len(of_rows)} kinds of rows are wrong", of_rows)
    return tuple(problem for problem in found if not problem.blocks)


def _raised(check: Callable[[], object]) -> list[Problem]:
    """Return the problems that a check raises."""
    try:
        check()
    except TierkitError as error:
        return list(error.problems) or [Problem(str(error), "")]
    return []


_TEXTS = ("tier", "model_tier", "rule_tier", "group")


def read_earlier_run(run: Run, published: Published | None) -> EarlierRun | None:
    """Return what a published run gave each account, None where that cannot be read.

    Between runs, when accounts are scored by a saved model, nothing is told of the way either.

    Parameters
    ----------
    published
        The report of an earlier quarter.
    """
    current = run.folder / MODEL_FILE
    if published is None or not current.is_file():
        return None
    accounts = _accounts(published.tiers)
    try:
        saved = published.model
    except SettingsError:
        return None  # its model cannot be read: nothing that the way could begin with
    if accounts is None:
        return None
    now = read_model(current)
    same = saved.kind == PAST == now.kind and saved.past_revenue == now.past_revenue
    return EarlierRun(accounts, _rescored(run, saved), same)


def _accounts(tiers: pd.DataFrame) -> pd.DataFrame | None:
    """Return the published tiers by account; None where they lack a column."""
    if not {*_TEXTS} <= set(tiers.columns):
        return None
    return tiers[[*_TEXTS]].fillna("").join(tiers[["score", "predicted_revenue"]], validate="1:1")


def _rescored(run: Run, saved: SavedModel) -> pd.DataFrame | None:
    """Return today's criteria by the earlier model, None where it cannot score them."""
    file = run.folder / PANEL_FILE
    if not file.is_file():
        return None
    values = Panel.read(file).values  # noqa: PD011 (a panel, not a data frame)
    at = values.index.get_level_values("as_of") == pd.Timestamp(run.as_of)
    try:
        return saved.ranked(values[at].droplevel("as_of"))
    except (TierkitError, KeyError, TypeError, ValueError):
        return None
