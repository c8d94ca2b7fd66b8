"""Customers in the explorer: tiers cut on other values side by side, and who may leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from tierkit.customers import value_parts
from tierkit.errors import SettingsError
from tierkit.explorer.card_settings import with_value
from tierkit.explorer.pages.parts import MOST_ROWS, note, shown, table
from tierkit.explorer.view import Snapshot, differing
from tierkit.rendering import joined
from tierkit.settings import NEW_AND_EXPANSION
from tierkit.words import count, money, share

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.session import Session
    from tierkit.explorer.view import View

CHOICES = (NEW_AND_EXPANSION, "all revenue", "margin")
_PARTS = {"anew": "new and expansion", "renewals": "renewals expected", "whole": "together"}


def values_table(session: Session) -> Markup:
    """Return what tiers hold if they are cut on each value, and who would move."""
    outlook = session.basis.run.outlook
    if not outlook.adds_up:
        why = outlook.why or "no deal is marked as a renewal"
        return note(f"Tiers cut on renewals too cannot be shown: {why}.")
    views, whys = _views(session)
    screen = Snapshot.of(session.view, with_captures=False)
    parts = _parts(session)
    sums = [_by_tier(view, parts) for view in views.values()]
    rows: list[list[object]] = []
    first = session.view.names[0]
    for name in session.view.names:
        for part, words in _PARTS.items():
            amounts = [float(one[part].get(name, 0.0)) for one in sums]
            rows.append([f"{name}: {words}", *_spelled(session, amounts)])
    shots = {value: Snapshot.of(view, with_captures=False) for value, view in views.items()}
    moved = [int((one.levels != screen.levels).sum()) for one in shots.values()]
    rows.append(["Accounts in another tier than on screen", *map(count, moved)])
    head = table(["Tiers cut on", *views], rows, caption="What tiers are cut on, side by side")
    movers = [_movers(session, screen, shots[value], value, first) for value in views]
    return joined(head, *movers, *(note(why) for why in whys))


def _views(session: Session) -> tuple[dict[str, View], list[str]]:
    """Return the view by each value, and why one cannot be had."""
    stage, found, whys = session.stage, {}, []
    for value in CHOICES:
        settings = with_value(session.settings, value)
        try:
            view = stage.view_of(replace(stage.state, settings=settings))
            _ = view.placed
        except SettingsError as error:
            whys.append(str(error))
            continue
        found[value] = view
    return found, whys


def _parts(session: Session) -> pd.DataFrame:
    """Return by account what it should bring anew, in renewals, and together."""
    run, view = session.basis.run, session.view
    predicted = view.tiers["predicted_revenue"]
    found = value_parts(
        predicted,
        run.tables,
        run.outlook,
        settings=view.settings,
        as_of=run.as_of,
        first=session.basis.first_won,
    )
    anew = found["new"] + found["expansion"]
    return found.assign(anew=anew, whole=anew + found["renewals"])


def _by_tier(view: View, parts: pd.DataFrame) -> pd.DataFrame:
    """Return the sum of each part by the tier that a view gives."""
    tiers = view.tiers["tier"].reindex(parts.index).astype("object")
    return parts[[*_PARTS]].fillna(0.0).groupby(tiers).sum()


def _spelled(session: Session, amounts: list[float]) -> list[str]:
    return [money(session.basis.currency, amount) for amount in amounts]


def _movers(session: Session, screen: Snapshot, other: Snapshot, value: str, first: str) -> Markup:
    """Return the accounts that would come into the first tier or leave it by another value."""
    found = differing(screen, other, ids=session.basis.candidates.ids)
    found = found[(found["before"] == first) | (found["after"] == first)]
    if found.empty:
        return Markup("")
    names = session.basis.names
    rows = [
        [str(names.get(account, account)), str(account), row["before"], row["after"],
         money(session.basis.currency, float(row["predicted_revenue"]))]
        for account, row in zip(found.index, found.head(MOST_ROWS).to_dict("records"), strict=False)
    ]  # fmt: skip
    header = ["Account", "Id", "On screen", value, "Predicted revenue"]
    caption = f"{first} by {value}: {shown(len(rows), len(found), 'accounts')} would move"
    return table(header, rows, caption=caption, text=4)


def at_risk_table(session: Session) -> Markup:
    """Return the customers at risk with the tiers on screen, the largest expected loss first."""
    run, view = session.basis.run, session.view
    outlook = run.outlook
    if outlook.why:
        return note(f"Customers at risk cannot be shown: {outlook.why}.")
    length = session.settings.customers.at_risk_list
    found = session.basis.at_risk(length)
    tiers, names, currency = view.tiers["tier"], session.basis.names, session.basis.currency
    owners = session.basis.accounts["owner"]
    rows = [
        [str(names.get(account, account)), str(account), str(tiers.get(account, "no tier")),
         str(owners.get(account) or "nobody"), row["first_end"], str(row["reason"]),
         share(float(row["chance"])), money(currency, float(row["due"])),
         money(currency, float(row["expected_loss"]))]
        for account, row in zip(found.index, found.head(MOST_ROWS).to_dict("records"), strict=False)
    ]  # fmt: skip
    header = ["Account", "Id", "Tier", "Owner", "First end", "Reason", "Chance of renewing",
              "Due", "At risk"]  # fmt: skip
    caption = f"Customers at risk: {shown(len(rows), len(found), 'accounts')}"
    return table(header, rows, caption=caption, text=6)
