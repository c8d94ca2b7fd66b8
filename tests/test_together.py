"""Two people at once: nothing is lost, nothing mixed, and nothing said to be done that is not."""

from __future__ import annotations

import csv
import os
import shutil
import traceback
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from projects import write_project
from report_samples import LABEL, write_published, write_report

from tierkit.commands.accept import accept_tiers
from tierkit.errors import TierkitError
from tierkit.explorer import writing
from tierkit.publishing import Published
from tierkit.publishing.publish import claim_reports, publish
from tierkit.runs import draw_quarter_band
from tierkit.settings import read_settings
from tierkit.tiers import read_overrides

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs copies of this process"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]
ROUNDS = int(os.environ.get("TIERKIT_ROUNDS", "3"))
IDS = [f"A{number}" for number in range(1, 13)]
LATER = date(2026, 10, 1)
TOML = """
[[tiers]]
name = "Tier 1"
capacity = 4
[[tiers]]
name = "Tier 2"
capacity = 4
[[tiers]]
name = "Tier 3"
"""


@pytest.fixture
def project(tmp_path):
    folder = write_project(tmp_path / "acme", settings=TOML)
    tiers = "account_id,tier,rank,score,predicted_revenue,overridden\n" + "".join(
        f"{account},Tier {1 + place // 4},{place + 1},{20 - place},900,False\n"
        for place, account in enumerate(IDS)
    )
    for label in ("2026Q2", LABEL):
        write_published(folder / "reports", label, tiers)
    claim_reports(folder / "reports")
    return folder


def at_once(*acts: Callable[[], object]) -> list[bool]:
    """Do things in copies of this process that begin at one moment; return which of them ended.

    A thing that is refused in words has not ended; any other error fails the test.
    """
    ready, go = os.pipe()
    processes = []
    for act in acts:
        process = os.fork()
        if not process:
            code = 70
            try:
                os.close(go)
                os.read(ready, 1)  # the other end is closed for all of them at once
                act()
                code = 0
            except TierkitError:
                code = 2
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        processes.append(process)
    os.close(ready)
    os.close(go)
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    assert set(codes) <= {0, 2}
    return [code == 0 for code in codes]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as source:
        return [*csv.DictReader(source)]


def test_two_acceptances_leave_whole_rows_of_each_that_said_it_was_done(project):
    history = project / "tier_history.csv"
    for _ in range(ROUNDS):
        history.unlink(missing_ok=True)
        settings = read_settings(project)
        done = at_once(*[partial(accept_tiers, settings, label) for label in ("2026Q2", LABEL)])
        by_quarter = {"2026Q2": "2026-07-01", LABEL: "2026-10-01"}
        starts = [row["start_date"] for row in rows_of(history)]
        for (_, begins), said_so in zip(by_quarter.items(), done, strict=True):
            assert starts.count(begins) == (len(IDS) if said_so else 0)
        assert any(done)


def test_two_explorers_lose_no_override(project, monkeypatch):
    monkeypatch.setattr(writing, "overrides_of", lambda _basis, given, folder: read_overrides(
        folder, accounts=frozenset(IDS), tiers=given.tiers, as_of=LATER
    ))  # fmt: skip
    settings = read_settings(project)

    def confirm(accounts: list[str], person: str) -> None:
        for account in accounts:
            row = {"account_id": account, "tier": "Tier 3", "reason": "plan", "set_by": person,
                   "set_on": "2026-10-05", "review_on": "2027-01-05"}  # fmt: skip
            writing.write_override(None, settings, row)

    for _ in range(ROUNDS):
        (project / "overrides.csv").unlink(missing_ok=True)
        done = at_once(lambda: confirm(IDS[:6], "Kim"), lambda: confirm(IDS[6:], "Lee"))
        assert done == [True, True]
        found = rows_of(project / "overrides.csv")
        assert sorted((row["account_id"], row["set_by"]) for row in found) == sorted(
            (account, "Kim" if account in IDS[:6] else "Lee") for account in IDS
        )


def test_two_draws_of_one_line_are_one_draw(project):
    for _ in range(ROUNDS):
        shutil.rmtree(project / "experiments", ignore_errors=True)
        settings = read_settings(project)
        draw = partial(draw_quarter_band, settings, LABEL, ranks=(3, 6))
        done = at_once(*[partial(draw, seed=seed) for seed in (1, 2)])
        assert sorted(done) == [False, True]
        (file,) = (project / "experiments").iterdir()
        assert {row["seed"] for row in csv.DictReader(file.read_text().splitlines()[1:])} == {
            str(1 + done.index(True))
        }


def test_a_run_that_publishes_beside_an_acceptance_is_accepted_whole(project, tmp_path):
    """The tiers in force are those of one report, the old one or the new."""
    for number in range(ROUNDS):
        (project / "tier_history.csv").unlink(missing_ok=True)
        shutil.copytree(project / "reports" / LABEL, tmp_path / "new")
        new = write_report(tmp_path / "other", run_id=f"run-{number}") / "run.json"
        shutil.copy(new, tmp_path / "new" / "run.json")
        shutil.rmtree(tmp_path / "other")
        tiers = (tmp_path / "new" / "tiers.csv").read_text()
        swapped = tiers.replace("Tier 1", "Tier X").replace("Tier 3", "Tier 1")
        (tmp_path / "new" / "tiers.csv").write_text(swapped.replace("Tier X", "Tier 3"))
        settings = read_settings(project)
        before = Published.open(project / "reports" / LABEL).tiers["tier"].to_dict()
        at_once(
            partial(publish, tmp_path / "new", reports=settings.reports, label=LABEL),
            partial(accept_tiers, settings, LABEL),
        )
        after = Published.open(project / "reports" / LABEL).tiers["tier"].to_dict()
        accepted = {row["account_id"]: row["tier"] for row in rows_of(project / "tier_history.csv")}
        assert before != after
        assert accepted in (before, after)
