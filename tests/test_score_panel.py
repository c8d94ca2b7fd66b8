"""A Parquet file of criteria is scored and tiered where it lies, as a card does in this process."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.engines import engine_of
from tierkit.commands import score_panel
from tierkit.commands.scoring_in_engine import lines_by_size
from tierkit.crm import register_frame
from tierkit.errors import DataError, SettingsError
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.explaining import bin_reasons
from tierkit.models.saved import SavedModel
from tierkit.settings import Settings, Tier

CARD = Card(
    500.0,
    (
        NumericCriterion("wins", (1.0, 4.0), (-0.5, 0.25, 1.0), missing=0.01),
        CategoricalCriterion("industry", ("bank", "retail"), (0.5, -0.25), other=0.0, missing=-1.0),
    ),
)
MODEL = SavedModel(CARD, "fitted card", "wins", 4)
LINES = [("Tier 1", 0.75), ("Tier 2 & more", 0.0), ("Tier 3", -math.inf)]


@pytest.fixture
def panel(tmp_path):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "account_id": [f"A{n}" for n in range(300)],
            "wins": rng.choice([0.0, 1.0, 3.0, 4.0, 9.0, np.nan], 300),
            "industry": rng.choice(["bank", "retail", "energy", None], 300),
        }
    )
    frame.to_parquet(tmp_path / "panel.parquet", index=False)
    return frame.set_index("account_id")


@pytest.mark.parametrize("name", ["duckdb", "polars", pytest.param("sail", marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", [MODEL, SavedModel(CARD, "past revenue", "wins", 4)])
def test_scores_and_tiers_are_those_of_the_card(name, model, panel, tmp_path, monkeypatch):
    engine = engine_of(name)
    monkeypatch.setattr("tierkit.commands.scoring_in_engine.open_engine", lambda *_, **__: engine)
    folder = tmp_path / "scores"
    score_panel(model, tmp_path / "panel.parquet", folder, settings=Settings(), lines=LINES)
    found = duckdb.read_parquet(f"{folder}/*/*.parquet", hive_partitioning=True).df()
    found = found.set_index("account_id").reindex(panel.index)
    expected = model.ranked(panel)
    for column in expected:
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-9, atol=1e-12)
    points = CARD.points_of(panel)
    texts = {one.name: np.array(bin_reasons(one)) for one in CARD.criteria}
    bins = CARD.bins_of(panel)
    for account, sizes in points.abs().iterrows():
        moving = sizes[sizes >= np.log(1.05)]
        said = [texts[name][bins.loc[account, name]] for name in moving.index]
        assert found.loc[account, "reasons"] == " · ".join(said)
        first = said[int(np.argmax(moving))] if said else ""
        assert found.loc[account, "reason"] == first
    assert (found["reasons"] == "").any()
    tiers = np.select(
        [expected["score"] >= line for _, line in LINES], [n for n, _ in LINES], default=""
    )
    assert found["tier"].tolist() == tiers.tolist()


@pytest.mark.parametrize("name", ["duckdb", "polars", pytest.param("sail", marks=pytest.mark.slow)])
def test_tiers_by_size_hold_the_best_and_are_never_too_large(name):
    """Two accounts share the third place: both are in the next tier where one alone had room."""
    frame = pd.DataFrame({"score": [5.0, 4.0, 3.0, 3.0, 2.0, 1.0, 1.0, 0.0]})
    rows = register_frame(engine_of(name), frame)
    tiers = (Tier(name="A", capacity=3), Tier(name="B", share=0.25), Tier(name="C"))
    assert lines_by_size(rows, tiers) == [("A", 4.0), ("B", 2.0), ("C", -math.inf)]
    none = (Tier(name="A", capacity=0), Tier(name="B"))
    assert lines_by_size(rows, none) == [("A", math.inf), ("B", -math.inf)]
    equal = register_frame(engine_of(name), pd.DataFrame({"score": [1.0, 1.0]}))
    assert lines_by_size(equal, (Tier(name="A", capacity=1), Tier(name="B")))[0] == ("A", math.inf)
    with pytest.raises(SettingsError, match="A is not sized by capacity or share alone"):
        lines_by_size(rows, (Tier(name="A", line=1000.0), Tier(name="B")))


def test_a_folder_of_several_dates_has_no_tiers_by_size(panel, tmp_path):
    """By the lines of a report every date has its tiers; sizes are those of one date."""
    for day in ("2026-01-01", "2026-04-01"):
        place = tmp_path / "panel" / f"as_of={day}"
        place.mkdir(parents=True)
        panel.reset_index().to_parquet(place / "part.parquet", index=False)
    asked = {"settings": Settings()}
    with pytest.raises(SettingsError, match="panel holds several dates"):
        score_panel(MODEL, tmp_path / "panel", tmp_path / "scores", lines=None, **asked)
    score_panel(MODEL, tmp_path / "panel", tmp_path / "scores", lines=LINES, **asked)
    found = duckdb.read_parquet(f"{tmp_path}/scores/*/*.parquet", hive_partitioning=True)
    rows = found.aggregate("as_of::VARCHAR AS day, count(*)", "day").fetchall()
    assert sorted(rows) == [("2026-01-01", 300), ("2026-04-01", 300)]
    one = tmp_path / "panel" / "as_of=2026-01-01" / "part.parquet"
    score_panel(MODEL, one, tmp_path / "by size", lines=None, **asked)
    sizes = duckdb.read_parquet(f"{tmp_path}/by size/*/*.parquet", hive_partitioning=True)
    assert dict(sizes.aggregate("tier, count(*)", "tier").fetchall()).get("Tier 1", 0) <= 15


def test_what_cannot_be_scored_is_a_sentence_and_leaves_no_folder(panel, tmp_path):
    file = tmp_path / "panel.parquet"
    panel[["wins"]].reset_index().to_parquet(file, index=False)
    asked = {"settings": Settings(), "lines": LINES}
    with pytest.raises(DataError, match="lacks what the model scores by: industry"):
        score_panel(MODEL, file, tmp_path / "scores", **asked)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match=r"panel\.parquet"):
        score_panel(MODEL, file, tmp_path / "scores", **asked)
    assert not (tmp_path / "scores").exists()
    (tmp_path / "scores").mkdir()
    with pytest.raises(SettingsError, match="is there already"):
        score_panel(MODEL, file, tmp_path / "scores", **asked)


@pytest.mark.usefixtures("panel")
def test_a_corrupt_row_group_is_named_and_a_rerun_succeeds(tmp_path):
    file = tmp_path / "panel.parquet"
    whole = file.read_bytes()
    middle = len(whole) // 3
    file.write_bytes(whole[:middle] + b"\xff" * 60 + whole[middle + 60 :])
    asked = {"settings": Settings(), "lines": LINES}
    with pytest.raises(DataError, match=r"panel\.parquet.*run it again"):
        score_panel(MODEL, file, tmp_path / "scores", **asked)
    assert not (tmp_path / "scores").exists()
    file.write_bytes(whole)
    score_panel(MODEL, file, tmp_path / "scores", **asked)
    assert sorted(one.name for one in (tmp_path / "scores").iterdir())
