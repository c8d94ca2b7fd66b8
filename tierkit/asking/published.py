"""A published report, read again: its quarter, its model, its tiers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.errors import SettingsError
from tierkit.models.saved import SavedModel, read_model
from tierkit.settings import Settings

_TEXTS = ("account_id", "tier", "model_tier", "previous_tier", "reasons", "move_reason")


@dataclass(frozen=True)
class Published:
    """What a published report says of accounts.

    Attributes
    ----------
    tiers
        `tiers.csv` by account_id.
    """

    quarter: Quarter
    model: SavedModel
    tiers: pd.DataFrame


def read_published(settings: Settings, *, label: str = "") -> Published:
    """Return a published report: of the quarter asked for, or the newest one.

    Raises
    ------
    SettingsError
        If there is none, or it is no report of this project's calendar.
    """
    quarters = published_quarters(settings)
    asked = settings.fiscal_calendar.parse(label) if label else None
    if asked is not None and asked not in quarters:
        there = f"there are {', '.join(one.label for one in quarters)}" if quarters else "none is"
        raise SettingsError(
            f"--quarter {asked.label}: no report of it is published; {there}. "
            f"`tierkit run --quarter {asked.label}` publishes one."
        )
    if not quarters:
        raise SettingsError(
            f"{settings.reports}: no report is published yet. `tierkit run` publishes one."
        )
    quarter = asked or quarters[-1]
    folder = settings.reports / quarter.label
    return Published(quarter, read_model(folder / "model.json"), read_tiers(folder / "tiers.csv"))


def published_quarters(settings: Settings) -> list[Quarter]:
    """Return the quarters that have a report with model and tiers, in order."""
    found = []
    for file in settings.reports.glob("*/tiers.csv"):
        try:
            quarter = settings.fiscal_calendar.parse(file.parent.name)
        except SettingsError:
            continue  # an archive, or a report of another calendar
        if (file.parent / "model.json").is_file():
            found.append(quarter)
    return sorted(found)


def read_tiers(file: Path) -> pd.DataFrame:
    """Return a published `tiers.csv` by account_id; ids and names of tiers are text."""
    kinds = dict.fromkeys(_TEXTS, "str")
    tiers = pd.read_csv(file, dtype=kinds, keep_default_na=False, na_values=[""])
    found: pd.DataFrame = tiers.set_index("account_id")
    return found
