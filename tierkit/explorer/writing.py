"""Settings and overrides found by hand, written where a run reads them."""

from __future__ import annotations

import getpass
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import AoT, Table

from tierkit.calendar import today
from tierkit.crm import edited_text, text_of, written_table
from tierkit.errors import DataError, SettingsError
from tierkit.files import change_file, content_of, files_lock, make_folder, write_whole
from tierkit.runs import OVERRIDES, project_overrides
from tierkit.settings import SETTINGS_FILE, Settings, parse_settings
from tierkit.tiers import OVERRIDE_COLUMNS, OVERRIDES_FORMAT

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.basis import Basis


_TIER_RULES = ("capacity", "share", "line", "revenue_share")


def settings_text(text: str, *, before: Settings, after: Settings) -> str:
    r"""Return the text of a `tierkit.toml` with what has changed, comments and order kept.

    Parameters
    ----------
    text
        Of the file.
    before, after
        The settings that the file states, and those that it shall state.

    Raises
    ------
    SettingsError
        If the text cannot state them.

    Examples
    --------
    >>> text = "[stability]\nkeep_band = 1.25 # to rank 1.25 × capacity\n"
    >>> after = parse_settings({"stability": {"keep_band": 1.5}})
    >>> print(settings_text(text, before=parse_settings(tomllib.loads(text)), after=after))
    [stability]
    keep_band = 1.5 # to rank 1.25 × capacity
    """
    document = tomlkit.parse(text)
    if before.stability.keep_band != after.stability.keep_band:
        _table(document, "stability")["keep_band"] = after.stability.keep_band
    if before.icp.where != after.icp.where:
        _table(document, "icp")["where"] = list(after.icp.where)
    if before.model.kind != after.model.kind:
        _table(document, "model")["kind"] = after.model.kind
    if before.features.leave_out != after.features.leave_out:
        _table(document, "features")["leave_out"] = list(after.features.leave_out)
    _write_tiers(document, before, after)
    if before.card != after.card:
        _write_card(document, after)
    written = tomlkit.dumps(document)
    stated = parse_settings(tomllib.loads(written))
    if stated.model_dump() != after.model_dump():
        raise SettingsError(
            f"{SETTINGS_FILE}: cannot be changed in place. "
            "Write the lines of the difference by hand."
        )
    return written


def difference(before: str, after: str) -> str:
    """Return what changes in the file, line by line, empty where nothing does."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def overrides_text(text: str, row: Mapping[str, str]) -> str:
    r"""Return the text of an `overrides.csv` with one account's row new, replaced or taken out.

    Parameters
    ----------
    text
        Of the file; empty where there is none.
    row
        `account_id` and the other columns; with no `tier` the account's row is taken out.

    Examples
    --------
    >>> row = dict(account_id="A1", tier="Tier 1", reason="new owner, large plan", set_by="Kim",
    ...            set_on="2026-10-05", review_on="2027-01-05")
    >>> print(overrides_text("account_id,tier,reason,set_by,set_on,review_on\n", row), end="")
    account_id,tier,reason,set_by,set_on,review_on
    A1,Tier 1,"new owner, large plan",Kim,2026-10-05,2027-01-05
    """
    known = edited_text(text, OVERRIDES_FORMAT)
    if text.strip() and known.problems:
        raise DataError(f"{OVERRIDES}: {known.problems[0].message}", known.problems)
    own = next((line for line in known.rows if line["account_id"] == row["account_id"]), {})
    rows = [line for line in known.rows if line["account_id"] != row["account_id"]]
    if row.get("tier"):
        rows.append({**own, **row})
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    columns = known.columns if text.strip() else OVERRIDE_COLUMNS
    return written_table(rows, columns, delimiter=delimiter)


def merged_overrides(text: str, *, shown: str, wanted: str) -> str:
    r"""Return the text of an `overrides.csv` with the rows in which two other texts differ.

    Parameters
    ----------
    text
        Of the file as it is, which somebody else may have changed.
    shown, wanted
        The text that this explorer shows, and the one that it shall show.

    Raises
    ------
    SettingsError
        If somebody else changed one of those rows.

    Examples
    --------
    >>> head = "account_id,tier,reason,set_by,set_on,review_on\n"
    >>> ours = "A1,Tier 1,plan,Kim,2026-10-05,2027-01-05\n"
    >>> theirs = "B2,Tier 1,tender,Lee,2026-10-05,2027-01-05\n"
    >>> merged_overrides(head + ours + theirs, shown=head + ours, wanted=head) == head + theirs
    True
    """
    if text == shown:
        return wanted
    now, before, after = (_by_account(one) for one in (text, shown, wanted))
    for account in sorted({*before, *after}):
        if before.get(account) == after.get(account):
            continue
        if now.get(account) != before.get(account):
            raise SettingsError(
                f"{OVERRIDES}: somebody else changed the override of {account} in the meantime. "
                "Open the explorer again to see it."
            )
        text = overrides_text(text, after.get(account, {"account_id": account}))
    return text


def _by_account(text: str) -> dict[str, dict[str, str]]:
    return {row["account_id"]: row for row in edited_text(text, OVERRIDES_FORMAT).rows}


def _table(document: Any, name: str) -> Any:  # noqa: ANN401 (tomlkit's own containers)
    if name not in document:
        document.add(tomlkit.nl())
        document[name] = tomlkit.table()
    return document[name]


def _write_tiers(document: Any, before: Settings, after: Settings) -> None:  # noqa: ANN401
    if before.tiers == after.tiers:
        return
    if "tiers" not in document:
        document["tiers"] = _array(
            [tier.model_dump(mode="json", exclude_defaults=True) for tier in after.tiers]
        )
        return
    for place, (old, new) in enumerate(zip(before.tiers, after.tiers, strict=True)):
        for rule in _TIER_RULES:
            value = getattr(new, rule)
            if value == getattr(old, rule):
                continue
            if value is None:
                document["tiers"][place].pop(rule, None)
            else:
                _set_after_name(document["tiers"][place], rule, value)


def _set_after_name(table: Any, key: str, value: float) -> None:  # noqa: ANN401
    """Set a value; a new key must stand before the tables inside, such as entitlements."""
    if key in table:
        table[key] = value
        return
    inside = {name: table.pop(name) for name in list(table)
              if isinstance(table[name], Table | AoT)}  # fmt: skip
    table[key] = value
    for name, part in inside.items():
        table[name] = part


def _write_card(document: Any, after: Settings) -> None:  # noqa: ANN401
    plain = after.card.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if not plain:
        document.pop("card", None)
        return
    card = _table(document, "card")
    for name in ("criteria", "edits", "points_to_double"):
        if name not in plain:
            card.pop(name, None)
    if "points_to_double" in plain:
        _set_after_name(card, "points_to_double", plain["points_to_double"])
    for name in ("criteria", "edits"):
        if name in plain:
            kept = list(card.get(name, []))
            card[name] = _array(plain[name], kept=kept)


def _array(entries: Sequence[Mapping[str, Any]], *, kept: Sequence[Any] = ()) -> AoT:
    """Return an array of tables; entries that were there already keep their comments."""
    array = tomlkit.aot()
    for entry in entries:
        same = next((one for one in kept if one.unwrap() == entry), None)
        array.append(same if same is not None else tomlkit.item(dict(entry)))
    return array


def overrides_file(settings: Settings) -> Path:
    """Return where the project's overrides lie."""
    return settings.folder / OVERRIDES


def overrides_of(basis: Basis, settings: Settings, *, folder: Path | None = None) -> pd.DataFrame:
    """Return the overrides of the project, or those in another folder, as the run reads them."""
    placed = settings.model_copy()
    placed._folder = folder or settings.folder
    return project_overrides(placed, basis.run.tables, as_of=basis.run.as_of, groups=basis.groups)


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


def write_override(
    basis: Basis, settings: Settings, row: dict[str, str]
) -> tuple[pd.DataFrame, str]:
    """Write one override, or take one out; return all of them, and the text of the file.

    Raises
    ------
    DataError
        If the file would not be valid; it is left as it was.
    """
    return change_overrides(basis, settings, lambda text: overrides_text(text, row))


def change_overrides(
    basis: Basis, settings: Settings, change: Callable[[str], str]
) -> tuple[pd.DataFrame, str]:
    """Change the text of the file, once what it would be is found valid.

    The file is read, changed and written while nobody else can change it.

    Returns
    -------
    tuple
        The overrides, and the text of the file.
    """
    file, draft = overrides_file(settings), settings.scratch / "explorer" / OVERRIDES
    with files_lock(settings.scratch):
        before = content_of(file)
        text = change(text_of(file))
        make_folder(draft.parent, below=settings.scratch)
        write_whole(draft, text, lasting=False)
        found = overrides_of(basis, settings, folder=draft.parent)
        change_file(file, text, before=before, project=settings.folder, scratch=settings.scratch)
    return found, text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
