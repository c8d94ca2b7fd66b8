"""The answers of every feature, found by hand, and what the panel says about what it leaves out."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from datetime import date
from math import log

import pandas as pd
import pytest

from tierkit.crm.tables import Tables
from tierkit.errors import DataError, SettingsError
from tierkit.features import Panel, build_panel, history_start
from tierkit.features.example import example, tables_of
from tierkit.features.registry import FEATURES, describe_feature
from tierkit.settings import Settings, parse_settings

AS_OF = date(2025, 1, 1)
DEALS = "account_id close_date amount is_won; "


def company() -> Tables:
    """Return two accounts, a parent and its subsidiary B, with rows in every table."""
    return tables_of(
        accounts="account_id parent_id industry country segment employees annual_revenue"
        " created_date; A - retail US SMB 100 5000 2024-12-22; B A - DE - - - 2015-01-01",
        opportunities="opportunity_id account_id created_date close_date amount is_won type"
        " revenue_type product;"
        "O1 B 2022-12-01 2023-02-01 100.00 true New new suite;"
        "O2 B 2023-12-01 2024-02-15 300.25 true Upsell expansion suite;"
        "O3 B 2024-09-01 2024-11-16 200.00 true Upsell expansion add-on;"
        "O4 B 2024-09-01 2024-12-31 -50.00 true Upsell expansion add-on;"
        "O5 B 2024-10-01 2024-12-31 900.00 false New new suite;"
        "O6 B 2024-10-01 2024-12-31 80.00 true Renewal renewal suite;"
        "O7 B 2024-12-02 2025-03-01 700.00 true New new suite;"
        "O8 B 2024-12-22 2025-06-01 700.00 - New new suite;"
        "O9 B 2025-01-01 2025-01-05 700.00 true New new other",
        stage_history="opportunity_id changed_date stage amount;"
        "O7 2024-12-02 Proposal 60; O7 2024-12-31 Proposal 65; O7 2025-01-01 Won 700;"
        "O8 2025-01-01 Proposal 700",
        activities="account_id date type direction contact_id minutes;"
        "B 2024-01-01 visit inbound C1 -; B 2024-07-01 visit inbound C2 -;"
        "B 2024-10-01 visit inbound C1 -; B 2024-10-01 call outbound - 30;"
        "B 2024-10-02 email outbound - -; B 2025-01-01 visit inbound C3 -",
        contacts="contact_id account_id created_date role;"
        "C1 B 2024-01-01 user; C2 B 2024-01-01 user; C3 B 2025-01-01 buyer",
        contracts="contract_id account_id start_date end_date annual_value; K1 B 2024-02-15 - 120",
        costs="account_id date amount; B 2024-05-01 12.34; B 2025-01-01 99",
    )


NEVER_BOUGHT = {
    **{f"won_revenue_{window}": 0.0 for window in ("1q", "2q", "4q", "8q", "ever")},
    **{f"wins_count_{window}": 0.0 for window in ("1q", "2q", "4q", "8q", "ever")},
    "won_revenue_growth": None,
    "won_revenue_per_quarter": 0.0,
    "won_amount_mean_ever": None,
    "won_amount_max_ever": None,
    "won_revenue_same_quarter_last_year": 0.0,
    "renewal_revenue_4q": 0.0,
    "products_count_ever": 0.0,
    "active_contract_value": 0.0,
    "days_since_last_won": None,
    "won_gap_median_days": None,
    "days_since_last_won_over_gap": None,
    "tenure_days": 10.0,
    "win_rate_shrunk_8q": None,
    "closed_deals_count_8q": 0.0,
    "open_deals_count": 0.0,
    "open_deals_age_days": None,
    "open_pipeline_amount": 0.0,
    "inbound_count_1q": 0.0,
    "inbound_count_2q": 0.0,
    "inbound_count_4q": 0.0,
    "inbound_contacts_count_4q": 0.0,
    "contacts_count": 0.0,
    "contact_roles_count": 0.0,
    "industry": "retail",
    "country": "US",
    "segment": "SMB",
    "log_employees": log(100),
    "log_annual_revenue": log(5000),
    "parent_won_revenue_4q": 450.25,
    "family_accounts_count": 2.0,
    "outbound_count_4q": 0.0,
    "outbound_minutes_4q": 0.0,
    "spend_4q": 0.0,
}
# 2023-02-01 → 2024-02-15 is 379 days, → 2024-11-16 is 275: the median gap is 327 days.
# Growth: 450.25 in the last year, 100 in the one before; typical is half of 550.25.
BOUGHT_OFTEN = {
    "won_revenue_1q": 150.0,
    "won_revenue_2q": 150.0,
    "won_revenue_4q": 450.25,
    "won_revenue_8q": 550.25,
    "won_revenue_ever": 550.25,
    "wins_count_1q": 1.0,
    "wins_count_2q": 1.0,
    "wins_count_4q": 2.0,
    "wins_count_8q": 3.0,
    "wins_count_ever": 3.0,
    "won_revenue_growth": log((450.25 + 275.125) / (100 + 275.125)),
    "won_revenue_per_quarter": 550.25 / (700 / 91.3125),  # since 1 February 2023
    "won_amount_mean_ever": 600.25 / 3,
    "won_amount_max_ever": 300.25,
    "won_revenue_same_quarter_last_year": 300.25,
    "renewal_revenue_4q": 80.0,
    "products_count_ever": 2.0,
    "active_contract_value": 120.0,
    "days_since_last_won": 46.0,
    "won_gap_median_days": 327.0,
    "days_since_last_won_over_gap": 46 / 327,
    "tenure_days": 731.0,
    "win_rate_shrunk_8q": (3 + 5 * 0.75) / (4 + 5),
    "closed_deals_count_8q": 4.0,
    "open_deals_count": 2.0,
    "open_deals_age_days": 20.0,
    "open_pipeline_amount": 65.0,
    "inbound_count_1q": 1.0,
    "inbound_count_2q": 2.0,
    "inbound_count_4q": 3.0,
    "inbound_contacts_count_4q": 2.0,
    "contacts_count": 2.0,
    "contact_roles_count": 1.0,
    "industry": None,
    "country": "DE",
    "segment": None,
    "log_employees": None,
    "log_annual_revenue": None,
    "parent_won_revenue_4q": 0.0,
    "family_accounts_count": 2.0,
    "outbound_count_4q": 2.0,
    "outbound_minutes_4q": 30.0,
    "spend_4q": 12.34,
}


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(company(), [AS_OF], settings=Settings(), look_back=8)


@pytest.mark.parametrize(
    ("account", "answers"),
    [("A", NEVER_BOUGHT), ("B", BOUGHT_OFTEN)],
    ids=["never bought", "bought often"],
)
def test_every_feature_has_the_answer_found_by_hand(panel, account, answers):
    row = panel.values.loc[(account, pd.Timestamp(AS_OF))]
    found = {name: None if pd.isna(value) else value for name, value in row.items()}
    assert found == {
        name: value if value is None or isinstance(value, str) else pytest.approx(value, abs=1e-12)
        for name, value in answers.items()
    }


def test_every_feature_states_its_unit_its_missing_values_and_an_example_that_runs():
    visible = [feature.name for feature in FEATURES if not feature.is_hidden]
    assert set(visible) == set(BOUGHT_OFTEN)
    for name in visible:
        definition = describe_feature(name)
        assert "Unit" in definition or name in {"industry", "country", "segment"}, name
        assert "issing" in definition or "true 0" in definition or "counts 1" in definition, name
        assert ">>> example(" in definition, name


def test_the_panel_is_sorted_and_typed(panel):
    assert panel.values.index.names == ["account_id", "as_of"]
    assert panel.values.index.is_monotonic_increasing
    assert panel.values.index.is_unique
    text = {"industry", "country", "segment"}
    kinds = {name: str(kind) for name, kind in panel.values.dtypes.items() if name not in text}
    assert set(kinds.values()) == {"float64"}
    assert panel.values.loc[("B", pd.Timestamp(AS_OF)), "industry"] is not None


def test_our_own_effort_is_never_a_criterion(panel):
    assert panel.effort == ("outbound_count_4q", "outbound_minutes_4q", "spend_4q")
    assert not set(panel.effort) & set(panel.criteria)
    assert {*panel.effort, *panel.criteria} == set(panel.values.columns)


def test_columns_that_hold_todays_values_are_marked(panel):
    assert panel.undated == {
        "industry",
        "country",
        "segment",
        "log_employees",
        "log_annual_revenue",
        "parent_won_revenue_4q",
        "family_accounts_count",
        "contact_roles_count",
    }


def test_a_column_with_a_history_is_dated_and_knows_nothing_of_later_changes():
    tables = tables_of(
        accounts="account_id employees industry created_date;"
        "A 900 retail 2020-01-01; B 50 retail 2020-01-01",
        account_history="account_id changed_date column value; A 2024-03-01 employees 10;"
        "A 2024-12-31 employees 20; A 2025-01-01 employees 900; B 2024-03-01 employees many",
    )
    panel = build_panel(tables, [AS_OF], settings=Settings())
    assert panel.values["log_employees"].tolist() == pytest.approx(
        [log(20), float("nan")], nan_ok=True
    )
    assert panel.values["industry"].tolist() == ["retail", "retail"]
    assert panel.undated == {"industry"}


def test_a_column_whose_history_begins_between_two_dates_stays_undated():
    tables = tables_of(
        accounts="account_id industry created_date; A retail 2020-01-01",
        account_history="account_id changed_date column value; A 2024-03-01 industry banking",
    )
    panel = build_panel(tables, [date(2024, 1, 1), AS_OF], settings=Settings())
    assert panel.values["industry"].tolist() == ["retail", "banking"]
    assert "industry" in panel.undated


def test_features_whose_tables_or_columns_are_missing_are_left_out_by_name():
    tables = tables_of(
        opportunities=DEALS + "A 2022-01-05 10 true",
        activities="account_id date type; A 2022-01-05 call",
    )
    panel = build_panel(tables, [AS_OF], settings=Settings())
    assert panel.left_out["inbound_count_1q"] == "needs column activities.direction"
    assert panel.left_out["spend_4q"] == "needs table costs"
    assert panel.left_out["open_deals_count"] == "needs column opportunities.created_date"
    assert panel.left_out["open_pipeline_amount"] == "needs column opportunities.created_date"
    assert panel.left_out["contacts_count"] == "needs column contacts.created_date"
    assert panel.left_out["products_count_ever"] == (
        "needs column opportunity_lines.product or opportunities.product"
    )
    assert panel.left_out["log_employees"] == "needs column accounts.employees"
    assert not set(panel.left_out) & {*panel.criteria, *panel.effort}
    assert not any(name.startswith("_") for name in (*panel.left_out, *panel.values.columns))


def test_windows_longer_than_the_history_are_cut_where_it_begins():
    tables = tables_of(opportunities=DEALS + "A 2023-05-09 10 true; A 2024-05-09 70 true")
    panel = build_panel(tables, [date(2024, 7, 1), AS_OF], settings=Settings())
    assert panel.values["won_revenue_8q"].tolist() == [80.0, 80.0]
    assert panel.values["won_revenue_4q"].tolist() == [70.0, 70.0]
    assert panel.values["won_revenue_ever"].tolist() == [80.0, 80.0]
    assert panel.observed["won_revenue_8q"].tolist() == [4.7, 6.7]
    assert panel.observed["won_revenue_4q"].tolist() == [4.0, 4.0]
    assert panel.cut["won_revenue_8q"] == "holds the 6.7 of 8 quarters that are known"
    assert "won_revenue_4q" not in panel.cut


def test_a_criterion_that_no_date_knows_enough_for_is_left_out_with_the_reason():
    tables = tables_of(opportunities=DEALS + "A 2023-05-09 10 true; A 2024-05-09 70 true")
    panel = build_panel(tables, [date(2024, 7, 1), AS_OF], settings=Settings())
    assert panel.left_out["won_revenue_growth"] == (
        "needs 8 whole quarters of opportunities before an as_of; the newest has 6.7"
    )


def test_what_an_early_date_cannot_know_is_missing_there_and_not_zero():
    tables = tables_of(
        opportunities=DEALS + "A 2022-05-09 10 true",
        activities="account_id date type direction; A 2024-07-20 visit inbound",
    )
    panel = build_panel(tables, [date(2024, 1, 1), AS_OF], settings=Settings())
    first, second = panel.values["inbound_count_4q"].tolist()
    assert pd.isna(first)
    assert second == 1.0
    assert panel.observed["inbound_count_4q"].tolist() == [0.0, 2.0]


@pytest.mark.parametrize(("look_back", "revenue"), [(3, 32.0), (2, 30.0), (1, 20.0), (0, 20.0)])
def test_no_window_reaches_beyond_a_look_back_that_is_asked_for(look_back, revenue):
    tables = tables_of(
        opportunities=DEALS + "A 2024-03-31 1 true; A 2024-06-30 2 true; A 2024-07-09 10 true;"
        "A 2024-12-09 20 true"
    )
    panel = build_panel(tables, [AS_OF], settings=Settings(), look_back=look_back)
    assert panel.values["won_revenue_4q"].tolist() == [revenue]
    assert panel.values["won_revenue_1q"].tolist() == [20.0]
    assert ("won_revenue_4q" in panel.criteria) == (look_back > 0)


def test_the_history_starts_with_the_month_of_the_first_won_deal():
    tables = tables_of(opportunities=DEALS + "A 2023-10-09 10 true; A 2023-02-01 10 false")
    assert history_start(tables) == date(2023, 10, 1)
    assert history_start(tables_of()) is None


def test_an_old_account_is_as_old_as_the_look_back_tells():
    accounts = "account_id created_date; A 1999-01-01; B 2024-12-31"
    assert example("tenure_days", look_back=1, accounts=accounts) == {"A": 92.0, "B": 1.0}


def test_a_circle_of_parents_is_no_family_and_ends():
    accounts = "account_id parent_id created_date;" + "".join(
        f"A{n} A{(n + 1) % 9} 2020-01-01;" for n in range(9)
    )
    counts = example("family_accounts_count", accounts=accounts + "B A0 2020-01-01; C C 2020-01-01")
    assert set(counts.values()) == {1.0}


def test_subsidiaries_of_a_company_that_is_no_account_are_a_family():
    accounts = "account_id parent_id created_date; A X 2020-01-01; B X 2020-01-01; C - 2020-01-01"
    assert example("family_accounts_count", accounts=accounts) == {"A": 2.0, "B": 2.0, "C": 1.0}


def test_products_are_those_of_the_lines_where_there_are_lines():
    counts = example(
        "products_count_ever",
        opportunities="opportunity_id account_id close_date amount is_won product;"
        "O1 A 2024-05-01 10 true bundle; O2 B 2024-05-01 10 false bundle",
        opportunity_lines="opportunity_id product amount; O1 suite 5; O1 add-on 5; O2 suite 9",
    )
    assert counts == {"A": 2.0, "B": 0.0}


def test_named_account_columns_become_criteria_as_numbers_or_categories():
    tables = tables_of(
        accounts="account_id fleet grade owner created_date;"
        "A 12 1 Kim 2020-01-01; B - x - 2020-01-01; C x x x 2025-01-01"
    )
    settings = parse_settings({"features": {"account_columns": ["fleet", "grade", "owner"]}})
    panel = build_panel(tables, [AS_OF], settings=settings)
    assert panel.values["fleet"].tolist() == pytest.approx([12.0, float("nan")], nan_ok=True)
    assert panel.values["grade"].tolist() == ["1", "x"]
    assert panel.values["owner"].isna().tolist() == [False, True]
    assert {"fleet", "grade", "owner"} <= panel.undated & set(panel.criteria)


def test_an_unknown_account_column_is_named_with_the_known_ones():
    settings = parse_settings({"features": {"account_columns": ["flet"]}})
    with pytest.raises(SettingsError, match=r"no column flet; there are .*country.*fleet"):
        build_panel(tables_of(accounts="account_id fleet; A 1"), [AS_OF], settings=settings)


def test_an_account_column_cannot_take_the_name_of_a_feature():
    settings = parse_settings({"features": {"account_columns": ["spend_4q"]}})
    with pytest.raises(SettingsError, match="spend_4q is the name of a standard feature"):
        build_panel(tables_of(accounts="account_id spend_4q; A 1"), [AS_OF], settings=settings)


def test_a_feature_can_be_left_out_by_name_but_past_revenue_stays_a_column():
    settings = parse_settings({"features": {"leave_out": ["tenure_days", "won_revenue_4q"]}})
    panel = build_panel(company(), [AS_OF], settings=settings, look_back=8)
    assert "tenure_days" not in panel.values
    assert "won_revenue_4q" in panel.values
    assert "won_revenue_4q" not in panel.criteria
    assert panel.left_out["tenure_days"] == "named in features.leave_out"
    assert "won_revenue_growth" in panel.criteria


def test_an_unknown_feature_to_leave_out_is_named_with_the_known_ones():
    settings = parse_settings({"features": {"leave_out": ["tenure"]}})
    with pytest.raises(SettingsError, match=r"no feature tenure\. Did you mean .*tenure_days"):
        build_panel(tables_of(), [AS_OF], settings=settings)


def test_a_feature_to_leave_out_is_found_by_the_name_that_pages_show():
    settings = parse_settings({"features": {"leave_out": ["employees"]}})
    with pytest.raises(SettingsError, match=r'Did you mean log_employees \(shown as "employees"\)'):
        build_panel(tables_of(), [AS_OF], settings=settings)


def test_a_panel_needs_a_date():
    with pytest.raises(SettingsError, match="at least one as_of"):
        build_panel(tables_of(), [], settings=Settings())


def test_a_panel_without_accounts_is_empty():
    panel = build_panel(company(), [date(2010, 1, 1)], settings=Settings(), look_back=8)
    assert panel.values.empty
    assert "won_revenue_4q" in panel.values


def test_a_written_panel_reads_the_same_and_gives_the_same_bytes(panel, tmp_path):
    panel.write(tmp_path / "one.parquet")
    panel.write(tmp_path / "two.parquet")
    again = Panel.read(tmp_path / "one.parquet")
    pd.testing.assert_frame_equal(again.values, panel.values)
    assert (again.criteria, again.effort, again.undated) == (
        panel.criteria,
        panel.effort,
        panel.undated,
    )
    assert (again.left_out, again.look_back) == (panel.left_out, panel.look_back)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_another_parquet_file_is_no_panel(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"other\.parquet: not a panel"):
        Panel.read(tmp_path / "other.parquet")


def test_margin_and_annual_change_what_a_deal_is_worth():
    tables = tables_of(
        opportunities="account_id close_date amount is_won cost term_months;"
        "A 2024-06-01 240 true 40 24; A 2024-06-02 100 true - 6"
    )
    revenue = {
        measure: build_panel(
            tables, [AS_OF], settings=parse_settings({"target": {"measure": measure}}), look_back=4
        )
        .values["won_revenue_4q"]
        .item()
        for measure in ("revenue", "margin", "annual")
    }
    assert revenue == {"revenue": 340.0, "margin": 200.0, "annual": 220.0}


def test_a_measure_without_its_column_is_a_sentence():
    settings = parse_settings({"target": {"measure": "margin"}})
    with pytest.raises(SettingsError, match=r"needs opportunities\.cost"):
        build_panel(tables_of(), [AS_OF], settings=settings)
