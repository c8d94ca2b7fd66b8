"""The explorer's panel: four tabs, redrawn when looked at, and rows that open accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from markupsafe import Markup

from tierkit.explorer.controls.account import AccountControls, CompareControls
from tierkit.explorer.controls.criteria import CriteriaControls
from tierkit.explorer.controls.labelled import (
    Acting,
    button,
    choice,
    column,
    html,
    page,
    row,
    side_by_side,
    take_away,
)
from tierkit.explorer.controls.tiers import TierControls
from tierkit.explorer.pages.account import account_page
from tierkit.explorer.pages.accounts import MOST_LISTED, ROW_HEIGHT, Listed, list_names, listed
from tierkit.explorer.pages.compare import LIVE_CLASS, compare_page, status
from tierkit.explorer.pages.criteria import criteria_page
from tierkit.explorer.pages.parts import note
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
            lambda: compare_page(session),
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
            side_by_side(self._controls[place].widget, self._view_of(place))
            for place in range(len(TITLES))
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

    def _view_of(self, place: int) -> Any:  # noqa: ANN401
        view = self._pages[place]
        return column(view, self._lists[place].widget) if place in self._lists else view

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


_NOBODY = "no account"
_STYLE = (
    f"<style>.{LIVE_CLASS} .lm-TabBar-tabLabel{{color:var(--jp-ui-font-color1)}}"
    ".tierkit-rows{position:relative;overflow:auto hidden;flex:0 0 auto}"
    ".tierkit-rows>.widget-html{margin:0}.tierkit-rows .tierkit-listed tbody th"
    "{text-decoration:underline dotted;text-underline-offset:3px}"
    f".tierkit-openers{{position:absolute;left:0;top:{ROW_HEIGHT}px;width:12em;overflow:visible}}"
    f".tierkit-openers .jupyter-button{{height:{ROW_HEIGHT}px;flex:0 0 {ROW_HEIGHT}px;width:100%;"
    "margin:0;padding:0;color:transparent;background:transparent;border:0;box-shadow:none;"
    "overflow:hidden;white-space:nowrap}"
    ".tierkit-openers .jupyter-button:hover{background:#0072b226}"
    ".tierkit-openers .jupyter-button:focus-visible{outline:2px solid #0072b2;"
    "outline-offset:-2px}</style>"
)


class AccountList:
    """The accounts that move, of a tier or that differ; the name in a row opens its account.

    A button lies over every name, so that the table stays one that can be read and copied.

    Parameters
    ----------
    session
        What is explored.
    acting
        How controls do it.
    opened
        Brings the account tab to the front.
    against
        Tells the scenario that what is on screen is compared with.
    """

    def __init__(
        self,
        session: Session,
        acting: Acting,
        opened: Callable[[], None],
        against: Callable[[], str],
    ) -> None:
        self._session, self._acting = session, acting
        self._opened, self._against = opened, against
        self._listed: Listed | None = None
        self._which = choice("List", [""], value="")
        self._which.layout.width = "30em"
        self._said, self._table = html(), html()
        self._openers = [self._opener(place) for place in range(MOST_LISTED)]
        over = widgets.VBox(self._openers)
        over.add_class("tierkit-openers")
        rows = widgets.Box([self._table, over])
        rows.add_class("tierkit-rows")
        acting.on(self._which, lambda _: self.fill())
        self.widget = column(self._which, self._said, rows)

    def fill(self) -> None:
        """Show what the session says."""
        names = list_names(self._session, against=self._against())
        with self._acting.quietly():
            if [*self._which.options] != names:
                kept = self._which.value
                self._which.options = names
                self._which.value = kept if kept in names else names[0]
        found = listed(self._session, self._which.value, against=self._against())
        how = " A name opens its account." if found.accounts else ""
        self._listed = found
        self._said.value = str(note(f"{found.caption}{'.' if found.total else ''}{how}"))
        self._table.value = f"{_STYLE}{found.table()}"
        for place, opener in enumerate(self._openers):
            self._name(opener, found.names[place] if place < len(found.names) else "")

    def choose(self, name: str) -> None:
        """Bring a list to the front."""
        self._which.value = name

    def _name(self, opener: Any, name: str) -> None:  # noqa: ANN401 (a widget)
        opener.description = name or _NOBODY
        opener.tooltip = f"Open {opener.description}"
        opener.layout.display = "" if name else "none"

    def _opener(self, place: int) -> Any:  # noqa: ANN401 (a widget)
        made = widgets.Button(description=_NOBODY, layout={"display": "none"})
        made.on_click(lambda _: self._acting.guarded(lambda: self._open(place)))
        return made

    def _open(self, place: int) -> None:
        if self._listed is not None and place < len(self._listed.accounts):
            self._session.show_account(self._listed.accounts[place])
            self._opened()
