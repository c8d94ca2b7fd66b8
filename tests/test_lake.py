"""A table that lies as a folder: partitioned Parquet, and Delta and Iceberg by their own log."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from projects import write_project

from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.settings import Settings, read_settings

DEALS = "SELECT '{name}' || range AS opportunity_id, 'A1' AS account_id, \
DATE '2026-01-01' + range::INTEGER AS close_date, 2.5::DECIMAL(18, 2) AS amount FROM range(4)"


def project(folder: Path, settings: str = "") -> Path:
    path = write_project(folder, settings=settings)
    (path / "data/opportunities.csv").unlink()
    return path


def deals(name: str) -> pa.Table:
    found = duckdb.sql(DEALS.format(name=name)).to_arrow_table()
    return found.append_column("is_won", pa.array([True] * len(found)))


def won(settings: Settings) -> float:
    return float(read_tables(settings)["opportunities"].collect()["amount"].sum())


def test_a_folder_of_partitions_is_a_table_with_the_columns_that_its_folders_name(tmp_path):
    path = project(tmp_path)
    for outcome in ("true", "false"):
        file = path / "data/opportunities" / f"is_won={outcome}" / "part.parquet"
        file.parent.mkdir(parents=True)
        duckdb.sql(DEALS.format(name=outcome)).write_parquet(str(file))
    found = read_tables(read_settings(path))["opportunities"].sort("opportunity_id").collect()
    assert found["is_won"].to_list() == [False] * 4 + [True] * 4


def test_a_file_of_the_name_counts_before_a_folder(tmp_path):
    path = write_project(tmp_path)
    (path / "data/opportunities").mkdir()
    duckdb.sql(DEALS.format(name="x")).write_parquet(str(path / "data/opportunities/p.parquet"))
    assert won(read_settings(path)) != 10.0


def test_files_of_a_logged_table_are_never_read_beside_its_log(tmp_path):
    path = project(tmp_path, '[data.tables]\nopportunities = "deals/*.parquet"\n')
    (path / "data/deals/_delta_log").mkdir(parents=True)
    duckdb.sql(DEALS.format(name="x")).write_parquet(str(path / "data/deals/p.parquet"))
    with pytest.raises(DataError, match=r'log says which files count\. Name the folder.*"deals"'):
        read_tables(read_settings(path))


def test_without_the_package_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = project(tmp_path)
    (path / "data/opportunities/_delta_log").mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(SettingsError, match=r"Delta needs .*tierkit\[lake\]"):
        read_tables(read_settings(path))


def test_delta_is_read_as_its_log_says(tmp_path):
    deltalake = pytest.importorskip("deltalake")
    path = project(tmp_path)
    place = path / "data/opportunities"
    deltalake.write_deltalake(place, deals("old"))
    deltalake.write_deltalake(place, deals("new"), mode="overwrite")
    assert len([*place.glob("*.parquet")]) == 2
    assert won(read_settings(path)) == 10.0
    (place / "_delta_log" / f"{1:020}.json").write_text("{")
    with pytest.raises(DataError, match="opportunities: the Delta table cannot be read"):
        read_tables(read_settings(path))


def test_iceberg_is_read_as_its_newest_snapshot_says(tmp_path):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.memory import InMemoryCatalog

    path = project(tmp_path, '[data.tables]\nopportunities = "crm/deals"\n')
    catalog = InMemoryCatalog("test", warehouse=(path / "data").as_uri())
    catalog.create_namespace("crm")
    place = (path / "data/crm/deals").as_uri()
    table = catalog.create_table("crm.deals", deals("old").schema, location=place)
    table.append(deals("old"))
    table.overwrite(deals("new"))
    found = read_tables(read_settings(path))["opportunities"].collect()
    assert sorted(found["opportunity_id"]) == ["new0", "new1", "new2", "new3"]
