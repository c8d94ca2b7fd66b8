"""The controls of the criteria tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tierkit.criterion_words import plain_name
from tierkit.explorer.controls.bins import BinEditor
from tierkit.explorer.controls.labelled import (
    button,
    choice,
    column,
    html,
    number_slider,
    row,
    take_away,
    text,
    unsqueezed,
)
from tierkit.explorer.pages.parts import note
from tierkit.features import feature_group
from tierkit.rendering import tag

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session

_MOST_WEIGHT = 3.0


class CriteriaControls:
    """One row per criterion, the heaviest first; bins and points; which card is on screen.

    Parameters
    ----------
    session
        What the controls change.
    acting
        How they do it.
    redraw
        Draws the tab again when another criterion is looked at.
    """

    def __init__(self, session: Session, acting: Acting, redraw: Callable[[], None]) -> None:
        self._session, self._acting, self._redraw = session, acting, redraw
        self._rows: dict[str, tuple[Any, Any]] = {}
        self._headings: dict[str, Any] = {}
        self._groups: dict[str, str] = {}
        self._search = text("Find a criterion", hint="revenue, contacts, …", as_typed=True)
        acting.on(self._search, self._find, soon="find a criterion")
        self._list = column()
        self._list.layout.max_height, self._list.layout.overflow = "20em", "hidden auto"
        self._which = choice("Bins of", [("–", "")], value="")
        acting.on(self._which, self._look_at)
        self._bins = BinEditor(session, acting)
        self._off = html()
        self._refit = button(
            "Fit anew without it",
            acting.act(session.refit, working="fitting the card anew"),
            tooltip="Takes as long as the first opening",
        )
        self._start = button(
            "Start a card set by hand",
            acting.act(session.start_rules_card),
            tooltip="Go on with points that people set, starting from the card on screen",
        )
        self._fitted = button("Back to the fitted card", acting.act(session.use_fitted_card))
        self._gate = button(
            "Check the gate",
            acting.act(lambda: (session.check_gate(), None)[1], working="checking the gate"),
            tooltip="Ask, as the quarterly run will, whether the card is better than past revenue",
        )
        self.widget = column(
            self._search,
            self._list,
            column(self._off, self._refit),
            self._which,
            self._bins.widget,
            row(self._gate, self._start, self._fitted),
        )
        self.sync()

    @property
    def criterion(self) -> str:
        """The criterion whose bins are looked at; empty where none is."""
        return self._which.value or ""

    def sync(self) -> None:
        """Show what the session says."""
        names = self._names()
        if [*self._rows] != names:
            self._build(names)
        card = {one.name for one in self._session.card().criteria}
        for name, (checkbox, weight) in self._rows.items():
            checkbox.value = name in card
            weight.disabled = name not in card
            if not self._session.card_is_set_by_hand:
                weight.value = min(self._weight(name), _MOST_WEIGHT)
        self._say_what_is_off()
        self._bins.show(self.criterion)

    def _say_what_is_off(self) -> None:
        off = self._session.off
        spoken = " and ".join(plain_name(name) for name in off)
        self._refit.layout.display = "" if off else "none"
        self._off.value = (
            str(
                note(
                    f"Off: {spoken}. The other factors are those of the fit with it; "
                    "nothing has been fitted anew."
                )
            )
            if off
            else ""
        )

    def _names(self) -> list[str]:
        """Return all criteria by group; groups and criteria that weigh most come first."""
        learned = self._session.basis.learned
        fitted = learned.fitted or learned.past
        heaviest: list[str] = []
        if fitted.criteria:
            weights = fitted.importance().sort_values(ascending=False, kind="stable")
            heaviest = [str(name) for name in weights.index]
        by_hand = [one.name for one in self._session.card().criteria]
        left_out = self._session.settings.features.leave_out
        there = [name for name in self._rows if name not in left_out]  # off the card, but not gone
        names = [*dict.fromkeys([*heaviest, *by_hand, *there])]
        groups = [*dict.fromkeys(map(self._group, names))]
        return sorted(names, key=lambda name: groups.index(self._group(name)))

    def _group(self, name: str) -> str:
        if name not in self._groups:
            self._groups[name] = feature_group(name, self._session.basis.run.settings)
        return self._groups[name]

    def _find(self, typed: Any) -> None:  # noqa: ANN401
        wanted = str(typed).strip().casefold()
        found = set()
        for name, (checkbox, weight) in self._rows.items():
            group = self._group(name)
            texts = (plain_name(name).casefold(), name, group.casefold())
            hit = any(wanted in one for one in texts)
            found |= {group} if hit else set()
            for control in (checkbox, weight):
                control.layout.display = "" if hit else "none"
        for group, heading in self._headings.items():
            heading.layout.display = "" if group in found else "none"

    def _look_at(self, name: Any) -> None:  # noqa: ANN401
        self._bins.show(str(name))
        self._redraw()

    def _build(self, names: list[str]) -> None:
        """Make the rows anew; those of before are closed, so that nothing piles up."""
        old, shown = self._list.children, self.criterion
        self._rows = {name: self._row(name) for name in names}
        self._headings = {}
        shown_rows = []
        for name, pair in self._rows.items():
            group = self._group(name)
            if group not in self._headings:
                self._headings[group] = html()
                self._headings[group].value = str(tag("strong", group))
                shown_rows.append(unsqueezed(self._headings[group]))
            shown_rows.append(unsqueezed(column(*pair)))
        self._list.children = shown_rows
        take_away(*old)
        self._which.options = [("–", ""), *((plain_name(name), name) for name in names)]
        self._which.value = shown if shown in names else ""
        self._find(self._search.value)

    def _row(self, name: str) -> tuple[Any, Any]:
        spoken = plain_name(name)
        checkbox = widgets.Checkbox(
            value=True, description=spoken, tooltip=f"{spoken}: on the card", indent=False,
            layout={"width": "99%"},
        )  # fmt: skip
        weight = number_slider("weight", 1.0, least=0.05, most=_MOST_WEIGHT, step=0.05)
        weight.tooltip = f"weight of {spoken}"
        self._acting.on(checkbox, self._switch(name))
        self._acting.on(weight, self._weigh(name), soon=f"weight {name}")
        return checkbox, weight

    def _switch(self, name: str) -> Callable[[Any], None]:
        def switch(on: Any) -> None:  # noqa: ANN401
            (self._session.turn_on if on else self._session.turn_off)(name)

        return switch

    def _weigh(self, name: str) -> Callable[[Any], None]:
        return lambda value: self._session.set_weight(name, round(float(value), 4))

    def _weight(self, name: str) -> float:
        edits = (one for one in self._session.settings.card.edits if one.criterion == name)
        return next((one.weight for one in edits if one.weight is not None), 1.0)
