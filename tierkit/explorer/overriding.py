"""Overrides set while exploring: checked, written to `overrides.csv`, and taken back again."""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tierkit.errors import SettingsError
from tierkit.explorer.writing import overrides_text, write_atomically
from tierkit.project import OVERRIDES
from tierkit.recalibration.set_tiers import project_overrides

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.basis import Basis
    from tierkit.settings import Settings


def overrides_file(settings: Settings) -> Path:
    """Return where the project's overrides lie."""
    return settings.folder / OVERRIDES


def overrides_of(basis: Basis, settings: Settings, *, folder: Path | None = None) -> pd.DataFrame:
    """Return the overrides of the project, or those in another folder, as the run reads them."""
    placed = settings.model_copy()
    placed._folder = folder or settings.folder
    return project_overrides(placed, basis.work.tables, as_of=basis.work.as_of, groups=basis.groups)


def override_row(
    account: str, tier: str, *, reason: str, review_on: date | str, set_by: str = ""
) -> dict[str, str]:
    """Return the row of an override, set today.

    Raises
    ------
    SettingsError
        With what is missing: an override is signed, with a reason and a date to look at it again.
    """
    missing = [name for name, value in (("reason", reason.strip()), ("review date", review_on))
               if not value]  # fmt: skip
    if tier and missing:
        raise SettingsError(
            f"override of {account}: give it a {' and a '.join(missing)}. An override is signed, "
            "and looked at again."
        )
    return {
        "account_id": account,
        "tier": tier,
        "reason": reason.strip(),
        "set_by": set_by.strip() or _user(),
        "set_on": today().isoformat(),
        "review_on": str(review_on),
    }


def write_override(basis: Basis, settings: Settings, row: dict[str, str]) -> pd.DataFrame:
    """Write one override, or take one out, and return all of them.

    Raises
    ------
    DataError
        If the file would not be valid; it is left as it was.
    """
    file = overrides_file(settings)
    text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
    return write_overrides(basis, settings, overrides_text(text, row))


def write_overrides(basis: Basis, settings: Settings, text: str) -> pd.DataFrame:
    """Write the whole file, once it is found valid, and return the overrides."""
    file = overrides_file(settings)
    scratch = settings.scratch / "explorer"
    scratch.mkdir(parents=True, exist_ok=True)
    draft = scratch / OVERRIDES
    draft.write_text(text, encoding="utf-8", newline="")
    found = overrides_of(basis, settings, folder=scratch)
    write_atomically(file, text)
    return found


def today() -> date:
    """Return the day on which a person sets an override, where they are."""
    return datetime.now(UTC).astimezone().date()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
