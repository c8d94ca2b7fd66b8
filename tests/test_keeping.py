"""The next quarter computes what is new or restated, and gives the bytes of a full rebuild."""

from __future__ import annotations

import ast
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.small_company import write_small_company
from tierkit import cache as cache_module
from tierkit.cache import Cache
from tierkit.crm import tables_as_known
from tierkit.crm.tables import tables_from_frames
from tierkit.crm.trusted import read_tables
from tierkit.features import build_panel, keeping, panel as panel_module
from tierkit.features.contents import contents_of
from tierkit.settings import Settings, parse_settings, read_settings
from tierkit.settings.whole import CRITERIA_SECTIONS

THEN, NOW = date(2024, 1, 1), date(2024, 4, 1)
DATES_THEN = [date(2023, 1, 1), date(2023, 4, 1), date(2023, 7, 1), THEN]
DATES_NOW = [date(2023, 4, 1), date(2023, 7, 1), date(2023, 10, 1), NOW]
AT_BOTH = {date(2023, 4, 1), date(2023, 7, 1)}

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> Frames:
    folder = write_small_company(tmp_path_factory.mktemp("keeping"), accounts=40, quarters=9)
    tables = read_tables(read_settings(folder))
    return {name: rows.collect().to_pandas() for name, rows in tables.frames.items()}


@pytest.fixture(scope="module")
def kept(frames, tmp_path_factory) -> Path:
    """The cache of a project after the quarter before, with the panel's bytes beside it."""
    folder = tmp_path_factory.mktemp("kept")
    found = build(frames, THEN, DATES_THEN, cache=Cache(folder / "cache"))
    written(found, folder)
    return folder


def build(frames: Frames, as_of: date, dates: list[date], *, settings=None, cache=None):
    tables = tables_as_known(tables_from_frames(frames), as_of)
    given = {} if cache is None else {"cache": cache}
    return build_panel(tables, dates, settings=settings or Settings(), **given)


def written(panel, folder: Path) -> bytes:
    panel.write(folder / "panel.parquet")
    return (folder / "panel.parquet").read_bytes()


@pytest.fixture
def computed(monkeypatch) -> list[tuple[date, str]]:
    """The (as_of, account_id) whose features were computed and not taken from what was kept."""
    found: list[tuple[date, str]] = []
    index_of = panel_module._no_columns

    def noted(context):
        rows = index_of(context)
        found.extend((day.date(), account) for account, day in rows.index)
        return rows

    monkeypatch.setattr(panel_module, "_no_columns", noted)
    return found


def won_early(frames: Frames, place: int) -> pd.Series:
    """A deal that was won before the quarters that both panels hold, of another account each."""
    deals = frames["opportunities"]
    day = pd.to_datetime(deals["close_date"])
    early = deals[
        deals["is_won"].fillna(value=False) & (day < "2023-03-01") & deals["amount"].gt(0)
    ]
    last = early.sort_values("opportunity_id").drop_duplicates("account_id", keep="last")
    return last.iloc[place]


def another_amount(frames: Frames) -> tuple[Frames, str]:
    deal = won_early(frames, 0)

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        this = rows["opportunity_id"].eq(deal["opportunity_id"]) & rows["amount"].notna()
        return rows.assign(amount=rows["amount"].mask(this, 123456))

    both = {name: changed(frames[name]) for name in ("opportunities", "stage_history")}
    return {**frames, **both}, deal["account_id"]


def open_again(frames: Frames) -> tuple[Frames, str]:
    """A won deal that the history now says was open again, and lost, half a year later."""
    deal, history = won_early(frames, 1), frames["stage_history"]
    deals = frames["opportunities"]
    stages = deals.groupby("is_won")["stage"].first()
    won_on = pd.Timestamp(deal["close_date"])
    lost_on = won_on + pd.Timedelta(days=200)
    steps = [(won_on, stages[True]), (won_on + pd.Timedelta(days=60), "Discovery"),
             (lost_on, stages[False])]  # fmt: skip
    new = pd.DataFrame(
        {"opportunity_id": deal["opportunity_id"], "changed_date": day.date(), "stage": stage}
        for day, stage in steps
    )
    this = deals["opportunity_id"] == deal["opportunity_id"]
    now = deals.assign(
        is_won=deals["is_won"].mask(this, False),  # noqa: FBT003
        stage=deals["stage"].mask(this, stages[False]),
        close_date=deals["close_date"].mask(this, lost_on.date()),
    )
    kept_history = history[history["opportunity_id"] != deal["opportunity_id"]]
    changed = pd.concat([kept_history, new], ignore_index=True)
    return {**frames, "opportunities": now, "stage_history": changed}, deal["account_id"]


def account_deleted(frames: Frames) -> tuple[Frames, str]:
    gone = won_early(frames, 2)["account_id"]
    left = {
        name: frame[frame["account_id"] != gone] if "account_id" in frame else frame
        for name, frame in frames.items()
    }
    return left, ""


def account_added(frames: Frames) -> tuple[Frames, str]:
    """An account that was entered late, with a deal that was won long ago."""
    deal, name = won_early(frames, 3), "new"
    accounts, deals = frames["accounts"], frames["opportunities"]
    account = accounts[accounts["account_id"] == deal["account_id"]].assign(account_id=name)
    won = deals[deals["opportunity_id"] == deal["opportunity_id"]]
    won = won.assign(account_id=name, opportunity_id="O-new")
    return {
        **frames,
        "accounts": pd.concat([accounts, account], ignore_index=True),
        "opportunities": pd.concat([deals, won], ignore_index=True),
    }, name


def account_moved(frames: Frames) -> tuple[Frames, str]:
    """An account of another industry and another parent: today's values, of all dates."""
    accounts = frames["accounts"]
    this = accounts["account_id"] == won_early(frames, 4)["account_id"]
    other = accounts["account_id"].iloc[-1]
    moved = accounts.assign(
        industry=accounts["industry"].mask(this, "quarrying"),
        parent_id=accounts["parent_id"].mask(this, other),
    )
    return {**frames, "accounts": moved}, ""


@pytest.fixture
def cache(kept, tmp_path) -> Cache:
    shutil.copytree(kept / "cache", tmp_path / "cache")
    return Cache(tmp_path / "cache")


RESTATED = (another_amount, open_again, account_deleted, account_added, account_moved)


def test_what_was_kept_and_what_is_restated_give_the_bytes_of_a_full_rebuild(
    frames, cache, computed, tmp_path
):
    changed, again = frames, set()
    for restate in RESTATED:
        changed, account = restate(changed)
        again |= {account} - {""}
    found = build(changed, NOW, DATES_NOW, cache=cache)
    at_both = {one for day, one in computed if day in AT_BOTH}
    assert at_both >= again
    assert len(at_both) < 12, "deals that were open at the quarter before restate their accounts"
    assert {day for day, _ in computed} >= set(DATES_NOW) - AT_BOTH
    assert written(found, tmp_path) == written(build(changed, NOW, DATES_NOW), tmp_path)


def test_the_same_panel_again_computes_nothing(frames, kept, cache, computed, tmp_path):
    again = build(frames, THEN, DATES_THEN, cache=cache)
    assert not computed
    assert written(again, tmp_path) == (kept / "panel.parquet").read_bytes()


def test_a_panel_of_many_rows_is_computed_a_few_dates_at_a_time(
    frames, kept, computed, monkeypatch, tmp_path
):
    monkeypatch.setattr(keeping, "MOST_ROWS", 2 * len(frames["accounts"]))
    found = build(frames, THEN, DATES_THEN)
    assert written(found, tmp_path) == (kept / "panel.parquet").read_bytes()
    assert computed[0][0] == DATES_THEN[0]
    assert [*dict.fromkeys(day for day, _ in computed)] == DATES_THEN


def test_only_a_date_whose_file_was_cut_off_is_computed_again(
    frames, kept, cache, computed, tmp_path
):
    (file,) = cache.folder.glob(f"panel-*/{DATES_THEN[1]}.parquet")
    file.write_bytes(file.read_bytes()[:999])
    found = build(frames, THEN, DATES_THEN, cache=cache)
    assert {day for day, _ in computed} == {DATES_THEN[1]}
    assert written(found, tmp_path) == (kept / "panel.parquet").read_bytes()


def test_a_date_that_nothing_concerns_is_taken_over_as_its_file_is(frames, cache, computed):
    activities = frames["activities"]
    late = activities.head(1).assign(date=DATES_THEN[2])
    changed = {**frames, "activities": pd.concat([activities, late], ignore_index=True)}
    (before,) = cache.folder.glob("panel-*")
    build(changed, THEN, DATES_THEN, cache=cache)
    assert computed == [(THEN, late["account_id"].item())]
    (after,) = set(cache.folder.glob("panel-*")) - {before}
    same = {day: (after / f"{day}.parquet").read_bytes() == (before / f"{day}.parquet").read_bytes()
            for day in DATES_THEN}  # fmt: skip
    assert same == {day: day != THEN for day in DATES_THEN}


def test_the_fewest_rows_are_computed():
    def whole(differs):
        return keeping.dates_to_compute(differs, np.ones((10, 3), dtype=bool)).tolist()

    changed = np.zeros((10, 3), dtype=bool)
    changed[0, :2], changed[:6, 2] = True, True
    assert whole(changed) == [2]  # ten rows, and two of one account; else six accounts at all three
    changed[:3] = True
    assert whole(changed) == [2]  # ten rows, and six of three accounts
    changed[:6] = True
    assert whole(changed) == []  # six accounts at all three
    assert whole(np.ones((10, 3), dtype=bool)) == [0, 1, 2]


def older_deals(frames: Frames) -> Frames:
    """Deals of a year before all others: every window that was cut holds more."""
    deals = frames["opportunities"]
    before = {name: pd.to_datetime(deals[name]) - pd.DateOffset(years=1)
              for name in ("created_date", "close_date")}  # fmt: skip
    dated = {name: days.dt.date for name, days in before.items()}
    older = deals.assign(**dated, opportunity_id="old " + deals["opportunity_id"])
    return {**frames, "opportunities": pd.concat([deals, older], ignore_index=True)}


def contents(frames: Frames, settings: Settings) -> pd.Series:
    tables = tables_as_known(tables_from_frames(frames), THEN)
    context, _ = panel_module.context_of(tables, DATES_THEN, settings=settings, look_back=None)
    found = contents_of(context, ["won_revenue_4q"])
    return pd.Series(found.hashes[found.exists], index=found.index)


def test_settings_code_and_older_deals_concern_every_account(frames, monkeypatch):
    before = contents(frames, Settings())
    assert before.equals(contents(frames, Settings()))
    annual = Settings.model_validate({"target": {"measure": "annual"}})
    assert not before.eq(contents(frames, annual)).any()
    assert not before.eq(contents(older_deals(frames), Settings()).reindex(before.index)).any()
    tiers = parse_settings({"tiers": [{"name": "A", "capacity": 1}, {"name": "B"}]})
    assert before.equals(contents(frames, tiers))
    monkeypatch.setattr(cache_module, "code_hash", lambda: "another release")
    assert not before.eq(contents(frames, Settings())).any()


MAY_READ = {
    "registry.py": {"card", "model"},  # to check that what they name is a criterion
    "own.py": {"model", "folder"},  # challengers, and where the module lies whose hash counts
    "contents.py": {"criteria_fingerprint"},
}


@pytest.mark.parametrize(
    "path", sorted(Path(keeping.__file__).parent.glob("*.py")), ids=lambda path: path.name
)
def test_criteria_are_computed_from_the_settings_of_their_fingerprint_alone(path):
    read = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", "") or getattr(node.value, "attr", "")) == "settings"
    }
    assert read <= {*CRITERIA_SECTIONS, *MAY_READ.get(path.name, ())}
