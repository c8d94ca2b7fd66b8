"""Every problem of the settings is reported at once, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierkit.errors import SettingsError
from tierkit.settings import Settings, parse_settings, read_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "tierkit.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_problem_is_reported_at_once_and_within_a_second(tmp_path):
    file = write(
        tmp_path,
        """
        [calendar]
        fiscal_year_start = 2
        currency = "dollars"
        [stability]
        keep_band = "wide"
        [[tiers]]
        name = "Tier 1"
        capacity = 1.5
        [icp]
        where = ["employees >="]
        """,
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(file)
    message = str(caught.value)
    assert len(caught.value.problems) == 5
    assert "calendar.fiscal_year_start: is no setting. Did you mean fiscal_year_starts?" in message
    for part in ("calendar.currency", "stability.keep_band", "tiers.0.capacity", "icp.where"):
        assert part in message


def test_the_designs_example_is_read(tmp_path):
    file = write(
        tmp_path,
        """
        [data]
        source = "data"
        preset = "salesforce"
        [data.columns.opportunities]
        opportunity_id = "InvoiceNo"
        [data.tables]
        opportunities = "invoices.csv"
        [data.constants.opportunities]
        is_won = true
        [data.values.opportunities.is_won]
        won = ["Closed Won"]
        lost = ["Closed Lost"]
        [calendar]
        fiscal_year_starts = 1
        currency = "USD"
        [target]
        horizon_quarters = 4
        revenue_types = { "New Business" = "new", "Renewal" = "renewal", "Test" = "exclude" }
        measure = "revenue"
        [icp]
        where = [ "country in ['US', 'DE']", "employees >= 20" ]
        [[tiers]]
        name = "Tier 1"
        label = "Strategic"
        capacity = 15
        [[tiers.entitlements]]
        activity = "executive meeting"
        role = "AE"
        per_quarter = 2
        hours = 3.0
        [roles.AE]
        people = 10
        hours_per_person = 400
        cost_per_hour = 95.0
        [stability]
        keep_band = 1.25
        min_quarters = 2
        max_moves_share = 0.2
        [roi]
        outcome_quarters = 1
        worth_having = 0.1
        [run]
        reports = "reports"
        min_group = 5
        """,
    )
    settings = read_settings(file)
    assert settings.tiers[0].entitlements[0].hours == 3.0
    assert settings.source == tmp_path / "data"
    assert settings.roi.worth_having == 0.1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tiers": [{"name": "A"}, {"name": "B", "capacity": 3}]}, "'A' has no capacity"),
        ({"tiers": [{"name": "A", "capacity": 3}, {"name": "A"}]}, "'A' is given twice"),
        ({"tiers": []}, "there is none"),
        (
            {
                "tiers": [
                    {
                        "name": "A",
                        "entitlements": [
                            {"activity": "call", "role": "AE", "per_quarter": 1, "hours": 1.0}
                        ],
                    }
                ]
            },
            "no [roles.AE]",
        ),
        ({"data": {"api_token": "x"}}, "Secrets are never settings"),
        ({"modle": {}}, "Did you mean model?"),
    ],
)
def test_contradictions_are_named(values, words):
    with pytest.raises(SettingsError, match=r".*") as caught:
        parse_settings(values)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stability.keep_band", "write KEY=VALUE"),
        ("run.reports=out", "Text needs quotes"),
        ("stability.keep_bend=1.5", "Did you mean keep_band?"),
        ("stability.keep_band=true", "keep_band"),
        ("tiers.9.capacity=3", "names nothing"),
    ],
)
def test_a_mistaken_override_is_explained(tmp_path, override, words):
    file = write(tmp_path, "[[tiers]]\nname = 'Tier 1'\n")
    with pytest.raises(SettingsError) as caught:
        read_settings(file, overrides=[override])
    assert words in str(caught.value)


def test_overrides_are_put_over_the_file(tmp_path):
    file = write(tmp_path, "[stability]\nkeep_band = 1.5\n[[tiers]]\nname = 'T'\ncapacity = 3\n")
    settings = read_settings(
        file, overrides=["stability.keep_band=2.0", "tiers.0.capacity=7", 'run.reports="out"']
    )
    assert settings.stability.keep_band == 2.0
    assert settings.tiers[0].capacity == 7
    assert settings.reports == tmp_path / "out"


def test_broken_toml_and_an_absent_file_are_sentences(tmp_path):
    with pytest.raises(SettingsError, match="not valid TOML"):
        read_settings(write(tmp_path, "[data\nsource = x"))
    with pytest.raises(SettingsError, match="tierkit init"):
        read_settings(tmp_path / "nowhere" / "tierkit.toml")


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().model.bags = 3


def test_the_fingerprint_is_of_numbers_not_of_places():
    here = parse_settings({"data": {"source": "here"}, "run": {"reports": "a"}})
    there = parse_settings({"data": {"source": "there"}, "run": {"reports": "b"}})
    other = parse_settings({"stability": {"keep_band": 1.5}})
    assert here.fingerprint == there.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("changed", "concerns_criteria"),
    [
        ({"target": {"measure": "annual"}}, True),
        ({"features": {"leave_out": ["tenure_days"]}}, True),
        ({"calendar": {"fiscal_year_starts": 2}}, True),
        ({"data": {"date_order": "day-first"}}, True),
        ({"data": {"memory_mb": 500}}, False),
        ({"tiers": [{"name": "A", "capacity": 3}, {"name": "B"}]}, False),
        ({"model": {"bags": 1}}, False),
        ({"card": {"edits": [{"criterion": "employees", "highest_factor": 2.0}]}}, False),
    ],
)
def test_criteria_rest_on_data_calendar_target_and_features_alone(changed, concerns_criteria):
    same = parse_settings(changed).criteria_fingerprint == parse_settings({}).criteria_fingerprint
    assert same != concerns_criteria


def test_settings_that_a_run_hands_over_are_read_back():
    given = Settings()
    assert parse_settings(given.model_dump(mode="json"), name="settings.json") == given
