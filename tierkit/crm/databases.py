"""Tables of a database or warehouse, read over ADBC in one snapshot, by a profile.

A profile is a name. Its address, with the secret in it, is read from the environment or a keyring
and stands in no file, message or report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import Connection, Rows, register_frame
from tierkit.crm.presets.preset import plain
from tierkit.crm.spark_engine import SparkEngine
from tierkit.errors import DataError, SettingsError
from tierkit.settings import DataSettings

KEYRING_SERVICE = "tierkit"
_DRIVERS = {
    "postgresql": "adbc_driver_postgresql.dbapi",
    "postgres": "adbc_driver_postgresql.dbapi",
    "sqlite": "adbc_driver_sqlite.dbapi",
    "snowflake": "adbc_driver_snowflake.dbapi",
    "bigquery": "adbc_driver_bigquery.dbapi",
}
_SPARK = "sc"
"""The scheme of Spark Connect, whose catalog is read without ADBC."""
_SNAPSHOTS = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "postgres": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}
_PG_LIST = (  # tables that may not be read as well, so that this can be said
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT LIKE 'pg_%' "
    "AND n.nspname <> 'information_schema' ORDER BY 1, 2"
)
_LISTS = {
    "postgresql": _PG_LIST,
    "postgres": _PG_LIST,
    "sqlite": "SELECT NULL, name FROM sqlite_master WHERE type IN ('table', 'view')",
}
_ANY_LIST = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema "
    "NOT IN ('pg_catalog', 'information_schema', 'INFORMATION_SCHEMA') ORDER BY 1, 2"
)


def address_of(profile: str) -> str:
    """Return the address of a profile: `TIERKIT_PROFILE_<NAME>`, or the keyring's entry of it.

    Raises
    ------
    SettingsError
        If there is none, or it names no database that can be read.
    """
    variable = f"TIERKIT_PROFILE_{re.sub(r'[^A-Z0-9]', '_', profile.upper())}"
    address = os.environ.get(variable, "").strip() or _in_keyring(variable)
    if not address:
        raise SettingsError(
            f'data.profile = "{profile}": no address. Set the environment variable {variable} to '
            f"one such as postgresql://user:password@host/database, or store it with "
            f"`keyring set {KEYRING_SERVICE} {variable}`. It is never read from a file."
        )
    schemes = (*_DRIVERS, _SPARK)
    if urlsplit(address).scheme not in schemes:
        raise SettingsError(
            f'data.profile = "{profile}": {variable} must begin with one of '
            f"{', '.join(f'{one}://' for one in schemes)}."
        )
    return address


def scan_profile(data: DataSettings, connection: Connection) -> dict[str, Rows]:
    """Return the tables of the contract that a database has, with the columns that are needed.

    All of them are read in one transaction: in Postgres and SQLite what is written meanwhile is
    seen in none of them. Of a Spark catalog each table is as it is when it is read.

    Raises
    ------
    SettingsError
        If the profile or its driver is not there.
    DataError
        If the database cannot be reached or read; the message holds no secret.
    """
    address = address_of(data.profile)
    scheme = urlsplit(address).scheme
    if scheme == _SPARK:
        return _of_catalog(SparkEngine.open(address), data, connection)
    with _reading(data, address) as cursor:
        if scheme in _SNAPSHOTS:
            cursor.execute(_SNAPSHOTS[scheme])
            cursor.execute(f"SET statement_timeout = {data.timeout_seconds * 1000}")
        cursor.execute(_LISTS.get(scheme, _ANY_LIST))
        there = [(schema, name) for schema, name in cursor.fetchall()]
        found = {}
        for table in CONTRACT:
            place = _place(table, data, there)
            if place is not None:
                found[table] = _read(cursor, table, place, data, connection, scheme=scheme)
    return found


def _of_catalog(engine: SparkEngine, data: DataSettings, connection: Connection) -> dict[str, Rows]:
    """Return the tables of the contract that the catalog of a Spark session has."""
    found = {}
    for table in CONTRACT:
        named = _named(table, data)
        if not engine.session.catalog.tableExists(named):
            if table in data.tables:
                raise DataError(f"{table}: the catalog has no table {named}; see [data.tables].")
            continue
        rows = engine.session.table(named)
        wanted = [one for one in rows.columns if _is_needed(one, table, data)]
        found[table] = register_frame(connection, rows.select(*wanted or rows.columns).toArrow())
    return found


def _named(table: str, data: DataSettings) -> str:
    """Return what a table is called in the database."""
    named = data.tables.get(table, table)
    if not isinstance(named, str):
        raise SettingsError(f"[data.tables] {table}: one table of a database makes one table.")
    return named


def _place(
    table: str, data: DataSettings, there: Sequence[tuple[str | None, str]]
) -> tuple[str | None, str] | None:
    named = _named(table, data)
    schema, _, name = named.casefold().rpartition(".")
    fits = [
        one for one in there
        if one[1].casefold() == name and (not schema or (one[0] or "").casefold() == schema)
    ]  # fmt: skip
    if len(fits) > 1:
        places = ", ".join(f"{one[0]}.{one[1]}" for one in fits)
        raise SettingsError(
            f'[data.tables] {table}: there are {places}. Name one: {table} = "{fits[0][0]}.{name}".'
        )
    if not fits and table in data.tables:
        raise DataError(f"{table}: the database has no table {named}; see [data.tables].")
    return fits[0] if fits else None


def _read(
    cursor: Any,  # noqa: ANN401 (of whichever driver)
    table: str,
    place: tuple[str | None, str],
    data: DataSettings,
    connection: Connection,
    *,
    scheme: str,
) -> Rows:
    where = ".".join(_quoted(part, scheme) for part in place if part)
    cursor.execute(f"SELECT * FROM {where} WHERE 1 = 0")
    columns = [field[0] for field in cursor.description]
    wanted = [_quoted(one, scheme) for one in columns if _is_needed(one, table, data)]
    if scheme == "sqlite":  # its columns hold values of any type
        wanted = [f"CAST({one} AS TEXT) AS {one}" for one in wanted]
    cursor.execute(f"SELECT {', '.join(wanted) or '*'} FROM {where}")
    return register_frame(connection, _plain_table(cursor.fetch_record_batch()))


def _is_needed(column: str, table: str, data: DataSettings) -> bool:
    """Return whether a column is one of the contract, or named; of accounts all are."""
    named = {*data.columns.get(table, {}).values()}
    named |= {one for one in (data.only_with.get(table), data.only_without.get(table)) if one}
    by_contract = {plain(one) for one in CONTRACT[table].columns}
    return table == "accounts" or column in named or plain(column) in by_contract


def _plain_table(reader: pa.RecordBatchReader) -> pa.Table:
    """Return the rows with the text of numbers that Arrow has no type for: every digit is kept."""
    table = reader.read_all()
    for place, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            stored = table.column(place).cast(field.type.storage_type)
            table = table.set_column(place, field.name, stored)
    return table


def _quoted(name: str, scheme: str) -> str:
    quote = "`" if scheme == "bigquery" else '"'
    return quote + name.replace(quote, quote * 2) + quote


@contextmanager
def _reading(data: DataSettings, address: str) -> Iterator[Any]:
    """Open a database for the block; errors of its driver are sentences without the secret."""
    scheme = urlsplit(address).scheme
    try:
        driver = import_module(_DRIVERS[scheme])
        errors = import_module("adbc_driver_manager").Error
    except ImportError as error:
        package = _DRIVERS[scheme].partition(".")[0].replace("_", "-")
        raise SettingsError(
            f'data.profile = "{data.profile}" needs {package}: pip install "tierkit[warehouse]"'
            f"{'' if scheme in ('postgresql', 'postgres', 'sqlite') else f' {package}'}."
        ) from error
    given = address.partition("://")[2] if scheme == "sqlite" else address
    try:
        with driver.connect(given) as opened, opened.cursor() as cursor:
            yield cursor
    except errors as error:
        said = _without_secrets(str(error), address)
        raise DataError(
            f'data.profile = "{data.profile}": the database said: {said} {_advice(said)}'
        ) from None  # the cause may hold the address


def _without_secrets(text: str, address: str) -> str:
    """Return the first line of an error without address and password."""
    first = text.strip().partition("\n")[0].partition(" Query was:")[0]
    secret = urlsplit(address).password or ""
    for hidden in (address, secret, unquote(secret)):
        if hidden:
            first = first.replace(hidden, "…")
    return first.rstrip(".") + "."


_ADVICE: Mapping[str, str] = {
    "permission denied": "Let the profile's user read these tables (GRANT SELECT).",
    "authentication": "See that user and password of the profile are right.",
    "timeout": "Read in quieter hours, or raise data.timeout_seconds.",
    "refused": "See that host and port are right and that the database runs.",
    "terminat": "The connection was lost; nothing was read. Run it again.",
    "closed": "The connection was lost; nothing was read. Run it again.",
}


def _advice(said: str) -> str:
    lower = said.casefold()
    found = (advice for sign, advice in _ADVICE.items() if sign in lower)
    return next(found, "See that the profile names the right database, then run it again.")


def _in_keyring(name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return (keyring.get_password(KEYRING_SERVICE, name) or "").strip()
    except KeyringError:
        return ""
