"""The two real inputs go the whole way from their settings alone."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benches.raw_lines import write_raw_lines
from tierkit.cli import main
from tierkit.crm.trusted import read_tables
from tierkit.settings import read_settings

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real inputs of ../shared/data are not here"),
]


def project(name, folder):
    """Copy an example's settings; only the one line that says where its data lie changes."""
    text = (ROOT / "examples" / name / "tierkit.toml").read_text(encoding="utf-8")
    assert len(re.findall(r"^source = ", text, flags=re.MULTILINE)) == 1
    data = DATA / name
    if name == "online_retail":
        data = write_raw_lines(data / "invoices.csv", folder / "raw")
    moved = re.sub(r'^source = "[^"]*"', f'source = "{data}"', text, flags=re.MULTILINE)
    (folder / "tierkit.toml").write_text(moved, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["online_retail", "adventureworks"])
def published(request, tmp_path_factory):
    folder = project(request.param, tmp_path_factory.mktemp(request.param))
    with pytest.raises(SystemExit) as caught:
        main(
            [
                "run",
                "-f",
                str(folder),
                "--set",
                "model.bags=2",
                "--set",
                "model.most_bags=2",
                "--set",
                "model.shuffled_refits=2",
            ]
        )
    assert caught.value.code == 0
    (report,) = (folder / "reports").glob("*Q*")
    return request.param, report, json.loads((report / "facts.json").read_text())


def test_money_is_conserved_to_the_cent(published):
    name, _, facts = published
    data = facts["data"]
    excluded = sum(round(part["won_revenue"] * 100) for part in data["excluded"])
    assert round(data["won_revenue"] * 100) == round(data["used_won_revenue"] * 100) + excluded
    if name == "online_retail":
        assert data["won_revenue"] == 18_909_744.10
        assert data["opportunities"] == 44_876  # 53,628 invoices, 8,752 without a customer


def test_fifteen_accounts_in_tier_1_and_300_in_tier_2(published):
    _, report, facts = published
    counts = pd.read_csv(report / "tiers.csv")["tier"].value_counts()
    assert (counts["Tier 1"], counts["Tier 2"]) == (15, 300)
    assert [tier["accounts"] for tier in facts["tiers"]][:2] == [15, 300]


def test_the_model_says_how_it_was_tested(published):
    _, _, facts = published
    assert facts["model"]["backtest"]["method"] == "earlier quarter-ends"
    assert facts["model"]["future_rows_seen"] == 0


def test_line_items_are_summed_by_the_tool(tmp_path):
    folder = project("adventureworks", tmp_path)
    deals = read_tables(read_settings(folder))["opportunities"].collect().to_pandas()
    lines = pd.read_csv(DATA / "adventureworks" / "reseller_sales_lines.csv")
    assert len(deals) == lines["SalesOrderNumber"].nunique() == 3_616
    assert float(deals["amount"].sum()) == pytest.approx(lines["SalesAmount"].sum(), abs=0.005)


def test_no_preparation_is_needed_beside_the_settings():
    for name in ("online_retail", "adventureworks"):
        files = [path.name for path in (ROOT / "examples" / name).iterdir()]
        visible = [file for file in files if not file.startswith(".") and file != "reports"]
        assert visible == ["tierkit.toml"]
