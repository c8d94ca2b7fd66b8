"""The three questions: which accounts, how much effort, how much revenue and pipeline."""

from __future__ import annotations

from tierkit.reporting.fragment import Fragment, joined, section, tag
from tierkit.reporting.leadership.accounts import which_accounts
from tierkit.reporting.leadership.effort import how_much_effort
from tierkit.reporting.leadership.reading import Facts
from tierkit.reporting.leadership.revenue import how_much_revenue


def three_questions(facts: Facts) -> Fragment:
    """Return the three panels: each one number, one sentence, one small figure."""
    panels = joined(which_accounts(facts), how_much_effort(facts), how_much_revenue(facts))
    return section("questions", tag("h2", "Three questions"), tag("div", panels, class_="panels"))
