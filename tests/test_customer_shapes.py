"""Subscriptions in the shapes of real exports are read as contracts, each by its own rule."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tierkit.crm import read_tables, tables_as_known
from tierkit.customers import QUARTER, renewal_outlook
from tierkit.customers.contracts import read_contracts
from tierkit.customers.trial import BY_SIZE
from tierkit.pages.customer_words import engagement_sentence
from tierkit.settings import read_settings

DAY = date(2025, 1, 1)
DEALS = "opportunity_id,account_id,close_date,amount,is_won\nO1,A000,2024-06-01,10,true\n"


def project(folder, toml, **files):
    (folder / "data").mkdir()
    for name, frame in files.items():
        frame.to_csv(folder / "data" / f"{name}.csv", index=False)
    accounts = pd.DataFrame({"account_id": [f"A{number:03}" for number in range(200)]})
    accounts.to_csv(folder / "data" / "accounts.csv", index=False)
    (folder / "data" / "opportunities.csv").write_text(DEALS)
    (folder / "tierkit.toml").write_text(toml)
    settings = read_settings(folder)
    return tables_as_known(read_tables(settings), DAY), settings


def churned(seed, *, accounts=200, chance=0.04):
    """Months in which accounts began and, perhaps, left; nothing tells who will."""
    rng = np.random.default_rng(seed)
    begun = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 600, accounts), unit="D")
    lasted = pd.to_timedelta(rng.exponential(90 / chance, accounts), unit="D")
    left = (begun + lasted).normalize()
    value = np.round(np.exp(rng.normal(9, 0.8, accounts)))
    return begun, left, value, rng


RAVENSTACK = """
[data.tables]
contracts = "subscriptions.csv"
[data.columns.contracts]
contract_id = "subscription_id"
annual_value = "arr_amount"
[data.columns.signals]
value = "usage_count"
date = "usage_date"
[data.constants.signals]
signal = "usage"
"""


def ravenstack(folder):
    """RavenStack's tables: ends are written on churn, trials are worth 0, usage is noise."""
    begun, left, value, rng = churned(3)
    subscriptions = pd.DataFrame(
        {
            "subscription_id": [f"S{number}" for number in range(200)],
            "account_id": [f"A{number:03}" for number in range(200)],
            "start_date": begun.strftime("%Y-%m-%d"),
            "end_date": pd.Series(left.strftime("%Y-%m-%d")).where(left < pd.Timestamp(DAY)),
            "plan_tier": "Pro",
            "arr_amount": np.where(np.arange(200) < 12, 0, value),
            "is_trial": np.arange(200) < 12,
        }
    )
    days = pd.date_range("2022-06-01", "2024-12-01", freq="60D").strftime("%Y-%m-%d")
    columns = ["account_id", "usage_date", "usage_count"]
    usage = pd.DataFrame([(f"A{number:03}", day, rng.integers(0, 50)) for number in range(200)
                          for day in days], columns=columns)  # fmt: skip
    return project(folder, RAVENSTACK, subscriptions=subscriptions, signals=usage)


def test_subscriptions_whose_ends_are_written_on_churn_may_be_lost_in_any_quarter(tmp_path):
    tables, settings = ravenstack(tmp_path)
    contracts = read_contracts(tables, as_of=DAY)
    assert not contracts.agreed
    assert contracts.counts["trial"] == 12
    found = renewal_outlook(tables, settings=settings, as_of=DAY)
    assert found.of(QUARTER)["value"].sum() == pytest.approx(
        contracts.in_force(20_089)["value"].sum()
    )
    quarter = found.trial.quarter(QUARTER)
    assert (quarter["renewed"] > 0).mean() == pytest.approx(0.96, abs=0.03)
    assert found.trial.ranked_by == BY_SIZE
    assert "independent of renewals" in engagement_sentence(found.trial.of_engagement)


FIVETRAN = """
[data.tables]
contracts = "subscription_item.csv"
[data.columns.contracts]
contract_id = "id"
account_id = "customer_id"
start_date = "current_period_start"
end_date = "current_period_end"
annual_value = "plan_amount"
[data.scale.contracts]
annual_value = 0.12
"""


def _next_month(day):
    return day + pd.offsets.MonthBegin()


def test_monthly_periods_of_stripe_by_fivetran_are_in_force_or_not(tmp_path):
    """One row a month and customer, in cents: 12 / 100 makes a year's money of it."""
    begun, left, _, _ = churned(5, accounts=60)
    rows = [
        (
            f"sub_{account}_{month:%Y%m}",
            f"A{account:03}",
            month,
            month + pd.offsets.MonthBegin(),
            5000,
        )
        for account in range(60)
        for month in pd.date_range("2022-01-01", "2024-12-01", freq="MS")
        if begun[account] <= month < left[account]
    ]
    columns = ["id", "customer_id", "current_period_start", "current_period_end", "plan_amount"]
    frame = pd.DataFrame(rows, columns=columns)
    tables, settings = project(tmp_path, FIVETRAN, subscription_item=frame)
    contracts = read_contracts(tables, as_of=DAY)
    assert not contracts.agreed
    assert contracts.rows["value"].unique().tolist() == [600.0]
    found = renewal_outlook(tables, settings=settings, as_of=date(2024, 10, 1))
    assert (found.trial.quarter(QUARTER)["renewed"] > 0).mean() > 0.85


LEADFORGE = """
[data.tables]
contracts = "subscriptions.csv"
[data.columns.contracts]
contract_id = "subscription_id"
start_date = "subscription_start_at"
end_date = "subscription_end_at"
annual_value = "contract_value"
"""


def test_yearly_subscriptions_with_agreed_ends_are_due_on_them(tmp_path):
    """In leadforge's shape: one subscription a customer, with a start and an agreed end."""
    starts = pd.date_range("2022-01-03", periods=150, freq="7D")
    rows = [
        (f"S{number}_{year}", f"A{number:03}", start + pd.DateOffset(years=year),
         start + pd.DateOffset(years=year + 1), 900)
        for number, start in enumerate(starts)
        for year in range(1 + number % 3)
    ]  # fmt: skip
    columns = ["subscription_id", "account_id", "subscription_start_at", "subscription_end_at",
               "contract_value"]  # fmt: skip
    tables, settings = project(
        tmp_path, LEADFORGE, subscriptions=pd.DataFrame(rows, columns=columns)
    )
    assert read_contracts(tables, as_of=DAY).agreed
    found = renewal_outlook(tables, settings=settings, as_of=DAY)
    ends = found.of(QUARTER)["lead"]
    assert len(ends)
    assert ends.between(1, 90).all()
