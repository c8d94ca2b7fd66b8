"""The explorer's panel: what is going on, and four tabs, each redrawn when it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from markupsafe import Markup

from tierkit.explorer.controls.account import AccountControls, CompareControls
from tierkit.explorer.controls.account_list import AccountList
from tierkit.explorer.controls.criteria import CriteriaControls
from tierkit.explorer.controls.labelled import (
    Acting,
    button,
    column,
    page,
    row,
    side_by_side,
    take_away,
)
from tierkit.explorer.controls.tiers import TierControls
from tierkit.explorer.pages.account import account_page
from tierkit.explorer.pages.compare import LIVE_CLASS, compare_page, status
from tierkit.explorer.pages.criteria import criteria_page
from tierkit.explorer.pages.tiers import tiers_page

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

TITLES = ("Criteria", "Tiers", "Account", "Compare")


class Panel:
    """Controls and views of a session.

    Only the tab that is looked at is computed and drawn; a view that cannot be drawn leaves the
    last good one in its place and says why above.

    Parameters
    ----------
    session
        What is explored; it tells the panel of every change.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._acting = Acting(session)
        self._acting.working = self._say
        self._acting.failed = self._show_status
        self._status = widgets.HTML(layout={"width": "100%"})
        self._undo = button("Undo", self._acting.act(session.undo))
        self._redo = button("Redo", self._acting.act(session.redo))
        self._reset = button(
            "Settings as opened",
            self._acting.act(session.reset),
            tooltip="Takes back all changes of settings; overrides stay",
        )
        self._compare = CompareControls(session, self._acting, self._draw_again)
        criteria = CriteriaControls(session, self._acting, self._draw_again)
        self._controls: tuple[Any, ...] = (
            criteria,
            TierControls(session, self._acting),
            AccountControls(session, self._acting),
            self._compare,
        )
        self._draws: tuple[Callable[[], Markup], ...] = (
            lambda: criteria_page(session, criterion=criteria.criterion),
            lambda: tiers_page(session),
            lambda: account_page(session),
            lambda: compare_page(session, against=self._compare.against),
        )
        self._pages = [page(title) for title in TITLES]
        self._lists = {
            TITLES.index(title): AccountList(
                session, self._acting, self._open_account, lambda: self._compare.against
            )
            for title in ("Tiers", "Compare")
        }
        self._stale = [True] * len(TITLES)
        tabs = [
            side_by_side(self._controls_of(place), view) for place, view in enumerate(self._pages)
        ]
        self._tabs = widgets.Tab(tabs, titles=TITLES, selected_index=1)
        self._tabs.observe(lambda _: self._draw(), names="selected_index")
        self.widget = widgets.VBox(
            [row(self._undo, self._redo, self._reset), self._status, self._tabs]
        )
        self.widget.add_class(LIVE_CLASS)
        session.on_change(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the session says now."""
        self._stale = [True] * len(TITLES)
        with self._acting.quietly():
            for controls in self._controls:
                controls.sync()
        self._undo.disabled = not self._session.can_undo
        self._redo.disabled = not self._session.can_redo
        self._draw()
        self._show_status()

    def look_at(self, tab: str) -> None:
        """Bring a tab to the front."""
        self._tabs.selected_index = TITLES.index(tab)

    def close(self) -> None:
        """Take the panel away with all of its controls."""
        take_away(self.widget)

    @property
    def texts(self) -> tuple[str, ...]:
        """The HTML of the status line and of the four views."""
        return (self._status.value, *(view.value for view in self._pages))

    def _draw(self) -> None:
        place = self._tabs.selected_index
        self._session.stage.shows_backtest = place == TITLES.index("Criteria")
        if place is None or not self._stale[place]:
            return
        self._stale[place] = False

        def draw() -> None:
            self._pages[place].value = str(self._draws[place]())
            if place in self._lists:
                self._lists[place].fill()

        self._acting.guarded(draw)

    def _controls_of(self, place: int) -> Any:  # noqa: ANN401
        own = self._controls[place].widget
        return column(own, self._lists[place].widget) if place in self._lists else own

    def _open_account(self) -> None:
        self.look_at("Account")

    def _draw_again(self) -> None:
        self._stale = [True] * len(TITLES)
        self._draw()

    def _show_status(self) -> None:
        self._status.value = str(status(self._session))

    def _say(self, words: str) -> None:
        if words:
            self._status.value = str(status(self._session, working=words))
        else:
            self._show_status()
