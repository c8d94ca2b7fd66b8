"""Which column of an export says what was won, and which of its values mean what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tierkit.crm.header_words import CLOSED_FLAGS, OUTCOMES, WON_FLAGS, found_header
from tierkit.crm.outcome_words import outcome_of
from tierkit.crm.parsing import FALSE_WORDS, TRUE_WORDS
from tierkit.crm.recognising import SourceFile

_MOST_STAGES = 60


@dataclass(frozen=True)
class Outcomes:
    """What says how deals ended.

    Attributes
    ----------
    source
        What `is_won` is read from: a header, or `WON if CLOSED`; None where nothing tells.
    counts
        The values of that column, with their rows.
    won, lost
        The values that mean so; None where the column holds true and false.
    stage
        The column of stages, where another one tells the outcome.
    """

    source: str | None
    counts: Counter[str] = field(default_factory=Counter)
    won: Sequence[str] | None = None
    lost: Sequence[str] | None = None
    stage: str | None = None
    everything_won: bool = False

    def __post_init__(self) -> None:
        """Judge the values by their words where nobody has."""
        if self.won is None and self.counts:
            judged = {value: outcome_of(value) for value in self.counts}
            object.__setattr__(self, "won", [v for v, won in judged.items() if won])
            object.__setattr__(self, "lost", [v for v, won in judged.items() if won is False])


def outcomes_of(file: SourceFile) -> Outcomes:
    """Return what says how the deals of a file ended.

    A flag for won and one for closed tell it together, since an open deal is not won either. Else
    the column is taken whose values speak of winning and losing in most rows.
    """
    flags = [
        next(
            (h for name in names if (h := found_header((name,), file.headers)) and _flags(file, h)),
            None,
        )
        for names in (WON_FLAGS, CLOSED_FLAGS)
    ]
    won, closed = flags
    if won is not None and closed is not None and won != closed:
        return Outcomes(f"{won} if {closed}")
    if won is not None:
        return Outcomes(won)
    headers = [found_header((name,), file.headers) for name in OUTCOMES]
    scored = [
        (_told(file, header), -place, header)
        for place, header in enumerate(dict.fromkeys(filter(None, headers)))
    ]
    if not scored:
        return Outcomes(None, everything_won=True)
    _, _, header = max(scored)
    named = found_header(("stage", "deal stage", "stage name", "phase"), file.headers)
    stage = named if named != header else header
    return Outcomes(header, file.counts(header), stage=stage)


def _flags(file: SourceFile, header: str) -> bool:
    values = file.values(header)[:_MOST_STAGES]
    known = {*TRUE_WORDS, *FALSE_WORDS}
    return bool(values) and all(value.casefold() in known for value in values)


def _told(file: SourceFile, header: str) -> tuple[bool, int]:
    """Return whether values speak of both ends, and how many rows they tell."""
    counts = dict(list(file.counts(header).items())[:_MOST_STAGES])
    ends = {value: outcome_of(value) for value in counts}
    told = sum(rows for value, rows in counts.items() if ends[value] is not None)
    return set(ends.values()) >= {True, False}, told
