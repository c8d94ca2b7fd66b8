"""What is on screen, and how a change gets there: the last good view stays where one fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pandas as pd

from tierkit.errors import TierkitError
from tierkit.explorer.card_settings import without_absent
from tierkit.explorer.learned import gate_key
from tierkit.explorer.placing import Places
from tierkit.explorer.view import Change, Rankings, Snapshot, View, change_between
from tierkit.explorer.writing import overrides_file, overrides_of, write_overrides
from tierkit.models import BY_HAND, FITTED
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.models import Card


@dataclass(frozen=True)
class Gate:
    """What the gate of the quarterly run says of the card on screen.

    Attributes
    ----------
    card_ranks
        Whether the card ranks the accounts; past revenue does otherwise.
    because
        Why, in words.
    card
        The card that the run would use; None where it is the one that was learned at the opening.
    """

    card_ranks: bool
    because: str
    card: Card | None = None


def gate_of(basis: Basis, settings: Settings) -> Gate:
    """Return what the run would do under these settings, by the same function; it takes seconds."""
    from tierkit.runs import fit_model

    learned = basis.learned
    if settings.model.kind == BY_HAND:
        return Gate(card_ranks=True, because="A card set by hand ranks the accounts as it is.")
    if learned.fitted is None or gate_key(settings) == learned.gated:
        return Gate(card_ranks=learned.ranks, because=learned.because)
    choice = fit_model(replace(basis.work, settings=settings, model_file=None), learned.panel)
    ranks = choice.kind == FITTED
    return Gate(ranks, choice.backtest.because, choice.card if ranks else None)


MOST_UNDONE = 100
Result = TypeVar("Result")
Listener = Callable[[], None]


@dataclass(frozen=True)
class State:
    """What undo goes back to: settings, overrides, the gate, and what was changed last."""

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
    shows_backtest
        Whether the backtest is in front of somebody, so that a change says what it did to it; a
        panel knows. Without one (None) it is in front from the first look at it.
    """

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self.errors: list[str] = []
        self.change: Change | None = None
        self.shows_backtest: bool | None = None
        self._listeners: list[Listener] = []
        self._undo: list[State] = []
        self._shown: Snapshot | None = None
        self._gates: dict[str, Gate] = {}
        self._places = Places(
            basis.accounts,
            basis.ids,
            previous=basis.previous.tiers,
            context=basis.context,
        )
        self._rankings = Rankings(basis)
        settings, absent = without_absent(basis.work.settings, basis.learned.panel.criteria)
        self.gaps = (*absent, *basis.gaps)
        self._state = State(
            settings=settings,
            overrides=overrides_of(basis, settings),
            overrides_text=self._read_overrides(),
            gate=self._gate(settings),
            gate_of=gate_key(settings),
        )
        self.view = self._computed(self._state)
        self.errors = [str(gap) for gap in absent]
        self._start = self._state

    @property
    def settings(self) -> Settings:
        """The settings on screen."""
        return self._state.settings

    @property
    def overrides(self) -> pd.DataFrame:
        """The overrides in force."""
        return self._state.overrides

    @property
    def gate(self) -> Gate:
        """What the gate last said of the card."""
        return self._state.gate

    @property
    def gate_is_current(self) -> bool:
        """Whether the gate has seen the card and the capacities that are on screen."""
        return gate_key(self.settings) == self._state.gate_of

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._undo)

    @property
    def card_is_set_by_hand(self) -> bool:
        """Whether the card on screen is one set by hand."""
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
        if not self._undo:
            return
        state = self._undo.pop()
        if state.overrides_text != self._state.overrides_text:
            write_overrides(self.basis, state.settings, state.overrides_text)
        self._show(state, f"undone: {self._state.words}", undo=False)

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
        self._apply("settings as opened", lambda: self._start.settings)

    def check_gate(self) -> Gate:
        """Ask, as the run will, whether the card on screen is better than past revenue.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> print(explorer.check_gate().because)
        No earlier quarter-end has a horizon that is over, so there is nothing to test on.
        """
        gate = self._gate(self.settings)
        state = replace(
            self._state, gate=gate, gate_of=gate_key(self.settings), words="gate checked"
        )
        self._show(state, "the gate was checked", undo=False)
        return gate

    def _apply(self, words: str, change: Callable[[], Settings]) -> None:
        settings = self._guarded(change)
        if settings == self.settings:
            return
        self._show(replace(self._state, settings=settings, words=words), words)

    def _show(self, state: State, words: str, *, undo: bool = True) -> None:
        """Bring a state on screen; where it cannot be computed, the last good view stays."""
        gate = self._gates.get(gate_key(state.settings))
        if gate is not None:
            state = replace(state, gate=gate, gate_of=gate_key(state.settings))
        view = self._guarded(lambda: self._computed(state))
        looked_at = self._looks_at_backtest()
        before = self._snapshot(looked_at=looked_at)
        if undo:
            self._undo = [*self._undo[-MOST_UNDONE + 1 :], self._state]
        self._state, self.view = state, view
        self._shown = None
        self.change = change_between(words, before, self._snapshot(looked_at=looked_at))
        self._tell()

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
        view = self._view(state)
        _ = view.sizes  # what cannot be placed fails here, while the last good view is still there
        return view

    def _view(self, state: State) -> View:
        return View(
            basis=self.basis,
            places=self._places,
            settings=state.settings,
            overrides=state.overrides,
            card_ranks=state.gate.card_ranks,
            rankings=self._rankings,
            card_of_run=state.gate.card if gate_key(state.settings) == state.gate_of else None,
        )

    def _guarded(self, act: Callable[[], Result]) -> Result:
        try:
            found = act()
        except TierkitError as error:
            self._fail(error)
        self.errors = []
        return found

    def _fail(self, error: TierkitError) -> NoReturn:
        self.errors = [str(error)]
        self._tell()
        raise error

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _gate(self, settings: Settings) -> Gate:
        key = gate_key(settings)
        if key not in self._gates:
            self._gates[key] = gate_of(self.basis, settings)
        return self._gates[key]

    def _read_overrides(self) -> str:
        file = overrides_file(self.basis.work.settings)
        return file.read_text(encoding="utf-8-sig") if file.exists() else ""
