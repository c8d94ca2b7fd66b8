"""A run on a sample: whole families by lot, their rows alone, capacities in proportion."""

from __future__ import annotations

import pytest
from projects import write_project

from tierkit.commands import Request, recalibrate_sample, run, sample
from tierkit.commands.sample import draw_accounts
from tierkit.crm.tables import read_written_tables
from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.publishing import read_handover
from tierkit.runs import trusted_tables
from tierkit.settings import read_settings

FAMILIES = "account_id parent_id;" + ";".join(
    f"{top}{child} {top if child else '-'}" for top in "ABCDEFGHIJ" for child in ("", "1", "2")
)
OVERRIDES = "account_id,tier,reason,set_by,set_on,review_on\n" + "".join(
    f"{one},Tier 1,board,Ann,2026-01-01,2027-01-01\n" for one in ("A1", "A2")
)


def test_families_stay_whole_and_other_accounts_do_not_matter():
    drawn, whole = draw_accounts(tables_of(accounts=FAMILIES), 14, seed=1)
    assert (len(drawn), whole) == (12, 30)
    assert {one[0] + child for one in drawn for child in ("", "1", "2")} == {*drawn}
    fewer = ";".join(one for one in FAMILIES.split(";") if one[0] != drawn[0][0])
    again, _ = draw_accounts(tables_of(accounts=fewer), 14, seed=1)
    assert {one for one in drawn if one[0] != drawn[0][0]} <= {*again}
    other, _ = draw_accounts(tables_of(accounts=FAMILIES), 14, seed=2)
    assert other != drawn


def test_accounts_whose_parents_turn_in_a_circle_are_drawn_as_their_own_families():
    drawn, whole = draw_accounts(
        tables_of(accounts="account_id parent_id; A B; B A; C -"), 2, seed=1
    )
    assert (len(drawn), whole) == (2, 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [(30, "there are 30 accounts. Run without --sample"), (2, "the first family drawn is larger")],
)
def test_a_sample_that_cannot_be_drawn_is_refused(asked, said):
    with pytest.raises(SettingsError, match=said):
        draw_accounts(tables_of(accounts=FAMILIES), asked, seed=1)


def test_the_sample_is_a_project_with_its_own_rows_and_capacities(tmp_path, monkeypatch):
    tiers = '[[tiers]]\nname = "Tier 1"\ncapacity = 5\n[[tiers]]\nname = "Tier 2"\n'
    project = write_project(tmp_path / "a cme", settings=f"{tiers}[run]\ntitle = 'Acme'\n")
    (project / "overrides.csv").write_text(OVERRIDES)
    ran = []

    def stopped(folder, **_):
        ran.append(folder)
        raise InterruptedError

    monkeypatch.setattr(sample, "run_apart", stopped)
    lines = []
    with pytest.raises(InterruptedError):
        recalibrate_sample(Request(read_settings(project)), 2, on_step=lines.append)
    (folder,) = ran
    given = read_handover(folder)
    tables = read_written_tables(folder / "tables")
    ids = set(tables["accounts"].collect()["account_id"].to_list())
    assert len(ids) == 2
    assert {*tables["opportunities"].collect()["account_id"].to_list()} <= ids
    overrides = (folder / "overrides.csv").read_text()
    assert [one in overrides for one in ("A1", "A2")] == [one in ids for one in ("A1", "A2")]
    accounts = int(lines[0].split(" of ")[2].split()[0])
    assert given.settings.tiers[0].capacity == max(1, round(5 * 2 / accounts))
    assert given.settings.run.title == f"Acme – a sample of 2 of {accounts} accounts"
    assert given.settings.reports.resolve() == (project / "reports" / "sample").resolve()


def test_a_run_of_very_many_accounts_names_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "MANY_ACCOUNTS", 2)
    tables = trusted_tables(read_settings(write_project(tmp_path / "acme")))
    (said,) = run._too_many(tables)
    assert said.startswith(f"a run keeps the criteria of {tables.source_rows['accounts']} accounts")
    assert "--sample 100000" in said
    monkeypatch.setattr(run, "MANY_ACCOUNTS", 200_000)
    assert not run._too_many(tables)


@pytest.mark.parametrize("barred", [{"only": ("fit",)}, {"keeps_rows": True}])
def test_a_sample_is_a_whole_report(tmp_path, barred):
    settings = read_settings(write_project(tmp_path / "acme"))
    with pytest.raises(SettingsError, match="--sample goes with none of"):
        recalibrate_sample(Request(settings, **barred), 2, on_step=print)
