"""Rules are comparisons, never code, and unknown values leave them unknown."""

from __future__ import annotations

import pandas as pd
import pytest

from tierkit.errors import SettingsError
from tierkit.settings.rules import Rule

ACCOUNTS = pd.DataFrame(
    {"employees": [50.0, 5.0, None], "country": ["US", None, "DE"]}, index=["a", "b", "c"]
)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("employees >= 20", [True, False, None]),
        ("country in ['US', 'DE']", [True, None, True]),
        ("country not in ['US']", [False, None, True]),
        ("employees >= 20 or country == 'DE'", [True, None, True]),
        ("employees >= 20 and country == 'DE'", [False, False, None]),
        ("not employees >= 20", [False, True, None]),
        ("employees is None", [False, False, True]),
        ("country is not None", [True, False, True]),
    ],
)
def test_logic_is_three_valued(text, met):
    found = Rule(text).evaluate(ACCOUNTS)
    assert [None if pd.isna(value) else bool(value) for value in found] == met


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "employees.__class__ == 1",
        "(lambda: 1)() == 1",
        "employees >= open('x')",
        "employees > 1 > 0",
        "1 == 1",
        "employees",
        "",
        "employees >= ",
        "employees in 5",
        "employees == [1]",
        "employees is 5",
        "a" * 3000,
        "(" * 500 + "employees > 1" + ")" * 500,
        "employees == '\x00'",
    ],
)
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(SettingsError, match="rule"):
        Rule(text)


def test_a_comparison_of_text_with_a_number_is_refused():
    with pytest.raises(SettingsError, match="country holds text"):
        Rule("country >= 5").evaluate(ACCOUNTS)


def test_an_unknown_column_is_named_with_those_there_are():
    with pytest.raises(SettingsError, match="no column region; there are country, employees"):
        Rule("region == 'EMEA'").evaluate(ACCOUNTS)
