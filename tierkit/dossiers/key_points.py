"""The key points of many accounts: one table grouped by industry, and the same as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers.known import Known, record
from tierkit.dossiers.page import account_name
from tierkit.dossiers.points import POINTS, talking_points
from tierkit.reporting.document import document
from tierkit.reporting.fragment import joined, on_one_line, section, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural

NO_INDUSTRY = "industry not known"
_HEADS = {"account": "account", **{f"point_{n}": f"point {n}" for n in range(1, POINTS + 1)}}


def key_points(known: Known, account: str) -> dict[str, str]:
    """Return the row of one account: its industry, its name and its key points."""
    industry = record(known.accounts, account).get("industry")
    points = {f"point_{n}": point for n, point in enumerate(talking_points(known, account), 1)}
    return {
        "industry": str(industry) if pd.notna(industry) else NO_INDUSTRY,
        "account": account_name(known, account),
        **points,
    }


def key_points_page(known: Known, rows: pd.DataFrame, *, tier: str) -> str:
    """Return the page of a tier: its accounts with their key points, grouped by industry."""
    work = known.work
    head = (
        f"{plural(len(rows), 'account')} · {work.quarter.dates} · nothing from "
        f"{spell_date(work.as_of)} on is known · {work.currency}"
    )
    title = f"{tier}: key points · {work.quarter.label}"
    groups = [
        html_table(
            group.drop(columns="industry").rename(columns=_HEADS), kinds={}, name="key-points",
            caption=f"{industry}: {plural(len(group), 'account')}",
        )
        for industry, group in _by_industry(rows)
    ]  # fmt: skip
    body = joined(tag("h1", title), tag("p", head, class_="meta"), section("key-points", *groups))
    return document(Markup(body), title=title, class_="dossier")


def key_points_text(known: Known, rows: pd.DataFrame, *, tier: str) -> str:
    """Return the same as text, a line per account."""
    lines = [f"{tier}: key points, {known.work.quarter.label}\n"]
    for industry, group in _by_industry(rows):
        lines.append(f"\n{on_one_line(industry)}\n")
        for row in group.drop(columns="industry").fillna("").to_dict("records"):
            said = f"{row.pop('account')}: {' '.join(map(str, row.values()))}"
            lines.append(f"{on_one_line(said)}\n")
    return "".join(lines)


def write_key_points(known: Known, rows: pd.DataFrame, stem: Path, *, tier: str) -> None:
    """Write the page and the text of a tier's key points beside each other."""
    page, text = (make(known, rows, tier=tier) for make in (key_points_page, key_points_text))
    stem.with_name(f"{stem.name}.html").write_text(page, encoding="utf-8")
    stem.with_name(f"{stem.name}.txt").write_text(text, encoding="utf-8")


def _by_industry(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    ordered = rows.sort_values(["industry", "account"], kind="stable")
    groups = [
        (str(name), group) for name, group in ordered.groupby("industry", sort=True, dropna=False)
    ]
    return sorted(groups, key=lambda group: group[0] == NO_INDUSTRY)
