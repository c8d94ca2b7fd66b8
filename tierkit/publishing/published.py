"""A published report, read again: its quarter, its model, its tiers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.errors import SettingsError
from tierkit.models import SavedModel, read_model
from tierkit.publishing.manifest import Json
from tierkit.settings import Settings

_TEXTS = ("account_id", "tier", "model_tier", "previous_tier", "reasons", "move_reason",
          "rule_tier", "kept_by", "group")  # fmt: skip


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
    tiers = pd.read_csv(
        file, dtype=kinds, keep_default_na=False, na_values=[""], float_precision="round_trip"
    )
    found: pd.DataFrame = tiers.set_index("account_id")
    return found


_NUMBERS = ("rank", "score", "predicted_revenue")


@dataclass(frozen=True)
class PublishedRun:
    """What a published folder holds.

    Attributes
    ----------
    name
        How people call it: its quarter, with the run id where it lies in the archive.
    facts, manifest
        `facts.json` and `run.json`.
    tiers
        `tiers.csv`, a row per account_id; `tier` is text, `rank` and `predicted_revenue` numbers.
    """

    name: str
    facts: Mapping[str, Json]
    manifest: Mapping[str, Json]
    tiers: pd.DataFrame

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return str(self.facts.get("currency", ""))


def find_run(given: str, *, reports: Path) -> Path:
    """Return the folder of a run that a person names.

    Parameters
    ----------
    given
        A folder, a published quarter such as `2026Q3`, or the name of a run in the archive.
    reports
        Where reports lie.

    Raises
    ------
    SettingsError
        If there is no such run; names the nearest.
    """
    places = (Path(given), reports / given, reports / "archive" / given)
    for place in places:
        if (place / "facts.json").is_file():
            return place
    known = [path.parent.name for pattern in ("*/facts.json", "archive/*/facts.json")
             for path in sorted(reports.glob(pattern))]  # fmt: skip
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known) or 'none'}."
    raise SettingsError(f"{given}: no published run of that name, and no folder of one. {hint}")


def read_run(folder: Path) -> PublishedRun:
    """Read a published run.

    Raises
    ------
    SettingsError
        If a file of it is missing or cannot be read.
    """
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        tiers = pd.read_csv(folder / "tiers.csv", dtype=str, keep_default_na=False)
        tiers = tiers.set_index("account_id")
        numbers = {name: pd.to_numeric(tiers[name], errors="coerce")
                   for name in _NUMBERS if name in tiers}  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{folder}: is not a published run ({error}).") from error
    whole = isinstance(facts, dict) and isinstance(manifest, dict)
    if not whole or "tier" not in tiers or not tiers.index.is_unique:
        raise SettingsError(f"{folder}: is not a published run (its files hold something else).")
    return PublishedRun(folder.resolve().name, facts, manifest, tiers.assign(**numbers))
