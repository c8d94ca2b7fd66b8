"""Independent pieces of work at the same time: in threads, or in processes of their own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from typing import TypeVar

from tierkit.errors import KernelDiedError
from tierkit.processes import watch_parent, without_folder_on_path

T = TypeVar("T")
Progress = Callable[[int, int], None]
MANY_ROWS = 50_000
"""From here on, threads of work on rows save more than they wait for each other."""

ROWS_WORTH_PROCESSES = 5_000
"""Fits of so many rows, done in processes, save more than these take to start."""

MOST_PROCESSES = 4
"""Each holds a copy of what it works on."""

BESIDE_OTHERS = "TIERKIT_BESIDE_OTHERS"
"""The variable that tells a process to leave the other processors to others."""

_KILLED = (
    "A process beside the kernel was killed, most likely because memory ran out. "
    "Close other programs, or lower model.max_training_rows."
)


def side_by_side(tasks: Iterable[Callable[[], T]], *, threads: int | None = None) -> list[T]:
    """Return what each task gives, in the order of the tasks, whichever ends first.

    Warnings of the tasks are not shown: Python's filters belong to all threads together, so that
    one task cannot silence its own.

    Parameters
    ----------
    tasks
        Each must give the same whatever runs beside it. They are taken as threads become free.
    threads
        How many at a time; as many as there are free processors by default.

    Examples
    --------
    >>> side_by_side([lambda: 1, lambda: 2])
    [1, 2]
    """
    import joblib  # takes long: only to compute

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = joblib.Parallel(n_jobs=threads or free_processors(), prefer="threads")
        return [*run(joblib.delayed(task)() for task in tasks)]


def in_processes(
    tasks: Iterable[Callable[[], T]], *, worth: bool, progress: Progress | None = None
) -> list[T]:
    """Return what each task gives, in the order of the tasks, from at most four processes.

    For work of many small steps in Python, whose threads would wait for each other. What tasks hold
    and give is copied between processes. Linear algebra keeps to one thread, so that results do not
    depend on the machine. Warnings are not shown, as in `side_by_side`.

    Parameters
    ----------
    tasks
        Each must give the same whatever runs beside it.
    worth
        Whether there is enough to do to start processes; otherwise tasks are done one by one, and
        so they are in a process that this function started.
    progress
        Called with the tasks done and their number.

    Raises
    ------
    KernelDiedError
        If a process was killed.

    Examples
    --------
    >>> in_processes([lambda: 1, lambda: 2], worth=False)
    [1, 2]
    """
    asked = [*tasks]
    at_a_time = min(free_processors(), len(asked), MOST_PROCESSES) if worth else 1
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for done, result in enumerate(_results(asked, at_a_time), 1):
            found.append(result)
            if progress is not None:
                progress(done, len(asked))
    return found


def _results(tasks: list[Callable[[], T]], at_a_time: int) -> Iterator[T]:
    """Yield what the tasks give; in processes where more than one is done at a time."""
    import joblib

    if at_a_time <= 1:
        yield from (_alone(task, beside_others=False) for task in tasks)
        return
    run = joblib.Parallel(n_jobs=at_a_time, backend="loky", return_as="generator")
    try:
        with without_folder_on_path():
            yield from run(joblib.delayed(_alone)(task, beside_others=True) for task in tasks)
    except BrokenExecutor as error:
        raise KernelDiedError(_KILLED) from error


def free_processors() -> int:
    """Return how many processors work may use; one in a process that works beside others.

    Examples
    --------
    >>> free_processors() >= 1
    True
    """
    import joblib

    return 1 if os.environ.get(BESIDE_OTHERS) else int(joblib.cpu_count())


def _alone(task: Callable[[], T], *, beside_others: bool) -> T:
    """Do a task with one thread, in a process that was started for such tasks or in this one."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if beside_others:
        os.environ[BESIDE_OTHERS] = "1"
        watch_parent(os.getppid())
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return task()
