"""How far long work is, where a person waits for a notebook's cell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tierkit.reporting.fragment import Fragment, joined, tag

Step = Callable[[str], None]
NOBODY_WAITS = "TIERKIT_NOBODY_WAITS"
"""The variable that a run sets for its kernels: their outputs are the report."""


@contextmanager
def progress_bar(steps: int) -> Iterator[Step]:
    """Show a bar in a notebook, and take it away at the end; elsewhere show nothing.

    Parameters
    ----------
    steps
        How many there are; each call of what is given, with the step's name, begins one.

    Examples
    --------
    >>> with progress_bar(2) as step:
    ...     step("reading")
    ...     step("writing")
    """
    if not _is_watched():
        yield lambda _: None
        return
    from IPython.display import display

    handle = display(_bar(0, steps, "starting"), display_id=True)  # type: ignore[no-untyped-call]
    begun = 0

    def step(words: str) -> None:
        nonlocal begun
        begun += 1
        handle.update(_bar(begun, steps, words))

    try:
        yield step
    finally:
        handle.update(Fragment(""))


def _is_watched() -> bool:
    """Return whether a person sees what a cell shows before it is done."""
    from IPython import get_ipython

    shell = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
    return hasattr(shell, "kernel") and not os.environ.get(NOBODY_WAITS)


def _bar(begun: int, steps: int, words: str) -> Fragment:
    done = max(begun - 1, 0)
    bar = tag("progress", "", value=str(done), max=str(steps), aria_label=words)
    return Fragment(str(tag("p", joined(bar, f" {words} …"))))
