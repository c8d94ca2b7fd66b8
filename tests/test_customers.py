"""Renewals: which are due, what came of them, what is expected, and what may not be seen."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import leadership_facts
import numpy as np
import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.crm import tables_as_known, tables_from_frames
from tierkit.customers import HORIZON, QUARTER, renewal_outlook
from tierkit.customers.chances import SizeRates
from tierkit.customers.contracts import day_number, read_contracts
from tierkit.customers.due import Dates, renewals_due
from tierkit.customers.expected import DateSpread, drawn_amounts, ranged
from tierkit.customers.purchases import Rhythm
from tierkit.customers.renewed import renewal_outcomes
from tierkit.customers.risk import list_precision
from tierkit.customers.trial import BY_REGRESSION, BY_SIZE, gain_of
from tierkit.dossiers.customers import customer_text
from tierkit.pages import customers_of, slides
from tierkit.pages.customer_words import customer_sentences, renewal_headline, tier_sentence
from tierkit.pages.headings import mail_summary
from tierkit.publishing.gates import read_page
from tierkit.settings import Settings, parse_settings

DAY = date(2026, 1, 1)
CALENDAR = FiscalCalendar()


def contracts_of(*rows):
    """Return tables with contracts written as `account start end value`; a dash is no end."""
    parts = [row.split() for row in rows]
    return tables_from_frames(
        {
            "contracts": pd.DataFrame(
                {
                    "contract_id": [f"K{number}" for number in range(len(parts))],
                    "account_id": [part[0] for part in parts],
                    "start_date": [part[1] for part in parts],
                    "end_date": [None if part[2] == "-" else part[2] for part in parts],
                    "annual_value": [part[3] for part in parts],
                }
            )
        }
    )


def due_at(tables, day=DAY, horizon=4):
    contracts = read_contracts(tables, as_of=day)
    return renewals_due(contracts, Dates.of([day], CALENDAR, horizon=horizon)), contracts


def outcome_of(*rows, day=DAY, today=date(2027, 6, 1)):
    tables = contracts_of(*rows)
    due, _ = due_at(tables_as_known(tables, day), day)
    return renewal_outcomes(due, read_contracts(tables, as_of=today), today=day_number(today))


def test_a_renewal_is_due_in_the_quarter_in_which_its_contract_ends():
    due, _ = due_at(
        contracts_of(
            "A 2025-02-01 2026-02-01 100",  # ends in the quarter
            "B 2025-04-01 2026-04-01 70",  # runs through the quarter's last day: lost in it
            "C 2025-06-01 2026-06-01 50",  # later in the horizon
            "D 2025-01-01 2026-01-01 30",  # has ended on the date itself
            "E 2026-01-02 2026-03-01 20",  # begins later: not known
            "F 2025-06-01 2028-06-01 10",  # beyond the horizon
        )
    )
    found = due.set_index("account_id")["window"].to_dict()
    assert found == {"A": QUARTER, "B": QUARTER, "C": HORIZON}


def test_ends_within_a_month_of_each_other_are_one_renewal():
    due, _ = due_at(
        contracts_of(
            "A 2025-02-01 2026-02-01 100", "A 2025-06-01 2026-02-20 20", "A 2025-06-01 2026-06-01 5"
        )
    )
    assert due.set_index("window")["value"].to_dict() == {QUARTER: 120.0, HORIZON: 5.0}


def test_rows_that_are_no_contracts_are_left_out_by_rule_and_counted():
    contracts = read_contracts(
        contracts_of(
            "A 2025-02-01 2026-02-01 0",
            "A 2025-02-01 2025-01-01 50",
            "A 2025-02-01 - 70",
            "A 2025-03-01 2026-03-01 10",
        ),
        as_of=DAY,
    )
    assert contracts.rows["value"].tolist() == [70.0, 10.0]
    assert {name: many for name, many in contracts.counts.items() if many} == {
        "trial": 1,
        "backwards": 1,
        "endless": 1,
        "overlapping": 1,
    }
    assert len(contracts.sentences()) == 4


@pytest.mark.parametrize(
    ("renewal", "renewed"),
    [
        ("A 2026-02-01 2027-02-01 120", 120.0),  # on the day
        ("A 2025-12-10 2026-12-10 90", 90.0),  # booked early
        ("A 2026-03-10 2027-03-10 80", 80.0),  # booked late
        ("A 2026-04-01 2027-04-01 80", 0.0),  # so late that it is a new contract
        ("A 2025-10-01 2026-10-01 80", 0.0),  # so early that it runs beside
        ("A 2026-01-20 2026-02-20 80", 0.0),  # does not last longer
        ("B 2026-02-01 2027-02-01 120", 0.0),  # another account
    ],
)
def test_a_contract_that_begins_near_an_end_and_lasts_renews_it(renewal, renewed):
    found = outcome_of("A 2025-02-01 2026-02-01 100", renewal)
    first = found[(found["account_id"] == "A") & (found["window"] == QUARTER)]
    assert first["renewed"].tolist() == [renewed]
    assert first["kept"].tolist() == [min(renewed, 100.0)]


def test_one_contract_renews_one_end_only():
    found = outcome_of(
        "A 2025-02-01 2026-02-01 100", "A 2025-03-20 2026-03-20 40", "A 2026-02-01 2027-02-01 100"
    )
    assert found.set_index("value")["renewed"].to_dict() == {100.0: 100.0, 40.0: 0.0}


def test_an_outcome_is_known_only_once_a_late_renewal_could_have_come():
    found = outcome_of("A 2025-02-01 2026-02-01 100", today=date(2026, 3, 17))
    assert not found["is_known"].any()
    assert outcome_of("A 2025-02-01 2026-02-01 100", today=date(2026, 3, 18))["is_known"].all()


def test_without_agreed_ends_all_value_in_force_may_be_lost_in_any_quarter():
    """Ends are written when a customer leaves: those in force have none."""
    rows = ["A 2025-02-01 - 100", "B 2025-02-01 2026-02-01 50", "C 2024-01-01 2025-01-01 9"]
    tables = contracts_of(*rows)
    contracts = read_contracts(tables, as_of=DAY)
    assert not contracts.agreed
    due = renewals_due(contracts, Dates.of([DAY], CALENDAR, horizon=4))
    assert due.groupby("window")["value"].sum().to_dict() == {QUARTER: 150.0, HORIZON: 150.0}
    found = renewal_outcomes(due, contracts, today=day_number(date(2027, 2, 1)))
    assert found.groupby("window")["renewed"].sum().to_dict() == {QUARTER: 100.0, HORIZON: 100.0}


def test_monthly_terms_renew_all_the_time():
    starts = pd.date_range("2025-01-01", "2025-12-01", freq="MS")
    rows = [f"A {day.date()} {(day + pd.offsets.MonthBegin()).date()} 120" for day in starts]
    assert not read_contracts(contracts_of(*rows), as_of=date(2025, 12, 10)).agreed


def company(seed, *, accounts=300, effect=1.5):
    """Return yearly contracts over five years, renewed by a chance that a signal tells of."""
    rng = np.random.default_rng(seed)
    rows, signals = [], []
    for account in range(accounts):
        mood, value = rng.standard_normal(), float(np.exp(rng.normal(3, 1)))
        start = date(2021, 1, 1) + pd.Timedelta(days=int(rng.integers(0, 365)))
        for year in range(5):
            end = start + pd.Timedelta(days=365)
            rows.append((f"{account:03}", start, end, value))
            signals += [(f"{account:03}", start + pd.Timedelta(days=days), "usage", mood)
                        for days in (30, 200, 330)]  # fmt: skip
            if rng.random() > 1 / (1 + np.exp(-(1.6 + effect * mood))) or year == 4:
                break
            start, value = end, value * float(np.exp(rng.normal(0, 0.1)))
    contracts = pd.DataFrame(rows, columns=["account_id", "start_date", "end_date", "annual_value"])
    contracts.insert(0, "contract_id", [f"K{number}" for number in range(len(rows))])
    return tables_from_frames(
        {
            "contracts": contracts,
            "signals": pd.DataFrame(signals, columns=["account_id", "date", "signal", "value"]),
        }
    )


@pytest.fixture(scope="module")
def told():
    return company(1)


def outlook_of(tables, day=date(2025, 1, 1)):
    return renewal_outlook(tables_as_known(tables, day), settings=Settings(), as_of=day)


def test_a_signal_that_tells_of_renewals_ranks_them_and_is_named(told):
    found = outlook_of(told)
    assert found.trial.ranked_by == BY_REGRESSION
    assert found.trial.of_engagement.is_above(0.0)
    assert found.learned.regression.weights["usage_level"] > 0.5


def test_a_signal_that_tells_nothing_leaves_the_simple_rule_in_place():
    """Engagement independent of churn, as in simulated subscriptions without any signal."""
    worlds = [company(seed, accounts=150, effect=0.0) for seed in range(2, 6)]
    trials = [outlook_of(one).trial for one in worlds]
    assert [one.ranked_by for one in trials].count(BY_SIZE) >= 3
    assert sum(one.of_engagement.is_above(0.0) for one in trials) <= 1


def test_nothing_that_comes_later_changes_what_is_expected(told):
    """Contracts that begin later, and measurements after the date, are poisoned."""
    day = date(2025, 1, 1)
    frames = {name: rows.collect().to_pandas() for name, rows in told.frames.items()}
    later = frames["contracts"]["start_date"] > pd.Timestamp(day).date()
    frames["contracts"].loc[later, "annual_value"] = 999
    after = frames["signals"]["date"] >= pd.Timestamp(day).date()
    frames["signals"].loc[after, "value"] = -999.0
    poisoned = renewal_outlook(tables_from_frames(frames), settings=Settings(), as_of=day)
    pd.testing.assert_frame_equal(poisoned.evidence, outlook_of(told).evidence)


def test_too_few_renewals_are_said_and_not_predicted():
    found = outlook_of(contracts_of("A 2024-02-01 2025-02-01 100"))
    assert "fewer than 30" in found.why
    assert found.of(QUARTER)["value"].tolist() == [100.0]


def test_a_source_without_contracts_or_deals_says_what_it_needs():
    found = outlook_of(tables_from_frames({"accounts": pd.DataFrame({"account_id": ["A"]})}))
    assert "contracts" in found.why


def test_eight_in_ten_ranges_hold_what_comes():
    """Renewals whose chances are known: ranges of sums are as wide as chance makes them."""
    rng = np.random.default_rng(5)
    inside, worlds = 0, 60
    for world in range(worlds):
        chance = rng.uniform(0.6, 0.97, 40)
        value = np.exp(rng.normal(3, 1, 40))
        due = pd.DataFrame({"value": value, "chance": chance, "expected": value * chance})
        draws = drawn_amounts(due, pd.Series("A", index=due.index), np.ones(5),
                              DateSpread(0.0, 8), seed=world)["A"]  # fmt: skip
        figure = ranged(float(due["expected"].sum()), draws)
        came = float(value[rng.random(40) < chance].sum())
        inside += figure.low <= came <= figure.high
    assert 0.7 <= inside / worlds <= 0.9


def test_last_years_rates_by_size_are_drawn_to_that_of_all():
    known = pd.DataFrame({"value": [1.0] * 60 + [9.0] * 60, "window": QUARTER, "last_end": 10.0,
                          "renewed": [0.0] * 30 + [1.0] * 90})  # fmt: skip
    chances = SizeRates.learned(known).chance(known)
    assert 0.5 < chances.iloc[0] < 0.75 < chances.iloc[-1] < 1.0


def test_a_regression_that_says_the_same_as_the_rule_gains_nothing():
    tested = pd.DataFrame({"day": [1, 2] * 20, "account_id": range(40), "by_size": 0.8,
                           "by_regression": 0.8, "renewed": [1.0, 0.0] * 20})  # fmt: skip
    assert not gain_of(tested).is_above(0.0)


def test_the_list_is_judged_by_what_was_lost_at_earlier_dates():
    tested = pd.DataFrame(
        {"day": 1.0, "account_id": ["A", "B", "C", "D"], "value": [10.0, 10.0, 10.0, 10.0],
         "chance": [0.2, 0.3, 0.9, 0.9], "first_end": 5.0, "kept": [0.0, 10.0, 0.0, 10.0]}
    )  # fmt: skip
    found = list_precision(tested, length=2, days=[1.0])
    assert found["precision"] == 0.5
    assert found["base_rate"] == 0.5
    assert found["share_of_lost_value"] == 0.5


def test_an_account_that_was_silent_for_longer_than_its_rhythm_is_less_likely_alive():
    rng = np.random.default_rng(3)
    buyers = pd.DataFrame({"account_id": range(200), "earlier": rng.poisson(6, 200) + 1.0,
                           "tenure_days": 700.0, "silent": rng.uniform(0, 600, 200)})  # fmt: skip
    fitted = Rhythm.fitted(buyers)
    alive = fitted.alive(buyers.assign(earlier=6.0).sort_values("silent"))
    assert (alive.diff().dropna() <= 1e-12).all()


def test_continued_buying_stands_in_where_there_are_no_contracts():
    rng = np.random.default_rng(4)
    rows = [(f"{account:03}", date(2022, 1, 1) + pd.Timedelta(days=int(day)), 10.0)
            for account in range(80)
            for day in np.cumsum(rng.exponential(60 + account, 30)) if day < 1095]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["account_id", "close_date", "amount"])
    deals = deals.assign(opportunity_id=[str(n) for n in range(len(deals))], is_won="true")
    found = outlook_of(tables_from_frames({"opportunities": deals}))
    assert (found.basis, found.adds_up) == ("purchases", False)
    assert found.expected_by_account(HORIZON)["expected"].sum() > 0
    assert {"alive", "silence"} <= set(found.evidence)


def known_stub(tier="Tier 1", **row):
    """What a dossier knows of one account, as far as the customer's text may ask for it."""
    settings = parse_settings(
        {
            "tiers": [
                {
                    "name": "Tier 1",
                    "capacity": 1,
                    "entitlements": [
                        {"activity": "meeting", "role": "AE", "per_quarter": 3, "hours": 1.0}
                    ],
                },
                {"name": "Tier 2"},
            ],
            "roles": {"AE": {"people": 1, "hours_per_person": 100}},
        }
    )
    accounts = pd.DataFrame({"name": ["Acme"], "owner": ["Noah Quinn"]}, index=["A"])
    tiers = pd.DataFrame({"tier": [tier], **{key: [value] for key, value in row.items()}},
                         index=["A"])  # fmt: skip
    run = SimpleNamespace(settings=settings, quarter=CALENDAR.parse("2025Q4"))
    return SimpleNamespace(run=run, accounts=accounts, tiers=tiers)


def test_the_text_for_a_customer_says_what_it_gets_and_from_whom():
    text = customer_text(known_stub(), "A")
    assert "meeting with our AE: 3 times a quarter" in text
    assert "Noah Quinn" in text
    assert "31 Mar 2026" in text


def test_the_text_for_a_customer_tells_no_score_rank_reason_or_tier():
    """Whatever the scores, ranks and reasons of all accounts are, the text is the same."""
    one = customer_text(known_stub(score=1.0, rank=1, reasons="revenue ×3", cut_score=9.0), "A")
    other = customer_text(known_stub(score=7.0, rank=99, reasons="like Borealis"), "A")
    assert one == other
    assert not [word for word in ("Tier", "score", "rank", "revenue", "×") if word in one]


def said_of(**row):
    facts = {"currency": "USD", "customers": {"basis": row.pop("basis", "contracts")}}
    tier = {"tier": "Tier 1", "accounts": 15, "accounts_due": 9, "new_and_expansion": 12e6,
            "renewals_due": 31e6, "renewals_expected": 28e6, "at_risk": 1.9e6}  # fmt: skip
    return tier_sentence(facts, tier | row)


def test_parts_of_a_tier_are_said_in_a_sentence():
    start = "Tier 1: $12.0 M new and expansion, $31.0 M"
    assert said_of() == f"{start} renewals due of which $28.0 M expected, $1.9 M at risk."
    assert "bought in as long before of which $28.0 M expected again" in said_of(basis="purchases")
    unknown = said_of(renewals_expected=None, renewals_expected_why="too few", at_risk=None)
    assert unknown == f"{start} renewals due; what comes of it is not predicted: too few."


def test_money_of_few_accounts_is_not_said():
    assert said_of(accounts_due=2) == ""
    assert said_of(accounts=3) == ""


def test_a_page_whose_parts_add_up_says_the_sum_of_what_it_says():
    facts = leadership_facts.sample()
    page = read_page(customers_of(facts).html)
    for whole in ("$12.0 M", "$28.0 M", "$40.0 M", "$21.0 M", "$48.5 M", "$69.5 M"):
        assert whole in page.words


def test_the_page_says_why_expected_and_at_risk_do_not_add_up_to_what_is_due():
    facts = leadership_facts.sample()
    (first, second) = facts["customers"]["parts"]
    for row, at_risk in ((first, 3e6), (second, 2e6)):
        row |= {"at_risk": at_risk, "renewals_expected": 1.05 * (row["renewals_due"] - at_risk)}
    said = (
        "Contracts that renew are expected at 105 % of their old value, as last year's were: "
        "expected and at risk add up to more than is due."
    )
    assert said in customer_sentences(facts)
    for row in (first, second):
        row["renewals_expected"] = row["renewals_due"] - row["at_risk"]
    assert "of their old value" not in " ".join(customer_sentences(facts))


def test_slides_and_mail_say_the_renewals_of_the_page():
    facts = leadership_facts.sample()
    said = "Renewals due in the next four quarters: $53.0 M, of which $48.5 M expected and $3.7 M"
    assert said in mail_summary(facts)
    (slide,) = [one for one in slides.slides(facts) if one.title.startswith(said)]
    assert slide.series["renewals expected"] == (28e6, 20.5e6)
    assert slide.lines[0].startswith("Tier 1: $12.0 M new and expansion, $31.0 M renewals due")


def test_the_sum_of_renewals_is_not_said_where_a_tier_is_not_shown():
    facts = leadership_facts.sample()
    facts["customers"]["parts"][0]["accounts_due"] = 2
    assert renewal_headline(facts) == ""
    assert "Renewals due" not in mail_summary(facts)


def test_a_page_says_what_tiers_are_cut_on_where_it_is_not_predicted_revenue():
    facts = leadership_facts.sample()
    assert "Tiers are cut on" not in read_page(customers_of(facts).html).words
    facts["customers"] |= {"cut_on": "weighted parts",
                           "value": {"new": 1.0, "expansion": 1.0, "renewals": 0.35}}  # fmt: skip
    words = read_page(customers_of(facts).html).words
    assert "The 4 accounts most at risk" not in words  # fewer than are shown
    assert "cut on weighted parts (new × 1, expansion × 1, renewals × 0.35)" in words
