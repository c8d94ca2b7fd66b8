"""The explorer without its controls: everything that can be clicked is a method here."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from tierkit.errors import SettingsError, TierkitError
from tierkit.explorer import scenario
from tierkit.explorer.absent import without_absent
from tierkit.explorer.account import AccountView, account_view
from tierkit.explorer.change import Change, Snapshot, change_between, differing
from tierkit.explorer.finding import AccountFinder
from tierkit.explorer.gate import Gate, gate_of
from tierkit.explorer.learned import gate_key
from tierkit.explorer.overriding import (
    override_row,
    overrides_file,
    overrides_of,
    write_override,
    write_overrides,
)
from tierkit.explorer.placing import Places
from tierkit.explorer.saved_scenarios import read_scenarios, write_scenarios
from tierkit.explorer.screen import points_to_double
from tierkit.explorer.view import Rankings, View
from tierkit.explorer.writing import difference, settings_text, write_atomically
from tierkit.models.saved import BY_HAND
from tierkit.settings import FILE_NAME, Settings, parse_settings

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.models.card import Card

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


class Session:
    """A project under exploration.

    Each method that changes something either shows the new view or raises, keeps the last good
    view and leaves the error in `errors`. Nothing reaches the project's files but by
    `write_settings` and the overrides.

    Parameters
    ----------
    basis
        What is explored.
    """

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self.errors: list[str] = []
        self.change: Change | None = None
        self.account: str = ""
        self.written: str = ""
        self._listeners: list[Listener] = []
        self._undo: list[State] = []
        self._shown: Snapshot | None = None
        self._account_view: tuple[View, AccountView] | None = None
        self._off: dict[str, dict[str, Any]] = {}
        self._gates: dict[str, Gate] = {}
        self._places = Places(
            basis.accounts,
            basis.ids,
            previous=basis.previous.tiers,
            context=basis.context,
        )
        self._rankings = Rankings(basis)
        self._file_text = self._read_file()
        settings, absent = without_absent(basis.work.settings, basis.learned.panel.criteria)
        self.gaps = (*absent, *basis.gaps)
        self.scenarios = read_scenarios(settings)
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

    # what is on screen

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

    def tiers(self) -> pd.DataFrame:
        """Return one row per account with a rank or a tier, best first, as a run would."""
        return self.view.tiers

    def card(self) -> Card:
        """Return the card that the settings on screen make."""
        return self.view.card

    # tiers

    def set_capacity(self, tier: str, capacity: int | None) -> None:
        """Give a tier another capacity; None lets it take the rest."""
        words = f"{tier}: capacity {capacity if capacity is not None else 'the rest'}"
        self._apply(words, lambda: scenario.with_capacity(self.settings, tier, capacity))

    def set_size(self, tier: str, rule: str, value: float | None) -> None:
        """Size a tier by another rule: `capacity`, `share`, `line` or `revenue_share`."""
        words = f"{tier}: {rule.replace('_', ' ')} {value}"
        self._apply(words, lambda: scenario.with_size(self.settings, tier, rule, value))

    def set_keep_band(self, keep_band: float) -> None:
        """Let accounts keep their tier up to rank `keep_band` × capacity."""
        words = f"keep band {keep_band:g}"
        self._apply(words, lambda: scenario.with_keep_band(self.settings, keep_band))

    def set_icp(self, where: Iterable[str]) -> None:
        """Say who can be tiered at all, by rules such as `employees >= 20`."""
        rules = list(where)
        self._apply("ICP filter", lambda: scenario.with_icp(self.settings, rules))

    # criteria

    def turn_off(self, criterion: str) -> None:
        """Take a criterion off the card."""

        def change() -> Settings:
            if self.settings.model.kind == BY_HAND:
                plain = self.settings.model_dump(mode="json", exclude_none=True)
                own = [one for one in plain["card"]["criteria"] if one["criterion"] == criterion]
                self._off.update((criterion, one) for one in own)
            card = self.view.card if self.card_is_set_by_hand else self._fitted()
            return scenario.without_criterion(self.settings, criterion, card)

        self._apply(f"{criterion} off", change)

    def turn_on(self, criterion: str) -> None:
        """Put a criterion on the card again, with the points it had."""
        self._apply(
            f"{criterion} on",
            lambda: scenario.with_criterion(
                self.settings, criterion, as_before=self._off.get(criterion)
            ),
        )

    def set_weight(self, criterion: str, weight: float) -> None:
        """Give a criterion more weight (above 1) or less: its factors to the power of `weight`."""

        def change() -> Settings:
            if self.card_is_set_by_hand:
                return scenario.with_hand_weight(self.settings, criterion, weight)
            return scenario.with_weight(self.settings, criterion, weight, self._fitted())

        self._apply(f"{criterion}: weight {weight:g}", change)

    def set_factors(self, criterion: str, factors: Sequence[float]) -> None:
        """Give the bins of a fitted criterion other factors, the missing one last."""
        self._apply(
            f"{criterion}: factors",
            lambda: scenario.with_factors(
                self.settings, self._fitted_criterion(criterion), factors
            ),
        )

    def set_points(
        self,
        criterion: str,
        points: Sequence[float] | Mapping[str, float],
        *,
        edges: Sequence[float] = (),
        missing: float = 0.0,
        other: float = 0.0,
    ) -> None:
        """Give a criterion of the card set by hand its bins and points; it may be a new one.

        Parameters
        ----------
        points
            One for each bin between the `edges`, or by category.
        missing, other
            Points where the value is unknown, and of categories without their own.
        """

        def change() -> Settings:
            if not self.card_is_set_by_hand:
                raise SettingsError("The card is fitted; start a card set by hand first.")
            return scenario.with_hand_points(
                self.settings,
                scenario.hand_criterion(
                    criterion, points, edges=edges, missing=missing, other=other
                ),
                known=self.basis.learned.panel.criteria,
            )

        self._apply(f"{criterion}: points", change)

    def points_to_double(self) -> float:
        """Return how many points of the card set by hand double predicted revenue."""
        return points_to_double(self.basis, self.settings)

    def start_rules_card(self) -> None:
        """Go on with a card set by hand that starts from the one on screen."""
        self._apply("card set by hand", lambda: scenario.by_hand(self.settings, self.view.card))

    def use_fitted_card(self) -> None:
        """Go back to the fitted card, without any edit."""
        self._apply("fitted card", lambda: scenario.fitted(self.settings))

    @property
    def card_is_set_by_hand(self) -> bool:
        """Whether the card on screen is one set by hand."""
        return self.settings.model.kind == BY_HAND

    def check_gate(self) -> Gate:
        """Ask, as the run will, whether the card on screen is better than past revenue."""
        gate = self._gate(self.settings)
        state = replace(
            self._state, gate=gate, gate_of=gate_key(self.settings), words="gate checked"
        )
        self._show(state, "the gate was checked", undo=False)
        return gate

    # accounts

    @cached_property
    def _finder(self) -> AccountFinder:
        return AccountFinder(self.basis.accounts)

    def find_accounts(self, text: str) -> list[str]:
        """Return the ids of at most 25 accounts whose name, id or domain holds the text."""
        return self._finder.find(text)

    def show_account(self, account: str) -> AccountView:
        """Look at one account, by id, or by name where only one has it."""
        found = self._guarded(lambda: self._account(self._id_of(account)))
        self.account = found.account
        self._tell()
        return found

    @property
    def shown_account(self) -> AccountView | None:
        """The account that is looked at, under the settings on screen; None where none is."""
        return self._account(self.account) if self.account else None

    def _account(self, account: str) -> AccountView:
        kept = self._account_view
        if kept is None or kept[0] is not self.view or kept[1].account != account:
            kept = (self.view, account_view(self.view, account))
            self._account_view = kept
        return kept[1]

    def set_override(
        self,
        account: str,
        tier: str,
        *,
        reason: str,
        review_on: date | str,
        set_by: str = "",
    ) -> None:
        """Put an account into a tier against the card, signed, in `overrides.csv`."""

        def write() -> State:
            names = [one.name for one in self.settings.tiers]
            scenario.place_of(tier, names, what="tier")
            row = override_row(
                self._id_of(account), tier, reason=reason, review_on=review_on, set_by=set_by
            )
            return self._with_override(row)

        self._write_state(f"override: {account} in {tier}", write)

    def remove_override(self, account: str) -> None:
        """Take an account's override out of `overrides.csv`."""
        row = {"account_id": account, "tier": ""}
        self._write_state(f"override of {account} removed", lambda: self._with_override(row))

    # scenarios

    def save_scenario(self, name: str) -> None:
        """Remember the settings on screen under a name, also for the next time."""
        if not name.strip():
            self._fail(SettingsError("Give the scenario a name."))
        self.scenarios[name.strip()] = self.settings
        write_scenarios(self.settings, self.scenarios)
        self._tell()

    def load_scenario(self, name: str) -> None:
        """Bring a saved scenario on screen."""

        def change() -> Settings:
            scenario.place_of(name, [*self.scenarios], what="scenario")
            return self.scenarios[name]

        self._apply(f"scenario {name}", change)

    def delete_scenario(self, name: str) -> None:
        """Forget a saved scenario."""
        self.scenarios.pop(name, None)
        write_scenarios(self.settings, self.scenarios)
        self._tell()

    def snapshots(self) -> dict[str, Snapshot]:
        """Return what each saved scenario gives, and what is on screen."""
        found = {"on screen": Snapshot.of(self.view, with_captures=True)}
        for name, settings in self.scenarios.items():
            state = replace(self._state, settings=settings)
            found[name] = Snapshot.of(self._view(state), with_captures=True)
        return found

    def differing(self, name: str) -> pd.DataFrame:
        """Return the accounts that have another tier on screen than in a saved scenario."""
        scenario.place_of(name, [*self.scenarios], what="scenario")
        view = self._view(replace(self._state, settings=self.scenarios[name]))
        before = Snapshot.of(view, with_captures=False)
        after = Snapshot.of(self.view, with_captures=False)
        return differing(before, after, ids=self._places.ids)

    def undo(self) -> None:
        """Take the last change back; an override leaves `overrides.csv` again."""
        if not self._undo:
            return
        state = self._undo.pop()
        if state.overrides_text != self._state.overrides_text:
            write_overrides(self.basis, state.settings, state.overrides_text)
        self._show(state, f"undone: {self._state.words}", undo=False)

    def reset(self) -> None:
        """Go back to the settings that were opened; overrides stay."""
        self._apply("settings as opened", lambda: self._start.settings)

    # settings

    def settings_text(self) -> str:
        """Return the text of `tierkit.toml` with the settings on screen, comments kept."""
        stated = parse_settings(tomllib.loads(self._file_text))
        return settings_text(self._file_text, before=stated, after=self.settings)

    def settings_difference(self) -> str:
        """Return which lines of `tierkit.toml` the settings on screen would change."""
        return difference(self._file_text, self.settings_text())

    def write_settings(self) -> Path:
        """Copy what is on screen into `tierkit.toml`; the quarterly run then gives these tiers.

        Raises
        ------
        SettingsError
            If somebody else changed the file since it was opened.
        """
        file = self.settings.folder / FILE_NAME
        if self._read_file() != self._file_text:
            self._fail(
                SettingsError(
                    f"{FILE_NAME} has been changed since it was opened here. Save what is on "
                    "screen as a scenario and open the explorer again."
                )
            )
        if not self.gate_is_current:
            self.check_gate()
        text = self._guarded(self.settings_text)
        self.written = difference(self._file_text, text)
        write_atomically(file, text)
        self._file_text = text
        self._tell()
        return file

    # inside

    def on_change(self, listener: Listener) -> None:
        """Call `listener` after every change of what is on screen."""
        self._listeners.append(listener)

    def _apply(self, words: str, change: Callable[[], Settings]) -> None:
        settings = self._guarded(change)
        if settings == self.settings:
            return
        self._show(replace(self._state, settings=settings, words=words), words)

    def _write_state(self, words: str, write: Callable[[], State]) -> None:
        self._show(replace(self._guarded(write), words=words), words)

    def _with_override(self, row: dict[str, str]) -> State:
        overrides = write_override(self.basis, self.settings, row)
        text = self._read_overrides()
        return replace(self._state, overrides=overrides, overrides_text=text)

    def _show(self, state: State, words: str, *, undo: bool = True) -> None:
        """Bring a state on screen; where it cannot be computed, the last good view stays."""
        gate = self._gates.get(gate_key(state.settings))
        if gate is not None:
            state = replace(state, gate=gate, gate_of=gate_key(state.settings))
        view = self._guarded(lambda: self._computed(state))
        looked_at = "backtest" in vars(self.view)
        before = self._snapshot(looked_at=looked_at)
        if undo:
            self._undo = [*self._undo[-MOST_UNDONE + 1 :], self._state]
        self._state, self.view = state, view
        self._shown = None
        self.change = change_between(words, before, self._snapshot(looked_at=looked_at))
        self._tell()

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

    def _fitted(self) -> Card:
        if self.basis.learned.fitted is None:
            raise SettingsError("No card is fitted yet: no earlier quarter-end has an outcome.")
        return self.basis.learned.fitted

    def _fitted_criterion(self, name: str) -> Any:  # noqa: ANN401 (one of the kinds of criteria)
        if self.card_is_set_by_hand:
            raise SettingsError("The card is set by hand; set its points.")
        criteria = self._fitted().criteria
        names = [one.name for one in criteria]
        return criteria[scenario.place_of(name, names, what="criterion on the card")]

    def _id_of(self, account: str) -> str:
        if account in self.basis.accounts.index:
            return account
        named = self.basis.names.index[self.basis.names == account]
        if len(named) == 1:
            return str(named[0])
        near = self.find_accounts(account)
        hint = f"Did you mean {', '.join(near[:3])}?" if near else "Type a part of its name."
        raise SettingsError(f"no account {account}. {hint}")

    def _read_file(self) -> str:
        file = self.basis.work.settings.folder / FILE_NAME
        return file.read_bytes().decode("utf-8-sig")

    def _read_overrides(self) -> str:
        file = overrides_file(self.basis.work.settings)
        return file.read_text(encoding="utf-8-sig") if file.exists() else ""
