"""A figure is a number that can be said, or the reason why it cannot."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tierkit.figure import Figure
from tierkit.words import share, signed_range, signed_share

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
@pytest.mark.parametrize("name", ["value", "low", "high"])
def test_what_is_not_finite_is_no_figure(name, value):
    numbers = {"value": 1.0, "low": 0.0, "high": 2.0, name: value}
    with pytest.raises(ValueError, match=f"{name} must be a finite number"):
        Figure(**numbers)


def test_the_number_lies_inside_its_range():
    with pytest.raises(ValueError, match=r"3\.0 lies outside its range, 0\.0 to 2\.0"):
        Figure(3.0, 0.0, 2.0)


def test_a_range_has_both_ends():
    with pytest.raises(ValueError, match="both ends"):
        Figure(1.0, low=0.5)


def test_no_number_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Figure(None, why=" ")


def test_a_truth_value_is_no_number():
    with pytest.raises(ValueError, match="True"):
        Figure(value=True)


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, pd.NaT, math.inf, np.float32("nan")])
def test_what_a_computation_misses_is_unknown(value):
    assert Figure.of(value, "too few") == Figure.unknown("too few")


def test_whole_numbers_stay_whole_and_numpy_numbers_become_python_ones():
    assert type(Figure.of(3).value) is int
    assert type(Figure.of(np.float32(0.5)).value) is float


@given(st.lists(finite, min_size=3, max_size=3).map(sorted))
def test_facts_are_read_back_as_they_were_written(numbers):
    low, value, high = numbers
    written = Figure(value, low, high)
    assert Figure.read(written.effect(), "estimate", low="low", high="high") == written


@given(st.none() | finite, finite, st.booleans())
def test_every_null_in_facts_stands_beside_its_reason(value, high, ranged):
    ends = {"low": high, "high": high} if ranged else {}
    figure = Figure.of(value if not ranged or value is None else high, "too few", **ends)
    facts = figure.effect()
    assert all(facts[f"{key}_why"] for key in [*facts] if facts[key] is None)
    assert not [key for key in facts if key.endswith("_why") and facts[key[:-4]] is not None]


def test_in_a_sentence():
    effect = Figure(0.12, -0.05, 0.55)
    assert effect.say(signed_share, signed_range) == "+12 % (−5 % to +55 %)"
    assert Figure(0.31).say(share, signed_range) == "31 %"
    assert Figure.unknown("no role has hours").say(share, signed_range) == "no role has hours"


def test_only_a_range_lies_above_or_below():
    assert not Figure(3.0).is_above(0)
    assert Figure(-2.0, -3.0, -1.0).is_below(0)


def test_a_range_that_rounding_moved_past_the_number_is_widened():
    third = 0.1 + 0.2
    assert Figure.of(third, low=0.1, high=0.3).high == third
