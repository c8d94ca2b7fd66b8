"""Two runs side by side: one table for each thing that can differ."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from tierkit import words
from tierkit.figure import Figure
from tierkit.pages.facts import number, part, parts, text
from tierkit.publishing import Json, Published, flat_settings
from tierkit.rendering import document, html_table, joined, printable, tag
from tierkit.table import ABSENT, Column, Table
from tierkit.words import count, plural

UNTIERED = "untiered"
SIDES = ["what", "before", "after"]
Say = Callable[[float], str]


@dataclass(frozen=True)
class RunDifference:
    """The differences between two runs; every table is empty where there is none.

    Attributes
    ----------
    before, after
        The names of the two runs.
    settings, data, verdicts
        A row per thing that differs: `what`, `before`, `after`, in words.
    tiers
        A row per tier of either run: accounts and predicted revenue of both, in words.
    flows
        A row per pair of tiers between which accounts went: `from`, `to`, `accounts`, most first.
    moved
        A row per account whose tier differs: `account_id`, its name where that is known, `from`,
        `to`, predicted revenue of the later run (of the earlier one where it has none), its rank
        and the reason; the largest predicted revenue first.
    accounts
        How many accounts have a tier in both runs.
    currency
        Of all amounts.
    held_already
        How many of the moved held their later tier before the later run: what was put in force in
        between was not what the earlier run proposed.
    """

    before: str
    after: str
    settings: pd.DataFrame
    data: pd.DataFrame
    tiers: pd.DataFrame
    flows: pd.DataFrame
    moved: pd.DataFrame
    verdicts: pd.DataFrame
    accounts: int
    currency: str = ""
    held_already: int = 0

    @property
    def is_empty(self) -> bool:
        """True where nothing differs at all."""
        tables = (self.settings, self.data, self.moved, self.verdicts)
        return all(table.empty for table in tables)


def compare_runs(
    before: Published, after: Published, *, names: Mapping[str, str] | None = None
) -> RunDifference:
    """Return what differs between two runs.

    Parameters
    ----------
    names
        By account_id; an account without one goes by its id.
    """
    moved = moved_accounts(before, after)
    if names:
        moved.insert(1, "name", moved["account_id"].map(names).fillna(""))
    both = before.tiers.index.intersection(after.tiers.index)
    return RunDifference(
        before=before.name,
        after=after.name,
        settings=settings_changed(before, after),
        data=_differing(_data(before), _data(after)),
        tiers=tiers_side_by_side(before, after),
        flows=flows(moved),
        moved=moved,
        verdicts=_differing(_verdicts(before), _verdicts(after)),
        accounts=len(both),
        currency=after.currency,
        held_already=_held_already(moved, after),
    )


def _held_already(moved: pd.DataFrame, after: Published) -> int:
    """Return how many of the moved accounts held their later tier when the later run began."""
    if "previous_tier" not in after.tiers:
        return 0
    before = moved["account_id"].map(after.tiers["previous_tier"])
    return int(before.eq(moved["to"]).sum())


def settings_changed(before: Published, after: Published) -> pd.DataFrame:
    """Return the settings that differ: dotted key, value before, value after, as JSON."""
    return _differing(_settings(before), _settings(after))


def moved_accounts(before: Published, after: Published) -> pd.DataFrame:
    """Return the accounts whose tier differs, those who have one in a single run included."""
    everyone = before.tiers.index.union(after.tiers.index).sort_values()
    table = pd.DataFrame(
        {
            "from": before.tiers["tier"].reindex(everyone).fillna(UNTIERED),
            "to": after.tiers["tier"].reindex(everyone).fillna(UNTIERED),
        }
    )
    beside = [name for name in ("predicted_revenue", "rank", "move_reason") if name in after.tiers]
    moved = table[table["from"] != table["to"]].join(
        after.tiers[beside], how="left", validate="1:1"
    )
    if "predicted_revenue" in moved and "predicted_revenue" in before.tiers:
        earlier = before.tiers["predicted_revenue"].reindex(moved.index)
        moved = moved.assign(predicted_revenue=moved["predicted_revenue"].fillna(earlier))
    moved = moved.rename_axis("account_id").reset_index()
    order = "predicted_revenue" if "predicted_revenue" in moved else "account_id"
    ascending = order == "account_id"
    return moved.sort_values(order, ascending=ascending, kind="stable", ignore_index=True)


def flows(moved: pd.DataFrame) -> pd.DataFrame:
    """Return how many accounts went from which tier to which, the largest flow first."""
    counted = moved.groupby(["from", "to"], sort=True).size().rename("accounts").reset_index()
    return counted.sort_values("accounts", ascending=False, kind="stable", ignore_index=True)


def tiers_side_by_side(before: Published, after: Published) -> pd.DataFrame:
    """Return accounts and predicted revenue of every tier in both runs, in words."""
    first, second = _tiers(before), _tiers(after)
    names = list(dict.fromkeys([*second, *first]))
    return pd.DataFrame(
        [{"tier": name, "before": first.get(name, ABSENT), "after": second.get(name, ABSENT)}
         for name in names],
        columns=["tier", "before", "after"],
    )  # fmt: skip


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> pd.DataFrame:
    names = list(dict.fromkeys([*before, *after]))
    rows = [
        {"what": name, "before": before.get(name, ABSENT), "after": after.get(name, ABSENT)}
        for name in names
        if before.get(name) != after.get(name)
    ]
    return pd.DataFrame(rows, columns=SIDES)


def _settings(run: Published) -> dict[str, str]:
    flat = flat_settings(run.manifest.get("settings") or {})
    return {key: json.dumps(value, ensure_ascii=False) for key, value in flat}


def _tiers(run: Published) -> dict[str, str]:
    return {
        text(tier, "tier"): " · ".join(
            [
                words.plural(number(tier, "accounts") or 0, "account"),
                _cell(tier, "predicted_revenue", lambda value: words.money(run.currency, value)),
            ]
        )
        for tier in parts(run.facts, "tiers")
    }


def _data(run: Published) -> dict[str, str]:
    """Return what went into a run, in words: rows, money, what was left out or missing."""
    data = part(run.facts, "data")
    found = {
        "quarter": text(part(run.facts, "quarter"), "label"),
        "accounts": _cell(data, "accounts", words.count),
        "accounts in scope": _cell(data, "accounts_in_scope", words.count),
        "opportunities": _cell(data, "opportunities", words.count),
        "won revenue in the source": _cell(data, "won_revenue", _cents),
        "won revenue used": _cell(data, "used_won_revenue", _cents),
        "missing tables": ", ".join(map(str, data.get("missing_tables") or [])) or "none",
    }
    return found | dict(_left_out(data)) | dict(_files(run.manifest))


def _left_out(data: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for entry in parts(data, "excluded"):
        rows = words.plural(number(entry, "rows") or 0, "row")
        money = _cell(entry, "won_revenue", _cents)
        yield f"left out of {text(entry, 'table')}: {text(entry, 'reason')}", f"{rows}, {money}"


def _files(manifest: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for entry in parts(manifest, "inputs"):
        size = words.plural(number(entry, "bytes") or 0, "byte")
        yield f"file {text(entry, 'file')}", f"{size}, sha256 {text(entry, 'sha256')[:12]}"


def _verdicts(run: Published) -> dict[str, str]:
    """Return what a run concluded, in words."""
    model, decision = part(run.facts, "model"), part(run.facts, "decision")
    gain = part(model, "gain_over_past_revenue")
    found = {
        "decision": text(decision, "action"),
        "ranked by": text(model, "kind"),
        "ranking": text(model, "verdict"),
        "Gini gain over past revenue": _cell(gain, "estimate", lambda value: f"{value:.3f}"),
    }
    for boundary in parts(run.facts, "roi", "boundaries"):
        found[text(boundary, "boundary")] = text(boundary, "verdict")
    return found


def _cell(facts: Mapping[str, Json], key: str, spell: Say) -> str:
    figure = Figure.read(facts, key)
    return figure.say(spell) if figure.is_known else ABSENT


def _cents(value: float) -> str:
    return f"{value:,.2f}"


MOST_LINES = 20
COMPARED = "Compared are the tiers that each run proposed, not those that were put in force."


def difference_text(found: RunDifference) -> str:
    """Return what differs as text: one line a change, at most 20 a part.

    Examples
    --------
    >>> empty = pd.DataFrame(columns=["what", "before", "after"])
    >>> moved = pd.DataFrame(columns=["account_id", "from", "to"])
    >>> print(difference_text(RunDifference("2026Q2", "2026Q3", empty, empty, empty, empty, moved,
    ...                                     empty, accounts=3)))
    2026Q2 → 2026Q3
    Compared are the tiers that each run proposed, not those that were put in force.
    Nothing differs: settings, data, tiers and verdicts are the same.
    """
    lines = [f"{found.before} → {found.after}", COMPARED]
    if found.is_empty:
        lines.append("Nothing differs: settings, data, tiers and verdicts are the same.")
    else:
        lines += _text_part("Verdicts", _sides(found.verdicts))
        lines += _text_part("Settings", _sides(found.settings))
        lines += _text_part("Data", _sides(found.data))
        lines += _text_part("Tiers", _tier_lines(found))
        lines += _text_part("Accounts that moved", _moved(found))
    return "\n".join(printable(line) for line in lines)


def moved_in_words(found: RunDifference) -> str:
    """Return how many accounts have another tier, as a sentence."""
    if found.moved.empty:
        return f"No account of {count(found.accounts)} has another tier."
    have = "has" if len(found.moved) == 1 else "have"
    return (
        f"{plural(len(found.moved), 'account')} {have} another tier; "
        f"{plural(found.accounts, 'account')} had one in both runs.{_said_of_held(found)}"
    )


def _said_of_held(found: RunDifference) -> str:
    """Return how many of the moved no move of the later run has brought to their tier."""
    if not found.held_already:
        return ""
    holds = "holds its" if found.held_already == 1 else "hold their"
    return (
        f" {count(found.held_already)} of them {holds} later tier already: it was put in force "
        f"before {found.after}, by hand or by other settings, and is no move there."
    )


def _text_part(title: str, lines: Iterator[str]) -> list[str]:
    shown = list(lines)
    if not shown:
        return [f"{title}: the same"]
    rest = len(shown) - MOST_LINES
    more = [f"  … and {count(rest)} more"] if rest > 0 else []
    return [title, *(f"  {line}" for line in shown[:MOST_LINES]), *more]


def _sides(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        yield f"{row['what']}: {row['before']} → {row['after']}"


def _tier_lines(found: RunDifference) -> Iterator[str]:
    for row in found.tiers.to_dict("records"):
        if row["before"] != row["after"]:
            yield f"{row['tier']}: {row['before']} → {row['after']}"
    if not found.moved.empty:
        yield moved_in_words(found)
    for row in found.flows.to_dict("records"):
        yield f"{row['from']} → {row['to']}: {plural(row['accounts'], 'account')}"


def _moved(found: RunDifference) -> Iterator[str]:
    for row in found.moved.to_dict("records"):
        account = named_account(row["account_id"], row.get("name"))
        revenue, reason = row.get("predicted_revenue", math.nan), row.get("move_reason")
        money = f", {words.money(found.currency, revenue)}" if words.is_number(revenue) else ""
        because = f" ({reason})" if isinstance(reason, str) and reason else ""
        yield f"{account}: {row['from']} → {row['to']}{money}{because}"


def named_account(account: str, name: object) -> str:
    """Return an account by its name with the id beside it, by its id alone where it has none.

    Examples
    --------
    >>> named_account("A1", "Acme Freight"), named_account("A1", None)
    ('Acme Freight (A1)', 'A1')
    """
    return f"{name} ({account})" if isinstance(name, str) and name.strip() else str(account)


MOST_ROWS = 200


def difference_page(found: RunDifference) -> str:
    """Return what differs as one self-contained page; it names accounts."""
    title = f"What changed from {found.before} to {found.after}"
    body = joined(
        tag("h1", title),
        tag("p", f"{moved_in_words(found)} {COMPARED}"),
        _part("Verdicts", found.verdicts, "verdicts"),
        _part("Settings", found.settings, "settings"),
        _part("Data", found.data, "data"),
        _part("Tiers", found.tiers, "tiers"),
        _part("Flows between tiers", found.flows, "flows"),
        _part("Accounts that moved", _as_text(found.moved), "moved"),
    )
    return document(body, title=title)


def _part(title: str, rows: pd.DataFrame, name: str) -> Markup:
    of = "rows; all of them are in the two tiers.csv" if name == "moved" else "rows"
    table = Table(name, f"{title}: what differs", Column.of_all(rows), rows, most=MOST_ROWS, of=of,
                  why="The same in both runs.")  # fmt: skip
    return joined(tag("h2", title), html_table(table))


def _as_text(moved: pd.DataFrame) -> pd.DataFrame:
    if "move_reason" not in moved:
        return moved
    return moved.assign(move_reason=moved["move_reason"].where(moved["move_reason"].notna(), ""))
