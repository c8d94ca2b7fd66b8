"""Readiness: freshness, contact coverage, owners, whitespace, pipeline coverage."""

from __future__ import annotations

import pandas as pd

from tierkit.rendering import Fragment, html_table, joined, tag
from tierkit.runs import (
    EngagementStudy,
    ReadinessStudy,
    coverage_rows,
    freshness_rows,
    whitespace_rows,
)
from tierkit.serving import ThresholdTest
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
    if not rows:
        return _words("Freshness: no tier has a limit, or no account is in one that has.")
    kinds = {
        **dict.fromkeys(["limit_days", "accounts", "fresh", "median_days_old"], "count"),
        **dict.fromkeys(["share", "low", "high"], "share"),
    }
    columns = ["tier", *kinds]
    caption = "Freshness: accounts whose newest dated fact is not older than their tier allows"
    frame = pd.DataFrame(rows).reindex(columns=columns)
    table = html_table(frame, caption=caption, kinds=kinds, name="freshness")
    return Fragment(str(joined(table, *_oldest(readiness))))


def _oldest(readiness: ReadinessStudy) -> list[Fragment]:
    old = readiness.freshness[~readiness.freshness["is_fresh"].astype(bool)]
    if old.empty:
        return []
    frame = old.reset_index()[["account_id", "tier", "newest", "days_old", "limit_days"]]
    frame = frame.sort_values(["tier", "days_old"], ascending=[True, False], kind="stable")
    return [
        html_table(
            frame.head(MOST_ROWS),
            caption="Accounts whose newest fact is too old",
            kinds={"newest": "date", "days_old": "count", "limit_days": "count"},
            name="stale-accounts",
            total=len(frame),
            of="accounts; all of them are in accounts.xlsx, sheet Readiness",
        )
    ]


def _coverage(readiness: ReadinessStudy) -> Fragment:
    rows = coverage_rows(readiness)
    if not rows:
        return _words(f"Contact coverage: {sentence(readiness.coverage_why or 'no accounts')}")
    kinds = {
        **dict.fromkeys(["accounts", "required_roles", "all_known", "all_engaged"], "count"),
        **dict.fromkeys(["mean_roles_known", "mean_roles_engaged"], "number"),
    }
    caption = "Contact coverage: accounts at which every required role is known, and engaged"
    frame = pd.DataFrame(rows).reindex(columns=["tier", *kinds])
    return html_table(frame, caption=caption, kinds=kinds, name="contact-coverage")


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
    rows = whitespace_rows(readiness)
    if not rows:
        return _words(f"Whitespace: {sentence(readiness.whitespace_why or 'none is left')}")
    caption = (
        "Whitespace of the upper tiers: accounts that have not bought a product, and the part of "
        "their predicted revenue that it may bring"
    )
    kinds = {"accounts": "count", "predicted_value": f"money {currency}"}
    return html_table(
        pd.DataFrame(rows).head(MOST_ROWS),
        caption=caption,
        kinds=kinds,
        name="whitespace",
        total=len(rows),
        of="products",
    )


def _pipeline(readiness: ReadinessStudy, *, currency: str) -> Fragment:
    if not readiness.pipeline:
        return _words(f"Pipeline coverage: {sentence(readiness.pipeline_why)}")
    frame = pd.DataFrame(
        [
            {
                "territory": part.territory or "all",
                "deals": part.deals,
                "pipeline": part.pipeline,
                "target": part.target,
                "coverage": part.coverage,
            }
            for part in readiness.pipeline
        ]
    )
    money = f"money {currency}"
    return html_table(
        frame,
        caption="Pipeline coverage: qualified pipeline ÷ target of the coming quarter",
        kinds={"deals": "count", "pipeline": money, "target": money, "coverage": "number"},
        name="pipeline-coverage",
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
            pd.DataFrame(
                [_row("chosen on", threshold.learned), _row("tested on", threshold.tested)]
            ),
            caption=f"The threshold in past weeks ({engagement.rests_on})",
            kinds={
                **dict.fromkeys(["weeks", "accounts", "right"], "count"),
                "a_week": "number",
                **dict.fromkeys(["precision", "low", "high"], "share"),
            },
            name="threshold",
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


def _row(what: str, tried: ThresholdTest) -> dict[str, object]:
    precision, low, high = tried.precision
    return {
        "weeks_that_it_was": what,
        "weeks": tried.weeks,
        "accounts": tried.mqas,
        "a_week": tried.a_week,
        "right": tried.right,
        "precision": precision,
        "low": low,
        "high": high,
    }


def _accounts(engagement: EngagementStudy) -> Fragment:
    found = engagement.qualified
    if found.empty:
        return Fragment(str(tag("p", "No account reached the threshold this quarter.")))
    newest = found.sort_values(["date", "account_id"], ascending=[False, True], kind="stable")
    return html_table(
        newest.head(MOST_QUALIFIED),
        caption=f"Marketing qualified accounts of the quarter: {count(len(found))}",
        kinds={"date": "date", "score": "number", "contacts": "count"},
        name="qualified",
        total=len(found),
        of="accounts, newest first; all of them are in accounts.xlsx, sheet MQA",
    )
