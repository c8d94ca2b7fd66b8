"""One account explained: its tier, its prediction, why, what would move it, what to tell it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.commands.score import values_for
from tierkit.crm import find_account
from tierkit.models import (
    PAST,
    Card,
    Direction,
    SavedModel,
    account_factors,
    customer_text,
    reasons,
    smallest_change,
)
from tierkit.publishing import Published, read_published
from tierkit.runs import project_cache, source_key, trusted_tables
from tierkit.settings import Settings, Tier
from tierkit.tiers import Line, check_eligibility, lines_around
from tierkit.words import count, money, money_range, plain_name, short_number

Row = Mapping[str, Any]
_CENT = 0.01
_MOST_FACTORS = 12


@dataclass(frozen=True)
class AccountExplanation:
    """Why an account has its tier.

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
    """

    published: Published
    accounts: pd.DataFrame
    values: pd.DataFrame
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
    accounts = tables["accounts"].sort("account_id").collect().to_pandas()
    day = published.quarter.as_of
    find = partial(values_for, published.model, tables, as_of=day, settings=settings)
    source = source_key(settings)
    key = [source, day, published.model.to_plain()]
    values = find() if source is None else project_cache(settings).frame("values", key, find)
    return OpenReport(published, accounts, values, settings)


def explain_account(settings: Settings, account: str, *, quarter: str = "") -> AccountExplanation:
    """Return why an account has its tier in a published report: `open_report`, then `explain`."""
    return open_report(settings, quarter=quarter).explain(account)


def _explained(report: OpenReport, account_id: str, name: str) -> AccountExplanation:
    model, settings = report.published.model, report.settings
    row = report.values.loc[[account_id]]  # noqa: PD011 (a report)
    predicted = float(model.ranked(row)["predicted_revenue"].iloc[0])
    held = _row(report.published.tiers, account_id)
    tier = None if held is None else _tier(str(held["tier"]), settings)
    return AccountExplanation(
        account_id=account_id,
        name=name,
        quarter=report.published.quarter,
        currency=settings.calendar.currency,
        standing=_untiered(report, account_id) if held is None else _standing(report, held),
        base=model.card.base,
        predicted_revenue=predicted,
        low=math.nan if held is None else float(held["predicted_low"]),
        high=math.nan if held is None else float(held["predicted_high"]),
        factors=account_factors(model.card, row),
        reasons=str(reasons(model.card, row).iloc[0]),
        moves=() if tier is None else tuple(_moves(report, account_id, row)),
        customer=customer_text(model.card, row, promised=() if tier is None else _promised(tier)),
        remarks=tuple(_remarks(predicted, held, settings.calendar.currency)),
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


def _is_known(value: object) -> bool:
    return value is not None and value == value


def _standing(report: OpenReport, held: Row) -> str:
    accounts = len(report.published.tiers)
    parts = [str(held["tier"])]
    if _is_known(held["rank"]):
        parts.append(f"rank {count(float(held['rank']))} of {count(accounts)}")
    if held["overridden"]:
        parts.append(f"set by hand; the model says {held['model_tier']}")
    before = held["previous_tier"]
    parts.append(f"{before} before" if _is_known(before) else "no tier before")
    reason = str(held["move_reason"]) if _is_known(held["move_reason"]) else ""
    return ". ".join([", ".join(parts), *([reason[:1].upper() + reason[1:]] if reason else [])])


def _untiered(report: OpenReport, account_id: str) -> str:
    eligible = check_eligibility(report.accounts, where=report.settings.icp.where)
    reason = str(eligible["reason"].get(account_id, "")) or "beyond the last tier's capacity"
    return f"No tier: {reason}"


def _moves(report: OpenReport, account_id: str, row: pd.DataFrame) -> Iterator[str]:
    settings, tiered = report.settings, report.published.tiers
    if not set(tiered["tier"].dropna()) <= {tier.name for tier in settings.tiers}:
        yield "What would move it is not known: the settings have other tiers than the report."
        return
    lines = lines_around(tiered, account_id, tiers=settings.tiers, stability=settings.stability)
    directions: tuple[Direction, Direction] = ("up", "down")
    for line, direction in zip(lines, directions, strict=True):
        if line is not None:
            start = f"{direction.capitalize()} to {line.tier}:"
            yield f"{start} {_move(report.published.model, row, line, direction)}"


def _move(model: SavedModel, row: pd.DataFrame, line: Line, direction: Direction) -> str:
    """Return the smallest change that crosses a line, in words."""
    if line.score is None:
        return f"{line.why}."
    score = float(model.ranked(row)["score"].iloc[0])
    sign = 1 if direction == "up" else -1
    if sign * (score - line.score) > 0:
        return "its score is beyond the line already; overrides or holders of the tier decide."
    if model.kind == PAST:
        limit, now = short_number(line.score), short_number(score)
        side = "more than" if sign > 0 else "less than"
        return f"{plain_name(model.past_revenue)} of {side} {limit} (now {now})."
    steps = smallest_change(model.card, row, line=line.score, direction=direction)
    if not steps:
        return "no change of two criteria would be enough."
    return f"{' and '.join(map(str, steps))}."


def _tier(name: str, settings: Settings) -> Tier | None:
    return next((tier for tier in settings.tiers if tier.name == name), None)


def _promised(tier: Tier) -> tuple[str, ...]:
    return tuple(f"{one.per_quarter:g} × {one.activity}" for one in tier.entitlements)


def _remarks(predicted: float, held: Row | None, currency: str) -> Iterator[str]:
    if held is None or not _is_known(held["predicted_revenue"]):
        return
    then = float(held["predicted_revenue"])
    if abs(then - predicted) > _CENT:
        yield (
            f"The report said {then:,.2f} {currency} and these data say {predicted:,.2f}: they "
            "have changed since. The factors above are those of the data as they are now."
        )
