"""The whole way: a run publishes a report that keeps the contract, and the same one every time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from network_cut import network_cut
from one_truth import Report, amounts, says

from benches.optional_tables import go_the_whole_way
from docsite.reference import missing_from_reference
from tierkit.cli import main
from tierkit.reference import chapter
from tierkit.rendering.workbook import NOTES
from tierkit.simulate import simulate_crm, write_crm

pytestmark = pytest.mark.slow
ACCOUNTS, QUARTERS = 300, 16
LABEL, AS_OF = "2025Q2", "2025-07-01"  # a quarter before the last one of the simulated CRM
LAST_YEAR, LAST_QUARTER = ("2024-07-01", "2025-06-30"), ("2025-04-01", "2025-06-30")
NEXT = "2025Q3"
HORIZON_ENDS = "2026-07-01"
CHEAP = (
    *("--set", "model.bags=1"),
    *("--set", "model.most_bags=1"),
    *("--set", "model.max_bins=6"),
    *("--set", "model.shuffled_refits=2"),
    *("--set", 'run.formats=["slides"]'),
    *("--set", "model.backtest_quarter_ends=2"),
    *("--set", "roi.certificate_worlds=2"),
)
FILES = ("leadership.html", "analyst.html", "tiers.csv", "accounts.xlsx", "model.json",
         "facts.json", "summary.txt", "won_deals.csv", "crm_import_proposed.csv", "leadership.pptx",
         "scenarios.csv")  # fmt: skip


BY_HAND = """
[[scenarios]]
name = "by hand"
set = [
  "model.kind='rules card'",
  "card.criteria=[{criterion='employees', edges=[100], points=[0, 10]}]",
]
"""


def run(project, *arguments):
    """Run the recalibration in process; return the exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["run", "-f", str(project), "--quarter", LABEL, *CHEAP, *arguments])
    return caught.value.code


@pytest.fixture(scope="module")
def project(tmp_path_factory, reached_for):
    folder = tmp_path_factory.mktemp("one")
    write_crm(simulate_crm(accounts=ACCOUNTS, quarters=QUARTERS, seed=3), folder)
    reopen_later(folder / "data")
    with (folder / "tierkit.toml").open("a") as settings:
        settings.write('[[scenarios]]\nname = "two places"\nset = ["tiers.0.capacity=2"]\n')
        settings.write(BY_HAND)
        settings.write('[[scenarios]]\nname = "a year"\nset = ["target.horizon_quarters=1"]\n')
    (folder / "overrides.csv").write_text(
        "account_id,tier,reason,set_by,set_on,review_on\n"
        f"{oldest_partner(folder)},Tier 1,New alliance,Kim,2025-04-02,2026-04-01\n"
    )
    with network_cut(tmp_path_factory.mktemp("network")) as notes:
        reached_for.append(notes)
        assert run(folder) == 0
    return folder


@pytest.fixture(scope="module")
def reached_for():
    """The file that notes who reached for the network in the first run."""
    return []


def oldest_partner(folder):
    """Return an account that the ICP leaves out."""
    accounts = pd.read_csv(folder / "data" / "accounts.csv")
    partners = accounts[accounts["status"] == "partner"]
    return partners.sort_values("created_date", kind="stable")["account_id"].iloc[0]


@pytest.fixture(scope="module")
def report(project):
    return project / "reports" / LABEL


@pytest.fixture(scope="module")
def facts(report):
    return json.loads((report / "facts.json").read_text())


def test_a_run_publishes_every_file(report):
    assert {path.name for path in report.iterdir()} == {*FILES, "run.json", "notebooks", "dossiers"}
    assert len(list((report / "notebooks").glob("*.ipynb"))) == 3


def test_the_reference_has_every_file_column_sheet_and_key(report):
    assert not missing_from_reference(report)
    groups = chapter("files").groups
    for name in ("tiers.csv", "crm_import_proposed.csv", "won_deals.csv"):
        header = pd.read_csv(report / name, nrows=0, comment="#").columns
        assert [entry.name for entry in groups[name][1]] == [f"{name}.{one}" for one in header]


@pytest.mark.parametrize("page", ["leadership.html", "analyst.html"])
def test_no_page_shows_markup_as_text(report, page):
    text = (report / page).read_text(encoding="utf-8")
    shown = re.sub(r"(?s)<pre.*?</pre>", "", text)  # code may hold markup
    assert not re.findall(r"&lt;/?(?:table|td|th|tr|div|p|span|svg)\b", shown)


def test_money_in_is_money_used_plus_money_excluded(facts):
    data = facts["data"]
    excluded = sum(part["won_revenue"] for part in data["excluded"])
    assert data["won_revenue"] == pytest.approx(data["used_won_revenue"] + excluded, abs=0.005)


def test_tiers_hold_to_capacity_and_everybody_has_one_or_a_reason(report, facts):
    tiers = pd.read_csv(report / "tiers.csv", dtype={"account_id": str})
    counts = tiers["tier"].value_counts()
    for tier in facts["tiers"]:
        assert tier["accounts"] == counts[tier["tier"]]
        assert tier["capacity"] is None or tier["accounts"] <= tier["capacity"]
    untiered = sum(facts["data"]["untiered"].values())
    assert len(tiers) + untiered == facts["data"]["accounts"] == ACCOUNTS
    assert tiers["account_id"].is_unique
    ranked = tiers[~tiers["overridden"] & tiers["rank"].notna()]
    assert ranked["rank"].is_monotonic_increasing


def test_an_account_outside_the_icp_can_be_given_a_tier_by_hand(report, facts):
    tiers = pd.read_csv(report / "tiers.csv")
    (by_hand,) = tiers[tiers["overridden"]].to_dict("records")
    assert by_hand["tier"] == "Tier 1"
    assert pd.isna(by_hand["rank"])
    assert facts["overrides"]["in_force"] == 1


def test_predicted_revenue_of_tiers_is_that_of_their_accounts(report, facts):
    tiers = pd.read_csv(report / "tiers.csv")
    sums = tiers.groupby("tier")["predicted_revenue"].sum()
    for tier in facts["tiers"]:
        assert tier["predicted_revenue"] == pytest.approx(sums[tier["tier"]], abs=1)
        if tier["low"] is None:  # three accounts, one of which holds most of it
            assert "it cannot be predicted" in tier["low_why"]
        else:
            assert tier["low"] <= tier["predicted_revenue"] <= tier["high"]


def test_quarters_add_up_to_the_horizon_and_tiers_to_what_is_tiered(facts):
    forecast = facts["forecast"]
    quarters = sum(quarter["predicted"] for quarter in forecast["quarters"])
    assert quarters == pytest.approx(forecast["horizon"]["predicted"])
    tiers = sum(tier["predicted_revenue"] for tier in facts["tiers"])
    assert tiers == pytest.approx(forecast["tiered"]["predicted"])
    soon = sum(tier["next_quarter"]["predicted_revenue"] for tier in facts["tiers"])
    part = forecast["quarters"][0]["predicted"] / forecast["horizon"]["predicted"]
    assert soon == pytest.approx(tiers * part)


def test_predicted_pipeline_of_tiers_is_that_of_their_accounts(report, facts):
    tiers = pd.read_csv(report / "tiers.csv")
    sums = tiers.groupby("tier")["predicted_pipeline"].sum()
    for tier in facts["tiers"]:
        assert tier["predicted_pipeline"] == pytest.approx(sums[tier["tier"]], abs=1)


def test_what_ranks_is_named_and_is_never_significantly_worse_than_anything_tested(facts):
    (ranks,) = [one for one in facts["model"]["candidates"] if one["ranks"]]
    assert ranks["candidate"] == facts["model"]["ranked_by"]
    assert not ranks["significantly_worse"]


def test_no_criterion_saw_the_future(facts):
    assert facts["model"]["future_rows_seen"] == 0


def test_effort_is_no_criterion(facts):
    effort = {"outbound_count_4q", "outbound_minutes_4q", "spend_4q"}
    assert not effort & set(facts["model"]["features"])


def test_the_workbook_holds_the_tiers_as_numbers(report):
    book = openpyxl.load_workbook(report / "accounts.xlsx")
    assert {"Tiers", "Untiered", "Moves", "Overrides", NOTES} <= set(book.sheetnames)
    tiers = pd.read_csv(report / "tiers.csv")
    assert book["Tiers"].max_row == len(tiers) + 1


# ---- one truth in all files


@pytest.fixture(scope="module")
def one(report):
    return Report(report)


def test_totals_by_tier_are_the_same_in_every_file(one):
    """Facts, CSV, workbook to the cent; pages, slides, mail as far as they say them."""
    sums = one.tiers.groupby("tier")["predicted_revenue"].sum()
    summary = one.sheet("Summary").set_index("tier")
    for tier in one.facts["tiers"]:
        name, amount = tier["tier"], tier["predicted_revenue"]
        assert sums[name] == pytest.approx(amount, abs=1)
        assert summary.loc[name, "predicted_revenue"] == pytest.approx(amount)
        assert summary.loc[name, "accounts"] == tier["accounts"]
        if tier["accounts"] >= one.facts["min_group"]:
            for text in (one.words("leadership.html"), one.summary, one.slides):
                assert says(text, amount), (name, amount)
        shown = {row[0]: row for row in one.page("analyst.html").tables["tiers"]}[name]
        assert f"{round(amount):,}" in shown
    whole = one.facts["whole"]["predicted_revenue"]
    assert summary.loc["All tiers", "predicted_revenue"] == pytest.approx(whole)
    assert whole == pytest.approx(one.tiers["predicted_revenue"].sum(), abs=2)


def test_the_index_says_the_numbers_of_the_page(one):
    first, row = one.facts["tiers"][0], one.index
    assert row["Accounts"] == str(first["accounts"])
    if first["accounts"] >= one.facts["min_group"]:
        assert says(row["Predicted revenue"], first["predicted_revenue"])
    assert row["Decision"] == one.facts["decision"]["action"]


def test_decisions_are_the_same_on_page_slides_and_mail(one):
    (shown,) = re.findall(r"Decide now(.*?)The whole", one.words("leadership.html"))
    for said in re.findall(r"^\d\. ([^.]+\.)", one.summary, flags=re.MULTILINE):
        assert said in shown
        assert said in one.slides


def test_renewals_are_one_number_in_every_file(project, one):
    """Facts and workbook to the cent; page and slides as they say them; due from the contracts."""
    parts = one.facts["customers"]["parts"]
    sheet = one.sheet("Renewals by tier").set_index("tier")
    page = {row[0]: row for row in one.page("leadership.html").tables["customer-parts"]}
    for part in parts:
        assert sheet.loc[part["tier"], "due"] == pytest.approx(part["renewals_due"])
        assert sheet.loc[part["tier"], "expected"] == pytest.approx(part["renewals_expected"])
        if min(part["accounts"], part["accounts_due"]) >= one.facts["min_group"]:
            assert says(page[part["tier"]][2], part["renewals_due"])
            assert says(one.slides, part["renewals_due"])
    contracts = pd.read_csv(project / "data" / "contracts.csv", dtype=str)
    ends = contracts[contracts["start_date"].le(AS_OF) & contracts["end_date"].gt(AS_OF)
                     & contracts["end_date"].le(HORIZON_ENDS)]  # fmt: skip
    due = ends["annual_value"].astype(float).groupby(ends["account_id"]).sum()
    for part in parts:
        ids = one.tiers.loc[one.tiers["tier"] == part["tier"], "account_id"]
        assert due.reindex(ids).sum() == pytest.approx(part["renewals_due"])


def test_dossiers_say_the_predicted_revenue_of_the_csv(one):
    """Of every account with a dossier, found by its id."""
    found = 0
    for file in (one.folder / "dossiers").glob("*.html"):
        words = one.words(f"dossiers/{file.name}")
        for row in one.tiers.itertuples():
            if f"{row.account_id.lower()}-" in file.name:
                assert says(words, row.predicted_revenue)
                found += 1
    assert found == one.facts["tiers"][0]["accounts"]


def test_moves_are_one_number_in_every_file(one):
    moves = one.facts["moves"]
    changed = moves["up"] + moves["down"]
    order = {tier["tier"]: place for place, tier in enumerate(one.facts["tiers"])}
    held = one.tiers.dropna(subset=["previous_tier"])
    now, before = held["tier"].map(order), held["previous_tier"].map(order)
    assert (int((now < before).sum()), int((now > before).sum())) == (moves["up"], moves["down"])
    sheet = one.sheet("Moves")
    assert sheet["direction"].isin(["up", "down"]).sum() == changed
    flows = one.page("leadership.html").tables["moves"][1:]
    assert sum(int(row[2]) for row in flows) == changed
    assert f"{changed} of" in one.words("leadership.html")
    assert f"{changed} accounts change tier" in one.slides
    assert one.index["Moves"] == str(changed)
    assert f"{changed} accounts change tier" in one.words("analyst.html")


def test_the_crm_file_holds_what_changes_and_nothing_else(one):
    rows = pd.read_csv(one.folder / "crm_import_proposed.csv", dtype=str, keep_default_na=False)
    assert (rows["tier"] != rows["previous_tier"]).all()
    moves = one.facts["moves"]
    asked = moves["up"] + moves["down"] + moves["entered"] + moves["left"]
    assert len(rows) == asked
    assert (rows["tier"] == "").sum() == moves["left"]


def test_totals_of_last_year_and_renewals_are_those_of_the_source(project, one):
    """Recomputed with pandas: won new and expansion deals of the four quarters before the day."""
    deals = pd.read_csv(project / "data" / "opportunities.csv", dtype=str)
    closed = deals[deals["close_date"].between(*LAST_YEAR)]
    reopened = again_open(project / "data")
    won = closed[closed["is_won"] == "true"]
    assert not won["opportunity_id"].isin(reopened.index).any()
    won = pd.concat([won, reopened])
    amount = won["amount"].astype(float)
    renewals = amount[won["type"] == "Renewal"].sum()
    of_target = amount.where(won["type"] != "Renewal", 0.0).groupby(won["account_id"]).sum()
    whole = one.facts["whole"]
    assert whole["renewals_last_horizon"] == pytest.approx(renewals)
    for tier in whole["tiers"]:
        ids = one.tiers.loc[one.tiers["tier"] == tier["tier"], "account_id"]
        assert tier["last_horizon"] == pytest.approx(of_target.reindex(ids).sum())
        assert tier["predicted_revenue"] / tier["last_horizon"] - 1 == pytest.approx(tier["change"])
    assert says(one.words("leadership.html"), renewals)


def again_open(data: Path) -> pd.DataFrame:
    """Return the deals that were won before the day and opened again later, as they were won."""
    deals = pd.read_csv(data / "opportunities.csv", dtype=str).set_index("opportunity_id")
    history = pd.read_csv(data / "stage_history.csv", dtype=str).sort_values("changed_date")
    known = history[history["changed_date"] < AS_OF].groupby("opportunity_id").last()
    won = known[(known["stage"] == "Closed Won") & (known["changed_date"] >= LAST_YEAR[0])]
    later = deals.index.intersection(won.index)
    later = later[deals.loc[later, "is_won"] != "true"]
    return won.loc[later, ["amount"]].join(deals[["type", "account_id"]])


def test_hours_and_cost_are_what_the_settings_ask_for(project, one):
    """Accounts × times × hours, at the role's cost per hour, straight from tierkit.toml."""
    settings = tomllib.loads((project / "tierkit.toml").read_text())
    counts = one.tiers["tier"].value_counts()
    summary = one.sheet("Summary").set_index("tier")
    needed = dict.fromkeys(settings["roles"], 0.0)
    for tier, fact in zip(settings["tiers"], one.facts["tiers"], strict=True):
        each = [(e["role"], e["per_quarter"] * e["hours"]) for e in tier["entitlements"]]
        hours = counts[tier["name"]] * sum(spent for _, spent in each)
        cost = counts[tier["name"]] * sum(
            spent * settings["roles"][role]["cost_per_hour"] for role, spent in each
        )
        assert (fact["hours"], fact["cost"]) == pytest.approx((hours, cost))
        assert summary.loc[tier["name"], "hours"] == pytest.approx(hours)
        assert summary.loc[tier["name"], "cost"] == pytest.approx(cost)
        for role, spent in each:
            needed[role] += counts[tier["name"]] * spent
    told = {role["role"]: role["hours"] for role in one.facts["effort"]["roles"]}
    assert told == pytest.approx(needed)
    total = sum(needed.values())
    assert f"{round(total):,} hours a quarter" in one.words("leadership.html")


def test_logged_hours_and_money_spent_are_those_of_the_source(project, one):
    tiers = pd.read_csv(project / "data" / "tier_history.csv", dtype=str)
    ends = tiers["end_date"].fillna("9999")
    held = tiers[(tiers["start_date"] <= LAST_QUARTER[0]) & (ends > LAST_QUARTER[0])]
    activities = pd.read_csv(project / "data" / "activities.csv", dtype=str)
    inside = activities[activities["date"].between(*LAST_QUARTER)]
    ours = inside[inside["direction"] == "outbound"]
    minutes = ours["minutes"].astype(float).groupby(ours["account_id"]).sum()
    costs = pd.read_csv(project / "data" / "costs.csv", dtype=str)
    year = costs[costs["date"].between(*LAST_YEAR)]
    spent = year["amount"].astype(float).groupby(year["account_id"]).sum()
    for tier in one.facts["effort"]["tiers"]:
        then = held.loc[held["tier"] == tier["tier"], "account_id"]
        logged = minutes.reindex(then).sum() / 60
        assert tier["logged_hours"] == pytest.approx(logged)
        now = one.tiers.loc[one.tiers["tier"] == tier["tier"]].dropna(subset=["predicted_revenue"])
        assert tier["spent"] == pytest.approx(spent.reindex(now["account_id"]).sum())


def test_pipeline_over_target_is_that_of_the_source(project, one):
    """Deals open in a qualified stage at the day, as the history last knew them, over the quota."""
    data = project / "data"
    deals = pd.read_csv(data / "opportunities.csv", dtype=str).set_index("opportunity_id")
    history = pd.read_csv(data / "stage_history.csv", dtype=str)
    history = history[history["changed_date"] < AS_OF].sort_values("changed_date", kind="stable")
    known = history.groupby("opportunity_id").last().join(deals[["type", "created_date"]])
    qualified = known["stage"].isin(["Qualification", "Proposal", "Negotiation"])
    open_ = known[qualified & (known["type"] != "Renewal")]
    pipeline = open_["amount"].astype(float).sum()
    targets = pd.read_csv(data / "targets.csv", dtype=str)
    target = float(targets.loc[targets["quarter"] == NEXT, "amount"].iloc[0])
    told = one.facts["whole"]["target"]
    assert (told["target"], told["pipeline"]) == pytest.approx((target, pipeline))
    assert told["pipeline_over_target"] == pytest.approx(pipeline / target)
    assert says(one.words("leadership.html"), target)


def test_capture_is_that_of_the_tested_predictions(project, one):
    """Share of the horizon's revenue at the best-ranked accounts, mean over tested quarter-ends."""
    caches = (project / ".tierkit" / "cache").glob(f"run_{LABEL}-*/tested.parquet")
    tested = pd.read_parquet(max(caches, key=lambda file: file.stat().st_mtime))
    ranks = one.facts["model"]["ranked_by"]
    size = one.facts["tiers"][0]["capacity"]
    shares = []
    for _, rows in tested.groupby("as_of"):
        best = rows.sort_values(["rank_by", "account_id"], ascending=[False, True]).head(size)
        shares.append(best["actual"].sum() / rows["actual"].sum())
    told = one.facts["model"]["backtest"]["models"][ranks]["capture_tier_1"]
    assert told == pytest.approx(sum(shares) / len(shares))


def test_every_link_of_the_pages_leads_somewhere(report):
    for page in (report / "leadership.html", report / "analyst.html",
                 report.parent / "index.html", report / "dossiers" / "index.html"):  # fmt: skip
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'href="([^"]+)"', text):
            path, _, anchor = link.partition("#")
            assert not path or (page.parent / path).is_file(), f"{page.name}: {link}"
            assert not anchor or path or f'id="{anchor}"' in text, f"{page.name}: {link}"


def test_a_scenario_places_as_many_accounts_as_it_has_room_for(one):
    proposed, other = one.facts["scenarios"][:2]
    assert (proposed["scenario"], other["scenario"]) == ("as proposed", "two places")
    assert other["changes"] == ["tiers.0.capacity"]
    assert other["tiers"][0]["accounts"] == 2
    assert proposed["hours"] == pytest.approx(sum(tier["hours"] for tier in one.facts["tiers"]))
    rows = pd.read_csv(one.folder / "scenarios.csv", dtype=str)
    assert (rows.loc[rows["scenario"] == "two places", "tier"] == "Tier 1").sum() == 2
    shown = {row[0] for row in one.page("leadership.html").tables["scenarios"]}
    assert {"as proposed", "two places"} <= shown


def test_a_scenario_with_another_model_has_predictions_and_tests_of_its_own(one):
    proposed, by_hand = one.facts["scenarios"][0], one.facts["scenarios"][2]
    assert "model.kind" in by_hand["changes"]
    first = [found["tiers"][0]["predicted_revenue"] for found in (proposed, by_hand)]
    assert first[0] != pytest.approx(first[1])
    assert 0 < by_hand["tested_capture"] < proposed["tested_capture"]  # employees alone rank worse
    assert by_hand["accounts_otherwise"] > 0


def test_a_scenario_that_asks_for_another_outcome_says_that_a_draft_computes_it(one):
    asked = one.facts["scenarios"][3]
    assert asked["tiers"] == []
    assert "another outcome" in one.words("leadership.html")


def test_amounts_are_read_as_they_are_said():
    assert amounts("$6.1 M, −$84 k and $725") == [6_100_000.0, -84_000.0, 725.0]
    assert says("about $6.1 M", 6_123_456)
    assert not says("about $6.2 M", 6_123_456)


def test_a_run_reaches_for_no_network(project, reached_for, tmp_path):
    """It was cut off, for tierkit and for its kernels, and nobody noticed."""
    assert (project / "reports" / LABEL / "leadership.html").is_file()
    assert not reached_for[0].exists()
    reach = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=0.1)"
    with network_cut(tmp_path / "cut") as notes:
        with pytest.raises(OSError, match="unreachable"):
            exec(reach)
        other = subprocess.run([sys.executable, "-c", reach], check=False, capture_output=True)
        assert b"Network is unreachable" in other.stderr
        assert len(notes.read_text().splitlines()) == 2


def test_the_same_input_elsewhere_gives_the_same_bytes(project, report, tmp_path, capsys):
    """Moved to a folder with spaces, the project has nothing new to publish: byte for byte."""
    twin = tmp_path / "another place"
    shutil.copytree(project, twin, ignore=shutil.ignore_patterns(".tierkit"))
    kept = twin / "reports" / report.name
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert run(twin) == 0
    said = capsys.readouterr()
    assert "Nothing new" in said.out
    assert before == {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    lines = (said.out + said.err).splitlines()
    assert 5 < len(lines) <= 40  # a job's log: short, and without signs that steer a terminal
    assert all(line.isprintable() for line in lines)


def test_an_earlier_quarter_sees_nothing_later(project, report, tmp_path):
    """Rows from the first unknown day on are taken away; tiers and model stay the same bytes."""
    blind = tmp_path / "blind"
    shutil.copytree(project, blind, ignore=shutil.ignore_patterns("reports", ".tierkit"))
    cut_off(blind / "data", AS_OF)
    folders = report, go_the_whole_way(blind, label=LABEL, overrides=CHEAP[1::2])
    for name in ("tiers.csv", "model.json"):
        told, unknowing = ((folder / name).read_text() for folder in folders)
        assert without_fingerprint(told) == without_fingerprint(unknowing)
    told, unknowing = (what_was_computed(folder) for folder in folders)
    assert told == unknowing


def what_was_computed(report: Path) -> dict:
    """Return the facts of a report, but for those that count the rows of the source."""
    facts = json.loads((report / "facts.json").read_text())
    return {key: facts[key] for key in facts.keys() - {"data", "fingerprint", "remarks"}}


def reopen_later(data: Path) -> None:
    """Let five deals that were won in the year before be opened again and lost afterwards."""
    deals = pd.read_csv(data / "opportunities.csv", dtype=str, keep_default_na=False)
    history = pd.read_csv(data / "stage_history.csv", dtype=str, keep_default_na=False)
    ends = history[history["opportunity_id"].isin(deals["opportunity_id"])]
    ends = ends.sort_values("changed_date", kind="stable").groupby("opportunity_id").last()
    close = deals["close_date"]
    year = deals[(deals["is_won"] == "true") & (close >= "2024-07-01") & (close < AS_OF)]
    logged = year[year["opportunity_id"].map(ends["changed_date"]) <= year["close_date"]]
    chosen = logged["opportunity_id"].head(5)
    assert len(chosen) == 5
    later = [("2025-07-20", "Negotiation"), ("2025-09-20", "Closed Lost")]
    again = [(one, day, stage) for one in chosen for day, stage in later]
    rows = pd.DataFrame(again, columns=["opportunity_id", "changed_date", "stage"])
    pd.concat([history, rows]).to_csv(data / "stage_history.csv", index=False)
    lost = deals["opportunity_id"].isin(chosen)
    deals.loc[lost, ["is_won", "close_date", "stage"]] = ["false", "2025-09-20", "Closed Lost"]
    deals.to_csv(data / "opportunities.csv", index=False)


RECORDED = {
    "accounts": "created_date",
    "activities": "date",
    "contacts": "created_date",
    "contracts": "start_date",
    "costs": "date",
    "signals": "date",
    "stage_history": "changed_date",
    "tier_history": "start_date",
}


def cut_off(data: Path, as_of: str) -> None:
    """Take away what happened on or after a day; deals open then become open deals.

    A deal that had ended and was opened again later stands as it had ended. A contract is agreed
    before its first day, so that one that begins on the day is known.
    """
    for name, column in RECORDED.items():
        table = pd.read_csv(data / f"{name}.csv", dtype=str, keep_default_na=False)
        known = table[column] < as_of
        known |= (table[column] == as_of) & (name == "contracts")
        table[known].to_csv(data / f"{name}.csv", index=False)
    deals = pd.read_csv(data / "opportunities.csv", dtype=str, keep_default_na=False)
    deals = deals[deals["created_date"] < as_of].set_index("opportunity_id")
    ends = ended_by_then(data)
    later = deals.index[deals["close_date"] >= as_of]
    deals.loc[later, ["is_won", "amount", "stage", "close_date"]] = ""
    again = later.intersection(ends.index)
    deals.loc[again, ends.columns] = ends.loc[again]
    deals.reset_index().to_csv(data / "opportunities.csv", index=False)
    lines = pd.read_csv(data / "opportunity_lines.csv", dtype=str, keep_default_na=False)
    closed = deals.index[deals["close_date"] != ""]
    kept = lines[lines["opportunity_id"].isin(closed)]
    kept.to_csv(data / "opportunity_lines.csv", index=False)


def ended_by_then(data: Path) -> pd.DataFrame:
    """Return the end of each deal whose last stage, in a history that is cut off, is one."""
    told = pd.read_csv(data / "stage_history.csv", dtype=str, keep_default_na=False)
    last = told.sort_values("changed_date", kind="stable").groupby("opportunity_id").last()
    ended = last[last["stage"].str.startswith("Closed")]
    return pd.DataFrame(
        {
            "is_won": ended["stage"].eq("Closed Won").map({True: "true", False: "false"}),
            "amount": ended["amount"],
            "stage": ended["stage"],
            "close_date": ended["changed_date"],
        }
    )


def without_fingerprint(text: str) -> list[str]:
    return [line for line in text.splitlines() if '"fingerprint"' not in line]


def test_a_saved_model_is_used_as_it_is(project, report):
    """The first notebook is where it is read; what it hands over holds the report's amounts."""
    model = ("--model", str(report / "model.json"))
    assert run(project, *model, "--only", "fit_tier_model") == 0
    handed_over = project / ".tierkit" / "partial" / LABEL / "predictions.parquet"
    told = pd.read_csv(report / "tiers.csv").set_index("account_id")["predicted_revenue"]
    held = pd.read_parquet(handed_over).set_index("account_id")["predicted_revenue"]
    assert held.reindex(told.index).round(2).tolist() == told.tolist()


def test_a_run_s_model_scored_on_its_day_gives_its_tiers(project, report, tmp_path):
    """Overrides, keep band and the tiers held before count as they did in the run."""
    out = tmp_path / "scores.csv"
    model = ("--model", str(report / "model.json"))
    with pytest.raises(SystemExit) as caught:
        main(["score", "-f", str(project), *model, "--as-of", AS_OF, "-o", str(out)])
    assert caught.value.code == 0
    told = pd.read_csv(report / "tiers.csv").set_index("account_id")
    scored = pd.read_csv(out).set_index("account_id")
    columns = ["tier", "model_tier", "previous_tier", "rank", "overridden"]
    assert set(scored.index) == set(told.index)
    pd.testing.assert_frame_equal(scored.loc[told.index, columns], told[columns], check_dtype=False)
    found = scored["predicted_revenue"].reindex(told.index)
    assert found.round(2).tolist() == told["predicted_revenue"].tolist()
