"""`reports/index.html`: the quarters that were published, their headline numbers over time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

import pandas as pd

from tierkit import charts, words
from tierkit.errors import SettingsError
from tierkit.files import make_folder, write_whole
from tierkit.pages.facts import Facts, number, part, parts, text, too_small
from tierkit.pages.revenue import ledger_score
from tierkit.publishing import Json, read_facts
from tierkit.rendering import (
    Fragment,
    Picture,
    document,
    environment,
    figure,
    html_table,
    joined,
    style_sheet,
    tag,
)
from tierkit.table import Column, Columns, Table
from tierkit.words import count, money, plural, quarter_name, share

FEWEST_QUARTERS = 2
_WIDTH, _HEIGHT = 288.0, 130.0
Values = tuple[float | None, float | None, float | None]


def small_multiples(quarters: Sequence[Facts]) -> list[Fragment]:
    """Return one figure a headline number, the quarters in the order given.

    A measure that fewer than two quarters know is left out.

    Parameters
    ----------
    quarters
        The facts of each published quarter, the oldest first.
    """
    made = [_one(quarters, *measure) for measure in _MEASURES]
    return [figure_ for figure_ in made if figure_ is not None]


def quarter_table(quarters: Sequence[Facts], read: Callable[[Facts], Values]) -> pd.DataFrame:
    """Return one row a quarter: `quarter` and `value` with `low` and `high`, missing if unknown."""
    rows = []
    for facts in quarters:
        value, low, high = (math.nan if one is None else one for one in read(facts))
        name = quarter_name(text(part(facts, "quarter"), "label"))
        rows.append({"quarter": name, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["quarter", "value", "low", "high"])


def _one(
    quarters: Sequence[Facts],
    name: str,
    title: str,
    read: Callable[[Facts], Values],
    spell: Callable[[str, float], str],
) -> Fragment | None:
    table = quarter_table(quarters, read)
    known = table.dropna(subset="value")
    if len(known) < FEWEST_QUARTERS:
        return None
    say = partial(spell, text(quarters[-1], "currency"))
    first, last = known.iloc[0], known.iloc[-1]
    finding = (
        f"{title}: {say(last['value'])} in {last['quarter']}, {say(first['value'])} in "
        f"{first['quarter']}."
    )
    picture = Picture(
        lambda ax: charts.quarter_line(table, ax=ax, spell=say),
        _WIDTH, _HEIGHT, margins=(2.0, 2.0, 2.0, 20.0),
    )  # fmt: skip
    return figure(picture, name=name, finding=finding)


def _revenue(facts: Facts) -> Values:
    top = next(iter(parts(facts, "tiers")), {})
    if too_small(facts, top):
        return None, None, None
    return number(top, "predicted_revenue"), number(top, "low"), number(top, "high")


def _moves(facts: Facts) -> Values:
    up, down = (number(part(facts, "moves"), key) for key in ("up", "down"))
    first = text(part(facts, "decision"), "action") == "first run"
    return (None if up is None or down is None or first else up + down), None, None


def _gain(facts: Facts) -> Values:
    gain = part(facts, "model", "gain_over_past_revenue")
    return number(gain, "estimate"), number(gain, "low"), number(gain, "high")


def _kept(facts: Facts) -> Values:
    inside, due = ledger_score(facts)
    return (inside / due if due else None), None, None


def _scope(facts: Facts) -> Values:
    return number(part(facts, "data"), "accounts_in_scope"), None, None


def _gini(_currency: str, value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


_MEASURES: tuple[tuple[str, str, Callable[[Facts], Values], Callable[[str, float], str]], ...] = (
    ("quarters-revenue", "Predicted for the top tier", _revenue, money),
    ("quarters-moves", "Accounts that change tier", _moves, lambda _, value: count(value)),
    ("quarters-gain", "Gini over past revenue", _gain, _gini),
    ("quarters-kept", "Promises kept", _kept, lambda _, value: share(value)),
    ("quarters-scope", "Accounts in scope", _scope, lambda _, value: count(value)),
)

INDEX = "index.html"


def write_index(reports: Path, *, title: str) -> Path:
    """Write the list of published quarters, the newest first, and return its path.

    A report whose facts cannot be read is left out, and the page says which and why.
    """
    found, left_out = published_facts(reports)
    page = environment().get_template("analyst_index.html.j2")
    path = reports / INDEX
    write_whole(
        path,
        page.render(
            title=title,
            rows=_rows(found),
            left_out=left_out,
            figures=small_multiples([facts for _, facts in found]),
            style=style_sheet("analyst.css"),
        ),
    )
    return path


def published_facts(reports: Path) -> tuple[list[tuple[str, Facts]], list[str]]:
    """Return folder and facts of every published quarter, the oldest first, and what is left out.

    What is left out are sentences, one for each report whose facts cannot be read.
    """
    found: list[tuple[str, Facts]] = []
    left_out = []
    for path in sorted(reports.glob("*/facts.json")):
        try:
            found.append((path.parent.name, read_facts(path.parent)))
        except SettingsError as error:
            left_out.append(f"{path.parent.name} is left out. {error}")
    in_order = sorted(found, key=lambda entry: text(part(entry[1], "quarter"), "as_of"))
    return in_order, left_out


def index_rows(reports: Path) -> list[dict[str, str]]:
    """Return one row per published quarter, in words, the newest first."""
    return _rows(published_facts(reports)[0])


def _rows(found: Sequence[tuple[str, Facts]]) -> list[dict[str, str]]:
    """Return the rows, the newest first; what came of a promise stands in the newest ledger."""
    newest = found[-1][1] if found else {}
    return [
        _row(name, facts) | {"delivered": delivered(newest, name)}
        for name, facts in reversed(found)
    ]


def delivered(facts: Facts, label: str) -> str:
    """Return what came of all that a report promised: of the horizon, else of the next quarter.

    Examples
    --------
    >>> entry = {"promised_on": "2026Q1", "span": "next quarter", "tier": "Tier 1", "accounts": 15,
    ...          "predicted": 2e6, "delivered": 1.9e6, "mature": True}
    >>> delivered({"currency": "USD", "ledger": [entry]}, "2026Q1")
    '$1.9 M of $2.0 M (next quarter)'
    >>> delivered({"currency": "USD", "ledger": [entry]}, "2026Q2")
    'not due'
    """
    due = [
        entry
        for entry in parts(facts, "ledger")
        if text(entry, "promised_on") == label and entry.get("mature") is True
        and not too_small(facts, entry)
    ]  # fmt: skip
    for span in ("horizon", "next quarter"):
        rows = [entry for entry in due if text(entry, "span") == span]
        if rows:
            came, promised = (
                math.fsum(number(entry, key) or 0.0 for entry in rows)
                for key in ("delivered", "predicted")
            )
            code = text(facts, "currency")
            return f"{money(code, came)} of {money(code, promised)} ({span})"
    return "not due"


def _row(folder: str, facts: Facts) -> dict[str, str]:
    top = next(iter(parts(facts, "tiers")), {})
    moved = [number(part(facts, "moves"), side) for side in ("up", "down")]
    inside, due = ledger_score(facts)
    known = [value for value in moved if value is not None]
    return {
        "folder": folder,
        "quarter": f"{words.quarter_name(folder)} ({_days(part(facts, 'quarter'))})",
        "decision": text(part(facts, "decision"), "action"),
        "verdict": _ranking(facts),
        "tier": text(top, "tier"),
        "accounts": _count(number(top, "accounts")),
        "predicted": _money(facts, top),
        "moves": _count(sum(known)) if len(known) == len(moved) else "–",
        "kept": f"{words.count(inside)} of {words.count(due)}" if due else "none due",
    }


def _ranking(facts: Facts) -> str:
    """Return what ranks and how it did, `the fitted card, better than past revenue`."""
    model = part(facts, "model")
    ranks, found = text(model, "ranked_by_in_words"), text(model, "verdict")
    return f"{ranks}, {found}" if ranks and ranks not in found else found


def _money(facts: Facts, tier: Facts) -> str:
    amount = number(tier, "predicted_revenue")
    if too_small(facts, tier):
        return "too few to show"
    return "–" if amount is None else words.money(text(facts, "currency"), amount)


def _days(quarter: Facts) -> str:
    return words.day_range(quarter.get("start", ""), quarter.get("end", ""))


def _count(value: float | None) -> str:
    return words.count(value) if value is not None else "–"


UNIT_TOTALS = "units.json"
_ELSEWHERE = "in no unit that was run"


@dataclass(frozen=True)
class UnitRow:
    """One unit, the rest, or the whole.

    Attributes
    ----------
    folder
        Of its report, relative to the index; empty where there is none.
    accounts, used_won_revenue
        Of its rows, exact.
    exit_code, said
        How its run ended, and its last words.
    facts
        Of its report; empty where its run failed.
    """

    name: str
    folder: str
    accounts: int
    used_won_revenue: Decimal
    exit_code: int = 0
    said: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)

    @property
    def predicted(self) -> float | None:
        """Predicted revenue of all its tiers; None where its run failed."""
        known = [number(tier, "predicted_revenue") for tier in parts(self.facts, "tiers")]
        return sum(value for value in known if value is not None) if known else None


def rest(rows: Sequence[UnitRow], whole: UnitRow) -> UnitRow:
    """Return what is in no unit, so that units and rest add up to the whole, to the cent.

    Examples
    --------
    >>> rest([UnitRow("EMEA", "", 3, Decimal("10.10"))], UnitRow("all", "", 5, Decimal("12.00")))
    UnitRow(name='in no unit that was run', folder='', accounts=2, \
used_won_revenue=Decimal('1.90'), exit_code=0, said='', facts={})
    """
    accounts = whole.accounts - sum(row.accounts for row in rows)
    used = whole.used_won_revenue - sum((row.used_won_revenue for row in rows), Decimal(0))
    return UnitRow(_ELSEWHERE, "", accounts, used)


def write_units_index(
    folder: Path,
    *,
    rows: Sequence[UnitRow],
    whole: UnitRow,
    title: str,
    currency: str,
) -> Path:
    """Write the page over the units and `units.json` with the same numbers; return the page."""
    make_folder(folder, below=folder)
    every = [*rows, rest(rows, whole), whole]
    failed = [row for row in rows if row.exit_code]
    state = (
        f"{plural(len(failed), 'unit')} of {len(rows)} failed; the others were published."
        if failed
        else f"All {plural(len(rows), 'unit')} were published."
    )
    body = joined(
        tag("h1", title),
        tag("p", state),
        _table(every, currency),
        *(tag("p", f"{row.name}: failed with exit code {row.exit_code}. {row.said}")
          for row in failed),
    )  # fmt: skip
    write_whole(folder / INDEX, document(body, title=title))
    content = {"title": title, "units": [_plain(row) for row in every]}
    write_whole(folder / UNIT_TOTALS, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return folder / INDEX


def _table(rows: Sequence[UnitRow], currency: str) -> Fragment:
    shown = [
        {
            "unit": _link(row),
            "accounts": row.accounts,
            "won_revenue_used": float(row.used_won_revenue),
            "predicted_revenue": row.predicted,
            "decision": text(part(row.facts, "decision"), "action") or None,
        }
        for row in rows
    ]
    columns: Columns = ["unit", "accounts", Column("won_revenue_used", "money"),
                        "predicted_revenue", "decision"]  # fmt: skip
    caption = "Units, the rest, and the whole"
    return html_table(Table("units", caption, columns, shown, currency=currency))


def _link(row: UnitRow) -> object:
    return tag("a", row.name, href=f"{row.folder}/leadership.html") if row.folder else row.name


def _plain(row: UnitRow) -> dict[str, Json]:
    predicted = row.predicted
    return {
        "unit": row.name,
        "accounts": row.accounts,
        "used_won_revenue": f"{row.used_won_revenue:.2f}",
        "predicted_revenue": predicted,
        **({} if predicted is not None else {"predicted_revenue_why": row.said or "not a run"}),
        "exit_code": row.exit_code,
    }
