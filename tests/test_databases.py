"""A database is read by a profile, in one snapshot, exactly, and no secret shows."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest
from projects import write_project

from tests.postgres_server import PASSWORD, address_of, postgres_server
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.settings import read_settings

VARIABLE = "TIERKIT_PROFILE_WAREHOUSE"
STATEMENTS = (
    "CREATE TABLE accounts (account_id TEXT, name TEXT, country TEXT)",
    "CREATE TABLE deals (opportunity_id TEXT, account_id TEXT, close_date DATE,"
    " amount NUMERIC(38, 4), is_won BOOLEAN, secret_note TEXT)",
    "INSERT INTO accounts VALUES ('A1', 'Acme', 'US'), ('A2', 'Bolt', 'DE')",
    "INSERT INTO deals VALUES ('O1', 'A1', '2026-01-15', 90071992547409.9301, TRUE, 'x'),"
    " ('O2', 'A2', '2026-02-15', 0.01, TRUE, 'y'), ('O3', 'A2', '2026-03-15', NULL, FALSE, 'z')",
)


def project(folder):
    toml = '[data]\nprofile = "warehouse"\n[data.tables]\nopportunities = "deals"\n'
    return read_settings(write_project(folder, settings=toml))


@pytest.fixture(scope="module")
def server():
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with postgres_server() as found:
        with adbc.connect(address_of(found)) as connection, connection.cursor() as cursor:
            for statement in STATEMENTS:
                cursor.execute(statement)
            cursor.execute("CREATE ROLE stranger LOGIN PASSWORD 'strange'")
            connection.commit()
        yield found


def won(tables):
    deals = tables["opportunities"].sort("opportunity_id").collect()
    return dict(zip(deals["opportunity_id"].to_list(), deals["amount"].to_list(), strict=True))


def test_postgres_is_read_to_the_last_digit_and_only_what_is_needed(server, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, address_of(server))
    tables = read_tables(project(tmp_path))
    assert won(tables) == {
        "O1": Decimal("90071992547409.9301"), "O2": Decimal("0.0100"), "O3": None
    }  # fmt: skip
    assert "secret_note" not in tables["opportunities"].columns


def test_sqlite_is_read_by_the_same_code(tmp_path, monkeypatch):
    pytest.importorskip("adbc_driver_sqlite.dbapi")
    file = tmp_path / "crm.sqlite"
    with sqlite3.connect(file) as database:
        for statement in STATEMENTS:
            database.execute(statement.replace("90071992547409.9301", "100.10"))
    database.close()
    monkeypatch.setenv(VARIABLE, f"sqlite://{file}")
    settings = project(tmp_path)
    assert won(read_tables(settings)) == {"O1": Decimal("100.1"), "O2": Decimal("0.01"), "O3": None}


def test_all_tables_are_of_one_snapshot(server, tmp_path, monkeypatch):
    """An account that is written while tables are read is in none of them."""
    import adbc_driver_postgresql.dbapi as adbc

    from tierkit.crm import databases

    monkeypatch.setenv(VARIABLE, address_of(server))
    read = databases._read

    def written_meanwhile(cursor, table, *rest, **more):
        rows = read(cursor, table, *rest, **more)
        if table == "accounts":
            with adbc.connect(address_of(server)) as other, other.cursor() as writer:
                writer.execute("INSERT INTO deals VALUES ('N', 'A1', '2026-01-16', 7, TRUE, 'n')")
                other.commit()
        return rows

    monkeypatch.setattr(databases, "_read", written_meanwhile)
    try:
        assert "N" not in won(read_tables(project(tmp_path)))
    finally:
        with adbc.connect(address_of(server)) as other, other.cursor() as writer:
            writer.execute("DELETE FROM deals WHERE opportunity_id = 'N'")
            other.commit()


def refused(folder, kind=DataError):
    with pytest.raises(kind) as caught:
        read_tables(project(folder))
    said = str(caught.value)
    assert PASSWORD not in said
    assert "postgresql://" not in said or kind is SettingsError
    assert caught.value.__cause__ is None or kind is SettingsError
    return said


def test_what_a_database_refuses_is_a_sentence_without_the_secret(server, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, address_of({**server, "PGPASSWORD": "wrong"}))
    assert "user and password" in refused(tmp_path)
    stranger = {**server, "PGUSER": "stranger", "PGPASSWORD": "strange"}
    monkeypatch.setenv(VARIABLE, address_of(stranger))
    assert "GRANT SELECT" in refused(tmp_path)
    monkeypatch.setenv(VARIABLE, address_of({**server, "PGPORT": "1"}))
    assert "host and port" in refused(tmp_path)


def test_a_profile_that_is_not_there_says_which_variable_to_set(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("tierkit.crm.databases._in_keyring", lambda _: "")
    assert VARIABLE in refused(tmp_path, SettingsError)
    monkeypatch.setenv(VARIABLE, "oracle://x:y@z/w")
    assert "must begin with" in refused(tmp_path, SettingsError)
