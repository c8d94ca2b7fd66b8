"""Readiness: freshness, contact coverage, owners, whitespace, pipeline coverage."""

from __future__ import annotations

from tierkit.rendering import Fragment, html_table, joined, tag
from tierkit.runs import (
    EngagementStudy,
    ReadinessStudy,
    coverage_rows,
    freshness_rows,
    whitespace_rows,
)
from tierkit.serving import ThresholdTest
from tierkit.table import Column, Columns, Table
from tierkit.words import count, enumerated, plural, sentence, share

MOST_ROWS = 15


def readiness_tables(readiness: ReadinessStudy, *, currency: str) -> Fragment:
    """Return whether the accounts of the upper tiers can be served on what is known of them."""
    parts = (
        _freshness(readiness),
        _coverage(readiness),
        _owners(readiness),
        _whitespace(readiness, currency=currency),
        _pipeline(readiness, currency=currency),
    )
    return Fragment(str(joined(*parts)))


def _freshness(readiness: ReadinessStudy) -> Fragment:
    rows = freshness_rows(readiness)
    why = "Freshness: no tier has a limit, or no account is in one that has."
    counts = Column.each("count", "limit_days", "accounts", "fresh", "median_days_old")
    columns: Columns = ["tier", *counts, *Column.each("share", "share", "low", "high")]
    caption = "Freshness: accounts whose newest dated fact is not older than their tier allows"
    table = html_table(Table("freshness", caption, columns, rows, why=why))
    return Fragment(str(joined(table, *(_oldest(readiness) if rows else ()))))


def _oldest(readiness: ReadinessStudy) -> list[Fragment]:
    old = readiness.freshness[~readiness.freshness["is_fresh"].astype(bool)]
    if old.empty:
        return []
    frame = old.sort_values(["tier", "days_old"], ascending=[True, False], kind="stable")
    columns: Columns = ["account_id", "tier", Column("newest", "date"),
               *Column.each("count", "days_old", "limit_days")]  # fmt: skip
    caption = "Accounts whose newest fact is too old"
    of = "accounts; all of them are in accounts.xlsx, sheet Readiness"
    return [html_table(Table("stale-accounts", caption, columns, frame, most=MOST_ROWS, of=of))]


def _coverage(readiness: ReadinessStudy) -> Fragment:
    columns: Columns = ["tier", *Column.each("count", "accounts", "required_roles", "all_known",
                                    "all_engaged"),
               *Column.each("number", "mean_roles_known", "mean_roles_engaged")]  # fmt: skip
    caption = "Contact coverage: accounts at which every required role is known, and engaged"
    why = f"Contact coverage: {sentence(readiness.coverage.why or 'no accounts')}"
    rows = coverage_rows(readiness)
    return html_table(Table("contact-coverage", caption, columns, rows, why=why))


def _owners(readiness: ReadinessStudy) -> Fragment:
    if readiness.owner_why:
        return _words(f"Owners: {sentence(readiness.owner_why)}")
    nobody = readiness.without_owner
    everyone = plural(readiness.first_tier_accounts, "account")
    if not nobody:
        return _words(f"Each of the {everyone} of {readiness.first_tier} has a named owner.")
    named = enumerated(nobody[:MOST_ROWS])
    return _words(
        f"{plural(len(nobody), 'account')} of the {everyone} of {readiness.first_tier} "
        f"without a named owner: {named}."
    )


def _whitespace(readiness: ReadinessStudy, *, currency: str) -> Fragment:
    caption = (
        "Whitespace of the upper tiers: accounts that have not bought a product, and the part of "
        "their predicted revenue that it may bring"
    )
    why = f"Whitespace: {sentence(readiness.whitespace.why or 'none is left')}"
    columns: Columns = ["product", "accounts", Column("predicted_value", "money")]
    table = Table("whitespace", caption, columns, whitespace_rows(readiness), currency=currency,
                  most=MOST_ROWS, of="products", why=why)  # fmt: skip
    return html_table(table)


def _pipeline(readiness: ReadinessStudy, *, currency: str) -> Fragment:
    found = readiness.pipeline
    rows = [row | {"territory": row["territory"] or "all"} for row in found.facts()]
    why = f"Pipeline coverage: {sentence(found.why)}"
    return html_table(
        Table(found.name, found.caption, found.heads, rows, currency=currency, why=why)
    )


def _words(text: str) -> Fragment:
    return Fragment(str(tag("p", text)))


MOST_QUALIFIED = 20


def qualified_table(engagement: EngagementStudy) -> Fragment:
    """Return the threshold, how it did in past weeks, and the accounts that reached it."""
    threshold = engagement.threshold
    if threshold.value is None:
        text = f"No account can be called marketing qualified: {sentence(threshold.why)}"
        return Fragment(str(tag("p", text)))
    parts = [
        tag("p", _sentence(engagement)),
        html_table(
            Table(
                "threshold",
                f"The threshold in past weeks ({engagement.rests_on})",
                [
                    "weeks_that_it_was",
                    *Column.each("count", "weeks", "accounts"),
                    Column("a_week", "number"),
                    Column("right", "count"),
                    *Column.each("share", "precision", "low", "high"),
                ],
                [_row("chosen on", threshold.learned), _row("tested on", threshold.tested)],
            )
        ),
        _accounts(engagement),
    ]
    return Fragment(str(joined(*parts)))


def _sentence(engagement: EngagementStudy) -> str:
    threshold = engagement.threshold
    return (
        f"An account of {engagement.tier} is marketing qualified from {threshold.value:,.3g} "
        f"points on; {plural(len(engagement.qualified), 'account')} reached them this quarter. Of "
        f"any such account in any tested week, {share(threshold.base_rate)} became what one should."
    )


def _row(what: str, test: ThresholdTest) -> dict[str, object]:
    precision, low, high = test.precision
    return {
        "weeks_that_it_was": what,
        "weeks": test.weeks,
        "accounts": test.mqas,
        "a_week": test.a_week,
        "right": test.right,
        "precision": precision,
        "low": low,
        "high": high,
    }


def _accounts(engagement: EngagementStudy) -> Fragment:
    found = engagement.qualified
    newest = found.sort_values(["date", "account_id"], ascending=[False, True], kind="stable")
    columns = Column.of_all(newest, Column("date", "date"), Column("contacts", "count"))
    caption = f"Marketing qualified accounts of the quarter: {count(len(found))}"
    table = Table("qualified", caption, columns, newest, most=MOST_QUALIFIED,
                  of="accounts, newest first; all of them are in accounts.xlsx, sheet MQA",
                  why="No account reached the threshold this quarter.")  # fmt: skip
    return html_table(table)


def readiness_sheets(readiness: ReadinessStudy, engagement: EngagementStudy) -> dict[str, Table]:
    """Return the sheets of qualified accounts, of what is known of accounts, of whitespace."""
    contacts = readiness.coverage.to_frame().set_index("account_id").drop(columns="tier")
    accounts = readiness.freshness.join(contacts, how="outer", validate="1:1")
    accounts = accounts.reindex(readiness.freshness.index.union(contacts.index, sort=False))
    owners = dict.fromkeys(readiness.without_owner, "nobody")
    accounts = accounts.assign(owner_missing=[owners.get(str(x), "") for x in accounts.index])
    frame = accounts.rename_axis("account_id").reset_index()
    return {
        "MQA": Table.sheet(engagement.qualified, Column("date", "date")),
        "Readiness": Table.sheet(frame, Column("newest", "date")),
        "Whitespace": readiness.whitespace,
    }
