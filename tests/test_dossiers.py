"""A dossier holds what was known of one account, names no other, and fails alone."""

from __future__ import annotations

import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.crm.tables import tables_from_frames
from tierkit.dossiers.known import known_of
from tierkit.dossiers.make import FAILED_FILE, file_stem, make_dossiers
from tierkit.dossiers.page import WITHHELD, dossier_page, dossier_text
from tierkit.dossiers.points import talking_points
from tierkit.features.example import table_of
from tierkit.recalibration.work import Work
from tierkit.reporting.pages import read_page
from tierkit.settings import parse_settings

NAMES = {"A1": "Acme <b>Freight</b>", "B2": "Borealis Clinics", "C3": "Cedar Mills"}
TEXTS = {
    "opportunities": "opportunity_id account_id created_date close_date amount is_won stage product"
    " revenue_type; O1 A1 2025-01-01 2025-06-01 5000 true Won Core new;"
    "O2 A1 2025-11-01 2026-02-01 9000 - Proposal Plus new;"
    "O3 A1 2026-01-05 2026-03-01 777000 - Proposal Plus new;"
    "O4 C3 2025-01-01 2025-07-01 4000 true Won Plus new",
    "stage_history": "opportunity_id changed_date stage amount close_date;"
    "O2 2025-11-01 Proposal 9000 2026-02-01; O2 2026-01-05 Proposal 555000 2026-02-01;"
    "O1 2025-06-01 Won 5000 2025-06-01; O3 2026-01-05 Proposal 777000 2026-03-01",
    "contacts": "contact_id account_id role created_date; P1 A1 champion 2025-01-01;"
    "P2 A1 buyer 2026-01-02",
    "activities": "account_id date type direction contact_id; A1 2025-12-01 visit inbound P1;"
    "A1 2025-12-02 call outbound P1; A1 2026-01-02 demo inbound P2",
    "contracts": "contract_id account_id start_date end_date annual_value;"
    "K1 A1 2025-06-01 2026-06-01 5000; K2 A1 2025-07-01 2026-06-01 1000",
}
SETTINGS = {
    "tiers": [{"name": "Tier 1", "capacity": 1}, {"name": "Tier 2", "capacity": 2},
              {"name": "Tier 3"}],
    "readiness": {"required_roles": ["champion", "buyer"]},
}  # fmt: skip


def work_of(folder, **more):
    frames = {name: table_of(text) for name, text in TEXTS.items()} | more
    frames["accounts"] = pd.DataFrame(
        {"account_id": [*NAMES], "name": [*NAMES.values()], "industry": ["Freight", None, "Wood"],
         "parent_id": [None, "A1", None], "created_date": "2020-01-01"}
    )  # fmt: skip
    return Work(
        settings=parse_settings(SETTINGS),
        quarter=FiscalCalendar().parse("2025Q4"),
        tables=tables_from_frames(frames),
        folder=folder,
    )


def tiers_of(**tiers):
    return pd.DataFrame(
        {"tier": [*tiers.values()], "rank": range(1, len(tiers) + 1), "predicted_revenue": 50_000.0,
         "predicted_low": 10_000.0, "predicted_high": 90_000.0, "reasons": "won revenue: × 2.0",
         "move_reason": ""},
        index=pd.Index([*tiers], name="account_id"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    work = work_of(tmp_path_factory.mktemp("work"))
    return known_of(work, tiers_of(A1="Tier 1", B2="Tier 2", C3="Tier 2"))


def test_a_dossier_is_a_self_contained_page_with_every_part(known):
    page = read_page(dossier_page(known, "A1"))
    assert not page.faults
    assert page.headings.count(1) == 1
    for part in ("Talking points", "Won revenue by quarter and product", "Open pipeline",
                 "People", "Whitespace", "Tiers and reasons", "How fresh this is"):  # fmt: skip
        assert part in page.words


def test_nothing_from_as_of_on_is_told(known):
    words = read_page(dossier_page(known, "A1")).words
    assert "9,000" in words
    assert not {"777,000", "555,000"} & set(words.split())
    assert known.roles.set_index(["account_id", "role"])["contacts"].to_dict() == {
        ("A1", "champion"): 1
    }
    assert known.effort.set_index("quarter").loc["2025Q4", "inbound"] == 1


def test_names_are_escaped_and_no_other_account_is_named(known):
    page = dossier_page(known, "A1")
    assert "Acme &lt;b&gt;Freight&lt;/b&gt;" in page
    assert "<b>Freight" not in page
    for other in ("Borealis", "B2", "Cedar", "C3"):
        assert other not in page
    assert "group of 2 accounts" in page


def test_a_reason_that_names_another_account_is_withheld(tmp_path):
    history = pd.DataFrame(
        {"account_id": ["A1"], "tier": ["Tier 1"], "start_date": ["2025-10-01"],
         "reason": ["Same buyer as Borealis Clinics"], "overridden": ["true"]}
    )  # fmt: skip
    known = known_of(work_of(tmp_path, tier_history=history), tiers_of(A1="Tier 1"))
    page = dossier_page(known, "A1")
    assert WITHHELD in page
    assert "Borealis" not in page


def test_talking_points_are_three_with_the_most_pressing_first(known):
    deal, contract, people = talking_points(known, "A1")
    assert deal.startswith("Open deal of $9.0 k in stage Proposal, expected on 1 Feb 2026")
    assert contract.startswith("2 contracts of $6.0 k a year end on 1 Jun 2026")
    assert "Nobody is known as buyer" in people or "Has not bought" in people
    assert len(talking_points(known, "B2")) == 3  # of an account of which nothing is known


def test_the_text_is_short_and_plain(known):
    text = dossier_text(known, "A1")
    assert len(text) < 1500
    assert text.startswith("Acme <b>Freight</b> (A1), 2025Q4\nTier 1, rank 1.")
    assert text.count("\n- ") == 3


def test_one_failure_does_not_stop_the_rest_and_is_reported(tmp_path):
    def page(known, account):
        if account == "A1":
            raise ValueError("its name is a riddle")
        return dossier_page(known, account)

    tiers = tiers_of(A1="Tier 1", B2="Tier 1", C3="Tier 2")
    made = make_dossiers(work_of(tmp_path), tiers, tmp_path / "dossiers", page=page)
    assert (made.pages, made.key_points) == (1, 1)
    assert made.failed == {"A1": "ValueError: its name is a riddle"}
    assert "1 could not be made" in made.in_words
    names = {path.name for path in (tmp_path / "dossiers").iterdir()}
    assert f"{file_stem('Borealis Clinics', 'B2')}.html" in names
    assert (tmp_path / "dossiers" / FAILED_FILE).read_text().startswith("A1: ValueError")


def test_key_points_of_the_second_tier_are_grouped_by_industry(tmp_path):
    tiers = tiers_of(A1="Tier 1", B2="Tier 2", C3="Tier 2")
    make_dossiers(work_of(tmp_path), tiers, tmp_path / "d")
    page = (tmp_path / "d" / f"{file_stem('Tier 2', 'key points')}.html").read_text()
    words = read_page(page).words
    assert words.index("Wood: 1 account") < words.index("industry not known: 1 account")
    assert "Acme" not in words


def test_file_names_are_clean_and_one_for_each_account():
    assert "/" not in file_stem("../../etc/passwd", "..")
    assert file_stem("", "A1") != file_stem("", "a1")
    assert len(file_stem("x" * 500, "y" * 500)) < 200


def test_without_optional_tables_the_words_say_what_is_not_known(tmp_path):
    work = work_of(tmp_path)
    bare = tables_from_frames({"accounts": pd.DataFrame({"account_id": ["A1"]}),
                               "opportunities": table_of("opportunity_id account_id close_date"
                                                         " amount is_won")})  # fmt: skip
    poor = Work(work.settings, work.quarter, bare, tmp_path)
    words = read_page(dossier_page(known_of(poor, tiers_of(A1="Tier 1")), "A1")).words
    for said in ("No deal is open", "No contact is known", "No earlier tier is known"):
        assert said in words
