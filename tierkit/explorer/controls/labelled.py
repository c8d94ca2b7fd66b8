"""Controls as the panel uses them: each with a visible label and room for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tierkit.errors import TierkitError

if TYPE_CHECKING:
    from tierkit.explorer.session import Session


Widget = Any
_LABEL = {"description_width": "10em"}
_WIDE = {"width": "99%"}


def slider(label: str, value: int, *, most: int, tooltip: str = "") -> Widget:
    """Return a slider of whole numbers from 0."""
    return widgets.IntSlider(
        value=value, min=0, max=max(most, value), description=label, tooltip=tooltip or label,
        style=_LABEL, layout=_WIDE, continuous_update=True,
    )  # fmt: skip


def number_slider(label: str, value: float, *, least: float, most: float, step: float) -> Widget:
    """Return a slider of numbers."""
    return widgets.FloatSlider(
        value=min(max(value, least), most), min=least, max=most, step=step, description=label,
        tooltip=label, style=_LABEL, layout=_WIDE, continuous_update=True, readout_format=".2f",
    )  # fmt: skip


def number(label: str, value: float, *, least: float = 0.0, most: float = 1e15) -> Widget:
    """Return a field for a number."""
    return widgets.BoundedFloatText(
        value=value, min=least, max=most, description=label, tooltip=label, style=_LABEL,
        layout=_WIDE,
    )  # fmt: skip


def text(label: str, *, value: str = "", hint: str = "", as_typed: bool = False) -> Widget:
    """Return a field for text; `as_typed` tells of every letter."""
    return widgets.Text(
        value=value, description=label, placeholder=hint, tooltip=label, style=_LABEL,
        layout=_WIDE, continuous_update=as_typed,
    )  # fmt: skip


def lines(label: str, *, value: str = "", hint: str = "", rows: int = 3) -> Widget:
    """Return a field for several lines of text."""
    return widgets.Textarea(
        value=value, description=label, placeholder=hint, tooltip=label, rows=rows, style=_LABEL,
        layout=_WIDE, continuous_update=False,
    )  # fmt: skip


def choice(label: str, options: Sequence[Any], *, value: object = None) -> Widget:
    """Return a list to choose one from."""
    return widgets.Dropdown(
        options=list(options), value=value, description=label, tooltip=label, style=_LABEL,
        layout=_WIDE,
    )  # fmt: skip


def button(
    label: str, act: Callable[[], None], *, tooltip: str = "", strong: bool = False
) -> Widget:
    """Return a button."""
    made = widgets.Button(
        description=label, tooltip=tooltip or label, button_style="primary" if strong else "",
        layout={"width": "auto"},
    )  # fmt: skip
    made.on_click(lambda _: act())
    return made


def page(label: str) -> Widget:
    """Return the place of a view: its height is kept, so that nothing jumps."""
    made = widgets.HTML(
        value="", tooltip=label, layout={"width": "100%", "min_height": "28em", "overflow": "auto"}
    )
    made.add_class("tierkit-page")
    return made


def html(value: str = "", *, width: str = "auto") -> Widget:
    """Return a place for a sentence."""
    return widgets.HTML(value=value, layout={"width": width})


def column(*children: Widget, width: str = "auto") -> Widget:
    """Return controls one below the other, none of them squeezed where they are many."""
    return widgets.VBox([unsqueezed(child) for child in children], layout={"width": width})


def unsqueezed(control: Widget) -> Widget:
    """Return the control with its own height kept, however many stand in its column."""
    control.layout.flex = "0 0 auto"
    return control


def row(*children: Widget) -> Widget:
    """Return controls beside each other, as many as there is room for."""
    return widgets.HBox([*children], layout={"flex_flow": "row wrap"})


def side_by_side(controls: Widget, view: Widget) -> Widget:
    """Return controls at the left of the view that they change, above it where it is narrow."""
    controls.layout.width = "26em"
    controls.layout.padding = "0 12px 0 0"
    controls.layout.max_height = "44em"
    controls.layout.overflow = "hidden auto"
    view.layout.flex = "1 1 30em"
    return widgets.HBox([controls, view], layout={"flex_flow": "row wrap"})


def take_away(*made: Widget) -> None:
    """Close controls with all that is inside them, their layouts and their styles.

    Closing a control leaves its layout and its style in the kernel, as another one might use them.
    """
    for one in made:
        take_away(*getattr(one, "children", ()))
        for part in ("layout", "style"):
            if one.has_trait(part):
                getattr(one, part).close()
        one.close()


WAIT_SECONDS, LONGEST_SECONDS = 0.08, 0.4
"""Seconds of quiet before a redraw, and the most while one goes on dragging."""


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


Act = Callable[[], None]


DRAG_SECONDS = 1.0
"""Values of one control that follow each other so quickly are one drag, and one step of undo."""


class Drags:
    """Tells which values belong to one drag.

    Parameters
    ----------
    clock
        Gives seconds.

    Examples
    --------
    >>> seconds = iter([0.0, 0.4, 0.8, 5.0, 5.1])
    >>> drags = Drags(lambda: next(seconds))
    >>> [drags.of(name) for name in ("capacity", "capacity", "capacity", "capacity", "band")]
    [1, 1, 1, 2, 3]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._name, self._last, self._number = "", -math.inf, 0

    def of(self, name: str) -> int:
        """Return the number of the drag that a new value of a control belongs to."""
        now = self._clock()
        if name != self._name or now - self._last > DRAG_SECONDS:
            self._number += 1
        self._name, self._last = name, now
        return self._number


class Acting:
    """Runs what controls ask for, one thing at a time.

    Parameters
    ----------
    session
        What the controls change; it keeps the errors.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._quiet = False
        self._drags = Drags()
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
                drag = self._drags.of(soon)
                self.later.soon(soon, lambda: self.guarded(lambda: self._dragged(drag, act, value)))
            else:
                self.later.now()
                self.guarded(lambda: act(value))

        control.observe(changed, names="value")

    def _dragged(self, drag: int, act: Callable[[Any], None], value: Any) -> None:  # noqa: ANN401
        with self._session.stage.one_step(drag):
            act(value)

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
            self._session.stage.errors = [str(error)]
            self.failed()
        except Exception as error:  # a person must see it, whatever it is
            self._session.stage.errors = [
                f"{type(error).__name__}: {error}. This is a fault of tierkit."
            ]
            self.failed()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set the values of controls without acting on them."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
