"""The explorer without its controls: everything that can be clicked is a method here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierkit.explorer.account import AccountLookup
from tierkit.explorer.edits import CardChanges, TierChanges
from tierkit.explorer.scenarios import Scenarios
from tierkit.explorer.stage import Stage

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.account import AccountView
    from tierkit.explorer.basis import Basis
    from tierkit.explorer.gaps import Gap
    from tierkit.explorer.learned import Gate
    from tierkit.explorer.view import Change, View
    from tierkit.settings import Settings


class Session:
    """A project under exploration.

    Each method that changes something either shows the new view or raises, keeps the last good
    view and leaves the error in `errors`. Nothing reaches the project's files but by
    `write_settings` and the overrides. The methods are those of the parts that it is made of.

    Parameters
    ----------
    basis
        What is explored.

    Attributes
    ----------
    stage
        What is on screen.
    """

    def __init__(self, basis: Basis) -> None:
        self.stage = stage = Stage(basis)
        self.tiers, self.card, self.on_change = stage.tiers, stage.card, stage.on_change
        self.undo, self.redo, self.reset = stage.undo, stage.redo, stage.reset
        self.check_gate = stage.check_gate
        tiers = TierChanges(stage)
        self.set_capacity, self.set_size = tiers.set_capacity, tiers.set_size
        self.set_keep_band, self.set_icp = tiers.set_keep_band, tiers.set_icp
        self.set_value = tiers.set_value
        card = CardChanges(stage)
        self.turn_off, self.turn_on, self.refit = card.turn_off, card.turn_on, card.refit
        self._card = card
        self.set_weight, self.set_factors = card.set_weight, card.set_factors
        self.set_points, self.points_to_double = card.set_points, card.points_to_double
        self.start_rules_card = card.start_rules_card
        self.use_fitted_card = card.use_fitted_card
        self._accounts = accounts = AccountLookup(stage)
        self.find_accounts, self.show_account = accounts.find_accounts, accounts.show_account
        self.set_override = accounts.set_override
        self.remove_override = accounts.remove_override
        self._scenarios = scenarios = Scenarios(stage)
        self.save_scenario, self.load_scenario = scenarios.save_scenario, scenarios.load_scenario
        self.delete_scenario, self.differing = scenarios.delete_scenario, scenarios.differing
        self.snapshots = scenarios.snapshots
        self.settings_text = scenarios.settings_text
        self.settings_difference = scenarios.settings_difference
        self.write_settings = scenarios.write_settings

    @property
    def basis(self) -> Basis:
        """The project under exploration."""
        return self.stage.basis

    @property
    def settings(self) -> Settings:
        """The settings on screen."""
        return self.stage.settings

    @property
    def overrides(self) -> pd.DataFrame:
        """The overrides in force."""
        return self.stage.state.overrides

    @property
    def view(self) -> View:
        """Everything that follows from the settings on screen."""
        return self.stage.view

    @property
    def change(self) -> Change | None:
        """The effect of the last change; None before the first."""
        return self.stage.change

    @property
    def errors(self) -> list[str]:
        """Problems of the last change, in words; empty where it succeeded."""
        return self.stage.errors

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Gaps of the views, and what would fill them."""
        return self.stage.gaps

    @property
    def gate(self) -> Gate:
        """The last verdict of the gate on the card."""
        return self.stage.state.gate

    @property
    def gate_is_current(self) -> bool:
        """True where the gate has seen the card and the capacities that are on screen."""
        return self.stage.gate_is_current

    @property
    def can_undo(self) -> bool:
        """True where there is a change to take back."""
        return self.stage.can_undo

    @property
    def can_redo(self) -> bool:
        """True where there is a change to make again."""
        return self.stage.can_redo

    @property
    def card_is_set_by_hand(self) -> bool:
        """True where the card on screen is one set by hand."""
        return self.stage.card_is_set_by_hand

    @property
    def off(self) -> tuple[str, ...]:
        """The criteria that are off the fitted card, which was fitted with them."""
        return self._card.off

    @property
    def account(self) -> str:
        """The id of the account that is looked at; empty where none is."""
        return self._accounts.account

    @property
    def shown_account(self) -> AccountView | None:
        """The account that is looked at, under the settings on screen; None where none is."""
        return self._accounts.shown_account

    @property
    def scenarios(self) -> dict[str, Settings]:
        """Saved settings by name."""
        return self._scenarios.scenarios

    @property
    def written(self) -> str:
        """The lines of `tierkit.toml` that were changed last; empty where none were."""
        return self._scenarios.written
