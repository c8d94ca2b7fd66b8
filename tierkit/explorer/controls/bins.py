"""The bins of one criterion as a table to be edited: where each begins, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tierkit.criterion_words import LOG, plain_name
from tierkit.errors import SettingsError, TierkitError
from tierkit.explorer.controls.labelled import button, column, html, row, take_away
from tierkit.explorer.in_points import natural_edges, natural_name
from tierkit.explorer.pages.parts import note, warning
from tierkit.models import Criterion, NumericCriterion

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session


@dataclass(frozen=True)
class _Field:
    """A field for a number, and the exact number that its text was made from."""

    control: Any
    shown: str
    exact: float

    @classmethod
    def of(cls, label: str, value: float | None, *, digits: int = 6) -> _Field:
        shown = "" if value is None else f"{value:.{digits}g}"
        control = widgets.Text(
            value=shown, description=label, tooltip=label, continuous_update=True,
            style={"description_width": "5em"}, layout={"width": "11em"},
        )  # fmt: skip
        return cls(control, shown, math.nan if value is None else value)

    @property
    def is_empty(self) -> bool:
        return not str(self.control.value).strip()

    def number(self) -> float:
        """Return the number; the exact one where the text is as it was shown.

        Raises
        ------
        SettingsError
            If it is no number.
        """
        text = str(self.control.value).strip()
        if text == self.shown:
            return self.exact
        try:
            found = float(text.replace(",", ""))
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise SettingsError(f"{text!r} is no number." if text else "A number is missing.")
        return found


@dataclass(frozen=True)
class _Bin:
    """One row: where the bin begins or what it is called, what it gives, what is wrong with it."""

    begins: _Field | None
    category: str
    gives: _Field
    wrong: Any

    def refuse(self, why: str) -> None:
        self.wrong.value = str(warning(why))


class BinEditor:
    """A row per bin of one criterion, in the units of what it measures.

    What makes no sense is refused beside its field, and the text stays.

    Parameters
    ----------
    session
        What is changed.
    acting
        How controls do it.
    """

    def __init__(self, session: Session, acting: Acting) -> None:
        self._session = session
        self._bins: list[_Bin] = []
        self._of: tuple[object, ...] = ()
        self._title, self._said, self._table = html(), html(), column()
        self._more = button("Add a bin", self._add, tooltip="A row for one more bin")
        self._set = button("Set bins", acting.act(self._apply))
        self.widget = column(self._title, self._table, row(self._set, self._more), self._said)
        self.show("")

    def show(self, name: str) -> None:
        """Show the bins of a criterion on the card; what is being typed is not touched."""
        shown = next((one for one in self._session.card().criteria if one.name == name), None)
        asked = (name, shown, self._session.card_is_set_by_hand)
        if asked == self._of:
            return
        self._of = asked
        self.widget.layout.display = "none" if shown is None else ""
        self._said.value = ""
        self._fill(shown)

    @property
    def _criterion(self) -> Criterion | None:
        return self._of[1] if len(self._of) > 1 else None  # type: ignore[return-value]

    def _fill(self, shown: Criterion | None) -> None:
        old, self._bins = self._table.children, []
        if shown is not None:
            by_hand = self._session.card_is_set_by_hand
            self._title.value = str(note(_title(shown, by_hand=by_hand)))
            self._more.layout.display = "" if by_hand else "none"
            self._bins = self._made(shown, by_hand=by_hand)
        self._table.children = [_as_row(one) for one in self._bins]
        take_away(*old)

    def _made(self, shown: Criterion, *, by_hand: bool) -> list[_Bin]:
        amounts = self._amounts(shown)
        what = "points" if by_hand else "factor"
        edges = [0.0, *natural_edges(shown)] if isinstance(shown, NumericCriterion) else []
        found = []
        for place, (words, amount) in enumerate(zip(shown.bins, amounts, strict=True)):
            begins = None
            if by_hand and 0 < place < len(edges):
                begins = _Field.of("from", edges[place])
            found.append(_Bin(begins, words, _Field.of(what, amount, digits=4), html()))
        return found

    def _amounts(self, criterion: Criterion) -> list[float]:
        points = criterion.points_by_bin
        if not self._session.card_is_set_by_hand:
            return [float(one) for one in np.exp(points)]
        worth = np.log(2) / self._session.points_to_double()
        return [round(float(one), 4) for one in points / worth]

    def _add(self) -> None:
        numeric = isinstance(self._criterion, NumericCriterion)
        begins = _Field.of("from" if numeric else "value", None)
        one = _Bin(begins, "", _Field.of("points", None), html())
        place = len(self._bins) - (1 if numeric else 2)
        self._bins.insert(place, one)
        rows = [*self._table.children]
        rows.insert(place, _as_row(one))
        self._table.children = rows

    def _apply(self) -> None:
        shown = self._criterion
        if shown is None:
            return
        for one in self._bins:
            one.wrong.value = ""
        self._said.value = ""
        used = [one for one in self._bins if not _is_left_out(one)]
        numbers = [_number_in(one, one.gives) for one in used]
        begins = _begins(used, shown)
        if any(one.wrong.value for one in used):
            return
        try:
            self._change(shown, used, [float(number or 0.0) for number in numbers], begins)
        except TierkitError as error:
            self._said.value = str(warning(str(error)))
            return
        self._said.value = str(note(f"{plain_name(shown.name).capitalize()}: set."))

    def _change(
        self, shown: Criterion, used: list[_Bin], numbers: list[float], begins: list[float]
    ) -> None:
        session = self._session
        if not session.card_is_set_by_hand:
            session.set_factors(shown.name, numbers)
        elif isinstance(shown, NumericCriterion):
            name = natural_name(shown.name, session.basis.learned.panel.criteria)
            session.set_points(name, numbers[:-1], edges=begins, missing=numbers[-1])
        else:
            names = [one.category or str(one.begins.control.value).strip()  # type: ignore[union-attr]
                     for one in used[:-2]]  # fmt: skip
            points = dict(zip(names, numbers[:-2], strict=True))
            session.set_points(shown.name, points, other=numbers[-2], missing=numbers[-1])


def _title(shown: Criterion, *, by_hand: bool) -> str:
    name = plain_name(shown.name).capitalize()
    if not by_hand:
        return f"{name}: what each bin multiplies predicted revenue by."
    return f"{name}: the points of each bin. A row without any entry is left out."


def _as_row(one: _Bin) -> Any:  # noqa: ANN401
    first = one.begins.control if one.begins else html(str(note(one.category)), width="11em")
    return column(row(first, one.gives.control), one.wrong)


def _is_left_out(one: _Bin) -> bool:
    return one.begins is not None and one.begins.is_empty and one.gives.is_empty


def _number_in(one: _Bin, field: _Field) -> float | None:
    """Return the number of a field, or say beside it what is wrong."""
    try:
        return field.number()
    except SettingsError as error:
        one.refuse(str(error))
        return None


def _begins(used: Sequence[_Bin], shown: Criterion) -> list[float]:
    """Return where bins begin; where one makes no sense, its row says so."""
    if not isinstance(shown, NumericCriterion):
        return []
    found: list[float] = []
    above_zero = shown.name.startswith(LOG)
    for one in used:
        if one.begins is None:
            continue
        edge = _number_in(one, one.begins)
        if edge is None:
            continue
        if above_zero and edge <= 0:
            one.refuse("It must be above 0.")
        elif found and edge <= found[-1]:
            one.refuse(f"It must be above {found[-1]:g}, where the bin before begins.")
        found.append(edge)
    return found
