"""The controls of the criteria tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tierkit.errors import SettingsError
from tierkit.explorer.controls.labelled import (
    button,
    choice,
    column,
    number_slider,
    row,
    take_away,
    text,
    unsqueezed,
)
from tierkit.models import Criterion, NumericCriterion
from tierkit.words import plain_name

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session

_BETWEEN = ";"
_MOST_WEIGHT = 3.0


class CriteriaControls:
    """One row per criterion, bins and points, and which card is on screen.

    Parameters
    ----------
    session
        What the controls change.
    acting
        How they do it.
    """

    def __init__(self, session: Session, acting: Acting) -> None:
        self._session, self._acting = session, acting
        self._rows: dict[str, tuple[Any, Any]] = {}
        self._by_hand: bool | None = None
        self._list = column()
        self._list.layout.max_height, self._list.layout.overflow = "24em", "hidden auto"
        self._which = choice("Bins of", [("–", "")], value="")
        self._edges = text("Bins begin at", hint="100; 500; 2000")
        self._values = text("Points")
        self._unknown = text("Where unknown")
        acting.on(self._which, lambda _: self._fill_bins())
        self._set = button("Set bins and points", acting.act(self._set_bins))
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
            row(self._gate, self._start, self._fitted),
            self._list,
            self._which,
            self._edges,
            self._values,
            self._unknown,
            self._set,
        )
        self.sync()

    def sync(self) -> None:
        """Show what the session says."""
        names = self._names()
        if [*self._rows] != names or self._by_hand != self._session.card_is_set_by_hand:
            self._build(names)
        card = {one.name for one in self._session.card().criteria}
        for name, (checkbox, weight) in self._rows.items():
            checkbox.value = name in card
            weight.disabled = name not in card
            if not self._session.card_is_set_by_hand:
                weight.value = min(self._weight(name), _MOST_WEIGHT)
        self._edges.disabled = not self._session.card_is_set_by_hand
        self._values.description = "Points" if self._session.card_is_set_by_hand else "Factors"
        self._fill_bins()

    def _names(self) -> list[str]:
        learned = self._session.basis.learned
        fitted = learned.fitted or learned.past
        named = [one.name for one in fitted.criteria]
        by_hand = [one.criterion for one in self._session.settings.card.criteria]
        return [*named, *(name for name in by_hand if name not in named)]

    def _build(self, names: list[str]) -> None:
        """Make the rows anew; those of before are closed, so that nothing piles up."""
        old = self._list.children
        self._rows = {name: self._row(name) for name in names}
        self._list.children = [unsqueezed(column(*pair)) for pair in self._rows.values()]
        take_away(*old)
        self._by_hand = self._session.card_is_set_by_hand
        self._which.options = [("–", ""), *((plain_name(name), name) for name in names)]

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

    def _fill_bins(self) -> None:
        name = self._which.value
        shown = next((one for one in self._session.card().criteria if one.name == name), None)
        for field in (self._edges, self._values, self._unknown):
            field.value = ""
        if shown is None:
            return
        amounts = self._amounts(shown)
        self._unknown.value = f"{amounts[-1]:g}"
        if isinstance(shown, NumericCriterion):
            self._edges.value = f"{_BETWEEN} ".join(f"{edge:.6g}" for edge in shown.edges)
            self._values.value = f"{_BETWEEN} ".join(f"{one:.4g}" for one in amounts[:-1])
        else:
            named = zip([*shown.categories, "other"], amounts[:-1], strict=True)
            self._values.value = f"{_BETWEEN} ".join(f"{key}={one:.4g}" for key, one in named)

    def _amounts(self, criterion: Criterion) -> list[float]:
        import numpy as np

        points = criterion.points_by_bin
        if not self._session.card_is_set_by_hand:
            return [float(one) for one in np.exp(points)]
        worth = np.log(2) / self._session.points_to_double()
        return [round(float(one), 4) for one in points / worth]

    def _set_bins(self) -> None:
        name = self._which.value
        if not name:
            raise SettingsError("Choose a criterion first.")
        shown = next((one for one in self._session.card().criteria if one.name == name), None)
        missing = _number(self._unknown.value or "0", "Where unknown")
        if not self._session.card_is_set_by_hand:
            factors = [*_numbers(_after_equals(self._values.value), "Factors"), missing]
            self._session.set_factors(name, factors)
        elif "=" in self._values.value:
            named = _named(self._values.value)
            other = named.pop("other", 0.0)
            self._session.set_points(name, named, missing=missing, other=other)
        else:
            edges = _numbers(self._edges.value, "Bins begin at")
            edges = _exact(edges, shown)
            points = _numbers(self._values.value, "Points")
            self._session.set_points(name, points, edges=edges, missing=missing)


def _exact(edges: list[float], shown: Criterion | None) -> list[float]:
    """Return the edges with those that were shown rounded as they really are."""
    known = shown.edges if isinstance(shown, NumericCriterion) else ()
    by_text = {f"{edge:.6g}": edge for edge in known}
    return [by_text.get(f"{edge:.6g}", edge) for edge in edges]


def _after_equals(written: str) -> str:
    return _BETWEEN.join(part.rpartition("=")[2] for part in written.split(_BETWEEN))


def _named(written: str) -> dict[str, float]:
    pairs = (part.rpartition("=") for part in written.split(_BETWEEN) if part.strip())
    return {name.strip(): _number(value, name.strip()) for name, _, value in pairs}


def _numbers(written: str, label: str) -> list[float]:
    return [_number(part, label) for part in written.split(_BETWEEN) if part.strip()]


def _number(written: str, label: str) -> float:
    try:
        return float(written.strip())
    except ValueError as error:
        raise SettingsError(
            f"{label}: {written.strip()!r} is no number. Write numbers with a semicolon between."
        ) from error
