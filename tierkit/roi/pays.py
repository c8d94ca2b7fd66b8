"""What the upper tier of a boundary costs more, and the effect from which it pays."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tierkit.roi.measures import Numbers, unsaid
from tierkit.serving import PLANNED
from tierkit.settings import Settings
from tierkit.words import share


@dataclass(frozen=True)
class Pays:
    """From which effect an upper tier pays.

    Attributes
    ----------
    break_even, worth_having
        Shares; None where they are not known, with the reason in `why`.
    extra_cost, margin
        Money per account and quarter, 0 where it is not known; what is left of revenue.
    basis
        Which cost it is.
    """

    break_even: float | None
    worth_having: float | None
    why: str = ""
    extra_cost: float = 0.0
    margin: float = 1.0
    basis: str = PLANNED

    @property
    def terms(self) -> str:
        """On which cost, and at which margin, in words."""
        kept = "" if self.margin == 1 else f", {share(self.margin)} of revenue kept"
        return f"{self.basis}{kept}"

    def facts(self) -> Numbers:
        """Return what `facts.json` says of it."""
        values = {"worth_having": self.worth_having, "break_even": self.break_even}
        said: Numbers = {}
        for key, value in values.items():
            said |= unsaid((key,), self.why) if value is None else {key: value}
        return said | {"break_even_basis": self.basis, "break_even_margin": self.margin}


def pays_from(name: str, table: pd.DataFrame, settings: Settings) -> Pays:
    """Return from which effect the upper tier of a boundary pays.

    Parameters
    ----------
    table
        As `tierkit.serving.cost.break_even` returns it.
    """
    asked = settings.roi.worth_having
    wanted = None if asked == "break-even" else float(asked)
    if name not in table.index:
        return Pays(None, wanted, "the cost of this boundary is not known")
    row = table.loc[name]
    even = row["break_even"]
    extra = row.get("extra_cost")
    return Pays(
        even.value,
        even.value if wanted is None else wanted,
        even.why,
        extra_cost=_known(None if extra is None else extra.value),
        margin=_known(row.get("margin")) or 1.0,
        basis=str(row.get("basis", PLANNED)),
    )


def _known(value: object) -> float:
    """Return a number; 0 where it is not known or negative."""
    return float(value) if isinstance(value, float | int) and value > 0 else 0.0
