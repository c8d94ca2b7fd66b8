"""Questions between recalibrations: scores by a saved model, and one account explained."""

from __future__ import annotations

import json
import math
import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
from projects import write_project
from report_samples import write_published
from test_cli import run

import tierkit
from tests.engines import engine_of
from tierkit.commands._explain import open_report
from tierkit.crm.account_names import find_account
from tierkit.errors import SettingsError
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.explaining import (
    MOST_CHARACTERS,
    account_factors,
    customer_text,
    smallest_change,
)
from tierkit.models.saved import SavedModel, read_model
from tierkit.settings import StabilitySettings, Tier, read_settings
from tierkit.tiers.explaining import lines_around, standing

ACCOUNTS = """account_id,name,country,industry,created_date
A1,Acme Ltd,US,Energy,2024-01-01
A2,Bolt,DE,Retail,2024-01-01
A3,Corn,US,Energy,2024-01-01
A4,corn,US,,2024-01-01
A5,Dune,FR,Energy,2024-01-01
A6,Elm,US,Energy,2026-10-01
"""
DEALS = """opportunity_id,account_id,close_date,amount,is_won
O1,A1,2025-01-15,900,true
O2,A1,2026-07-02,500,true
O3,A2,2026-06-30,200,true
O4,A3,2026-09-29,50,true
O5,A5,2026-09-30,70,true
O6,A4,2024-02-01,10,true
"""
SETTINGS = """
[icp]
where = ["country in ['US', 'DE']"]
[[tiers]]
name = "Tier 1"
capacity = 1
[[tiers.entitlements]]
activity = "executive meeting"
role = "AE"
per_quarter = 2
hours = 1
[[tiers]]
name = "Tier 2"
capacity = 1
[[tiers]]
name = "Tier 3"
[roles.AE]
people = 1
hours_per_person = 10
"""
REVENUE = NumericCriterion(
    "won_revenue_4q", (100.0, 400.0), (-1.0, 0.25, 1.0), accounts=(3, 1, 1, 0)
)
INDUSTRY = CategoricalCriterion("industry", ("Energy",), (0.5,), other=-0.5, missing=0.0)
MODEL = SavedModel(Card(100.0, (REVENUE, INDUSTRY)), "fitted card", "won_revenue_4q", 4, (), 4)


def write_model(folder, model=MODEL, **more):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.json"
    file.write_text(json.dumps({**model.to_plain(), **more}), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a published report: the model above, and the tiers that it gives."""
    folder = tmp_path_factory.mktemp("asked") / "a project"
    write_project(folder, accounts=ACCOUNTS, deals=DEALS, settings=SETTINGS)
    model = write_model(folder / "reports" / "2026Q3")
    from tierkit.commands.score import score_project

    scored = score_project(read_model(model), read_settings(folder))
    tiers = scored.accounts.assign(predicted_low=10.0, predicted_high=900.0)
    write_published(folder / "reports", "2026Q3", tiers.drop(columns="name").to_csv(index=False))
    return folder


def test_scores_are_those_of_the_card_on_what_was_known(project, tmp_path, capsys):
    model = project / "reports" / "2026Q3" / "model.json"
    file = tmp_path / "scores.csv"
    code, out, _ = run(capsys, "score", "-f", project, "--model", model, "-o", file)
    assert code == 0
    assert "4 accounts scored as of 2026-10-01 by the fitted card, 2 without a tier" in out
    found = pd.read_csv(file).set_index("account_id")
    assert found["score"].to_dict() == {"A1": 1.5, "A2": -0.25, "A3": -0.5, "A4": -1.0}
    assert found["tier"].tolist() == ["Tier 1", "Tier 2", "Tier 3", "Tier 3"]
    np.testing.assert_allclose(found["predicted_revenue"], 100 * np.exp(found["score"]))
    assert found.loc["A1", "name"] == "Acme Ltd"


@pytest.mark.parametrize(
    "engine", ["duckdb", "polars", pytest.param("spark", marks=pytest.mark.slow)]
)
def test_scores_in_an_engine_are_the_same_by_the_lines_of_the_report(
    engine, project, tmp_path, capsys
):
    """As files, a folder a tier: ICP does not count there, and nothing is there twice."""
    if engine == "spark":
        engine_of("sail")  # its session is that of the process
    model, folder = project / "reports" / "2026Q3" / "model.json", tmp_path / "by tier"
    asked = ("score", "-f", project, "--model", model, "-o", folder)
    code, out, _ = run(capsys, *asked, "--set", f"data.engine='{engine}'")
    assert code == 0
    assert "Accounts as of 2026-10-01 scored by the fitted card, a folder a tier" in out
    assert "overrides, ICP and capacities do not count" in out
    found = duckdb.read_parquet(f"{folder}/*/*.parquet", hive_partitioning=True).df()
    scores = found.set_index("account_id")["score"].to_dict()
    assert scores == {"A1": 1.5, "A2": -0.25, "A3": -0.5, "A4": -1.0, "A5": -0.5}
    assert found.set_index("account_id")["tier"].to_dict() == {
        "A1": "Tier 1", "A2": "Tier 2", "A3": "Tier 3", "A4": "Tier 3", "A5": "Tier 3"
    }  # fmt: skip
    code, _, said = run(capsys, *asked)
    assert code == 2
    assert "is there already. Name a new folder." in said
    assert not [*(project / ".tierkit").glob(".known-*")]


def test_accounts_are_scored_after_an_earlier_report_too(project, tmp_path, capsys):
    later = tmp_path / "later"
    shutil.copytree(project, later)
    report = later / "reports" / "2026Q2"
    (later / "reports" / "2026Q3").rename(report)
    tiers = pd.read_csv(report / "tiers.csv").assign(group="")
    tiers = tiers.assign(rule_tier=tiers["model_tier"]).to_csv(index=False)
    write_published(later / "reports", "2026Q2", tiers)
    file = tmp_path / "scores.csv"
    asked = ("score", "-f", later, "--model", report / "model.json", "-o", file)
    assert run(capsys, *asked)[0] == 0
    found = pd.read_csv(file).set_index("account_id")
    assert found["tier"].tolist() == found["previous_tier"].tolist()


def test_an_earlier_day_sees_nothing_later(project, tmp_path, capsys):
    model = project / "reports" / "2026Q3" / "model.json"
    file = tmp_path / "then.parquet"
    arguments = ("--model", model, "-o", file, "--as-of", "2026-07-01")
    assert run(capsys, "score", "-f", project, *arguments)[0] == 0
    then = pd.read_parquet(file).set_index("account_id")["score"]
    assert then.to_dict() == {"A2": -0.25, "A1": -0.5, "A3": -0.5, "A4": -1.0}


def test_a_day_after_the_data_says_so_and_a_workbook_is_written(project, tmp_path, capsys):
    model = project / "reports" / "2026Q3" / "model.json"
    file = tmp_path / "later.xlsx"
    arguments = ("--model", model, "-o", file, "--as-of", "2026-10-31")
    code, out, _ = run(capsys, "score", "-f", project, *arguments)
    assert code == 0
    assert "The data end on 2026-09-30, 30 days before." in out
    assert len(pd.read_excel(file, engine="openpyxl")) == 5


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_the_card_can_be_had_as_a_query_without_any_data(project, tmp_path, capsys, dialect):
    model = project / "reports" / "2026Q3" / "model.json"
    file = tmp_path / f"{dialect}.sql"
    arguments = ("--model", model, "-o", file, "--dialect", dialect)
    assert run(capsys, "score", *arguments)[0] == 0
    text = file.read_text()
    assert text.count("CASE") == 2
    assert ("`won_revenue_4q`" in text) == (dialect == "spark")


@pytest.fixture(scope="module")
def report(project):
    return open_report(read_settings(project))


def refused(capsys, *arguments):
    code, _, err = run(capsys, *arguments)
    return code, err


def test_what_cannot_be_scored_is_refused_in_a_sentence(project, tmp_path, capsys):
    model, out = project / "reports" / "2026Q3" / "model.json", tmp_path / "s.csv"
    score = ("score", "-f", project, "--model")
    assert "end it with .csv" in refused(capsys, *score, model, "-o", tmp_path / "s.txt")[1]
    assert refused(capsys, *score, tmp_path / "none.json", "-o", out)[0] == 2
    (tmp_path / "bad.json").write_text('{"schema": 7}')
    code, err = refused(capsys, *score, tmp_path / "bad.json", "-o", out)
    assert (code, "schema must be 1, found 7" in err) == (2, True)
    (tmp_path / "list.json").write_text("[]")
    assert "not a saved model" in refused(capsys, *score, tmp_path / "list.json", "-o", out)[1]
    other = SavedModel(Card(1.0, (NumericCriterion("fleet", (), (0.0,)),)), "rules card", "x", 4)
    lacking = write_model(tmp_path / "lacking", other)
    code, err = refused(capsys, *score, lacking, "-o", out)
    assert (code, "fleet (unknown)" in err) == (3, True)
    code, err = refused(capsys, *score, model, "-o", tmp_path / "no" / "folder" / "s.csv")
    assert (code, "cannot be written" in err) == (2, True)
    assert not out.exists()


def test_an_account_is_explained_by_id_and_by_name(project, capsys):
    code, out, _ = run(capsys, "explain", " acme LTD", "-f", project)
    assert code == 0
    for part in (
        "Acme Ltd (A1) · 2026Q3 (1 Jul – 30 Sep 2026)",
        "Tier 1, rank 1 of 4, no tier before. First tiers",
        "Predicted revenue: $448, in 8 of 10 cases $10–900",
        "× 2.72     won revenue (4 quarters): 400 or more",
        "Why: won revenue (4 quarters) 400 or more: ×2.7 · industry Energy: ×1.6",
        "Down to Tier 2: if won revenue (4 quarters) were under 100 (now 400 or more).",
        "you can count on: 2 × executive meeting.",
    ):
        assert part in out


def test_an_account_explained_from_python_shows_what_the_command_prints(project, capsys):
    found = tierkit.explain("acme LTD", project=str(project))
    _, out, _ = run(capsys, "explain", "acme LTD", "-f", project)
    assert repr(found).strip() == out.strip()
    assert "mathjax_ignore" in found._repr_html_()
    assert found.answer.account_id == "A1"
    with pytest.raises(SettingsError, match="no account"):
        tierkit.explain("nobody", project=str(project))


def test_the_factors_of_every_account_multiply_to_its_predicted_revenue(report):
    for account in ("A1", "A2", "A3", "A4", "A5"):
        found = report.explain(account)
        product = found.base * found.factors["factor"].prod()
        assert product == pytest.approx(found.predicted_revenue, rel=1e-9)
        assert 0 < len(found.reasons) <= MOST_CHARACTERS
        spoken = found.customer.lower()
        for word in ("score", "tier", "rank", "revenue", "$", "×0", "predict"):
            assert word not in spoken


def test_what_would_move_an_account_moves_it(project, report):
    """The change that is named, made in the data, changes the tier."""
    found = report.explain("A3")
    assert found.moves == (
        "Up to Tier 2: if won revenue (4 quarters) were 100–400 (now under 100).",
    )
    changed = project.parent / "changed"
    shutil.copytree(project, changed, ignore=shutil.ignore_patterns(".tierkit"))
    text = (changed / "data" / "opportunities.csv").read_text()
    moved = text.replace("2026-09-29,50", "2026-09-29,120")
    (changed / "data" / "opportunities.csv").write_text(moved)
    from tierkit.commands.score import score_project

    scored = score_project(MODEL, read_settings(changed)).accounts.set_index("account_id")
    assert scored.loc["A3", "tier"] == "Tier 2"
    later = open_report(read_settings(changed)).explain("A3")
    assert "they have changed since" in " ".join(later.remarks)


def test_accounts_without_a_tier_have_the_reason(report):
    outside, new = (report.explain(name) for name in ("Dune", "A6"))
    assert outside.standing.startswith("No tier: ")
    assert "country in" in outside.standing
    assert outside.moves == ()
    assert new.standing.startswith("Not an account yet")
    assert list(new.lines())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Acmee Ltd", "Did you mean Acme Ltd?"),
        ("corn", "2 accounts have this name: A3, A4"),
        ("Zzyzx", "There are 6 accounts, such as Acme Ltd"),
        ("", "no account has this id or name"),
    ],
)
def test_accounts_that_are_not_there_are_refused_with_near_ones(report, asked, said):
    with pytest.raises(SettingsError, match=said):
        report.explain(asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["A1", "--quarter", "2026Q2"], "no report of it is published; there are 2026Q3"),
        (["A1", "--quarter", "2026"], "not a quarter"),
    ],
)
def test_questions_that_cannot_be_answered_say_what_to_do(project, capsys, arguments, said):
    code, err = refused(capsys, "explain", *arguments, "-f", project)
    assert code == 2
    assert said in err


def test_without_a_report_the_command_says_how_to_get_one(tmp_path, capsys):
    write_project(tmp_path)
    code, err = refused(capsys, "explain", "A1", "-f", tmp_path)
    assert (code, "`tierkit run` publishes one" in err) == (2, True)


def test_past_revenue_as_a_model_is_explained_by_past_revenue(project, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(project, twin, ignore=shutil.ignore_patterns(".tierkit"))
    card = Card(100.0, (REVENUE,))
    model = SavedModel(card, "past revenue", "won_revenue_4q", 4, (), 4)
    write_model(twin / "reports" / "2026Q3", model)
    tiers = pd.read_csv(twin / "reports" / "2026Q3" / "tiers.csv")
    scores = {"A1": 500.0, "A2": 200.0, "A3": 50.0, "A4": 0.0}
    tiers.assign(score=tiers["account_id"].map(scores)).to_csv(
        twin / "reports" / "2026Q3" / "tiers.csv", index=False
    )
    found = open_report(read_settings(twin)).explain("A2")
    assert found.moves[0] == (
        "Up to Tier 1: if won revenue (4 quarters) were more than 500 (now 200)."
    )


WINS = NumericCriterion(
    "wins_count_4q", (1.0, 3.0), (-0.7, 0.0, 0.7), counts=True, accounts=(5, 3, 2, 0)
)
CALLS = NumericCriterion("inbound_count_4q", (5.0,), (0.0, 0.4), counts=True, accounts=(9, 1, 0))
CARD = Card(10.0, (WINS, CALLS, INDUSTRY))
ROW = pd.DataFrame({"wins_count_4q": [0.0], "inbound_count_4q": [1.0], "industry": [None]})


def change(line, direction="up", row=ROW):
    return [str(one) for one in smallest_change(CARD, row, line=line, direction=direction)]


def test_the_smallest_change_passes_the_fewest_accounts():
    assert change(-0.5) == ["wins (4 quarters) 1–2 (now 0)"]  # 0.4 of the accounts, calls 0.5
    assert change(-0.69) == ["wins (4 quarters) 1–2 (now 0)"]
    assert change(0.5) == ["wins (4 quarters) 3 or more (now 0)"]


def test_two_criteria_where_one_is_not_enough_and_nothing_where_two_are_not():
    assert change(0.9) == ["wins (4 quarters) 3 or more (now 0)",
                           "inbound (4 quarters) 5 or more (now 0–4)"]  # fmt: skip
    assert change(1.2) == []
    assert change(-0.7, "down") == []


def test_a_change_downward_ends_below_the_line():
    row = ROW.assign(wins_count_4q=9.0)
    assert change(0.5, "down", row) == ["wins (4 quarters) 1–2 (now 3 or more)"]


def test_nobody_is_asked_to_become_unknown_or_another_industry():
    assert all("unknown" not in step and "industry" not in step for step in change(0.9))
    card = Card(10.0, (INDUSTRY,))
    assert smallest_change(card, ROW, line=0.4, direction="up") == ()


@pytest.mark.parametrize("name", ["tenure_days", "wins_count_ever"])
def test_what_only_grows_is_never_less(name):
    card = Card(10.0, (NumericCriterion(name, (100.0, 200.0), (0.7, 0.0, 0.9)),))
    row = pd.DataFrame({name: [150.0]})
    (step,) = smallest_change(card, row, line=0.5, direction="up")
    assert "200 or more" in step.then
    assert smallest_change(card, row, line=-0.1, direction="down") == ()
    fewer = pd.DataFrame({name: [250.0]})
    assert smallest_change(card, fewer, line=0.5, direction="down") == ()


def test_the_factors_are_strongest_first_and_multiply():
    found = account_factors(CARD, ROW)
    assert found["criterion"].iloc[0] == "wins (4 quarters)"
    assert 10 * found["factor"].prod() == pytest.approx(float(CARD.predict(ROW).iloc[0]))


def test_the_customer_hears_no_number_but_what_was_promised():
    row = ROW.assign(wins_count_4q=9.0, inbound_count_4q=7.0, industry="Energy")
    text = customer_text(CARD, row)
    assert "how often you order, your industry and how much you are in touch with us" in text
    assert not any(sign.isdigit() for sign in text)
    assert "nothing" not in customer_text(Card(1.0), ROW)


def test_a_customer_who_never_ordered_is_not_told_that_its_orders_count():
    nothing = NumericCriterion("won_revenue_4q", (100.0,), (0.4, 0.1), missing=0.0)
    never = NumericCriterion("days_since_last_won", (30.0,), (0.2, -0.2), missing=0.3)
    asked = NumericCriterion("inbound_count_4q", (2.0,), (0.0, 0.2), missing=0.0)
    row = pd.DataFrame({"won_revenue_4q": [0.0], "days_since_last_won": [math.nan],
                        "inbound_count_4q": [5.0]})  # fmt: skip
    text = customer_text(Card(1.0, (nothing, never, asked)), row)
    assert "counts most for you: how much you are in touch with us." in text
    today = customer_text(Card(1.0, (never,)), row.assign(days_since_last_won=0.0))
    assert "how recently you ordered" in today


def test_an_override_is_explained_by_the_tier_of_the_model_and_that_of_its_rank():
    held = {"tier": "Tier 1", "rank": 208, "overridden": True, "model_tier": "Tier 2",
            "rule_tier": "Tier 3", "previous_tier": "Tier 1", "move_reason": ""}  # fmt: skip
    assert standing(held, 250) == (
        "Tier 1, rank 208 of 250, set by hand; the model says Tier 2 (Tier 3 by rank alone), "
        "Tier 1 before"
    )


TIERS = [Tier(name="Tier 1", capacity=1), Tier(name="Tier 2", capacity=2), Tier(name="Tier 3")]


def tiered(previous):
    return pd.DataFrame(
        {
            "tier": ["Tier 1", "Tier 2", "Tier 2", "Tier 3", "Tier 3"],
            "previous_tier": previous,
            "rank": [1, 2, 3, 4, 5],
            "score": [9.0, 8.0, 7.0, 6.0, 5.0],
            "overridden": False,
        },
        index=list("ABCDE"),
    )


def test_the_line_below_is_the_end_of_the_keep_band():
    above, below = lines_around(
        tiered([None] * 5), "C", tiers=TIERS, stability=StabilitySettings(keep_band=1.4)
    )
    assert (above.tier, above.score) == ("Tier 1", 9.0)
    assert (below.tier, below.score) == ("Tier 3", 5.0)  # the band ends at rank 1.4 × 3 = 4


def test_where_holders_fill_a_tier_no_score_brings_an_account_in():
    held = ["Tier 1", "Tier 2", "Tier 2", "Tier 3", "Tier 3"]
    above, below = lines_around(tiered(held), "D", tiers=TIERS, stability=StabilitySettings())
    assert above.score is None
    assert "no slot of Tier 2 was open" in above.why
    assert below is None


def test_ids_go_before_names():
    accounts = pd.DataFrame({"account_id": ["Bolt", "A2"], "name": ["Acme", "Bolt"]})
    assert find_account(accounts, "Bolt") == "Bolt"
    with pytest.raises(SettingsError, match="Did you mean Acme"):
        find_account(accounts, "acm")


GOLDEN = "model-1.json"


def test_a_model_of_an_earlier_release_loads_and_scores_identically(request):
    """Never write these files anew: they hold what people have signed."""
    folder = request.path.parent / "golden"
    model = read_model(folder / GOLDEN)
    rows = pd.read_csv(folder / "model-1-scores.csv", dtype={"industry": "object"})
    found = model.ranked(rows.drop(columns=["score", "predicted_revenue"]))
    assert (found["score"] == rows["score"]).all()
    np.testing.assert_allclose(found["predicted_revenue"], rows["predicted_revenue"], rtol=1e-12)
    assert SavedModel.from_plain(model.to_plain()) == model


def test_a_model_that_does_not_say_how_far_it_looks_back_is_read_all_the_same(tmp_path):
    plain = MODEL.to_plain()
    del plain["look_back"], plain["past_revenue"]
    file = tmp_path / "model.json"
    file.write_text(json.dumps({**plain, "later_key": [1, 2]}))
    assert read_model(file).look_back is None
    assert read_model(file).past_revenue == "won_revenue_4q"
    file.write_text(json.dumps({**plain, "kind": "neural net"}))
    with pytest.raises(SettingsError, match="not a saved model"):
        read_model(file)
    assert not math.isnan(MODEL.card.base)
