"""What does not fit into memory is written to disk, wherever a computation may be too large."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pytest
from projects import write_project

from tierkit.crm import scanning
from tierkit.crm.engine import connect, in_words
from tierkit.crm.trusted import read_tables
from tierkit.errors import MemoryLimitError, SettingsError
from tierkit.runs._reading import trusted_tables
from tierkit.settings import Settings, read_settings

LIMIT = 100
ROWS = 1_500_000
WIDE = f"SELECT range AS n, md5(range::VARCHAR) AS text FROM range({ROWS}) ORDER BY text"


def spilling_rows(connection):
    """Sort more than the limit holds, and return how many rows came out."""
    return connection.sql(f"SELECT count(*), min(text) FROM ({WIDE} OFFSET 1)").fetchall()[0][0]


def small_project(folder: Path) -> Settings:
    return read_settings(write_project(folder, settings=f"[data]\nmemory_mb = {LIMIT}\n"))


def test_the_folder_for_spilled_rows_is_made_with_its_parents(tmp_path):
    scratch = tmp_path / "new project" / ".tierkit" / "spill" / "1"
    assert spilling_rows(connect(scratch=scratch, memory_mb=LIMIT)) == ROWS - 1


def test_without_a_folder_rows_spill_where_the_system_keeps_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not" / "there"))
    monkeypatch.chdir(tmp_path)
    assert spilling_rows(connect(memory_mb=LIMIT)) == ROWS - 1
    assert not (tmp_path / ".tmp").exists()


@pytest.mark.parametrize("read", [read_tables, trusted_tables])
def test_tables_of_a_project_spill_into_its_own_folder(tmp_path, read):
    settings = small_project(tmp_path)
    tables = read(settings)
    ((limit, folder),) = tables.connection.execute(
        "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
    ).fetchall()
    assert limit.startswith("95")  # MiB
    assert Path(folder).is_relative_to(settings.scratch)
    assert spilling_rows(tables.connection) == ROWS - 1


def test_a_full_disk_or_memory_is_a_sentence(tmp_path):
    connection = connect(scratch=tmp_path / "spill", memory_mb=LIMIT)
    whole = f"SELECT list(text) FROM ({WIDE})"  # one value cannot be written in parts
    said = r"data\.memory_mb.*Nothing was published"
    with pytest.raises(MemoryLimitError, match=said), in_words("Sum"):
        connection.sql(whole).fetchall()


def test_errors_that_are_no_engine_s_stay_as_they_are():
    with pytest.raises(KeyError), in_words("Sum"):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (
            duckdb.OutOfMemoryException("Out of Memory Error: could not allocate"),
            MemoryLimitError,
            "data.memory_mb",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), SettingsError, "the disk is full"),
        (duckdb.IOException("Could not write: No space left on device"), SettingsError, "full"),
    ],
)
def test_what_the_machine_lacks_is_no_fault_of_the_files(tmp_path, monkeypatch, fault, kind, said):
    """An export that is read again would be as it is: exit codes 7 and 2, not the 3 of data."""

    def failing(*_, **__):
        raise fault

    settings = small_project(tmp_path)
    monkeypatch.setattr(scanning, "rows_of_table", failing)
    with pytest.raises(kind, match=said):
        read_tables(settings)
    with pytest.raises(kind, match=f"(?s)Sum: .*{said}"), in_words("Sum"):
        raise fault if not isinstance(fault, OSError) else duckdb.IOException(str(fault))
