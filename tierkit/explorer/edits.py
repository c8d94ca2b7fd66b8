"""Edits of the card and of the tiers on screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tierkit.criterion_words import plain_name
from tierkit.errors import SettingsError
from tierkit.explorer import card_settings
from tierkit.explorer.in_points import hand_criterion, is_same
from tierkit.explorer.screen import points_to_double
from tierkit.models import BY_HAND
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.explorer.stage import Stage
    from tierkit.models import Card


class CardChanges:
    """Edits of the card on screen; see `Session`.

    Parameters
    ----------
    stage
        Where the changes are shown.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._off: dict[str, dict[str, Any]] = {}

    def turn_off(self, criterion: str) -> None:
        """Take a criterion off the card.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.set_points("log_employees", [0, 3], edges=[4.0])
        >>> explorer.turn_off("log_employees")
        >>> [one.name for one in explorer.card().criteria]
        ['won_revenue_4q']
        """

        def change() -> Settings:
            if self._stage.settings.model.kind == BY_HAND:
                plain = self._stage.settings.model_dump(mode="json", exclude_none=True)
                own = [
                    one for one in plain["card"]["criteria"] if is_same(one["criterion"], criterion)
                ]
                self._off.update((criterion, one) for one in own)
            card = self._stage.view.card if self._stage.card_is_set_by_hand else self._fitted()
            return card_settings.without_criterion(self._stage.settings, criterion, card)

        self._stage.apply(f"{plain_name(criterion)} off", change)

    def turn_on(self, criterion: str) -> None:
        """Put a criterion on the card again, with the points it had.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.set_points("log_employees", [0, 3], edges=[4.0])
        >>> explorer.turn_off("log_employees")
        >>> explorer.turn_on("log_employees")
        >>> [one.name for one in explorer.card().criteria]
        ['won_revenue_4q', 'log_employees']
        """
        self._stage.apply(
            f"{plain_name(criterion)} on",
            lambda: card_settings.with_criterion(
                self._stage.settings, criterion, as_before=self._off.get(criterion)
            ),
        )

    def set_weight(self, criterion: str, weight: float) -> None:
        """Give a criterion more weight (above 1) or less: its factors to the power of `weight`.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.set_weight("won_revenue_4q", 0.5)
        >>> explorer.change.words
        'won revenue (4 quarters): weight 0.5'
        """

        def change() -> Settings:
            if self._stage.card_is_set_by_hand:
                return card_settings.with_hand_weight(self._stage.settings, criterion, weight)
            return card_settings.with_weight(
                self._stage.settings, criterion, weight, self._fitted()
            )

        self._stage.apply(f"{plain_name(criterion)}: weight {weight:g}", change)

    def set_factors(self, criterion: str, factors: Sequence[float]) -> None:
        """Give the bins of a fitted criterion other factors, the missing one last.

        Raises
        ------
        SettingsError
            If no card is fitted, it lacks the criterion, or there is not one factor for each bin.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> example_explorer().set_factors("won_revenue_1q", [0.5, 2.0, 1.0])
        Traceback (most recent call last):
        tierkit.errors.SettingsError: No card is fitted yet: no earlier quarter-end has an outcome.
        """
        self._stage.apply(
            f"{plain_name(criterion)}: factors",
            lambda: card_settings.with_factors(
                self._stage.settings, self._fitted_criterion(criterion), factors
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

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.set_points("employees", [0, 3], edges=[100])
        >>> [one.name for one in explorer.card().criteria]
        ['won_revenue_4q', 'log_employees']
        """

        def change() -> Settings:
            if not self._stage.card_is_set_by_hand:
                raise SettingsError("The card is fitted; start a card set by hand first.")
            return card_settings.with_hand_points(
                self._stage.settings,
                hand_criterion(criterion, points, edges=edges, missing=missing, other=other),
                known=self._stage.basis.learned.panel.criteria,
            )

        self._stage.apply(f"{plain_name(criterion)}: points", change)

    def points_to_double(self) -> float:
        """Return how many points of the card set by hand double predicted revenue.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.points_to_double()
        2.5
        """
        return points_to_double(self._stage.basis, self._stage.settings)

    def start_rules_card(self) -> None:
        """Go on with a card set by hand that starts from the one on screen.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.card_is_set_by_hand
        True
        """
        self._stage.apply(
            "card set by hand",
            lambda: card_settings.by_hand(
                self._stage.settings,
                self._stage.view.card,
                known=self._stage.basis.learned.panel.criteria,
            ),
        )

    def use_fitted_card(self) -> None:
        """Go back to the fitted card, without any edit.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.start_rules_card()
        >>> explorer.use_fitted_card()
        >>> explorer.card_is_set_by_hand
        False
        """
        self._stage.apply("fitted card", lambda: card_settings.fitted(self._stage.settings))

    @property
    def off(self) -> tuple[str, ...]:
        """The criteria that are off the fitted card, which was fitted with them."""
        return card_settings.taken_off(self._stage.settings)

    def refit(self) -> None:
        """Fit the card anew without the criteria that are off; it takes as long as the opening.

        Raises
        ------
        SettingsError
            If no criterion of the fitted card is off.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> example_explorer().refit()
        Traceback (most recent call last):
        tierkit.errors.SettingsError: No criterion of the fitted card is off: nothing to fit anew.
        """
        settings, off = self._stage.settings, self.off

        def change() -> Settings:
            if not off:
                raise SettingsError("No criterion of the fitted card is off: nothing to fit anew.")
            return card_settings.left_out(settings, off)

        self._stage.apply(f"fitted anew without {', '.join(map(plain_name, off))}", change)

    def _fitted(self) -> Card:
        if self._stage.basis.learned.fitted is None:
            raise SettingsError("No card is fitted yet: no earlier quarter-end has an outcome.")
        return self._stage.basis.learned.fitted

    def _fitted_criterion(self, name: str) -> Any:  # noqa: ANN401 (one of the kinds of criteria)
        if self._stage.card_is_set_by_hand:
            raise SettingsError("The card is set by hand; set its points.")
        criteria = self._fitted().criteria
        names = [one.name for one in criteria]
        return criteria[card_settings.place_of(name, names, what="criterion on the card")]


class TierChanges:
    """Edits of the tiers on screen; see `Session`.

    Parameters
    ----------
    stage
        Where the changes are shown.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def set_capacity(self, tier: str, capacity: int | None) -> None:
        """Give a tier another capacity; None lets it take the rest.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> explorer.view.sizes
        {'Tier 1': 2, 'Tier 2': 2}
        """
        words = f"{tier}: capacity {capacity if capacity is not None else 'the rest'}"
        self._stage.apply(
            words, lambda: card_settings.with_capacity(self._stage.settings, tier, capacity)
        )

    def set_size(self, tier: str, rule: str, value: float | None) -> None:
        """Size a tier by another rule: `capacity`, `share`, `line` or `revenue_share`.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_size("Tier 1", "share", 0.75)
        >>> explorer.view.sizes
        {'Tier 1': 3, 'Tier 2': 1}
        """
        words = f"{tier}: {rule.replace('_', ' ')} {value}"
        self._stage.apply(
            words, lambda: card_settings.with_size(self._stage.settings, tier, rule, value)
        )

    def set_keep_band(self, keep_band: float) -> None:
        """Let accounts keep their tier up to rank `keep_band` × capacity.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_keep_band(1.4)
        >>> explorer.settings.stability.keep_band
        1.4
        """
        words = f"keep band {keep_band:g}"
        self._stage.apply(
            words, lambda: card_settings.with_keep_band(self._stage.settings, keep_band)
        )

    def set_value(self, value: str | Mapping[str, float]) -> None:
        """Cut tiers on another value: all revenue, margin, or a weight for each part.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_value({"new": 2.0, "expansion": 1.0})
        >>> explorer.settings.target.weights["new"]
        2.0
        """
        words = f"tiers cut on {value if isinstance(value, str) else 'weighted parts'}"
        self._stage.apply(words, lambda: card_settings.with_value(self._stage.settings, value))

    def set_icp(self, where: Iterable[str]) -> None:
        """Say who can be tiered at all, by rules such as `employees >= 20`.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_icp(["employees >= 50"])
        >>> explorer.view.sizes
        {'Tier 1': 1, 'Tier 2': 1}
        """
        rules = list(where)
        self._stage.apply("ICP filter", lambda: card_settings.with_icp(self._stage.settings, rules))
