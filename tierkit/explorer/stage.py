"""The stage: the settings and the view on screen; the last good view stays where a change fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, TypeVar

from tierkit.crm import text_of
from tierkit.errors import TierkitError
from tierkit.explorer.card_settings import without_absent
from tierkit.explorer.learned import Gate, gate_key, gate_of
from tierkit.explorer.view import Change, Snapshot, View, change_between
from tierkit.explorer.writing import (
    change_overrides,
    merged_overrides,
    overrides_file,
    overrides_of,
)
from tierkit.models import BY_HAND

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.basis import Basis
    from tierkit.models import Card
    from tierkit.settings import Settings


MOST_UNDONE = 100
Result = TypeVar("Result")
Listener = Callable[[], None]


@dataclass(frozen=True)
class State:
    """A state that undo goes back to: settings, overrides, gate, and the words of the change."""

    settings: Settings
    overrides: pd.DataFrame
    overrides_text: str
    gate: Gate
    gate_of: str
    words: str = ""


class Stage:
    """The settings on screen, the view that follows from them, and the way back.

    Parameters
    ----------
    basis
        What is explored.

    Attributes
    ----------
    view
        What follows from the settings on screen.
    errors
        What is wrong with the last change, in words; empty where it succeeded.
    change
        What the last change did; None before the first.
    gaps
        What cannot be shown, and what would make it possible.
    shows_backtest
        Whether the backtest is in front of somebody, so that a change says what it did to it; a
        panel knows. Without one (None) it is in front from the first look at it.
    """

    def __init__(self, basis: Basis) -> None:
        self.errors: list[str] = []
        self.change: Change | None = None
        self.shows_backtest: bool | None = None
        self._listeners: list[Listener] = []
        self._undo: list[State] = []
        self._redo: list[State] = []
        self._step: object = None
        self._last_step: object = None
        self._before_step: Snapshot | None = None
        self._shown: Snapshot | None = None
        self._gates: dict[str, Gate] = {}
        self._bases = {basis.run.settings.features: basis}
        settings, absent = without_absent(basis.run.settings, basis.learned.panel.criteria)
        self.gaps = (*absent, *basis.gaps)
        self.state = State(
            settings=settings,
            overrides=overrides_of(basis, settings),
            overrides_text=text_of(overrides_file(basis.run.settings)),
            gate=self._gate(settings),
            gate_of=gate_key(settings),
        )
        self.view = self._computed(self.state)
        self.errors = [str(gap) for gap in absent]
        self._start = self.state

    @property
    def basis(self) -> Basis:
        """The basis on screen, whose card is fitted without the criteria that are left out."""
        return self._basis_of(self.settings)

    @property
    def settings(self) -> Settings:
        """The settings on screen."""
        return self.state.settings

    @property
    def gate_is_current(self) -> bool:
        """True where the gate has seen the card and the capacities that are on screen."""
        return gate_key(self.settings) == self.state.gate_of

    @property
    def can_undo(self) -> bool:
        """True where there is a change to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """True where there is a change to make again."""
        return bool(self._redo)

    @property
    def card_is_set_by_hand(self) -> bool:
        """True where the card on screen is one set by hand."""
        return self.settings.model.kind == BY_HAND

    def tiers(self) -> pd.DataFrame:
        """Return one row per account with a rank or a tier, best first, as a run would.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.tiers()["tier"].to_dict()
        {'A1': 'Tier 1', 'B2': 'Tier 2', 'C3': 'Tier 2', 'D4': 'Tier 2'}
        """
        return self.view.tiers

    def card(self) -> Card:
        """Return the card that the settings on screen make."""
        return self.view.card

    def on_change(self, listener: Listener) -> None:
        """Call `listener` after every change of what is on screen."""
        self._listeners.append(listener)

    @contextmanager
    def one_step(self, step: object) -> Iterator[None]:
        """Make changes that undo takes back together with those just before of the same step.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> for capacity in (2, 3, 4):
        ...     with explorer.stage.one_step("a drag"):
        ...         explorer.set_capacity("Tier 1", capacity)
        >>> explorer.undo()
        >>> explorer.view.sizes["Tier 1"], explorer.can_undo
        (1, False)
        """
        self._step = step
        try:
            yield
        finally:
            self._step = None

    def undo(self) -> None:
        """Take the last change back; an override leaves `overrides.csv` again.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> explorer.undo()
        >>> explorer.view.sizes["Tier 1"]
        1
        """
        if self._undo:
            state = self.guarded(lambda: self._with_overrides_of(self._undo[-1]))
            self._redo.append(self._go_to(state, f"undone: {self.state.words}"))
            self._undo.pop()
            self.tell()

    def redo(self) -> None:
        """Make the change again that undo has taken back.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> explorer.undo()
        >>> explorer.redo()
        >>> explorer.view.sizes["Tier 1"], explorer.can_redo
        (2, False)
        """
        if self._redo:
            state = self.guarded(lambda: self._with_overrides_of(self._redo[-1]))
            self._undo.append(self._go_to(state, f"made again: {state.words}"))
            self._redo.pop()
            self.tell()

    def reset(self) -> None:
        """Go back to the settings that were opened; overrides stay.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_keep_band(1.4)
        >>> explorer.reset()
        >>> explorer.settings.stability.keep_band
        1.25
        """
        self.apply("settings as opened", lambda: self._start.settings)

    def check_gate(self) -> Gate:
        """Ask, as the run will, whether the card on screen is better than past revenue.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> print(explorer.check_gate().because)
        No earlier quarter-end has a horizon that is over, so there is nothing to test on.
        """
        key = gate_key(self.settings)
        if self.card_is_set_by_hand:
            self._gates[key] = gate_of(self.basis, self.settings, by_hand=True)
        gate = self._gate(self.settings)
        self.show(replace(self.state, gate=gate, gate_of=key), "the gate was checked", undo=False)
        return gate

    def apply(self, words: str, change: Callable[[], Settings]) -> None:
        """Bring changed settings on screen; nothing happens where they are the same."""
        settings = self.guarded(change)
        if settings == self.settings:
            self.tell()
            return
        self.show(replace(self.state, settings=settings, words=words), words)

    def show(self, state: State, words: str, *, undo: bool = True) -> None:
        """Bring a state on screen; where it cannot be computed, the last good view stays."""
        again = self._step is not None and self._step == self._last_step
        start = self._before_step if again else None
        left = self._go_to(state, words, before=start)
        if undo:
            if not again:
                self._undo = [*self._undo[-MOST_UNDONE + 1 :], left]
            self._redo = []
            self._last_step = self._step
        self.tell()

    def _go_to(self, state: State, words: str, *, before: Snapshot | None = None) -> State:
        """Bring a state on screen and return the one that it takes the place of."""
        state = self.guarded(lambda: self._with_known_gate(state))
        view = self.guarded(lambda: self._computed(state))
        looked_at = self._looks_at_backtest()
        before = before or self._snapshot(looked_at=looked_at)
        left, self.state, self.view = self.state, state, view
        self._last_step, self._before_step, self._shown = None, before, None
        self.change = change_between(words, before, self._snapshot(looked_at=looked_at))
        return left

    def _with_overrides_of(self, state: State) -> State:
        """Return a state once `overrides.csv` holds its overrides, and those of others."""
        shown, wanted = self.state.overrides_text, state.overrides_text
        if shown == wanted:
            return state
        overrides, text = change_overrides(
            self.basis,
            state.settings,
            lambda text: merged_overrides(text, shown=shown, wanted=wanted),
        )
        return replace(state, overrides=overrides, overrides_text=text)

    def _with_known_gate(self, state: State) -> State:
        """Return the state with what the gate says of it, where that is known already."""
        key = gate_key(state.settings)
        known = key in self._gates or key == self._basis_of(state.settings).learned.gated
        if not known:
            return state
        return replace(state, gate=self._gate(state.settings), gate_of=key)

    def _looks_at_backtest(self) -> bool:
        if self.shows_backtest is None:
            return "backtest" in vars(self.view)
        return self.shows_backtest

    def _snapshot(self, *, looked_at: bool) -> Snapshot:
        """Return what is on screen as numbers; with captures where the backtest was looked at."""
        if self._shown is None or bool(self._shown.captures) != looked_at:
            self._shown = Snapshot.of(self.view, with_captures=looked_at)
        return self._shown

    def _computed(self, state: State) -> View:
        view = self.view_of(state)
        _ = view.sizes  # what cannot be placed fails here, while the last good view is still there
        return view

    def view_of(self, state: State) -> View:
        """Return what follows from a state, without bringing it on screen."""
        is_current = gate_key(state.settings) == state.gate_of
        return View(
            basis=self._basis_of(state.settings),
            settings=state.settings,
            overrides=state.overrides,
            card_ranks=state.gate.card_ranks,
            card_of_run=state.gate.card if is_current else None,
            tested_by_run=state.gate.tested if is_current else None,
        )

    def guarded(self, act: Callable[[], Result]) -> Result:
        """Act; what goes wrong stays in `errors` until something succeeds."""
        try:
            found = act()
        except TierkitError as error:
            self.fail(error)
        self.errors = []
        return found

    def fail(self, error: TierkitError) -> NoReturn:
        """Say what is wrong, and raise it."""
        self.errors = [str(error)]
        self.tell()
        raise error

    def tell(self) -> None:
        """Tell everybody that asked of a change."""
        for listener in self._listeners:
            listener()

    def _gate(self, settings: Settings) -> Gate:
        key = gate_key(settings)
        if key not in self._gates:
            self._gates[key] = gate_of(self._basis_of(settings), settings)
        return self._gates[key]

    def _basis_of(self, settings: Settings) -> Basis:
        """Return what is explored, fitted anew where other criteria are left out."""
        if settings.features not in self._bases:
            first = next(iter(self._bases.values()))
            self._bases[settings.features] = first.fitted_anew(settings)
        return self._bases[settings.features]
