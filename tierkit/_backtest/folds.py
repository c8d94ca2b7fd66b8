"""Which rows a tested card learns from, and which it is tested on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from tierkit.calendar import newest, trainable
from tierkit.models import Examples, account_draws, account_ids, rows_at
from tierkit.settings import Settings

_FOLDS = 5


def complete_dates(dates: Sequence[date], as_of: date, settings: Settings) -> tuple[date, ...]:
    """Return the dates whose horizon is over at `as_of`, in order."""
    horizon = settings.target.horizon_quarters
    return tuple(trainable(sorted(set(dates)), as_of, settings.fiscal_calendar, horizon))


def rolling_folds(
    examples: Examples, complete: Sequence[date], settings: Settings
) -> Iterator[tuple[Examples, Examples]]:
    """Yield what was complete at each tested date, and the accounts of that date."""
    horizon = settings.target.horizon_quarters
    known = {day: trainable(complete, day, settings.fiscal_calendar, horizon) for day in complete}
    testable = [day for day in complete if known[day]]
    for day in testable[-settings.model.backtest_quarter_ends :]:
        yield examples.at(known[day]).as_seen_on(day), examples.at([day])


def held_out_folds(
    examples: Examples, complete: Sequence[date], settings: Settings
) -> Iterator[tuple[Examples, Examples]]:
    """Yield the rows of four fifths of the accounts, and the others at the last complete date."""
    last = newest(complete)
    latest = rows_at(examples.values, [last] if last else [])
    ids = account_ids(examples.values)
    draws = account_draws(ids, purpose="folds", seed=settings.model.seed)
    folds = np.floor(draws * _FOLDS).astype(int)
    seen = examples.as_seen_on(last) if last else examples
    for fold in range(_FOLDS):
        tested = latest & (folds == fold)
        if tested.any() and (folds != fold).any():
            yield seen.where(folds != fold), seen.where(tested)
