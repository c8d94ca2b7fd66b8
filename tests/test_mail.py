"""The report as plain text for a mail: short, without markup, and only what the facts say."""

from __future__ import annotations

import json
import re

import leadership_facts as companies
import pytest

from tierkit.pages.headings import mail_summary
from tierkit.publishing.gates import MOST_SUMMARY_CHARACTERS

COMPANIES = {
    "sample": companies.sample,
    "small": companies.small,
    "long names": companies.long_names,
    "hostile names": lambda: companies.long_names(companies.HOSTILE),
    "five tiers": lambda: companies.tiers_of(5),
    "shown": lambda: companies.with_designs("shown"),
    "nothing": dict,
}


@pytest.mark.parametrize("name", COMPANIES)
def test_a_summary_is_short_plain_and_ends_with_the_page(name):
    said = mail_summary(COMPANIES[name]())
    assert len(said) <= MOST_SUMMARY_CHARACTERS == 1_500
    assert said.endswith("\n\nThe whole page: leadership.html\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", said)
    assert not re.search(r"\b(None|nan|inf)\b", said)


def test_a_summary_says_what_to_do_and_each_tier_with_its_range():
    lines = mail_summary(companies.sample()).splitlines()
    assert lines[0] == "Northwind Instruments: Account tiers, 2026 Q3 (1 Jul – 30 Sep 2026)"
    assert lines[2].startswith("Keep the present ranking, with corrected amounts")
    assert any("14 accounts change tier: 8 up, 6 down." in line for line in lines)
    assert "Tier 1 (Strategic): 15 accounts, $6.1 M ($4.9–7.4 M) predicted" in lines
    assert any(line.startswith("1. ") for line in lines)


def test_decisions_come_first_and_a_heading_never_stands_alone():
    facts = companies.sample()
    facts["title"] = "A long title of a company, " * 7
    facts["decision"]["because"] = "the card still ranks better than past revenue does, " * 8
    said = mail_summary(facts)
    assert "To decide\n1. Accept the new tiers." in said
    assert "Tier 1 (Strategic)" not in said  # there is no room for all


def test_money_of_a_small_group_is_not_said():
    facts = json.loads(json.dumps(companies.sample()))
    facts["tiers"][0]["accounts"] = 3
    line = next(line for line in mail_summary(facts).splitlines() if line.startswith("Tier 1 ("))
    assert line == "Tier 1 (Strategic): 3 accounts; its money is not shown"
