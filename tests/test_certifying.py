"""The certificate of tier ROI is made beside the fit, once, and ends with the run."""

import time
from types import SimpleNamespace

import pytest

from tierkit.files import work_lock
from tierkit.roi import tier_standings
from tierkit.runs import certifying
from tierkit.runs.certifying import certified_beside
from tierkit.runs.opening import open_run
from tierkit.runs.tier_roi import certify
from tierkit.settings import Settings

WORLDS = 20


def kept(run):
    return [*(run.settings.scratch / "cache").glob("certificate-*")]


def test_the_stage_of_tier_roi_finds_what_was_made_beside_the_fit(project, monkeypatch):
    monkeypatch.setattr(certifying, "free_processors", lambda: 2)
    run = open_run(str(project), settings={"roi.certificate_worlds": WORLDS})
    with certified_beside(run.settings, run.source, run.folder):
        pass  # a run that ends at once ends what was begun beside it
    with work_lock(run.settings.scratch, "certificate"):
        assert kept(run) == []
    with certified_beside(run.settings, run.source, run.folder):
        until = time.monotonic() + 120
        while not kept(run) and time.monotonic() < until:
            time.sleep(0.1)
    monkeypatch.setattr("tierkit.roi._certificate._certify", lambda *_: pytest.fail("made again"))
    standings = tier_standings(run.tables, settings=run.settings, as_of=run.as_of)
    assert certify(run, standings)["worlds"] == WORLDS


@pytest.mark.parametrize(
    ("processors", "worlds", "rows"),
    [
        (1, 100, {"tier_history": 9, "accounts": 9}),
        (2, 19, {"tier_history": 9, "accounts": 9}),
        (2, 100, {"accounts": 9}),
        (2, 100, {"tier_history": 9, "accounts": 20_001}),
    ],
)
def test_no_process_is_started_where_none_pays(tmp_path, monkeypatch, processors, worlds, rows):
    monkeypatch.setattr(certifying, "free_processors", lambda: processors)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("started"))
    settings = Settings.model_validate({"roi": {"certificate_worlds": worlds}})
    with certified_beside(settings, SimpleNamespace(source_rows=rows), tmp_path):
        assert [*tmp_path.iterdir()] == []
