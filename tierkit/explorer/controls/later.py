"""Acting on the first of many quick events at once, then on the latest once they pause."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

WAIT_SECONDS, LONGEST_SECONDS = 0.08, 0.4
"""How long quiet is waited for, and how long at most while one goes on dragging."""

Act = Callable[[], None]


class Later:
    """Does a first act at once, keeps the latest act of each name, does them once events pause.

    A single change is so answered without waiting. Where no event loop runs, as in a plain script,
    all acts are done at once.

    Parameters
    ----------
    wait, longest
        Seconds of quiet to wait for; seconds after which it acts although events go on.
    at_once
        Whether the first event after a pause is acted on without waiting.

    Examples
    --------
    >>> done = []
    >>> Later().soon("capacity", lambda: done.append(15))
    >>> done
    [15]
    """

    def __init__(
        self,
        *,
        wait: float = WAIT_SECONDS,
        longest: float = LONGEST_SECONDS,
        at_once: bool = True,
    ) -> None:
        self._wait, self._longest, self._at_once = wait, longest, at_once
        self._pending: dict[str, Act] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None
        self._acted = -math.inf

    def soon(self, name: str, act: Act) -> None:
        """Do `act` now if all was quiet, else once events pause and if none took its place."""
        self._pending.pop(name, None)
        self._pending[name] = act
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.now()
            return
        if self._at_once and self._timer is None and time.monotonic() - self._acted >= self._wait:
            self.now()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._since = loop.time() if self._since is None else self._since
        waited = loop.time() - self._since
        self._timer = loop.call_later(max(0.0, min(self._wait, self._longest - waited)), self.now)

    def now(self) -> None:
        """Do what is pending."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._since = None, None
        pending, self._pending = self._pending, {}
        for act in pending.values():
            act()
        self._acted = time.monotonic()
