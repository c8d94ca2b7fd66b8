"""A dossier holds what was known of one account, names no other, and fails alone."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.crm.tables import tables_from_frames
from tierkit.dossiers.example import example_run
from tierkit.dossiers.known import known_of, tiers_held
from tierkit.dossiers.make import FAILED_FILE, file_stem, make_dossiers, write_dossiers
from tierkit.dossiers.naming import WITHHELD, OtherAccounts
from tierkit.dossiers.page import dossier_page, dossier_text, talking_points
from tierkit.dossiers.parts import group_sentences
from tierkit.dossiers.people import NO_PRODUCT
from tierkit.features.example import table_of
from tierkit.publishing.gates import read_page
from tierkit.runs.run import Run
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
    if "accounts" not in more:
        frames["accounts"] = pd.DataFrame(
            {"account_id": [*NAMES], "name": [*NAMES.values()], "created_date": "2020-01-01",
             "industry": ["Freight", None, "Wood"], "parent_id": [None, "A1", None]}
        )  # fmt: skip
    return Run(
        settings=parse_settings(SETTINGS),
        quarter=FiscalCalendar().parse("2025Q4"),
        source=tables_from_frames(frames),
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
    people = known.roles[known.roles["contacts"] > 0]
    assert people[["account_id", "role", "contacts"]].to_numpy().tolist() == [["A1", "champion", 1]]
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


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("as good as Borealis Clinics", True),
        ("as good as BOREALIS-CLINICS, they say", True),  # without its legal form, in any case
        ("see B20000", True),
        ("see 4711000", True),
        ("wrote from borealis.example", True),
        ("Acme Freight pays late (A1)", False),  # its own names
        ("Freight, from IBM on", True),  # short, but capitals
        ("Freight, bought 470 of them", False),  # an industry of several; a short number
    ],
)
def test_other_accounts_are_told_by_name_id_and_domain(text, is_named):
    accounts = pd.DataFrame(
        {"name": ["Acme Freight", "Borealis Clinics GmbH", "IBM", "Freight Inc", None, None],
         "domain": ["acme.example", "borealis.example", None, None, None, None],
         "industry": ["Freight", "Health", "Freight", "Freight", None, None]},
        index=["A1", "B20000", "C3", "D4", "4711000", "470"],
    )  # fmt: skip
    assert OtherAccounts(accounts).are_named_in(text, about="A1") is is_named


def test_a_product_that_is_named_after_another_account_is_withheld(tmp_path):
    deals = table_of(
        "opportunity_id account_id created_date close_date amount is_won stage product;"
        " O1 A1 2025-01-01 2025-06-01 5000 true Won Core"
    ).assign(product="Connector of Cedar Mills")
    known = known_of(work_of(tmp_path, opportunities=deals), tiers_of(A1="Tier 1"))
    for text in (dossier_page(known, "A1"), dossier_text(known, "A1")):
        assert WITHHELD in text
        assert "Cedar" not in text


def test_the_group_is_counted_over_all_levels_and_its_money_is_shared(tmp_path):
    accounts = pd.DataFrame(
        {"account_id": ["A1", "B2", "C3", "D4"], "name": [*NAMES.values(), "Delta Mines"],
         "parent_id": [None, "A1", "B2", "A1"],
         "created_date": ["2020-01-01"] * 3 + ["2026-02-01"]}
    )  # fmt: skip
    work = work_of(tmp_path, accounts=accounts)
    known = known_of(work, tiers_of(A1="Tier 1", C3="Tier 1"))
    assert [*group_sentences(known, "A1")] == [
        "At the top of a group of 3 accounts: 1 directly below it.",  # D4 was made later
        "The group bought $9.0 k in the last 4 quarters, 56 % of it here.",
        "1 deal of $9.0 k is open in the group.",
    ]
    assert next(group_sentences(known, "C3")).startswith("Two levels below the top")


def test_money_without_a_product_is_told_as_such(tmp_path):
    lines = table_of("opportunity_id product amount; O1 Core 3000")
    known = known_of(work_of(tmp_path, opportunity_lines=lines), tiers_of(A1="Tier 1"))
    own = known.revenue[known.revenue["account_id"] == "A1"]
    assert own.set_index("product")["amount"].to_dict() == {"Core": 3000, NO_PRODUCT: 2000}


def test_tiers_held_go_on_as_one_span_and_later_ends_are_not_known(tmp_path):
    history = table_of(
        "account_id tier start_date end_date; A1 T2 2024-10-01 2025-01-01;"
        "A1 T2 2025-01-01 2025-04-01; A1 T1 2025-04-01 2026-04-01; A1 T3 2026-04-01 -"
    ).replace({"tier": {"T1": "Tier 1", "T2": "Tier 2", "T3": "Tier 3"}})
    held = tiers_held(work_of(tmp_path, tier_history=history), ["A1"])
    spans = held[["tier", "start_date", "end_date"]].astype("str").fillna("").to_numpy().tolist()
    assert spans == [["Tier 2", "2024-10-01", "2025-04-01"], ["Tier 1", "2025-04-01", ""]]


def test_an_account_is_told_as_it_was(tmp_path):
    history = table_of(
        "account_id changed_date column value; A1 2025-01-01 industry Ships;"
        "A1 2026-01-05 industry Freight; C3 2026-01-05 industry Wood"
    )
    work = work_of(tmp_path, account_history=history)
    accounts = known_of(work, tiers_of(A1="Tier 1", C3="Tier 2")).accounts
    assert accounts.loc["A1", "industry"] == "Ships"
    assert pd.isna(accounts.loc["C3", "industry"])


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


def test_key_points_fail_alone_too(tmp_path, monkeypatch):
    def points(_, account):
        if account == "C3":
            raise ValueError("its deals are a riddle")
        return ["Talk."]

    monkeypatch.setattr("tierkit.dossiers.make.talking_points", points)
    tiers = tiers_of(A1="Tier 1", B2="Tier 2", C3="Tier 2")
    made = make_dossiers(work_of(tmp_path), tiers, tmp_path / "d")
    assert (made.pages, made.key_points) == (1, 1)
    assert made.failed == {"C3": "ValueError: its deals are a riddle"}


def test_progress_is_told_while_dossiers_are_made(tmp_path):
    told = []
    tiers = tiers_of(**{f"N{number}": "Tier 1" for number in range(20)})
    accounts = pd.DataFrame({"account_id": tiers.index, "created_date": "2020-01-01"})
    make_dossiers(
        work_of(tmp_path, accounts=accounts), tiers, tmp_path / "d", on_step=told.append,
        page=lambda _, account: account,
    )  # fmt: skip
    assert told == [
        "dossiers: reading what is known of 20 accounts",
        "dossiers: 10 of 20",
        "dossiers: 20 of 20",
    ]


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
    poor = Run(work.settings, work.quarter, bare, tmp_path)
    words = read_page(dossier_page(known_of(poor, tiers_of(A1="Tier 1")), "A1")).words
    for said in ("No deal is open", "the source has no contacts", "No earlier tier is known"):
        assert said in words


# ---- of a run under way --------------------------------------------------------------------------


def test_dossiers_of_a_run_are_of_the_tiers_of_its_report_and_the_same_each_time(tmp_path):
    run, report = example_run(), tmp_path / "report"
    report.mkdir()
    shutil.copy(run.folder / "tiers.csv", report)
    told, files = written(run, report)
    assert told[-1] == "dossiers: 1 dossier, key points of 0 accounts"
    assert len(files) == 4  # a page, a text, a text for the customer, and the index
    shutil.rmtree(report / "dossiers")
    assert written(run, report)[1] == files
    tiers = (report / "tiers.csv").read_text()
    (report / "tiers.csv").write_text(tiers.replace("Tier 2", "Tier 1"))
    assert written(run, report)[0][-1] == "dossiers: 2 dossiers, key points of 0 accounts"


def written(run, report):
    """Write the dossiers of a report; return what was told and every file."""
    told = []
    write_dossiers(run.folder, report, told.append)
    return told, {path.name: path.read_bytes() for path in (report / "dossiers").iterdir()}
