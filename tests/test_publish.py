"""Publishing: all of a report or nothing, whatever happens; the last good one is never touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from report_samples import LABEL, facts, report_notebook, write_notebook, write_report
from tiny_runs import QUARTER, contents, fails, make_project, one

from tierkit.commands.apart import REPORT_PLAN
from tierkit.errors import GateError, NotebookError, SettingsError
from tierkit.pages.index import index_rows, write_index
from tierkit.publishing import publish as publishing
from tierkit.publishing.gates import read_page
from tierkit.publishing.plan import Handover, read_handover, write_handover
from tierkit.publishing.publish import (
    JOURNAL,
    MARK,
    claim_reports,
    exchange,
    finish_interrupted,
    keep_remains,
    publish,
    run_id,
    same_report,
)
from tierkit.publishing.run import ReportPlan, run_recalibration
from tierkit.settings import read_settings

# ---- one folder in, the other out ----------------------------------------------------------------


def test_a_new_quarter_is_put_in_place(tmp_path):
    finished = write_report(tmp_path / "work" / "report")
    expected = contents(finished)
    done = publish(finished, reports=tmp_path / "reports", label=LABEL)
    assert (done.folder, done.new, done.replaced) == (tmp_path / "reports" / LABEL, True, None)
    assert contents(done.folder) == expected
    assert not finished.exists()


@pytest.fixture(params=["exchange", "two renamings"])
def reports(request, tmp_path, monkeypatch):
    """A folder with a report to be replaced: by the system's exchange, and without it."""
    if request.param == "two renamings":
        monkeypatch.setattr(publishing, "exchange", lambda _one, _other: False)
    old = write_report(tmp_path / "old", run_id="old", leadership="<p>old</p>")
    return publish(old, reports=tmp_path / "reports", label=LABEL).folder.parent


def new_report(tmp_path: Path) -> Path:
    return write_report(tmp_path / "work" / "new", run_id="new", leadership="<p>new</p>")


def test_a_replaced_report_is_kept_under_its_run_id(tmp_path, reports):
    before = contents(reports / LABEL)
    done = publish(new_report(tmp_path), reports=reports, label=LABEL)
    assert run_id(reports / LABEL) == "new"
    assert done.replaced == reports / "archive" / f"{LABEL}-old"
    assert contents(done.replaced) == before
    assert not (reports / JOURNAL).exists()


def test_the_same_report_is_not_published_again(tmp_path, reports):
    before = contents(reports)
    again = write_report(tmp_path / "again", run_id="again", leadership="<p>old</p>")
    done = publish(again, reports=reports, label=LABEL)
    assert not done.new
    assert contents(reports) == before


@pytest.mark.parametrize("change", ["leadership.html", "facts.json", "notebooks/fit.ipynb"])
def test_one_other_byte_makes_another_report(tmp_path, change):
    one, other = write_report(tmp_path / "one"), write_report(tmp_path / "other", run_id="run-2")
    assert same_report(one, other)
    (other / change).write_bytes((other / change).read_bytes() + b" ")
    assert not same_report(one, other)


@pytest.mark.parametrize("missing", ["facts.json", "notebooks/fit.ipynb"])
def test_a_file_less_makes_another_report(tmp_path, missing):
    one, other = write_report(tmp_path / "one"), write_report(tmp_path / "other")
    (other / missing).unlink()
    assert not same_report(one, other)
    assert not same_report(other, one)


def test_a_report_needs_a_run_id_of_its_own(tmp_path, reports):
    twin = write_report(tmp_path / "twin", run_id="old", leadership="<p>new</p>")
    with pytest.raises(GateError, match="states no run id of its own; found 'old'"):
        publish(twin, reports=reports, label=LABEL)
    assert run_id(reports / LABEL) == "old"


class PowerCutError(Exception):
    """The process ends here."""


class Steps:
    """Counts the steps of a publication and cuts the power before or after one of them."""

    names = ("_write_journal", "exchange", "_rename")

    def __init__(self, cut: int, *, after: bool) -> None:
        self.cut, self.after, self.done = cut, after, 0

    def wrap(self, step):
        def wrapped(*paths):
            here = self.done == self.cut
            self.done += 1
            if here and not self.after:
                raise PowerCutError
            result = step(*paths)
            if here:
                raise PowerCutError
            return result

        return wrapped


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("after", [False, True], ids=["before the step", "after the step"])
def test_publication_cut_off_at_any_step_is_finished_by_the_next_command(
    tmp_path, reports, monkeypatch, step, after
):
    before = contents(reports / LABEL)
    new = new_report(tmp_path)
    expected = contents(new)
    steps = Steps(step, after=after)
    with monkeypatch.context() as patched:
        for name in Steps.names:
            patched.setattr(publishing, name, steps.wrap(getattr(publishing, name)))
        with pytest.raises(PowerCutError):
            publish(new, reports=reports, label=LABEL)
    finish_interrupted(reports)
    assert not (reports / JOURNAL).exists()
    if step == 0 and not after:  # not even the intent was written: nothing happened
        assert contents(reports / LABEL) == before
    else:
        assert contents(reports / LABEL) == expected
        assert contents(reports / "archive" / f"{LABEL}-old") == before
        assert not new.exists()


def test_a_journal_cut_off_while_written_is_put_away(reports):
    before = contents(reports / LABEL)
    (reports / JOURNAL).write_text('{"incoming": "../wo')
    assert finish_interrupted(reports) is None
    assert contents(reports) == {f"{LABEL}/{name}": data for name, data in before.items()}


def test_the_old_report_comes_back_where_the_new_one_was_lost(tmp_path, reports):
    before = contents(reports / LABEL)
    new = new_report(tmp_path)
    intent = publishing._Intent(".incoming-new", LABEL, f"archive/{LABEL}-old", "new", "old")
    publishing._write_journal(reports, intent)
    (reports / "archive").mkdir()
    (reports / LABEL).rename(reports / "archive" / f"{LABEL}-old")
    new.rename(tmp_path / "lost")
    finish_interrupted(reports)
    assert contents(reports / LABEL) == before


def test_exchange_swaps_two_folders_where_the_system_can(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    if exchange(tmp_path / "one", tmp_path / "other"):
        assert (tmp_path / "one" / "who").read_text() == "other"
    assert {path.read_text() for path in tmp_path.glob("*/who")} == {"one", "other"}


def test_remains_say_their_cause_in_one_line(tmp_path):
    write_report(tmp_path / "work")
    remains = keep_remains(
        tmp_path / "work", reports=tmp_path / "reports", run="run-1", cause="bad\n  - worse"
    )
    assert remains == tmp_path / "reports" / "failed" / "run-1"
    assert (remains / "cause.txt").read_text() == "bad - worse\n"


# ---- the list of quarters ------------------------------------------------------------------------


def test_the_index_lists_quarters_newest_first_with_their_numbers(tmp_path):
    for label in ("2026Q2", "2026Q3"):
        write_report(tmp_path / label)
    (tmp_path / "2026Q4").mkdir()
    (tmp_path / "2026Q4" / "facts.json").write_text("broken")
    rows = index_rows(tmp_path)
    assert [row["folder"] for row in rows] == ["2026Q3", "2026Q2"]
    assert rows[0] == {
        "folder": "2026Q3",
        "quarter": "2026 Q3 (1 Jul – 30 Sep 2026)",
        "decision": "first run",
        "verdict": "no signal",
        "tier": "Tier 1",
        "accounts": "3",
        "predicted": "too few to show",
        "moves": "3",
        "kept": "none due",
        "delivered": "not due",
    }
    page = write_index(tmp_path, title="<Acme>").read_text()
    assert read_page(page).faults == []
    assert read_page(page).figures == set()  # three accounts are too few, first runs do not move
    assert "&lt;Acme&gt;" in page
    assert 'href="2026Q3/leadership.html"' in page


def test_the_index_draws_each_number_that_two_quarters_know(tmp_path):
    for label, revenue in (("2026Q2", 1e6), ("2026Q3", 2e6)):
        told = facts()
        told["quarter"] |= {
            "label": label,
            "as_of": f"2026-{'07' if label == '2026Q2' else '10'}-01",
        }
        told["tiers"][0] |= {"accounts": 15, "predicted_revenue": revenue}
        told["decision"]["action"] = "hold"
        folder = write_report(tmp_path / label)
        (folder / "facts.json").write_text(json.dumps(told))
    page = read_page(write_index(tmp_path, title="Acme").read_text())
    assert page.figures == {"quarters-revenue", "quarters-moves"}
    assert page.faults == []
    assert "Predicted for the top tier: $2.0 M in 2026 Q3, $1.0 M in 2026 Q2." in page.words


# ---- whole runs, with tiny notebooks -------------------------------------------------------------


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A project with a published report, made by two notebooks."""
    project = make_project(tmp_path_factory.mktemp("acme"))
    look = (
        "from tierkit.publishing.plan import read_handover\n"
        "given = read_handover(run_folder)\n"
        "label, title = given.quarter.label, given.settings.run.title\n"
        "(label, title, given.set_overrides, given.model_file)"
    )
    first = report_notebook(extra=look)
    first.cells = [
        cell for cell in first.cells if "leadership" not in cell.metadata.get("tags", [])
    ]
    plan = ReportPlan(
        pages=REPORT_PLAN.pages,
        notebooks=(
            write_notebook(project / "nb" / "fit_tier_model.ipynb", first),
            *one(project).notebooks,
        ),
        figures={"leadership.html": ("tiers",)},
        tables={"analyst.html": ("settings",)},
    )
    said: list[str] = []
    result = run_recalibration(
        read_settings(project), quarter=QUARTER, plan=plan, on_step=said.append
    )
    return project, result, said


def test_a_run_publishes_every_file(published):
    project, result, _ = published
    assert (result.folder, result.published) == (project / "reports" / LABEL, True)
    assert set(contents(result.folder)) == {
        "leadership.html",
        "analyst.html",
        "tiers.csv",
        "accounts.xlsx",
        "model.json",
        "facts.json",
        "summary.txt",
        "run.json",
        "notebooks/fit_tier_model.ipynb",
        "notebooks/recalibrate.ipynb",
    }
    assert list((project / ".tierkit" / "runs").iterdir()) == []
    assert "2026 Q3" in (project / "reports" / "index.html").read_text()


def test_a_run_says_one_line_per_step(published):
    _, _, said = published
    assert [line.partition(":")[0] for line in said[:4]] == [
        "fit_tier_model",
        "recalibrate",
        "pages",
        "gates",
    ]
    assert said[4:] == [f"Published reports/{LABEL}"]


def test_the_manifest_holds_settings_inputs_versions_and_stages(published):
    _, result, _ = published
    manifest = json.loads((result.folder / "run.json").read_text())
    assert manifest["run_id"] == result.run_id
    assert manifest["settings"]["run"]["title"] == "Acme"
    assert [(entry["file"], entry["bytes"]) for entry in manifest["inputs"]] == [
        ("accounts.csv", 41)
    ]
    assert {"python", "pandas"} <= set(manifest["versions"])
    stages = {stage["name"]: stage["seconds"] for stage in manifest["stages"]}
    assert stages["fit_tier_model"] > 0
    assert manifest["fingerprint"] == facts()["fingerprint"]


def test_notebooks_read_what_the_run_works_with(published):
    _, result, _ = published
    copy = (result.folder / "notebooks" / "fit_tier_model.ipynb").read_text()
    assert f"('{LABEL}', 'Acme', (), None)" in copy


def test_no_time_and_no_run_id_outside_the_manifest(published):
    project, result, _ = published
    for name, data in contents(result.folder).items():
        assert str(project).encode() not in data, name
        assert name == "run.json" or result.run_id.encode() not in data, name


def test_an_identical_rerun_publishes_nothing_and_says_so(published):
    project, _, _ = published
    quarters = project / "reports" / LABEL
    before = contents(quarters)
    plan = ReportPlan(
        pages=REPORT_PLAN.pages, notebooks=tuple(sorted((project / "nb").glob("*.ipynb")))
    )
    result = run_recalibration(read_settings(project), quarter=QUARTER, plan=plan)
    assert not result.published
    assert result.remark == f"Nothing new: reports/{LABEL} holds the same report already."
    assert contents(quarters) == before
    assert not (project / "reports" / "archive").exists()


@pytest.fixture
def project(tmp_path):
    """A project with a report that is not to be harmed."""
    folder = make_project(tmp_path / "acme")
    write_report(folder / "reports" / LABEL, run_id="good")
    return folder


def test_a_failing_notebook_leaves_the_last_report_and_keeps_its_copy(project):
    killed = project / ".tierkit" / "runs" / "20260101T000000Z-abcdef"  # left by another command
    killed.mkdir(parents=True)
    remains = fails(project, NotebookError, "ZeroDivision", plan=one(project, extra="1 / 0"))
    assert (remains / "notebooks" / "recalibrate.ipynb").is_file()
    assert not (remains / "report").exists()
    assert not killed.exists()
    cause = project / "reports" / "failed" / killed.name / "cause.txt"
    assert cause.read_text() == "The command ended before the run did.\n"


def test_gates_stop_publication_and_all_speak_at_once(project, monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", "s3cr3t-value-of-crm")
    made = one(
        project,
        html="<p data-figure='tiers'>Call Blue&nbsp;Heron Freight about A-001</p>",
        extra="import os\nos.environ['CRM_TOKEN']",
    )
    plan = ReportPlan(
        pages=REPORT_PLAN.pages,
        notebooks=made.notebooks,
        figures={"leadership.html": ("tiers", "effort")},
    )
    remains = fails(project, GateError, "the figure effort is missing", plan=plan)
    cause = (remains / "cause.txt").read_text()
    assert "names of 1 account, for example Blue Heron Freight" in cause
    assert "ids of 1 account, for example A-001" in cause
    assert "holds the value of the environment variable CRM_TOKEN" in cause
    assert "s3cr3t" not in cause


def test_a_part_that_no_notebook_wrote_stops_publication(project):
    plan = one(project, extra="folder = folder / 'elsewhere'\nfolder.mkdir()")
    fails(project, GateError, "facts.json was not written", plan=plan)


def test_ctrl_c_ends_the_kernel_and_keeps_the_remains(project):
    pid = project / "pid"
    write_pid = f"import os, time\n_ = open({str(pid)!r}, 'w').write(str(os.getpid()))"
    plan = one(project, extra=f"{write_pid}\nwhile True: time.sleep(1)")

    def interrupt_when_started():
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore it
    threading.Thread(target=interrupt_when_started, daemon=True).start()
    try:
        remains = fails(project, KeyboardInterrupt, "What is left", plan=plan)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted" in (remains / "cause.txt").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_nothing_is_started_for_a_notebook_that_cannot_take_parameters(project):
    plan = one(project)
    path = plan.notebooks[0]
    path.write_text(path.read_text().replace("run_folder = ", "run_foldr = "))
    with pytest.raises(SettingsError, match=r"run_foldr: is no parameter. Did you mean run_folder"):
        run_recalibration(read_settings(project), quarter=QUARTER, plan=plan)
    assert not (project / ".tierkit").exists()


def test_an_unknown_notebook_is_refused_with_the_nearest(project):
    with pytest.raises(SettingsError, match=r"recalibrat: is no notebook of a run. Did you mean"):
        run_recalibration(
            read_settings(project), quarter=QUARTER, only=["recalibrat"], plan=one(project)
        )


def test_a_missing_model_is_refused(project):
    with pytest.raises(SettingsError, match=r"--model .+none.json: no such file"):
        run_recalibration(
            read_settings(project),
            quarter=QUARTER,
            model_file=project / "none.json",
            plan=one(project),
        )


def test_some_notebooks_alone_never_publish_and_build_on_each_other(project):
    claim_reports(project / "reports")
    before = contents(project / "reports")
    fit = report_notebook(extra="_ = (folder / 'panel.txt').write_text('panel')")
    fit = write_notebook(project / "nb" / "fit_tier_model.ipynb", fit)
    last = one(project, extra="(folder / 'panel.txt').read_text()").notebooks
    settings = read_settings(project)
    for name in ("fit_tier_model", "recalibrate"):
        result = run_recalibration(
            settings,
            quarter=QUARTER,
            only=[name],
            plan=ReportPlan(pages=REPORT_PLAN.pages, notebooks=(fit, *last)),
        )
        assert not result.published
    assert result.folder == project / ".tierkit" / "partial" / LABEL
    assert "with --only nothing is published" in result.remark
    assert contents(project / "reports") == before


def test_a_handover_reads_back_as_it_was_written(project):
    settings = read_settings(project, overrides=["stability.keep_band=1.5"])
    given = Handover(settings, QUARTER, project / "model.json", ("stability.keep_band=1.5",))
    write_handover(project, given)
    read = read_handover(project)
    assert read == given
    assert read.settings.source == settings.source
    assert read.quarter.as_of == date(2026, 10, 1)
    with pytest.raises(SettingsError, match="is not the folder of a run"):
        read_handover(project / "data")


def test_the_demo_may_publish_into_the_reports_of_the_checkout(tmp_path):
    ours = Path(__file__).parent.parent / "reports"
    for name in (MARK, "README.md"):
        shutil.copy(ours / name, tmp_path)
    claim_reports(tmp_path)
    (tmp_path / MARK).unlink()
    with pytest.raises(SettingsError, match=r"holds README\.md"):
        claim_reports(tmp_path)
