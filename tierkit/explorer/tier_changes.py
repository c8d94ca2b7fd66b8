"""Changes of the tiers on screen: sizes, keep band, who can be tiered at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tierkit.explorer import card_settings

if TYPE_CHECKING:
    from tierkit.explorer.stage import Stage


class TierChanges:
    """What can be done with the tiers; see `Session`.

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
