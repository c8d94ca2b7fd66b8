"""A table in partitions: delivered twice, of changing types, damaged; a server that ends midway."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from projects import write_project

from tests.postgres_server import address_of, end, postgres_server, start_again
from tierkit.crm import databases
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.errors import DataError
from tierkit.settings import Settings, read_settings

DEALS = """
    SELECT '{year}-' || range AS opportunity_id, 'A1' AS account_id,
      DATE '{year}-01-01' + range::INTEGER AS close_date, (range + 0.25)::{money} AS amount,
      true AS is_won
    FROM range(300)
"""
SUM_OF_A_YEAR = 299 * 300 / 2 + 300 * 0.25


def partitions(folder: Path, *, money: str = "DECIMAL(18, 2)") -> Settings:
    """Write a project whose deals lie in a folder a year; the amounts of 2025 have another type."""
    project = write_project(folder, settings='[data.tables]\nopportunities = "deals/*/*.parquet"\n')
    (project / "data/opportunities.csv").unlink()
    for year, kind in ((2024, "DECIMAL(18, 2)"), (2025, money)):
        file = project / "data/deals" / f"year={year}" / "part.parquet"
        file.parent.mkdir(parents=True)
        duckdb.sql(DEALS.format(year=year, money=kind)).write_parquet(str(file))
    return read_settings(project)


def won(settings: Settings) -> float:
    return float(read_tables(settings)["opportunities"].collect()["amount"].sum())


def test_a_partition_that_is_delivered_twice_counts_once_and_is_named(tmp_path):
    settings = partitions(tmp_path)
    file = settings.source / "deals/year=2025/part.parquet"
    (file.parent / "again.parquet").write_bytes(file.read_bytes())
    tables = read_tables(settings)
    assert tables["opportunities"].collect()["amount"].sum() == 2 * SUM_OF_A_YEAR
    (left_out,) = tables.exclusions
    assert (left_out.reason, left_out.rows) == ("repeated row", 300)


def test_a_column_that_changes_its_type_is_read_and_its_partition_named(tmp_path):
    settings = partitions(tmp_path, money="VARCHAR")
    assert won(settings) == 2 * SUM_OF_A_YEAR
    remarks = [one.message for one in examine_source(settings).problems]
    (said,) = [one for one in remarks if one.startswith("amount is")]
    assert "a number in deals/year=2024/part.parquet, but text in deals/year=2025" in said


def test_a_damaged_row_group_is_named_with_its_partition_and_a_rerun_succeeds(tmp_path):
    settings = partitions(tmp_path)
    file = settings.source / "deals/year=2025/part.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:300] + b"\xff" * 60 + whole[360:])
    with pytest.raises(DataError, match=r"year=2025/part\.parquet.*nothing was published"):
        won(settings)
    file.write_bytes(whole)
    assert won(settings) == 2 * SUM_OF_A_YEAR


def test_a_server_that_ends_while_it_is_read_is_a_sentence_and_a_rerun_succeeds(
    tmp_path, monkeypatch
):
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    settings = read_settings(write_project(tmp_path, settings='[data]\nprofile = "warehouse"\n'))
    read = databases._read
    with postgres_server() as server:
        monkeypatch.setenv("TIERKIT_PROFILE_WAREHOUSE", address_of(server))
        with adbc.connect(address_of(server)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE accounts AS SELECT 'A1' AS account_id")
            cursor.execute(
                "CREATE TABLE opportunities AS SELECT 'O1' AS opportunity_id, 'A1' AS account_id, "
                "DATE '2026-01-15' AS close_date, 7.5 AS amount, TRUE AS is_won"
            )
            connection.commit()

        def ended_meanwhile(cursor, table, *rest, **more):
            rows = read(cursor, table, *rest, **more)
            end(server)
            return rows

        monkeypatch.setattr(databases, "_read", ended_meanwhile)
        with pytest.raises(DataError, match="connection was lost"):
            read_tables(settings)
        monkeypatch.setattr(databases, "_read", read)
        start_again(server)
        assert won(settings) == 7.5
