"""One account explained: its tier, its prediction, why, what would move it, what to tell it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.commands.score import values_for
from tierkit.crm import find_account, tables_as_known, to_frame
from tierkit.errors import TierkitError
from tierkit.models import Card, customer_text
from tierkit.publishing import Published, read_published
from tierkit.runs import account_groups, find_project, project_cache, source_key, trusted_tables
from tierkit.settings import NEW_AND_EXPANSION, Settings, Tier
from tierkit.table import NO_MATHEMATICS
from tierkit.tiers import check_eligibility, explain_tier, why_untiered, within_groups
from tierkit.words import money, money_range

Row = Mapping[str, Any]
_CENT = 0.01
_MOST_FACTORS = 12


@dataclass(frozen=True)
class AccountExplanation:
    """Reasons for an account's tier.

    Attributes
    ----------
    account_id, name, quarter
        Which account, in which published report.
    standing
        Its tier, rank and tier before in a sentence; or why it has none.
    base, predicted_revenue, low, high
        In money; the range holds in 8 of 10 cases and is missing where it is not known.
    factors
        `criterion`, `bin`, `factor`, strongest first: base × all factors is predicted revenue.
    reasons
        The strongest of them in at most 200 characters.
    moves
        What would bring it up a tier, and what would cost it its own, in sentences.
    customer
        What may be told to the customer.
    remarks
        What a reader must know, in sentences.
    """

    account_id: str
    name: str
    quarter: Quarter
    currency: str
    standing: str
    base: float
    predicted_revenue: float
    low: float
    high: float
    factors: pd.DataFrame
    reasons: str
    moves: tuple[str, ...]
    customer: str
    remarks: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the explanation as lines of text."""
        title = f"{self.name} ({self.account_id})" if self.name else self.account_id
        yield f"{title} · {self.quarter.label} ({self.quarter.dates})"
        yield self.standing
        if not math.isfinite(self.predicted_revenue):
            return
        yield from self._prediction()
        yield f"Why: {self.reasons}"
        yield from self.moves
        yield f'To the customer: "{self.customer}"'
        yield from self.remarks

    def _prediction(self) -> Iterator[str]:
        spell = partial(money, self.currency)
        known = math.isfinite(self.low) and math.isfinite(self.high)
        range_ = money_range(self.currency, self.low, self.high) if known else ""
        inside = f", in 8 of 10 cases {range_}" if known else ""
        yield f"Predicted revenue: {spell(self.predicted_revenue)}{inside}"
        yield f"  = {self.base:,.2f} {self.currency} for an account of factor 1"
        for criterion, name, factor in self._strongest():
            yield f"    × {factor:<8.3g} {criterion}: {name}"
        rest = self.factors["factor"].to_numpy(dtype=float)[_MOST_FACTORS:]
        if len(rest):
            yield f"    × {rest.prod():<8.3g} {len(rest)} further criteria together"

    def _strongest(self) -> list[tuple[str, str, float]]:
        rows = self.factors.head(_MOST_FACTORS).to_dict("records")
        return [(row["criterion"], row["bin"], row["factor"]) for row in rows]


@dataclass(frozen=True)
class OpenReport:
    """A published report beside the data of its quarter, read once for any number of questions.

    Attributes
    ----------
    accounts
        As they are today, by account_id.
    values
        The criteria as they were known at the report's `as_of`, by account_id.
    groups
        The group in which each account's tiers are filled; None where all accounts are one.
    """

    published: Published
    accounts: pd.DataFrame
    values: pd.DataFrame
    groups: pd.Series[str] | None
    settings: Settings

    def explain(self, account: str) -> AccountExplanation:
        """Return why an account, given by its id or name, has its tier.

        Raises
        ------
        SettingsError
            If there is no such account; near names are suggested.
        """
        found = find_account(self.accounts, account)
        named = self.accounts.set_index("account_id")["name"].get(found)
        name = "" if named is None or pd.isna(named) else str(named)
        if found in self.values.index:
            return _explained(self, found, name)
        return _not_yet(self, found, name)


def open_report(settings: Settings, *, quarter: str = "") -> OpenReport:
    """Return a published report and the data of its quarter, to ask about accounts.

    Parameters
    ----------
    quarter
        Such as `2026Q3`; by default the newest published one.

    Raises
    ------
    SettingsError
        If there is no report.
    """
    published = read_published(settings, label=quarter)
    tables = trusted_tables(settings)
    accounts = to_frame(tables["accounts"].sort("account_id"))
    day = published.quarter.as_of
    known = tables_as_known(tables, day)
    find = partial(values_for, published.model, known, as_of=day, settings=settings)
    source = source_key(settings)
    key = [source, day, published.model.to_plain()]
    values = find() if source is None else project_cache(settings).frame("values", key, find)
    groups = account_groups(known, accounts, settings=settings, as_of=day)
    return OpenReport(published, accounts, values, groups, settings)


def explain_account(settings: Settings, account: str, *, quarter: str = "") -> AccountExplanation:
    """Return why an account has its tier in a published report: `open_report`, then `explain`."""
    return open_report(settings, quarter=quarter).explain(account)


def _explained(report: OpenReport, account_id: str, name: str) -> AccountExplanation:
    model, settings = report.published.model, report.settings
    row, tiered = report.values.loc[[account_id]], report.published.tiers  # noqa: PD011 (a report)
    held = _row(tiered, account_id)
    by_value = settings.target.value != NEW_AND_EXPANSION
    found = explain_tier(
        model,
        row,
        tiered.assign(cut_on_value=True) if by_value else tiered,
        tiers=settings.tiers,
        stability=settings.stability,
        untiered="" if held is not None else _why_untiered(report, account_id),
    )
    tier = None if held is None else _tier(str(held["tier"]), settings)
    return AccountExplanation(
        account_id=account_id,
        name=name,
        quarter=report.published.quarter,
        currency=settings.calendar.currency,
        standing=found.standing,
        base=found.base,
        predicted_revenue=found.predicted_revenue,
        low=math.nan if held is None else float(held["predicted_low"]),
        high=math.nan if held is None else float(held["predicted_high"]),
        factors=found.factors,
        reasons=found.reasons,
        moves=found.moves,
        customer=customer_text(model.card, row, promised=() if tier is None else _promised(tier)),
        remarks=tuple(_remarks(found.predicted_revenue, held, settings.calendar.currency)),
    )


def _not_yet(report: OpenReport, account_id: str, name: str) -> AccountExplanation:
    quarter = report.published.quarter
    return AccountExplanation(
        account_id=account_id,
        name=name,
        quarter=quarter,
        currency=report.settings.calendar.currency,
        standing=f"Not an account yet: neither created nor active before {quarter.as_of}.",
        base=report.published.model.card.base,
        predicted_revenue=math.nan,
        low=math.nan,
        high=math.nan,
        factors=pd.DataFrame(columns=["criterion", "bin", "factor"]),
        reasons="nothing was known of it",
        moves=(),
        customer=customer_text(Card(0.0), pd.DataFrame(index=[account_id])),
    )


def _row(tiers: pd.DataFrame, account_id: str) -> Row | None:
    if account_id not in tiers.index:
        return None
    return {str(column): tiers[column].loc[account_id] for column in tiers.columns}


def _why_untiered(report: OpenReport, account_id: str) -> str:
    tiering, tiers = report.settings.tiering, report.published.tiers
    eligible = within_groups(
        check_eligibility(report.accounts, where=report.settings.icp.where),
        report.groups,
        within=tiering.within,
    )
    found = why_untiered(eligible, tiered=tiers.index, existing=report.values.index)  # noqa: PD011 (a report)
    return str(found.get(account_id, ""))


def _tier(name: str, settings: Settings) -> Tier | None:
    return next((tier for tier in settings.tiers if tier.name == name), None)


def _promised(tier: Tier) -> tuple[str, ...]:
    return tuple(f"{one.per_quarter:g} × {one.activity}" for one in tier.entitlements)


def _remarks(predicted: float, held: Row | None, currency: str) -> Iterator[str]:
    then = math.nan if held is None else float(held["predicted_revenue"])
    if abs(then - predicted) > _CENT:
        yield (
            f"The report said {then:,.2f} {currency} and these data say {predicted:,.2f}: they "
            "have changed since. The factors above are those of the data as they are now."
        )


@dataclass(frozen=True, repr=False)
class Explanation:
    """Reasons for an account's tier, as text that shows itself.

    Attributes
    ----------
    answer
        Its parts: tier, prediction, factors, moves.
    """

    answer: AccountExplanation

    def __repr__(self) -> str:
        """Return the explanation as lines of text."""
        return "\n".join(self.answer.lines())

    def _repr_html_(self) -> str:
        return f'<pre class="{NO_MATHEMATICS}">{escape(repr(self))}</pre>'


def explain(account: str, *, project: str = "", quarter: str = "") -> Explanation:
    """Return why an account has its tier in a published report, and what would move it.

    Parameters
    ----------
    account
        Its id or its name.
    project
        The folder of the project; by default the one around the working folder.
    quarter
        Such as `2026Q3`; by default the newest published one.

    Raises
    ------
    SettingsError
        If there is no such account, or no report.
    """
    return Explanation(explain_account(find_project(project), account, quarter=quarter))


def account_names(settings: Settings) -> dict[str, str]:
    """Return the names of a project's accounts by id; empty where its tables cannot be read."""
    try:
        accounts = trusted_tables(settings)["accounts"].select("account_id", "name").collect()
    except TierkitError:
        return {}
    return {account: name for account, name in accounts.rows() if name}
