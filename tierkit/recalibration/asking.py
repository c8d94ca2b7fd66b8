"""Everything that settings and overrides ask of the accounts, checked at once before a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tierkit.crm.tables import Tables
from tierkit.errors import DataError, Problem, SettingsError, TierkitError
from tierkit.project import OVERRIDES
from tierkit.recalibration.set_tiers import project_overrides
from tierkit.recalibration.tier_groups import account_groups
from tierkit.settings import Settings
from tierkit.tiers.asking import tier_rule_problems
from tierkit.tiers.eligibility import check_eligibility


def check_tiering(tables: Tables, *, settings: Settings, as_of: date) -> tuple[Problem, ...]:
    """Check rules, groups and overrides against the accounts, and return what is worth a remark.

    Raises
    ------
    SettingsError
        With every problem of rules and of `overrides.csv`, where a rule is wrong.
    DataError
        With every problem of `overrides.csv`, where that alone is wrong.
    """
    accounts = tables["accounts"].collect().to_pandas()
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
