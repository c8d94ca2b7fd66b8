"""`Figure`: a number with its range and count, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, SupportsFloat

Spell = Callable[[float], str]
SpellRange = Callable[[float, float], str]


@dataclass(frozen=True)
class Figure:
    """A number that can be said, or the reason why it cannot.

    Attributes
    ----------
    value
        The number, always finite; None where there is none. Whole numbers stay whole.
    low, high
        The ends of its range, both or neither; the number lies inside.
    count
        How many cases it rests on, where that is known.
    why
        Why there is no number or, beside a number, why it has no range.

    Raises
    ------
    ValueError
        Where the number is not finite, lies outside its range, has one end of a range alone, or
        where there is neither a number nor a reason.

    Examples
    --------
    >>> Figure(0.23, 0.1, 0.4, count=31).facts("share", low="share_low", high="share_high")
    {'share': 0.23, 'share_low': 0.1, 'share_high': 0.4}
    >>> Figure.unknown("no role has a cost").facts("cost")
    {'cost': None, 'cost_why': 'no role has a cost'}
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    why: str = ""

    def __post_init__(self) -> None:
        """Check that the number can be said and lies inside its range."""
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, _finite(name, getattr(self, name)))
        if self.value is None and not self.why.strip():
            raise ValueError("a figure needs a number or the reason why there is none")
        if (self.low is None) is not (self.high is None):
            raise ValueError(f"a range needs both ends; found {self.low!r} to {self.high!r}")
        if self.low is None or self.high is None:
            return
        if self.value is None or not self.low <= self.value <= self.high:
            raise ValueError(
                f"{self.value!r} lies outside its range, {self.low!r} to {self.high!r}"
            )

    @classmethod
    def of(
        cls,
        value: object,
        why: str = "",
        *,
        low: object = None,
        high: object = None,
        count: int | None = None,
    ) -> Self:
        """Return the figure of what a computation gave: what is missing there is unknown here.

        Parameters
        ----------
        value, low, high
            Numbers; None, NaN, NA and infinities are missing. A range with one end missing is none,
            nor is one that does not hold the number, unless by rounding alone.
        why
            The reason where `value` is missing or, beside a value, its range.

        Examples
        --------
        >>> Figure.of(float("nan"), "too few accounts")
        Figure(value=None, low=None, high=None, count=None, why='too few accounts')
        >>> Figure.of(3.0, "no range", low=1.0, high=float("nan"))
        Figure(value=3.0, low=None, high=None, count=None, why='no range')
        """
        if not _is_known(value):
            return cls(None, count=count, why=why or "it cannot be computed")
        if not (_is_known(low) and _is_known(high)):
            return cls(_number(value), count=count, why=why)
        number, lower, upper = _number(value), _number(low), _number(high)
        if math.isclose(number, lower, rel_tol=1e-9, abs_tol=1e-12):
            lower = min(lower, number)
        if math.isclose(number, upper, rel_tol=1e-9, abs_tol=1e-12):
            upper = max(upper, number)
        if not lower <= number <= upper:
            return cls(number, count=count, why=why or "its range does not hold it")
        return cls(number, lower, upper, count=count)

    @classmethod
    def unknown(cls, why: str, *, count: int | None = None) -> Self:
        """Return the figure that has no number, for this reason."""
        return cls(None, count=count, why=why)

    @classmethod
    def read(cls, facts: Mapping[str, Any], key: str, *, low: str = "", high: str = "") -> Self:
        """Return the figure that stands in facts under `key`, its ends under `low` and `high`.

        Examples
        --------
        >>> Figure.read({"low": 1, "cost": 2, "high": 3}, "cost", low="low", high="high").high
        3
        >>> Figure.read({"cost": None, "cost_why": "no role has a cost"}, "cost").why
        'no role has a cost'
        >>> Figure.read({}, "cost").why
        'not computed in this run'
        """
        value, ends = facts.get(key), (facts.get(low), facts.get(high))
        keys = (low, high) if _is_known(value) else (key,)
        reasons = (str(facts.get(f"{name}_why") or "") for name in keys)
        why = next(filter(None, reasons), "" if _is_known(value) else "not computed in this run")
        return cls.of(value, why, low=ends[0], high=ends[1])

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return self.value is not None

    @property
    def has_range(self) -> bool:
        """Whether there is a number with a range."""
        return self.low is not None

    def is_above(self, bar: float) -> bool:
        """Return whether the whole range lies above `bar`; never without a range.

        Examples
        --------
        >>> Figure(0.02, 0.005, 0.03).is_above(0), Figure(0.02, -0.01, 0.03).is_above(0)
        (True, False)
        """
        return self.low is not None and self.low > bar

    def is_below(self, bar: float) -> bool:
        """Return whether the whole range lies below `bar`; never without a range."""
        return self.high is not None and self.high < bar

    def map(self, rising: Callable[[float], float]) -> Figure:
        """Return the figure on another scale, given by a function that never falls.

        Examples
        --------
        >>> Figure(2.0, 1.0, 4.0, count=9).map(lambda value: value * 10)
        Figure(value=20.0, low=10.0, high=40.0, count=9, why='')
        """
        value, low, high = (
            None if one is None else rising(one) for one in (self.value, self.low, self.high)
        )
        return Figure(value, low, high, self.count, self.why)

    def times(self, factor: float) -> Figure:
        """Return the figure times a factor of 0 or more."""
        return self.map(lambda value: value * factor)

    @classmethod
    def total(cls, figures: Iterable[Figure]) -> Figure:
        """Return the sum of figures without ranges; unknown where one of them is.

        Examples
        --------
        >>> Figure.total([Figure(1.0), Figure(2.0)]).value
        3.0
        >>> Figure.total([Figure(1.0), Figure.unknown("no role has a cost")]).why
        'no role has a cost'
        """
        parts = [*figures]
        unknown = next((one for one in parts if not one.is_known), None)
        return unknown or cls(sum(one.value for one in parts if one.value is not None))

    def facts(self, key: str, *, low: str = "", high: str = "") -> dict[str, Any]:
        """Return how it stands in `facts.json`: each number, or null with `<key>_why` beside it.

        Parameters
        ----------
        key
            The key of the number.
        low, high
            The keys of the ends of its range; empty where they are not stated.

        Examples
        --------
        >>> Figure(3, why="too few to tell").facts("cost", low="low", high="high")["low_why"]
        'too few to tell'
        """
        stated = {key: self.value, **({low: self.low} if low else {})}
        stated |= {high: self.high} if high else {}
        why = self.why or "no range is known"
        return {
            name: part
            for name, value in stated.items()
            for name, part in ((name, value), *([(f"{name}_why", why)] if value is None else []))
        }

    def effect(self) -> dict[str, Any]:
        """Return how an effect stands in `facts.json`: `estimate`, `low`, `high`."""
        return self.facts("estimate", low="low", high="high")

    def numbers(self) -> tuple[float, float, float]:
        """Return value, low and high to compute with; NaN where there is none."""
        value, low, high = (
            math.nan if one is None else one for one in (self.value, self.low, self.high)
        )
        return value, low, high

    def say(self, spell: Spell, spell_range: SpellRange | None = None) -> str:
        """Return the number in words, with its range in brackets, or why there is none.

        Parameters
        ----------
        spell
            The number in words, for example `tierkit.words.share`.
        spell_range
            The range in words, for example `tierkit.words.signed_range`; left out, or where there
            is no range, the number stands alone.

        Examples
        --------
        >>> Figure(0.5, 0.4, 0.6).say("{:.0%}".format, "{:.0%} to {:.0%}".format)
        '50% (40% to 60%)'
        >>> Figure.unknown("too few accounts").say("{:.0%}".format)
        'too few accounts'
        """
        if self.value is None:
            return self.why
        if spell_range is None or self.low is None or self.high is None:
            return spell(self.value)
        return f"{spell(self.value)} ({spell_range(self.low, self.high)})"

    def say_range(self, spell_range: SpellRange) -> str:
        """Return the range in words, or why there is none."""
        if self.low is None or self.high is None:
            return self.why
        return spell_range(self.low, self.high)


def _finite(name: str, value: object) -> float | None:
    if value is None:
        return None
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, found {value!r}")
    return number


def _number(value: object) -> float:
    """Return a number of Python's own; whole numbers stay whole."""
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        raise ValueError(f"a figure is a number, found {value!r}")  # noqa: TRY004 (one error)
    return value if isinstance(value, int) else float(value)


def _is_known(value: object) -> bool:
    return isinstance(value, SupportsFloat) and math.isfinite(float(value))
