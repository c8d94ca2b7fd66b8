"""The controls of the tiers tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tierkit.explorer.controls.labelled import (
    choice,
    column,
    lines,
    number,
    number_slider,
    slider,
    take_away,
    unsqueezed,
)
from tierkit.explorer.pages.customers import CHOICES
from tierkit.settings import NEW_AND_EXPANSION

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session
    from tierkit.settings import Tier

_RULES = (
    ("capacity", "capacity"),
    ("share of accounts", "share"),
    ("from predicted revenue", "line"),
    ("share of revenue", "revenue_share"),
    ("takes the rest", ""),
)

_VALUES = (*((value, value) for value in CHOICES), ("weights of the settings", ""))


class TierControls:
    """Controls of tier sizes, the keep band and the ICP filter.

    Parameters
    ----------
    session
        What the controls change.
    acting
        How they do it.
    """

    def __init__(self, session: Session, acting: Acting) -> None:
        self._session, self._acting = session, acting
        self._tiers = column()
        self._built: list[str] = []
        self._sizes: list[Any] = []
        self._rules: list[Any] = []
        self._band = number_slider("keep band", 1.0, least=1.0, most=3.0, step=0.05)
        acting.on(
            self._band, lambda value: session.set_keep_band(round(value, 4)), soon="keep band"
        )
        self._icp = lines("ICP: one rule a line", hint="employees >= 20", rows=4)
        acting.on(self._icp, lambda value: session.set_icp(value.splitlines()))
        self._value = choice("tiers are cut on", _VALUES, value=NEW_AND_EXPANSION)
        acting.on(self._value, lambda value: session.set_value(value) if value else None)
        self.widget = column(self._tiers, self._band, self._value, self._icp)
        self.sync()

    def sync(self) -> None:
        """Show what the session says."""
        tiers = self._session.settings.tiers
        rules = [_rule_of(tier) for tier in tiers]
        if rules != self._built:
            self._build(tiers)
        for tier, rule, size in zip(tiers, self._rules, self._sizes, strict=True):
            rule.value = _rule_of(tier)
            if size is not None:
                value = getattr(tier, _rule_of(tier))
                size.max = max(size.max, value)
                size.value = value
        band = self._session.settings.stability.keep_band
        self._band.max = max(self._band.max, band)
        self._band.value = band
        value = self._session.settings.target.value
        self._value.value = value if isinstance(value, str) else ""
        self._icp.value = "\n".join(self._session.settings.icp.where)

    def _build(self, tiers: tuple[Tier, ...]) -> None:
        """Make the controls anew; those of before are closed, so that nothing piles up."""
        take_away(*self._rules, *(size for size in self._sizes if size is not None))
        self._rules = [self._rule(tier) for tier in tiers]
        self._sizes = [self._size(tier) for tier in tiers]
        shown = []
        for rule, size in zip(self._rules, self._sizes, strict=True):
            shown += [rule] if size is None else [rule, size]
        self._tiers.children = [unsqueezed(one) for one in shown]
        self._built = [_rule_of(tier) for tier in tiers]

    def _rule(self, tier: Tier) -> Any:  # noqa: ANN401
        made = choice(f"{tier.name}: sized by", _RULES, value=_rule_of(tier))
        self._acting.on(made, self._change_rule(tier.name))
        return made

    def _size(self, tier: Tier) -> Any:  # noqa: ANN401
        rule = _rule_of(tier)
        if not rule:
            return None
        value = getattr(tier, rule)
        label = f"{tier.name} {rule.replace('_', ' ')}"
        if rule == "capacity":
            most = min(len(self._session.basis.ids), max(60, 3 * value))
            made = slider(label, value, most=most)
            made.add_class(f"tierkit-capacity-{tier.name.replace(' ', '-')}")
        elif rule == "line":
            made = number(label, value)
        else:
            made = number_slider(label, value, least=0.0, most=1.0, step=0.005)
        self._acting.on(made, self._change_size(tier.name, rule), soon=label)
        return made

    def _change_size(self, tier: str, rule: str) -> Callable[[Any], None]:
        return lambda value: self._session.set_size(tier, rule, value)

    def _change_rule(self, tier: str) -> Callable[[Any], None]:
        """Return what sizes the tier by another rule, so that it stays as large as it is."""

        def change(rule: Any) -> None:  # noqa: ANN401
            self._session.set_size(tier, rule or "capacity", self._as_large(tier, rule))

        return change

    def _as_large(self, tier: str, rule: str) -> float | None:
        view = self._session.view
        if rule == "capacity":
            return view.sizes[tier]
        if rule == "share":
            return round(view.sizes[tier] / max(1, int(view.placed.ranked.in_scope.sum())), 4)
        if rule == "revenue_share":
            return round(view.revenue[tier] / max(float(view.money.sum()), 1.0), 4)
        if rule == "line":
            own = view.money[view.placed.levels == view.names.index(tier)]
            return float(f"{np.min(own):.3g}") if len(own) else 1.0
        return None


def _rule_of(tier: Tier) -> str:
    return next(iter(tier.sizes), "")
