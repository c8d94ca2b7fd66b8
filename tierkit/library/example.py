"""A worked example for the docstrings of the library: sixty accounts, a deal each quarter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from tierkit.crm import Tables
from tierkit.library._card import Card, fit_card
from tierkit.library._panel import AccountPanel, build_panel
from tierkit.library._tables import tables_from_frames
from tierkit.settings import ModelSettings, Settings

_ACCOUNTS = 60


def example_frames() -> dict[str, pd.DataFrame]:
    """Return accounts and deals: a deal of account n each quarter, of about n × 100."""
    accounts = [f"A{number:03}" for number in range(1, _ACCOUNTS + 1)]
    days = pd.date_range("2022-01-15", "2025-12-31", freq="QS").strftime("%Y-%m-%d")
    rng = np.random.default_rng(7)
    rows = [
        (
            f"{account}-{day}",
            account,
            day,
            round(100 * number * rng.lognormal()),
            rng.random() < 0.5,
        )
        for number, account in enumerate(accounts, 1)
        for day in days
    ]
    columns = ["opportunity_id", "account_id", "close_date", "amount", "is_won"]
    industries = ["Energy" if number % 2 else "Health" for number in range(_ACCOUNTS)]
    made = pd.DataFrame({"account_id": accounts, "industry": industries})
    return {
        "accounts": made.assign(created_date="2022-01-01"),
        "opportunities": pd.DataFrame(rows, columns=columns).assign(created_date="2022-01-01"),
    }


@cache
def example_tables() -> Tables:
    """Return the trusted tables of the example."""
    return tables_from_frames(example_frames())


def quick_settings() -> Settings:
    """Return settings that fit one bag and test at two quarter-ends, for examples."""
    return Settings(model=ModelSettings(bags=1, backtest_quarter_ends=2))


@cache
def example_panel() -> AccountPanel:
    """Return a panel of three criteria as of 2026, with a horizon of two quarters."""
    panel = build_panel(
        example_tables(), "2026-01-01", horizon_quarters=2, settings=quick_settings()
    )
    kept = {"won_revenue_4q", "wins_count_4q", "industry"}
    return panel.without(*(name for name in panel.criteria if name not in kept))


@cache
def example_card() -> Card:
    """Return the card that is fitted to the example."""
    return fit_card(example_panel())
