"""What a control does: the session acts, errors show, nothing is swallowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tierkit.errors import TierkitError
from tierkit.explorer.controls.later import Later

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

Act = Callable[[], None]


class Acting:
    """Runs what controls ask for, one thing at a time.

    Parameters
    ----------
    session
        Where errors are kept.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._quiet = False
        self.later = Later()
        self.working: Callable[[str], None] = lambda _: None
        self.failed: Act = lambda: None

    def on(self, control: Any, act: Callable[[Any], None], *, soon: str = "") -> None:  # noqa: ANN401
        """Act on every new value of a control; `soon` waits until values of that name pause."""

        def changed(event: dict[str, Any]) -> None:
            if self._quiet:
                return
            value = event["new"]
            if soon:
                self.later.soon(soon, lambda: self.guarded(lambda: act(value)))
            else:
                self.later.now()
                self.guarded(lambda: act(value))

        control.observe(changed, names="value")

    def act(self, act: Act, *, working: str = "") -> Act:
        """Return what a button does."""

        def pressed() -> None:
            self.later.now()
            if working:
                self.working(f"{working} …")
            self.guarded(act)
            self.working("")

        return pressed

    def guarded(self, act: Act) -> None:
        """Act; an error stays on the panel until the next change that succeeds."""
        try:
            act()
        except TierkitError as error:
            self._session.errors = [str(error)]
            self.failed()
        except Exception as error:  # a person must see it, whatever it is
            self._session.errors = [f"{type(error).__name__}: {error}. This is a fault of tierkit."]
            self.failed()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set the values of controls without acting on them."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
