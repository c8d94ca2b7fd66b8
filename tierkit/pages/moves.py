"""The moves between tiers: who moves where and why, as figure, tables and sheets."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from tierkit import charts
from tierkit.criterion_words import is_counted
from tierkit.pages.facts import (
    RULES,
    Facts,
    currency,
    number,
    numbers,
    part,
    parts,
    ranged,
    text,
    why,
)
from tierkit.rendering import Fragment, Picture, figure, html_table, joined, section, tag
from tierkit.runs import Run, Tiering
from tierkit.table import Column, Table
from tierkit.tiers import UNTIERED, moves_by_rank
from tierkit.words import count, money, number_word, plural, sentence, share

MOST_ROWS = 20
_UNTIERED = UNTIERED.lower()
_SCOPE = ("entered scope", "left scope")
_BOUGHT = re.compile(r"won revenue \((\d+) quarters?\)")


def moves_in_words(up: float, down: float) -> str:
    """Return how many accounts change tier, without an end mark.

    Examples
    --------
    >>> moves_in_words(44, 43), moves_in_words(0, 1)
    ('87 accounts change tier: 44 up, 43 down', '1 account changes tier: 0 up, 1 down')
    """
    moved = up + down
    change = "changes" if moved == 1 else "change"
    return f"{plural(moved, 'account')} {change} tier: {count(up)} up, {count(down)} down"


def moves_figure(tiering: Tiering) -> Fragment:
    """Return the accounts by the tier before and the tier now."""
    matrix = pd.DataFrame(tiering.moves.matrix).T
    if matrix.empty:
        return Fragment(str(tag("p", tiering.previous.remark or "No earlier tiers are known.")))
    matrix = (
        matrix.drop(index=UNTIERED, errors="ignore") if not matrix.loc[UNTIERED].any() else matrix
    )
    found = tiering.moves
    by_rank, now = moves_by_rank(tiering.assigned)
    finding = (
        f"{moves_in_words(found.up, found.down)}; {found.kept_by_band} "
        f"{'keeps its tier' if found.kept_by_band == 1 else 'keep theirs'} inside the keep band. "
        f"By rank alone {by_rank:,} would move, with overrides aside; as it is {now:,} "
        f"{'does' if now == 1 else 'do'}."
    )
    picture = Picture(
        lambda ax: charts.moves_heat(matrix, ax=ax),
        width=140 + 110 * len(matrix.columns),
        height=30 + 40 * len(matrix),
        margins=(140.0, 4.0, 30.0, 4.0),
    )
    return figure(picture, name="moves-matrix", finding=finding)


def moved_table(tiering: Tiering) -> Fragment:
    """Return the accounts whose tier changes, best rank first."""
    columns = ["account_id", "previous_tier", "tier", "rank", "predicted_revenue", "move_reason",
               "main_part"]  # fmt: skip
    money = tiering.assigned[["predicted_revenue"]]
    moved = tiering.moved.join(money, how="left", validate="1:1").rename_axis("account_id")
    moved = moved.astype({"previous_tier": "object", "tier": "object"})
    return html_table(
        Table(
            "moved",
            "Accounts that change tier, and the main reason",
            columns,
            moved.fillna({"previous_tier": "untiered", "tier": "untiered"}),
            most=MOST_ROWS,
            of="moves, by rank; all of them are in accounts.xlsx",
            why="No account changes its tier.",
        )
    )


MOST_ROWS_OF_MOVES = 7
MOST_FAVOURITES = 2


def what_changed(facts: Facts) -> Fragment:
    """Return the moves as a small table, the main reasons, and what carries the weight."""
    title = tag("h2", "What changed")
    both = tag("div", joined(_moves_table(facts), _reasons(facts)), class_="pair")
    return section("changes", title, both, *_weights(facts))


def flow_table(facts: Facts) -> pd.DataFrame:
    """Return the largest flows between tiers: from, to, accounts.

    Those who stay are left out, and those who enter or leave all tiers, who are counted apart.
    """
    matrix = part(facts, "moves", "matrix")
    rows = [
        {"from": str(before), "to": after, "accounts": int(amount)}
        for before in matrix
        for after, amount in numbers(part(matrix, str(before))).items()
        if str(before) != after and _UNTIERED not in (str(before).lower(), after.lower())
    ]
    table = pd.DataFrame(rows, columns=["from", "to", "accounts"])
    return table.sort_values("accounts", ascending=False, kind="stable", ignore_index=True)


def _moves_table(facts: Facts) -> Fragment:
    table = flow_table(facts)
    if table.empty:
        first = text(part(facts, "decision"), "action") == "first run"
        spoken = "The first run: every tier is new." if first else _nobody(facts)
        return Fragment(str(tag("p", spoken)))
    moving = table["accounts"].sum()
    return html_table(
        Table(
            "moves",
            f"Where {plural(moving, 'account')} {'goes' if moving == 1 else 'go'}",
            ["from", "to", "accounts"],
            table,
            most=MOST_ROWS_OF_MOVES,
            of="flows, the largest first",
        )
    )


def _nobody(facts: Facts) -> str:
    moves = part(facts, "moves")
    if number(moves, "up") is None:
        return f"Moves are not known: {why(moves, 'up', otherwise='no earlier tier is known')}."
    return "No account changes tier."


def _reasons(facts: Facts) -> Fragment | str:
    moves = part(facts, "moves")
    between = numbers(part(moves, "reasons_between_tiers"))  # older reports do not have them
    every = between or numbers(part(moves, "reasons"))
    reasons = {reason: many for reason, many in every.items() if reason not in _SCOPE}
    if not reasons:
        return ""
    rows = [
        {"main_reason": reason[:1].upper() + reason[1:], "accounts": accounts}
        for reason, accounts in reasons.items()
    ]
    columns = ["main_reason", "accounts"]
    most = MOST_ROWS_OF_MOVES
    return html_table(
        Table("move-reasons", "Why they move", columns, rows, most=most, of="reasons")
    )


def _weights(facts: Facts) -> list[object]:
    known = parts(facts, "model", "weights")[:3]
    if not known:
        return [tag("p", _without_weights(facts))] if text(part(facts, "model"), "kind") else []
    lines = [tag("li", _weight(weight)) for weight in known]
    heading = tag("h3", "What carries the weight")
    return [heading, tag("ol", joined(*lines), class_="weights"), *_favourites(facts)]


def _favourites(facts: Facts) -> list[object]:
    """Return what the first criteria are worth by themselves, in one sentence."""
    known = parts(facts, "model", "favourite_criteria")[:MOST_FAVOURITES]
    spoken = [words for one in known if (words := _favourite(one, code=currency(facts)))]
    return [tag("p", sentence(f"{'; '.join(spoken)}, all else equal"))] if spoken else []


def _favourite(one: Facts, *, code: str = "") -> str:
    factor = ranged(one, "factor")
    if not factor.has_range or not (factor.is_above(1.0) or factor.is_below(1.0)):
        return ""  # it may as well bring as much
    name, low, high = text(one, "criterion"), text(one, "from"), text(one, "to")
    bought = _BOUGHT.fullmatch(name)
    counted = is_counted(name)
    upper = f"an account with {name} of {high}"
    if counted:
        upper = f"an account with {high} {_one(name) if high == '1' else name}"
    lower = f"one with {'none' if low == '0' and counted else low}"
    spent, spent_less = number(one, "to_value"), number(one, "from_value")
    if bought and spent is not None and spent_less is not None:
        since = quarters_back(int(bought[1]))
        upper = f"an account that bought for {money(code, spent)} in {since}"
        bought_less = f"for {money(code, spent_less)}" if spent_less else "nothing"
        lower = f"one that bought {bought_less}"
    return (
        f"{upper} brings "
        f"{factor.say('{:.1f}'.format)} times ({factor.say_range('{:.1f}–{:.1f}'.format)}) as much "
        f"as {lower}"
    )


def _one(counted: str) -> str:
    """Return the name of what is counted, of one.

    Examples
    --------
    >>> _one("open deals"), _one("wins (4 quarters)"), _one("employees")
    ('open deal', 'win (4 quarters)', 'employee')
    """
    what, space, window = counted.partition(" (")
    return f"{what.removesuffix('s')}{space}{window}"


def quarters_back(quarters: int) -> str:
    """Return a look-back in words.

    Examples
    --------
    >>> quarters_back(4), quarters_back(1)
    ('the last four quarters', 'the last quarter')
    """
    return "the last quarter" if quarters == 1 else f"the last {number_word(quarters)} quarters"


def _weight(weight: Facts) -> object:
    part_ = number(weight, "share")
    spoken = sentence(text(weight, "sentence") or text(weight, "criterion"))
    return joined(tag("strong", share(part_)), spoken) if part_ is not None else spoken


def _without_weights(facts: Facts) -> str:
    model = part(facts, "model")
    if text(model, "kind") in RULES:
        return "One criterion carries all the weight: what an account bought in the past."
    features = number(model, "features")
    used = f" of {count(features)} criteria" if features else ""
    return f"Which{used} carry the weight is {why(model, 'weights')}."


NO_OWNER = "no owner"
_REVIEW_QUARTERS = 2
MOST_MANAGERS = 8
_LONGEST = 31  # characters of a sheet's name in Excel
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f\u202a-\u202e\u2066-\u2069]")
_SHOWN = ("account_id", "name", "previous_tier", "tier", "model_tier", "rank", "predicted_revenue",
          "move_reason", "main_part", "direction")  # fmt: skip


def move_sheets(run: Run, tiering: Tiering) -> dict[str, Table]:
    """Return the moves, with room for an override and its reason: a sheet each for few managers.

    Managers are the owners of `accounts`. Where there are more than eight, all moves are one sheet
    with a filter. `tierkit accept QUARTER --overrides FILE` reads back the rows in which
    `override_tier` is filled in; rows of other accounts may be added.
    """
    moved = tiering.moved
    if moved.empty:
        return {}
    accounts = run.accounts().set_index("account_id").reindex(moved.index)
    more = {
        "name": accounts.get("name"),
        "predicted_revenue": tiering.assigned["predicted_revenue"].reindex(moved.index),
        "direction": _directions(moved),
    }
    rows = moved.assign(**more).reset_index()[[*_SHOWN]]
    owner = accounts["owner"] if "owner" in accounts else pd.Series(index=accounts.index)
    owners = owner.astype("object").fillna(NO_OWNER).replace("", NO_OWNER).to_numpy()
    review_on = run.settings.fiscal_calendar.shift(run.quarter, _REVIEW_QUARTERS).end
    tiers = tuple(tier.name for tier in run.settings.tiers)
    asked = _asked(rows.assign(owner=owners), review_on=review_on)
    names = list(dict.fromkeys(sorted(map(str, owners))))
    if len(names) > MOST_MANAGERS:
        return {"Moves": _review_sheet(asked, tiers)}
    sheets = {"Moves": Table.sheet(moved.assign(direction=more["direction"]).reset_index())}
    for name in names:
        own = asked[asked["owner"] == name].drop(columns="owner")
        sheets[_sheet_name(name, {*sheets})] = _review_sheet(own, tiers)
    return sheets


def _directions(moved: pd.DataFrame) -> pd.Series[str]:
    """Return for each move `up`, `down`, `enters` or `leaves`, as the page counts them."""
    before, now = moved["previous_tier"].astype("object"), moved["tier"].astype("object")
    order = {str(name): place for place, name in enumerate(moved["tier"].cat.categories)}
    higher = now.map(order).lt(before.map(order))
    found = higher.map({True: "up", False: "down"}).astype("object")
    return found.mask(before.isna(), "enters").mask(now.isna(), "leaves")


def _asked(rows: pd.DataFrame, *, review_on: date) -> pd.DataFrame:
    """Return the moves with what a manager may fill in."""
    blank = pd.Series("", index=rows.index, dtype="object")
    return rows.assign(
        override_tier=blank,
        override_reason=blank,
        set_by=rows["owner"].mask(rows["owner"] == NO_OWNER, ""),
        review_on=review_on.isoformat(),
    )


def _review_sheet(rows: pd.DataFrame, tiers: tuple[str, ...]) -> Table:
    inputs = [
        Column("override_tier", "text", is_input=True, choices=tiers),
        *(Column(name, "text", is_input=True) for name in ("override_reason", "set_by")),
        Column("review_on", "text", is_input=True),
    ]
    return Table.sheet(rows, *inputs)


def _sheet_name(owner: str, taken: set[str]) -> str:
    """Return a name that Excel takes, unlike those there are whatever the case of letters.

    Examples
    --------
    >>> _sheet_name("A/B: sales", set()), _sheet_name("kim", {"Moves Kim"})
    ('Moves A B  sales', 'Moves kim 2')
    """
    lower = {name.lower() for name in taken}
    whole = f"Moves {_FORBIDDEN.sub(' ', owner)}"
    number, name = 1, whole[:_LONGEST].strip()
    while name.lower() in lower:
        number += 1
        ending = f" {number}"
        name = whole[: _LONGEST - len(ending)].strip() + ending
    return name
