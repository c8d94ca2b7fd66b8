"""Gaps: what the views of a project lack, and how to get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierkit.publishing import published_quarters

if TYPE_CHECKING:
    from tierkit.explorer.learned import Learned
    from tierkit.runs import Run
    from tierkit.tiers import PreviousTiers

_TABLES = {
    "tier_history": "earlier tiers and how they changed",
    "activities": "effort against entitlement",
    "contacts": "who is known at an account",
    "stage_history": "the amounts of open deals as they were known then",
}
_FEW_ACCOUNTS = 30


@dataclass(frozen=True)
class Gap:
    """Something that a view lacks.

    Attributes
    ----------
    what
        What cannot be shown, in words.
    fix
        How to get it.

    Examples
    --------
    >>> print(Gap("No tier has entitlements.", "Write [[tiers.entitlements]]."))
    No tier has entitlements. Write [[tiers.entitlements]].
    """

    what: str
    fix: str

    def __str__(self) -> str:
        """Return both as one line."""
        return f"{self.what} {self.fix}"


def gaps_of(run: Run, learned: Learned, previous: PreviousTiers) -> tuple[Gap, ...]:
    """Return everything that the views of a project lack."""
    found = [
        *_of_runs(run),
        *_of_history(learned, previous),
        *_of_settings(run),
        *(
            Gap(f"The source has no table {name}: {what} cannot be shown.", f"Add {name} to it.")
            for name, what in _TABLES.items()
            if name not in run.tables
        ),
    ]
    accounts = len(learned.panel.values.index.unique("account_id"))
    if accounts < _FEW_ACCOUNTS:
        plural = "account" if accounts == 1 else "accounts"
        found.append(
            Gap(
                f"There {'is' if accounts == 1 else 'are'} {accounts} {plural}: nothing that "
                "rests on comparing accounts can be trusted.",
                "Point data.source at the whole CRM.",
            )
        )
    return tuple(found)


def _of_runs(run: Run) -> list[Gap]:
    if published_quarters(run.settings.reports, run.settings.fiscal_calendar):
        return []
    return [
        Gap(
            "No run is published yet: what you see here is computed from the source.",
            "`tierkit run` publishes the quarter.",
        )
    ]


def _of_history(learned: Learned, previous: PreviousTiers) -> list[Gap]:
    found = []
    if learned.fitted is None:
        found.append(
            Gap(
                "No earlier quarter-end has an outcome that is complete: no card can be fitted, "
                "and past revenue ranks the accounts.",
                "Give the source more history than the horizon and one quarter.",
            )
        )
    elif learned.untested_because:
        found.append(Gap(learned.untested_because, "More history makes a backtest possible."))
    if previous.source == "none":
        found.append(
            Gap(
                "No earlier tiers are known: moves cannot be shown.",
                "`tierkit accept` records the tiers that take force.",
            )
        )
    return found


def _of_settings(run: Run) -> list[Gap]:
    if any(tier.entitlements for tier in run.settings.tiers):
        return []
    return [
        Gap(
            "No tier has entitlements: hours, cost and break-even cannot be shown.",
            "Write [[tiers.entitlements]] and [roles.NAME] in tierkit.toml.",
        )
    ]
