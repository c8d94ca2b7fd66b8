"""Engagement: the threshold of a marketing qualified account, and the accounts that reached it."""

from __future__ import annotations

import pandas as pd

from tierkit.qualifying import Tried
from tierkit.recalibration.engagement import EngagementStudy
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import count, plural, sentence, share

MOST_ROWS = 20


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


def _row(what: str, tried: Tried) -> dict[str, object]:
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
        newest.head(MOST_ROWS),
        caption=f"Marketing qualified accounts of the quarter: {count(len(found))}",
        kinds={"date": "date", "score": "number", "contacts": "count"},
        name="qualified",
        total=len(found),
        of="accounts, newest first; all of them are in accounts.xlsx, sheet MQA",
    )
