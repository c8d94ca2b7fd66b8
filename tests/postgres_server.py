"""A Postgres server of Debian's package on a free port, for as long as a test needs it."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import chown, rmtree

import pytest

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
CONTROLS: dict[str, Callable[..., None]] = {}
"""By port the function that hands words to `pg_ctl` of a running server."""
PASSWORD = "a-secret-that-must-not-show"


def postgres_user() -> str | None:
    """Return the account that runs the server: it refuses to be root."""
    if os.getuid():
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("there is no account `postgres` to run the server as")


@contextmanager
def postgres_server() -> Iterator[dict[str, str]]:
    """Run a server with an empty database; give its PGHOST, PGPORT, PGUSER and PGPASSWORD."""
    if not PROGRAMS:
        pytest.skip("postgresql is not installed")
    user, folder = postgres_user(), Path(tempfile.mkdtemp(prefix="tierkit-pg-", dir="/tmp"))
    password = folder / "password"
    password.write_text(PASSWORD)
    if user:
        for path in (folder, password):
            chown(path, user)
    bins, data = PROGRAMS[-1].parent, folder / "data"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run(
        [bins / "initdb", "-D", data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", password,
         "-E", "UTF8", "--locale", "C", "--no-sync"],
        check=True, capture_output=True, user=user, cwd="/",
    )  # fmt: skip
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"

    def control(*words: str, check: bool = True) -> None:
        command = [bins / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, *words]
        subprocess.run(command, check=check, capture_output=True, user=user, cwd="/")

    control("start")
    CONTROLS[str(port)] = control
    try:
        yield {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "tester",
               "PGPASSWORD": PASSWORD, "PGDATABASE": "postgres"}  # fmt: skip
    finally:
        control("-m", "immediate", "stop", check=False)
        rmtree(folder, ignore_errors=True)


def end(server: dict[str, str]) -> None:
    """End a server at once, whatever it does."""
    CONTROLS[server["PGPORT"]]("-m", "immediate", "stop", check=False)


def start_again(server: dict[str, str]) -> None:
    """Start a server that was ended, with what it had committed."""
    CONTROLS[server["PGPORT"]]("start")


def address_of(server: dict[str, str]) -> str:
    """Return the address of a server, its password included."""
    return (
        f"postgresql://{server['PGUSER']}:{server['PGPASSWORD']}@{server['PGHOST']}:"
        f"{server['PGPORT']}/{server['PGDATABASE']}"
    )
