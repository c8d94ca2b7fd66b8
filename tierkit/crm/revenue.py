"""What revenue is, once: every figure of won revenue in the package starts from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import narwhals as nw

from tierkit.crm.contract import MONEY
from tierkit.crm.tables import Rows, Tables
from tierkit.errors import SettingsError
from tierkit.settings import Measure, Settings

TARGET_TYPES = ("new", "expansion")
RENEWAL_TYPES = ("renewal",)
MONTHS_PER_YEAR = 12
COLUMNS = (
    "opportunity_id",
    "account_id",
    "created_date",
    "close_date",
    "is_won",
    "amount",
    "value",
    "revenue_type",
    "product",
)


def target_deals(
    tables: Tables, settings: Settings, *, revenue_types: Sequence[str] = TARGET_TYPES
) -> Rows:
    """Return the deals that count, with what each is worth.

    *Won revenue* is the sum of `value` over deals with `is_won`, dated by `close_date`.
    *Expansion* and *renewal* are revenue types, which the settings give to the types of the CRM;
    the target is new business and expansion. A *refund* is a won deal with a negative value: it
    lowers sums of its own day, and is no win.

    Parameters
    ----------
    tables
        Trusted tables.
    settings
        `target.measure` says what a deal is worth: `revenue` its amount; `margin` its amount less
        its cost (a deal without a cost has no value); `annual` the part of its amount that falls
        on one year (a deal without a term, or of up to a year, is worth its amount).
    revenue_types
        Which deals; by default those of the target.

    Returns
    -------
    Rows
        A row is a deal, won, lost or open: opportunity_id, account_id, created_date, close_date,
        is_won, amount, value (both Decimal), revenue_type, product.

    Raises
    ------
    SettingsError
        If the source lacks the column that the measure needs.

    Examples
    --------
    Of three deals two count, and a two-year deal is worth half its amount a year.

    >>> import pandas as pd
    >>> from tierkit.crm.tables import tables_from_frames
    >>> from tierkit.settings import parse_settings
    >>> deals = pd.DataFrame({
    ...     "opportunity_id": ["O1", "O2", "O3"], "account_id": ["A", "A", "B"],
    ...     "close_date": ["2026-01-05"] * 3, "is_won": ["true"] * 3,
    ...     "amount": ["100.00", "240.00", "70.00"], "term_months": [None, 24, 12],
    ...     "revenue_type": ["new", "expansion", "renewal"],
    ... })
    >>> tables = tables_from_frames({"opportunities": deals})
    >>> annual = parse_settings({"target": {"measure": "annual"}})
    >>> rows = target_deals(tables, annual).sort("opportunity_id").collect()
    >>> [(row["opportunity_id"], str(row["value"])) for row in rows.iter_rows(named=True)]
    [('O1', '100.0000'), ('O2', '120.0000')]
    """
    measure = settings.target.measure
    needed = _NEEDS.get(measure)
    if needed is not None and not tables.has("opportunities", needed):
        raise SettingsError(
            f'target.measure = "{measure}" needs opportunities.{needed}, which the source lacks. '
            'Add the column, or set target.measure = "revenue".'
        )
    deals = with_values(tables["opportunities"], measure, revenue_types=revenue_types)
    return deals.select(*COLUMNS)


def with_values(
    deals: Rows, measure: Measure, *, revenue_types: Sequence[str] = TARGET_TYPES
) -> Rows:
    """Return the deals of some revenue types with `value`, what each is worth by a measure."""
    counted = deals.filter(nw.col("revenue_type").is_in(list(revenue_types)))
    return counted.with_columns(value=_VALUES[measure]().cast(MONEY))


def _revenue() -> nw.Expr:
    return nw.col("amount")


def _margin() -> nw.Expr:
    return nw.col("amount") - nw.col("cost")


def _annual() -> nw.Expr:
    months = nw.col("term_months")
    a_year = (nw.col("amount") * MONTHS_PER_YEAR / months).cast(MONEY)
    return nw.when(months > MONTHS_PER_YEAR).then(a_year).otherwise(nw.col("amount"))


_VALUES: Mapping[Measure, Callable[[], nw.Expr]] = {
    "revenue": _revenue,
    "margin": _margin,
    "annual": _annual,
}
_NEEDS: Mapping[Measure, str] = {"margin": "cost", "annual": "term_months"}
