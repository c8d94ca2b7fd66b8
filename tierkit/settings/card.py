"""The card in `tierkit.toml`: rules set by hand, and edits of a fitted card."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from tierkit.settings.parts import Part

Name = Annotated[str, Field(min_length=1)]
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LIST, TABLE = "points[list]", "points[table]"
"""Names of the two ways to write points, in problems."""


def _way_of_points(points: Any) -> str:  # noqa: ANN401 (whatever a file may say)
    return TABLE if isinstance(points, dict) else LIST


Points = Annotated[
    Annotated[tuple[Finite, ...], Tag(LIST)] | Annotated[dict[str, Finite], Tag(TABLE)],
    Discriminator(_way_of_points),
]


class CardCriterion(Part):
    """Points of one criterion on a rules card.

    Numbers are cut by `edges` into one bin more; `points` are a list then. Categories have a table
    of points, and `other` for every category that it does not name.
    """

    criterion: Name
    edges: tuple[Finite, ...] = ()
    points: Points
    other: Finite = 0.0
    missing: Finite = 0.0

    @model_validator(mode="after")
    def _bins_have_points(self) -> CardCriterion:
        problems = [*self._of_numbers()] if isinstance(self.points, tuple) else [*self._of_texts()]
        if problems:
            raise ValueError("\n".join(f"{self.criterion}: {problem}" for problem in problems))
        return self

    def _of_numbers(self) -> Iterator[str]:
        if not all(low < high for low, high in pairwise(self.edges)):
            yield "edges must ascend"
        if len(self.points) != len(self.edges) + 1:
            yield (
                f"{len(self.edges)} edges make {len(self.edges) + 1} bins, "
                f"but there are {len(self.points)} points"
            )
        if self.other:
            yield "other is for categories; numbers have points for every bin and for missing"

    def _of_texts(self) -> Iterator[str]:
        if self.edges:
            yield "edges are for numbers, whose points are a list; these are a table of categories"


class CardEdit(Part):
    """One change of a fitted card, in factors: 1 leaves predicted revenue as it is.

    Attributes
    ----------
    remove
        Whether the criterion gives nothing any more.
    weight
        The power that all its factors are raised to: 2 doubles its points, 0.5 halves them.
    highest_factor, lowest_factor
        Limits of all its factors.
    at_least, below, factor
        The factor of all values of a range; an open end where one of the two is absent.
    value, factor
        The factor of one category.
    other, missing
        The factor of the categories without their own, and of unknown values.
    """

    criterion: Name
    remove: bool = False
    weight: Factor | None = None
    highest_factor: Factor | None = None
    lowest_factor: Factor | None = None
    at_least: Finite | None = None
    below: Finite | None = None
    value: Name | None = None
    factor: Factor | None = None
    other: Factor | None = None
    missing: Factor | None = None

    @model_validator(mode="after")
    def _changes_one_thing(self) -> CardEdit:
        if problems := [*self._problems()]:
            raise ValueError("\n".join(f"{self.criterion}: {problem}" for problem in problems))
        return self

    @property
    def is_of_range(self) -> bool:
        """Return whether the edit sets the factor of a range of numbers."""
        return self.at_least is not None or self.below is not None

    def _problems(self) -> Iterator[str]:
        given = [name for name, value in self if value and name != "criterion"]
        places = self.is_of_range + (self.value is not None)
        if not (given or places):
            yield (
                "the edit changes nothing; say remove, weight, highest_factor, factor, other or "
                "missing"
            )
        if self.remove and (len(given) > 1 or places):
            yield "a removed criterion has no factor left to change"
        if places != (self.factor is not None):
            yield "factor needs one place: at_least, below or both, or else value"
        if None not in (self.at_least, self.below) and not self.at_least < self.below:  # type: ignore[operator]
            yield f"at_least {self.at_least:g} is not below {self.below:g}"
        if None not in (self.lowest_factor, self.highest_factor) and (
            self.lowest_factor > self.highest_factor  # type: ignore[operator]
        ):
            yield "lowest_factor is above highest_factor"


class CardSettings(Part):
    """A card set by hand, or what is changed of a fitted one."""

    criteria: tuple[CardCriterion, ...] = ()
    points_to_double: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    edits: tuple[CardEdit, ...] = ()

    @model_validator(mode="after")
    def _criteria_are_named_once(self) -> CardSettings:
        names = [one.criterion for one in self.criteria]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"criteria: named twice: {', '.join(twice)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the card's settings name, once."""
        criteria, edits = ([one.criterion for one in part] for part in (self.criteria, self.edits))
        return tuple(dict.fromkeys([*criteria, *edits]))
