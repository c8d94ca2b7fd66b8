"""Randomised bands of a project: drawn from a published run, kept as files, put in force, read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pandas as pd

from tierkit.calendar import Quarter, is_before
from tierkit.errors import DataError, SettingsError
from tierkit.files import change_file, files_lock
from tierkit.publishing import read_published
from tierkit.roi import (
    Band,
    EffortDraw,
    draw_band,
    draw_effort,
)
from tierkit.serving import boundary_name
from tierkit.settings import Settings

EXPERIMENTS = "experiments"
"""The folder beside `tierkit.toml` that keeps the assignment files."""

EFFORT_SHARE = 0.2
"""Share of a tier that gets less or more effort, where none is asked for."""

Row = dict[str, str]
_NEEDED = ["tier", "rank", "predicted_revenue", "overridden"]


@dataclass(frozen=True)
class DrawnBand:
    """A band that was drawn, the quarter in which it is in force, and the file that keeps it."""

    band: Band
    quarter: Quarter
    file: Path


def draw_quarter_band(
    settings: Settings,
    label: str,
    *,
    upper: str = "",
    ranks: tuple[int, int] | None = None,
    seed: int | None = None,
) -> DrawnBand:
    """Draw by lot, from a published run, who around a line gets the upper tier next quarter.

    The assignment is kept in `experiments/` beside `tierkit.toml` with its seed and its hash;
    `tierkit accept` puts it in force, and runs of later quarters read it out.

    Parameters
    ----------
    label
        Of the published quarter; the draw is for the quarter after it.
    upper
        The tier above the line; by default the first.
    ranks
        First and last rank of the band; by default `roi.band_share` of the upper tier's capacity
        to both sides of the line.
    seed
        By default `model.seed`.

    Raises
    ------
    SettingsError
        If that quarter is not published, the line does not exist, the ranks hold accounts of one
        tier alone, or a band was drawn there already.
    DataError
        If the published tiers lack what a draw needs.
    """
    quarter = settings.fiscal_calendar.parse(label)
    with files_lock(settings.scratch):
        assigned = _published(settings, quarter)
        pair = _pair(settings, upper)
        following = settings.fiscal_calendar.shift(quarter, 1)
        file = _file(settings, following, pair)
        if file.exists():
            raise SettingsError(
                f"{EXPERIMENTS}/{file.name}: drawn already as {Band.read(file).hash}. A band is "
                "drawn once; delete the file before its quarter begins if nobody has acted on it."
            )
        band = draw_band(
            _without_drawn(assigned, settings, following),
            tiers=pair,
            ranks=ranks or _ranks_around_the_line(assigned, pair, settings),
            quarter=following.label,
            seed=settings.model.seed if seed is None else seed,
        )
        _keep(settings, file, band.text)
        return DrawnBand(band, following, file)


@dataclass(frozen=True)
class DrawnEffort:
    """A hold-out of effort, the quarter in which it begins, and the file that keeps it."""

    draw: EffortDraw
    quarter: Quarter
    file: Path
    dispersion: float | None


def draw_quarter_effort(  # noqa: PLR0913
    settings: Settings,
    label: str,
    *,
    arm: Literal["less", "more"],
    tier: str = "",
    drawn_share: float = EFFORT_SHARE,
    quarters: int = 4,
    seed: int | None = None,
) -> DrawnEffort:
    """Draw by lot, from a published run, who of a tier gets less or more effort next quarter.

    Nobody's tier changes. The assignment is kept in `experiments/` with its seed, its hash and the
    fingerprint of its report; runs of later quarters read it out.

    Parameters
    ----------
    label
        Of the published quarter; the draw begins with the quarter after it.
    tier
        By default the second, since the first is small.
    drawn_share, quarters
        Share of the tier's accounts drawn; how many quarters they keep to it.

    Raises
    ------
    SettingsError
        If that quarter is not published, there is no such tier, it is too small, or it was drawn
        already.
    """
    quarter = settings.fiscal_calendar.parse(label)
    with files_lock(settings.scratch):
        assigned = _published(settings, quarter)
        names = [one.name for one in settings.tiers]
        asked = tier or names[min(1, len(names) - 1)]
        if asked not in names:
            raise SettingsError(f"--tier {asked}: there is no such tier; give one of {names}.")
        following = settings.fiscal_calendar.shift(quarter, 1)
        file = _named(settings, f"{following.label} {asked} {arm} effort")
        if file.exists():
            raise SettingsError(
                f"{EXPERIMENTS}/{file.name}: drawn already as {EffortDraw.read(file).hash}. "
                "Delete the file before its quarter begins if nobody has acted on it."
            )
        facts = read_published(settings, label=label).facts
        draw = draw_effort(
            _without_drawn(assigned, settings, following),
            tier=asked,
            arm=arm,
            drawn_share=drawn_share,
            quarter=following.label,
            quarters=quarters,
            seed=settings.model.seed if seed is None else seed,
            report=str(facts["fingerprint"]),
        )
        _keep(settings, file, draw.text)
        together = facts["roi"].get("together") or {}
        noise = {one["tier"]: one["dispersion"] for one in together.get("dispersions", [])}
        return DrawnEffort(draw, following, file, noise.get(asked))


def _keep(settings: Settings, file: Path, text: str) -> None:
    """Write an assignment file where none is yet; the lock of the project's files is held."""
    change_file(file, text, before=None, project=settings.folder, scratch=settings.scratch)


def read_bands(settings: Settings) -> list[Band]:
    """Return every band of the project, by the name of its file.

    Raises
    ------
    DataError
        If a file is no assignment, or was changed after the draw.
    """
    return [Band.read(file) for file in _files(settings) if not EffortDraw.holds(file)]


def read_effort_draws(settings: Settings) -> list[EffortDraw]:
    """Return every hold-out of effort of the project, by the name of its file.

    Raises
    ------
    DataError
        If a file was changed after the draw.
    """
    return [EffortDraw.read(file) for file in _files(settings) if EffortDraw.holds(file)]


def effort_draws_before(settings: Settings, as_of: date) -> list[EffortDraw]:
    """Return the hold-outs of quarters that begin before `as_of`: a run sees no later draw."""
    calendar = settings.fiscal_calendar
    return [
        draw
        for draw in read_effort_draws(settings)
        if is_before(calendar.parse(draw.quarter).start, as_of)
    ]


def refuse_other_reports(settings: Settings, quarter: Quarter) -> None:
    """Refuse a hold-out of effort that belongs to another report of a quarter than is published.

    Raises
    ------
    DataError
        If the report was published anew after the draw.
    """
    following = settings.fiscal_calendar.shift(quarter, 1)
    drawn = [one for one in read_effort_draws(settings) if one.quarter == following.label]
    if not drawn:
        return
    published = str(read_published(settings, label=quarter.label).facts["fingerprint"])
    for draw in drawn:
        if draw.report != published:
            raise DataError(
                f"{EXPERIMENTS}: {draw.arm} effort in {draw.tier} was drawn for {draw.quarter} "
                f"from the report {draw.report}, but {quarter.label} was published anew as "
                f"{published}. Delete its file and draw again, before the quarter begins."
            )


def _files(settings: Settings) -> list[Path]:
    return sorted((settings.folder / EXPERIMENTS).glob("*.csv"))


def bands_before(settings: Settings, as_of: date) -> list[Band]:
    """Return the bands of quarters that begin before `as_of`: a run sees no later draw."""
    calendar = settings.fiscal_calendar
    return [
        band
        for band in read_bands(settings)
        if is_before(calendar.parse(band.quarter).start, as_of)
    ]


def band_bytes(settings: Settings) -> bytes:
    """Return what the assignment files hold, for a fingerprint; empty where there is none."""
    files = _files(settings)
    return b"".join(file.read_bytes() for file in files)


def with_drawn_tiers(rows: Iterable[Row], bands: Sequence[Band]) -> list[Row]:
    """Return the rows of a published run with the tiers that bands drew.

    A drawn tier counts as overridden, since no score decided it; its reason names the draw.

    Raises
    ------
    DataError
        If the run was published anew after a draw and ranks the drawn accounts otherwise.
    """
    drawn: dict[str, tuple[Band, Mapping[str, object]]] = {}
    for band in bands:
        for row in band.rows.to_dict("records"):
            drawn[str(row["account_id"])] = (band, {str(key): row[key] for key in row})
    found = [_with_drawn_tier(row, drawn) for row in rows]
    missing = sorted(set(drawn).difference(row["account_id"] for row in found))
    if missing:
        raise _outdated(drawn[missing[0]][0])
    return found


def _with_drawn_tier(row: Row, drawn: Mapping[str, tuple[Band, Mapping[str, object]]]) -> Row:
    if row["account_id"] not in drawn:
        return row
    band, draw = drawn[row["account_id"]]
    ranked = row.get("rank", "")
    same = ranked and float(ranked) == float(str(draw["rank"]))
    if not same or row["tier"] not in (draw["upper"], draw["lower"]):
        raise _outdated(band)
    reason = f"drawn by lot, randomised band {band.hash}"
    return {**row, "tier": str(draw["drawn_tier"]), "overridden": "True", "move_reason": reason}


def _outdated(band: Band) -> DataError:
    return DataError(
        f"{EXPERIMENTS}: the band {band.hash} for {band.quarter} was drawn from other tiers than "
        "the report now holds. Delete its file and draw again, before the quarter begins."
    )


def _published(settings: Settings, quarter: Quarter) -> pd.DataFrame:
    """Return the tiers of a published run by account_id."""
    return read_published(settings, label=quarter.label).tiers[_NEEDED]


def _without_drawn(assigned: pd.DataFrame, settings: Settings, quarter: Quarter) -> pd.DataFrame:
    """Mark accounts that take part in another experiment already, so that they take no part."""
    kept: list[Band | EffortDraw] = [*read_bands(settings), *read_effort_draws(settings)]
    drawn = [one.rows["account_id"] for one in kept if one.quarter == quarter.label]
    taken = assigned.index.isin(pd.concat(drawn)) if drawn else False
    return assigned.assign(overridden=assigned["overridden"] | taken)


def _pair(settings: Settings, upper: str) -> tuple[str, str]:
    names = [tier.name for tier in settings.tiers]
    pairs = {above: (above, below) for above, below in pairwise(names)}
    if not pairs:
        raise SettingsError("There is one tier, so there is no line to draw a band around.")
    asked = upper or names[0]
    if asked not in pairs:
        raise SettingsError(f"--upper {asked}: no line lies below it; give one of {[*pairs]}.")
    return pairs[asked]


def _ranks_around_the_line(
    assigned: pd.DataFrame, pair: tuple[str, str], settings: Settings
) -> tuple[int, int]:
    """Return the ranks `roi.band_share` of the upper tier's places to both sides of the line."""
    names = [tier.name for tier in settings.tiers]
    above = names[: names.index(pair[0]) + 1]
    line = int(assigned["tier"].isin(above).sum())
    places = int((assigned["tier"] == pair[0]).sum())
    reach = max(1, round(settings.roi.band_share * places))
    return line - reach + 1, line + reach


def _file(settings: Settings, quarter: Quarter, pair: tuple[str, str]) -> Path:
    return _named(settings, f"{quarter.label} {boundary_name(*pair)}")


def _named(settings: Settings, words: str) -> Path:
    """Return the file of an experiment with such a name."""
    name = words.lower()
    slug = "-".join("".join(sign if sign.isalnum() else " " for sign in name).split())
    return settings.folder / EXPERIMENTS / f"{slug}.csv"
