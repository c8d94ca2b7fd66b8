"""Changes of the card in the settings on screen: each returns new settings, checked as a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tierkit.errors import SettingsError
from tierkit.explorer.gaps import Gap
from tierkit.explorer.in_points import USUAL_POINTS_TO_DOUBLE, Plain, in_points, is_same
from tierkit.models import BY_HAND, MOST_POINTS, Criterion, NumericCriterion, column_named
from tierkit.settings import Settings, parse_settings

if TYPE_CHECKING:
    from tierkit.models import Card


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


def with_value(settings: Settings, value: str | Mapping[str, float]) -> Settings:
    """Return the settings whose tiers are cut on another value."""
    asked = value if isinstance(value, str) else dict(value)
    return changed(settings, lambda plain: plain["target"].update(value=asked))


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


def without_criterion(settings: Settings, name: str, card: Card) -> Settings:
    """Return the settings with a criterion that gives nothing any more."""
    place_of(name, [one.name for one in card.criteria], what="criterion on the card")

    def change(plain: Plain) -> None:
        if settings.model.kind == BY_HAND:
            criteria = plain["card"]["criteria"]
            kept = [one for one in criteria if not is_same(one["criterion"], name)]
            plain["card"]["criteria"] = kept
        else:
            _replace_edits(plain, name, [{"criterion": name, "remove": True}])

    return changed(settings, change)


def with_criterion(settings: Settings, name: str, *, as_before: Plain | None = None) -> Settings:
    """Return the settings with a criterion on again: as fitted, or as it was set by hand.

    Parameters
    ----------
    as_before
        The criterion as it was set by hand before it was turned off.
    """

    def change(plain: Plain) -> None:
        if settings.model.kind == BY_HAND:
            if as_before is None:
                raise SettingsError(f"{name} was never on this card; set its points first.")
            criteria = plain["card"]["criteria"]
            plain["card"]["criteria"] = [
                *(one for one in criteria if not is_same(one["criterion"], name)), as_before,
            ]  # fmt: skip
        else:
            _replace_edits(plain, name, [])

    return changed(settings, change)


def taken_off(settings: Settings) -> tuple[str, ...]:
    """Return the criteria that the edits of the settings take off the fitted card."""
    if settings.model.kind == BY_HAND:
        return ()
    return tuple(edit.criterion for edit in settings.card.edits if edit.remove)


def left_out(settings: Settings, names: Sequence[str]) -> Settings:
    """Return the settings with criteria that no card is fitted with, and no edit of them.

    Examples
    --------
    >>> left_out(Settings(), ["industry"]).features.leave_out
    ('industry',)
    """

    def change(plain: Plain) -> None:
        plain["card"]["edits"] = [
            one for one in plain["card"].get("edits", []) if one["criterion"] not in names
        ]
        already = plain["features"]["leave_out"]
        plain["features"]["leave_out"] = [*dict.fromkeys([*already, *names])]

    return changed(settings, change)


def with_factors(settings: Settings, fitted: Criterion, factors: Sequence[float]) -> Settings:
    """Return the settings with other factors of a fitted criterion.

    Parameters
    ----------
    fitted
        The criterion as it was fitted.
    factors
        One for every bin, the missing one last; those that are as fitted need no edit.
    """
    bins = len(fitted.points_by_bin)
    if len(factors) != bins:
        raise SettingsError(
            f"{fitted.name} has {bins} bins, the missing one last; found {len(factors)} factors."
        )
    own = [math.exp(points) for points in fitted.points_by_bin]
    edits = [
        _edit(fitted, place, float(factor))
        for place, (factor, before) in enumerate(zip(factors, own, strict=True))
        if not math.isclose(factor, before, rel_tol=1e-9)
    ]
    return changed(settings, lambda plain: _replace_edits(plain, fitted.name, edits))


def with_weight(settings: Settings, name: str, weight: float, card: Card) -> Settings:
    """Return the settings with all factors of a fitted criterion to the power of a weight.

    It takes the place of other edits of the criterion; 1 leaves it as fitted, 0 takes it off.
    """
    place_of(name, [one.name for one in card.criteria], what="criterion on the card")
    if not (math.isfinite(weight) and weight >= 0):
        raise SettingsError(f"weight of {name}: must be 0 or more, found {weight!r}.")
    if weight == 0:
        return without_criterion(settings, name, card)
    edits = [] if weight == 1 else [{"criterion": name, "weight": float(weight)}]
    return changed(settings, lambda plain: _replace_edits(plain, name, edits))


def with_hand_points(settings: Settings, criterion: Plain, *, known: Sequence[str]) -> Settings:
    """Return the settings with a criterion of the card set by hand, new or in its place.

    Parameters
    ----------
    criterion
        As in `[[card.criteria]]`.
    known
        The criteria that the data have.
    """
    names = [*known, *(name.removeprefix("log_") for name in known)]
    place_of(criterion["criterion"], names, what="criterion in the data")

    def change(plain: Plain) -> None:
        criteria = plain["card"]["criteria"]
        name = criterion["criterion"]
        there = [place for place, one in enumerate(criteria) if is_same(one["criterion"], name)]
        if there:
            criteria[there[0]] = criterion
        else:
            criteria.append(criterion)

    return changed(settings, change)


def with_hand_weight(settings: Settings, name: str, weight: float) -> Settings:
    """Return the settings with the points of one criterion set by hand multiplied."""
    criteria = settings.model_dump(mode="json", exclude_none=True)["card"]["criteria"]
    names = [one["criterion"] for one in criteria]
    same = next((one for one in names if is_same(one, name)), name)
    place = place_of(same, names, what="criterion on the card")
    own = criteria[place]
    points = own["points"]

    def by(point: float) -> float:
        return round(point * weight, 4) + 0.0

    scaled = (
        {key: by(value) for key, value in points.items()}
        if isinstance(points, dict)
        else [by(value) for value in points]
    )
    criteria[place] = {**own, "points": scaled, "other": by(own["other"]),
                       "missing": by(own["missing"])}  # fmt: skip
    return changed(settings, lambda plain: plain["card"].update(criteria=criteria))


def by_hand(settings: Settings, card: Card, *, known: Collection[str]) -> Settings:
    """Return the settings with a card set by hand that ranks as this card does.

    Ten points double predicted revenue, fewer where a criterion would have more than a card may
    hold; points are rounded to tenths.

    Parameters
    ----------
    known
        The criteria that the data have.
    """
    to_double = _points_to_double(card)
    criteria = [in_points(one, known=known, to_double=to_double) for one in card.criteria]

    def change(plain: Plain) -> None:
        plain["model"]["kind"] = BY_HAND
        plain["card"] = {"criteria": criteria, "points_to_double": to_double}

    return changed(settings, change)


def _points_to_double(card: Card) -> float:
    """Return how many points double predicted revenue, so that no criterion has too many."""
    largest = max((float(abs(one.points_by_bin).max()) for one in card.criteria), default=0.0)
    doublings = largest / math.log(2)
    if doublings * USUAL_POINTS_TO_DOUBLE <= MOST_POINTS:
        return USUAL_POINTS_TO_DOUBLE
    return math.floor(10 * MOST_POINTS / doublings) / 10


def fitted(settings: Settings) -> Settings:
    """Return the settings with the fitted card, without any edit."""

    def change(plain: Plain) -> None:
        plain["model"]["kind"] = "fitted card"
        plain["card"] = {}

    return changed(settings, change)


def _replace_edits(plain: Plain, name: str, edits: list[Plain]) -> None:
    kept = [one for one in plain["card"].get("edits", []) if one["criterion"] != name]
    plain["card"]["edits"] = [*kept, *edits]


def _edit(criterion: Criterion, place: int, factor: float) -> Plain:
    """Return the edit that gives one bin of a criterion a factor."""
    name = criterion.name
    if place == len(criterion.points_by_bin) - 1:
        return {"criterion": name, "missing": factor}
    if not isinstance(criterion, NumericCriterion):
        if place == len(criterion.categories):
            return {"criterion": name, "other": factor}
        return {"criterion": name, "value": criterion.categories[place], "factor": factor}
    edges = criterion.edges
    if not edges:
        raise SettingsError(f"{name} has one bin only; turn it off instead.")
    low = {"at_least": edges[place - 1]} if place > 0 else {}
    high = {"below": edges[place]} if place < len(edges) else {}
    return {"criterion": name, **low, **high, "factor": factor}


def without_absent(settings: Settings, known: Sequence[str]) -> tuple[Settings, tuple[Gap, ...]]:
    """Return the settings without what their card names in vain, and what that is.

    Where nothing is left of a card set by hand, the fitted card takes its place.

    Parameters
    ----------
    known
        The criteria that the data have.

    Examples
    --------
    >>> from tierkit.settings import parse_settings
    >>> edit = {"criterion": "won_revenu_4q", "remove": True}
    >>> opened, gaps = without_absent(parse_settings({"card": {"edits": [edit]}}),
    ...                               ["won_revenue_4q"])
    >>> opened.card.edits
    ()
    >>> print(gaps[0])
    card.edits names won_revenu_4q, which the data lack: it is left out here. Did you mean \
won_revenue_4q? Correct it, take it out, or add the table that it comes from.
    """
    part = "criteria" if settings.model.kind == BY_HAND else "edits"
    named = [one.criterion for one in getattr(settings.card, part)]
    absent = [name for name in dict.fromkeys(named) if not column_named(name, known)]
    if not absent:
        return settings, ()
    gaps = tuple(_gap(part, name, known) for name in absent)
    if part == "criteria" and set(named) == set(absent):
        return fitted(settings), gaps

    def change(plain: dict[str, Any]) -> None:
        kept = [one for one in plain["card"][part] if one["criterion"] not in absent]
        plain["card"][part] = kept

    return changed(settings, change), gaps


def _gap(part: str, name: str, known: Sequence[str]) -> Gap:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}? " if near else ""
    return Gap(
        f"card.{part} names {name}, which the data lack: it is left out here.",
        f"{hint}Correct it, take it out, or add the table that it comes from.",
    )
