"""Changes of the settings on screen: each returns new settings, checked as a file would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tierkit.errors import SettingsError
from tierkit.settings import Settings, parse_settings

if TYPE_CHECKING:
    pass

Plain = dict[str, Any]
NAME = "on screen"


def changed(settings: Settings, change: Callable[[Plain], None]) -> Settings:
    """Return the settings after a change of their plain values.

    Raises
    ------
    SettingsError
        With everything that is wrong with the result.

    Examples
    --------
    >>> changed(Settings(), lambda plain: plain["stability"].update(keep_band=1.5)).stability
    StabilitySettings(keep_band=1.5, ...)
    """
    plain = settings.model_dump(mode="json", exclude_none=True)
    change(plain)
    found = parse_settings(plain, name=NAME)
    found._folder = settings.folder
    return found


def with_capacity(settings: Settings, tier: str, capacity: int | None) -> Settings:
    """Return the settings with another capacity of a tier; None lets it take the rest."""
    return with_size(settings, tier, "capacity", capacity)


def with_size(settings: Settings, tier: str, rule: str, value: float | None) -> Settings:
    """Return the settings with another rule of size of a tier.

    Parameters
    ----------
    rule
        `capacity`, `share`, `line` or `revenue_share`; it replaces the one that was there.
    value
        None for no rule: the tier takes the rest.
    """
    place = place_of(tier, [one.name for one in settings.tiers], what="tier")

    def change(plain: Plain) -> None:
        for name in ("capacity", "share", "line", "revenue_share"):
            plain["tiers"][place].pop(name, None)
        if value is not None:
            plain["tiers"][place][rule] = value

    return changed(settings, change)


def with_keep_band(settings: Settings, keep_band: float) -> Settings:
    """Return the settings with another keep band."""
    return changed(settings, lambda plain: plain["stability"].update(keep_band=float(keep_band)))


def with_icp(settings: Settings, where: Iterable[str]) -> Settings:
    """Return the settings with other rules of who can be tiered at all."""
    rules = [rule.strip() for rule in where if rule.strip()]
    return changed(settings, lambda plain: plain["icp"].update(where=rules))


def place_of(name: str, known: Sequence[str], *, what: str) -> int:
    """Return where a name stands.

    Raises
    ------
    SettingsError
        If it is not there, with the nearest one that is.

    Examples
    --------
    >>> place_of("Tier 2", ["Tier 1", "Tier 2"], what="tier")
    1
    """
    if name in known:
        return list(known).index(name)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:8]) or 'none'}."
    raise SettingsError(f"no {what} {name}. {hint}")
