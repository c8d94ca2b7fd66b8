"""Independent pieces of work in threads: fits and resampling spend their time in compiled code."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
MANY_ROWS = 50_000
"""From here on, threads of work on rows save more than they wait for each other."""


def side_by_side(tasks: Iterable[Callable[[], T]], *, threads: int | None = None) -> list[T]:
    """Return what each task gives, in the order of the tasks, whichever ends first.

    Warnings of the tasks are not shown: Python's filters belong to all threads together, so that
    one task cannot silence its own.

    Parameters
    ----------
    tasks
        Each must give the same whatever runs beside it. They are taken as threads become free.
    threads
        How many at a time; as many as there are processors by default.

    Examples
    --------
    >>> side_by_side([lambda: 1, lambda: 2])
    [1, 2]
    """
    import joblib  # takes long: only to compute

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = joblib.Parallel(n_jobs=threads or os.cpu_count() or 1, prefer="threads")
        return [*run(joblib.delayed(task)() for task in tasks)]
