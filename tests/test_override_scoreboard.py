"""Past overrides stand beside the accounts that they displaced, with counts and a range."""

from datetime import date

import pandas as pd

from tierkit.crm.tables import tables_from_frames
from tierkit.roi._override_scoreboard import NO_HISTORY, override_scoreboard
from tierkit.settings import parse_settings

SETTINGS = parse_settings({"run": {"min_group": 2}})


def tables(history=None):
    """A and B were put into Tier 1 for C and D; E belongs to Tier 2 for the model, too."""
    won = {"A": 100, "B": 60, "C": 10, "D": 30, "E": 5}
    deals = pd.DataFrame({
        "opportunity_id": [f"O{account}" for account in won], "account_id": [*won],
        "created_date": "2026-01-05", "close_date": "2026-02-10", "is_won": "true",
        "amount": [str(amount) for amount in won.values()],
    })  # fmt: skip
    accounts = pd.DataFrame({"account_id": [*won], "created_date": "2025-01-01"})
    frames = {"accounts": accounts, "opportunities": deals}
    return tables_from_frames(frames if history is None else {**frames, "tier_history": history})


HISTORY = pd.DataFrame({
    "account_id": [*"ABCDE"],
    "tier": ["Tier 1", "Tier 1", "Tier 2", "Tier 2", "Tier 2"],
    "model_tier": ["Tier 2", "Tier 2", "Tier 1", "Tier 1", "Tier 2"],
    "overridden": ["true", "true", "false", "false", "false"],
    "start_date": "2026-01-01", "end_date": "2026-04-01",
})  # fmt: skip


def test_raised_accounts_stand_beside_those_they_displaced():
    raised, lowered = override_scoreboard(
        tables(HISTORY), settings=SETTINGS, as_of=date(2026, 4, 1)
    )
    assert raised["overridden"] == {"accounts": 2, "account_windows": 2, "mean": 80.0}
    assert raised["neighbours"] == {"accounts": 2, "account_windows": 2, "mean": 20.0}
    assert raised["difference"]["estimate"] == 60.0
    assert 30.0 <= raised["difference"]["low"] <= 60.0 <= raised["difference"]["high"] <= 90.0
    assert lowered["difference"] is None
    assert lowered["difference_why"] == "too few to say (n = 0)"


def test_a_window_that_is_not_over_does_not_count():
    raised, _ = override_scoreboard(tables(HISTORY), settings=SETTINGS, as_of=date(2026, 3, 31))
    assert raised["overridden"]["accounts"] == 0


def test_without_history_the_reason_is_said():
    raised, _ = override_scoreboard(tables(), settings=SETTINGS, as_of=date(2026, 4, 1))
    assert raised["difference_why"] == NO_HISTORY
