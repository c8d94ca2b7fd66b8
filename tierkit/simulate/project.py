"""The `tierkit.toml` that belongs to a simulated CRM."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tierkit.simulate.scenario import Scenario
from tierkit.simulate.tiering import KEEP_BAND

TITLE = "Meridian Software (simulated)"


@dataclass(frozen=True)
class _Entitlement:
    """The touches that every account of a tier gets a quarter, and the hours of each."""

    tier: int
    activity: str
    role: str
    per_quarter: float
    hours: float
    counts: str = ""


ENTITLEMENTS = (
    _Entitlement(1, "account plan", "AE", 1, 8.0),
    _Entitlement(1, "meeting", "AE", 3, 3.0),
    _Entitlement(1, "executive sponsor", "Executive", 1, 3.0, counts="executive meeting"),
    _Entitlement(1, "deep research", "SDR", 1, 6.0),
    _Entitlement(1, "call", "SDR", 3, 0.5),
    _Entitlement(1, "1:1 campaign", "Marketing", 1, 24.0),
    _Entitlement(2, "meeting", "AE", 1, 2.0),
    _Entitlement(2, "three talking points", "SDR", 1, 0.5),
    _Entitlement(2, "call", "SDR", 2, 0.5),
    _Entitlement(2, "industry play", "Marketing", 1, 2.0),
    _Entitlement(3, "programmatic email", "Marketing", 1, 0.1, counts="email"),
)
"""The entitlements of a software company's tiers: all of it for few, an industry's play for some,
programmes for the rest. `counts` names the type under which the CRM records an activity."""

_LABELS = ("Strategic", "Growth", "Standard")

_ROLES = (("AE", 120, 95.0), ("SDR", 260, 48.0), ("Marketing", 400, 62.0), ("Executive", 15, 240.0))
"""Role, hours a person has for tiered accounts in a quarter, cost of an hour."""

_HEAD = """\
# {title}: account tiering settings.
# Relative paths start at this file's folder. `tierkit help settings` explains every key.

[data]
source = "data"                      # folder with the tables as CSV files

[calendar]
fiscal_year_starts = {starts}               # month
currency = "USD"

[target]
horizon_quarters = 4                 # predict won revenue of the next four quarters
revenue_types = {{ "New Business" = "new", "Expansion" = "expansion", "Renewal" = "renewal" }}
measure = "revenue"

[icp]                                # who can be tiered at all
where = ["status not in ['partner', 'competitor']"]
"""

_TAIL = """
[stability]
keep_band = {keep_band}                     # an incumbent stays up to {keep_band} × capacity
min_quarters = 2
max_moves_share = 0.2

[effort]
gross_margin = 0.8                   # what is left of revenue after the cost of what was sold

[engagement]                         # when an account of the last tier is qualified (MQA)
weekly_capacity = {mqas}                  # what the SDR team can take on in a week
points = {{ "web visit" = 1, "content download" = 3, "webinar" = 5, "demo request" = 15 }}

[readiness]                          # what must be known of an account before it is served
required_roles = ["champion", "economic buyer", "technical"]
qualified_stages = ["Qualification", "Proposal", "Negotiation"]

[roi]
outcome_quarters = 1                 # compare what was won while the tier was held
worth_having = "break-even"

[run]
title = "{title}"
reports = "reports"                  # folder
min_group = 5                        # smaller groups are not shown to leadership
"""


def settings_text(scenario: Scenario) -> str:
    """Return the settings file; its capacities are those that the simulated company uses."""
    parts = [_HEAD.format(title=TITLE, starts=scenario.fiscal_year_starts)]
    parts += [_tier_text(tier, scenario) for tier in (1, 2, 3)]
    parts += [
        "\n# Hours are those that a person has for tiered accounts; open deals take the rest.\n"
    ]
    parts += [_role_text(*role, scenario) for role in _ROLES]
    return "".join(
        [
            *parts,
            _TAIL.format(
                title=TITLE, keep_band=KEEP_BAND, mqas=max(1, round(scenario.accounts / 400))
            ),
        ]
    )


def _tier_text(tier: int, scenario: Scenario) -> str:
    lines = ["", "[[tiers]]", f'name = "Tier {tier}"', f'label = "{_LABELS[tier - 1]}"']
    if tier < 3:
        lines.append(f"capacity = {scenario.capacities[tier - 1]}")
    for item in ENTITLEMENTS:
        if item.tier == tier:
            lines += [
                "[[tiers.entitlements]]",
                f'activity = "{item.activity}"',
                f'role = "{item.role}"',
                f"per_quarter = {item.per_quarter}",
                f"hours = {item.hours}",
            ]
            lines += [f'counts = ["{item.counts}"]'] if item.counts else []
    return "\n".join(lines) + "\n"


def _role_text(role: str, hours: int, cost: float, scenario: Scenario) -> str:
    people = math.ceil(1.05 * hours_needed(role, scenario) / hours)
    hours_line = f"hours_per_person = {hours}".ljust(37) + "# a quarter"
    return f"\n[roles.{role}]\npeople = {people}\n{hours_line}\ncost_per_hour = {cost}\n"


def hours_needed(role: str, scenario: Scenario) -> float:
    """Return the hours that the entitlements ask of a role in a quarter."""
    first, second = scenario.capacities
    accounts = {1: first, 2: second, 3: max(0, scenario.accounts - first - second)}
    return sum(
        item.per_quarter * item.hours * accounts[item.tier]
        for item in ENTITLEMENTS
        if item.role == role
    )
