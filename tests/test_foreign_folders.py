"""A folder from somebody else runs no code, shows no other file, and is read as it is meant."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from nbclient import NotebookClient
from projects import ACCOUNTS, write_project
from report_samples import notebook
from tiny_runs import LABEL, make_project, one, run_project

from tierkit.commands.check import check_project
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.crm.workbook_extent import check_extent
from tierkit.crm.workbooks import check_unpacked
from tierkit.errors import DataError
from tierkit.publishing.leaks import path_pattern, scrubbed, secret_values
from tierkit.settings import read_settings

PACKAGE = Path(__file__).parent.parent / "tierkit"

# ---- nothing of the folder runs ------------------------------------------------------------------

SHADOWS = (
    "argparse", "csv", "json", "logging", "random", "pandas", "numpy", "matplotlib", "narwhals",
    "duckdb", "joblib", "sitecustomize", "usercustomize", "ipython_config", "conftest",
    "ipython_kernel_config", "jupyter_config", "tierkit",
)  # fmt: skip


def with_traps(folder: Path) -> Path:
    """Put modules of well-known names into a folder that write down that they were run."""
    for name in SHADOWS:
        trap = f"import os; os.close(os.open({str(folder / 'ran.txt')!r}, os.O_CREAT))\n"
        (folder / f"{name}.py").write_text(trap)
    notebook = folder / ".tierkit" / "notebook" / LABEL
    notebook.mkdir(parents=True)
    (notebook / "panel.pkl").write_bytes(
        b"cposix\nsystem\n(S'touch " + str(folder / "ran.txt").encode() + b"'\ntR."
    )
    return folder


def test_no_module_of_a_projects_folder_runs_in_the_kernels_of_a_run(tmp_path, monkeypatch):
    project = with_traps(make_project(tmp_path / "acme"))
    monkeypatch.chdir(project)
    one(project, extra="import csv, json, pandas, narwhals, sys\nassert '' not in sys.path")
    run_project(project)
    assert (project / "reports" / LABEL).is_dir()
    assert not (project / "ran.txt").exists()


def test_a_notebook_opened_by_hand_imports_nothing_of_the_folder_on_a_safe_path(tmp_path):
    """As somebody opens one with `PYTHONSAFEPATH=1 jupyter lab`: Python and IPython heed it."""
    project = with_traps(write_project(tmp_path / "acme"))
    made = notebook("import csv, json, pandas, tierkit\ntierkit.find_project")
    client = NotebookClient(
        made, kernel_name="python3", resources={"metadata": {"path": str(project)}}
    )
    client.execute(env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(PACKAGE.parent)})
    assert not (project / "ran.txt").exists()


EVERY_OTHER = """
from contextlib import suppress
from tierkit.cli import main
for asked in (["run", "--dry-run"], ["accept", "2026Q3"], ["explain", "A1"], ["diff", "a", "b"],
              ["draw", "2026Q3"], ["push", "2026Q3", "--to", "hubspot"], ["clean", "--yes"],
              ["score", "--model", "model.json", "-o", "s.csv"], ["init", "new"], ["doctor"],
              ["simulate", "world", "--accounts", "20", "--quarters", "6"], ["help", "tiers"]):
    with suppress(SystemExit):
        main(asked)
import tierkit.explorer.session, tierkit.library.example, tierkit.sklearn
"""
IN_THE_FOLDER = {
    "every other command": ("-P", "-c", EVERY_OTHER),
    "check": ("-P", "-m", "tierkit.cli", "check"),
    "undo": ("-P", "-m", "tierkit.cli", "undo"),
    "work in processes": (
        "-P", "-c",
        "import os; from functools import partial; import tierkit.parallel as parallel; "
        "parallel.free_processors = lambda: 2; "
        "print(parallel.in_processes([partial(max, 1, 2)] * 2, worth=True))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", IN_THE_FOLDER)
def test_no_module_of_the_working_folder_runs_with_a_command(tmp_path, command):
    project = with_traps(write_project(tmp_path / "acme"))
    path = {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, *IN_THE_FOLDER[command]], cwd=project, env={**os.environ, **path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert not (project / "ran.txt").exists()


def test_nothing_is_read_that_could_run_when_it_is_read():
    asks = ("import pickle", "import marshal", "import shelve", "read_pickle", "joblib.load",
            "yaml.load(", "allow_pickle=True", "import dill", "cloudpickle")  # fmt: skip
    texts = {file: file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}
    assert [(file.name, ask) for file, text in texts.items() for ask in asks if ask in text] == []


# ---- a database shows its own rows ---------------------------------------------------------------


def write_database(tmp_path, view):
    project = write_project(tmp_path / "acme", settings='[data]\nsource = "crm.duckdb"\n')
    with duckdb.connect(str(project / "crm.duckdb")) as source:
        for name in ("accounts", "opportunities"):
            file = project / "data" / f"{name}.csv"
            source.execute(f"CREATE TABLE {name}_rows AS SELECT * FROM read_csv('{file}')")
        source.execute("CREATE VIEW opportunities AS SELECT * FROM opportunities_rows")
        source.execute(f"CREATE VIEW accounts AS {view}")
    return read_settings(project)


def test_views_over_the_tables_of_the_file_are_read(tmp_path):
    joined = "SELECT a.* FROM accounts_rows a WHERE EXISTS (SELECT 1 FROM opportunities_rows)"
    settings = write_database(tmp_path, joined)
    assert len(read_tables(settings)["accounts"].collect()) == 3


@pytest.mark.parametrize("taken", [
    "(SELECT content FROM read_text('{secret}'))",
    "(SELECT * FROM '{secret}' LIMIT 1)",
    "(SELECT string_agg(file) FROM glob('{secret}*'))",
    "(SELECT string_agg(value) FROM duckdb_settings())",
    "(SELECT string_agg(column_name) FROM information_schema.columns)",
])  # fmt: skip
def test_views_over_anything_else_are_refused(tmp_path, taken):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nsecret\n")
    view = f"SELECT *, {taken.format(secret=secret)} AS owner FROM accounts_rows"
    with pytest.raises(DataError, match="the view accounts reads something else"):
        read_tables(write_database(tmp_path, view))


# ---- the file that is meant ----------------------------------------------------------------------


AS_NAMED = """
[data.tables]
signals = "signals[1].csv"

[checks]
accept = ["unread file of a table"]
"""


def test_a_name_that_looks_like_a_pattern_is_that_name(tmp_path):
    meant = "account_id,date,signal,value\nA1,2026-01-05,visits,3\n"
    project = write_project(
        tmp_path / "w*s", settings=AS_NAMED,
        **{"signals[1]": meant, "signals1": meant.replace("A1", "A2")},
    )  # fmt: skip
    write_project(tmp_path / "wXs", accounts=ACCOUNTS.replace("Acme", "Wrong"))
    tables = read_tables(read_settings(project))
    assert tables["accounts"].collect()["name"].to_list() == ["Acme", "Bolt", "Corn"]
    assert tables["signals"].collect()["account_id"].to_list() == ["A1"]


def test_a_source_and_links_outside_the_project_are_named(tmp_path):
    elsewhere = write_project(tmp_path / "elsewhere")
    project = write_project(tmp_path / "acme")
    assert not [one for one in examine_source(read_settings(project)).problems
                if one.rule == "outside the project"]  # fmt: skip
    (project / "data" / "accounts.csv").unlink()
    (project / "data" / "accounts.csv").symlink_to(elsewhere / "data" / "accounts.csv")
    settings = read_settings(project, overrides=['data.source="../acme/data"'])
    said = [one.message for one in examine_source(settings).problems
            if one.rule == "outside the project"]  # fmt: skip
    assert said == ["accounts.csv is a link to a place outside the source"]
    settings = read_settings(project, overrides=['data.source="../elsewhere/data"'])
    assert not [one for one in examine_source(settings).problems
                if one.rule == "outside the project"]  # fmt: skip
    (project / "linked").symlink_to(elsewhere / "data")
    settings = read_settings(project, overrides=['data.source="linked"'])
    (found,) = [one for one in check_project(settings).problems
                if one.rule == "outside the project"]  # fmt: skip
    assert "the source linked is a link to a place outside the project" in found.message
    assert not found.blocks


# ---- files that unpack to more than can be read --------------------------------------------------


def test_a_stray_cell_far_away_is_refused_by_its_name(tmp_path):
    project = write_project(tmp_path)
    (project / "data" / "accounts.csv").unlink()
    with xlsxwriter.Workbook(str(project / "data" / "accounts.xlsx")) as book:
        page = book.add_worksheet()
        for row, line in enumerate(ACCOUNTS.splitlines()):
            page.write_row(row, 0, line.split(","))
        page.write(1_048_575, 16_383, "x")
    with pytest.raises(DataError, match=r"as far as XFD1048576 make a sheet of 17,179,869,184"):
        read_tables(read_settings(project))


SHEET = b"<worksheet><sheetData>%s</sheetData></worksheet>"
FAR = (
    b'<row r="1"><c r="XFD1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>'
)
FAR_AWAY = {
    "in a part of any name": ("a.xlsx", "xl/other.xml", SHEET % FAR),
    "with a prefix": ("a.xlsx", "xl/worksheets/sheet1.xml",
                      SHEET % FAR.replace(b"<c ", b"<x:c\n").replace(b"</c>", b"</x:c>")),
    "with other quotes": ("a.xlsx", "xl/worksheets/sheet1.xml", SHEET % FAR.replace(b'"', b"'")),
    "in a row of cells without names": (
        "a.xlsx", "xl/worksheets/sheet1.xml", SHEET % FAR.replace(b' r="A1048576"', b"")),
    "in a binary sheet": ("a.xlsb", "xl/worksheets/sheet1.bin", bytes((
        0x81, 1, 0,  # the sheet begins
        0, 4, 0, 0, 0, 0, 5, 8, 0xFF, 0x3F, 0, 0, 0, 0, 0, 0,  # row 1, a number in XFD
        0, 4, 0xFF, 0xFF, 0x0F, 0, 5, 8, 0, 0, 0, 0, 0, 0, 0, 0,  # row 1048576, a number in A
    ))),
    "in cells that stand for many": (
        "a.ods", "content.xml",
        b'<d xmlns:t="t"><t:table><t:table-row t:number-rows-repeated="1048576"><t:table-cell '
        b't:number-columns-repeated="16384" t:value-type="float"/></t:table-row></t:table></d>'),
}  # fmt: skip


@pytest.mark.parametrize("how", FAR_AWAY)
def test_a_stray_cell_is_found_however_it_is_written(tmp_path, how):
    name, part, content = FAR_AWAY[how]
    with zipfile.ZipFile(tmp_path / name, "w") as parts:
        parts.writestr(part, content)
    with pytest.raises(DataError, match=r"as far as XFD1048576 make a sheet of 17,179,869,184"):
        check_extent(tmp_path / name)


def test_empty_rows_and_columns_behind_a_table_are_no_part_of_it(tmp_path):
    """A program for tables fills up the sheet with one empty row that stands for all the others."""
    cell = '<t:table-cell t:value-type="float"/><t:table-cell t:number-columns-repeated="16383"/>'
    empty = '<t:table-cell t:number-columns-repeated="16384"/>'
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as parts:
        parts.writestr(
            "content.xml",
            f'<d xmlns:t="t"><t:table><t:table-row>{cell}</t:table-row><t:table-row '
            f't:number-rows-repeated="1048575">{empty}</t:table-row></t:table></d>',
        )
    check_extent(tmp_path / "a.ods")


def test_packed_files_are_unpacked_up_to_a_limit_of_the_settings(tmp_path):
    project = write_project(tmp_path, settings="[data]\nmost_unpacked_mb = 1\n")
    (project / "data" / "accounts.csv").unlink()
    padded = ACCOUNTS + "\n" * 1_500_000
    with gzip.open(project / "data" / "accounts.csv.gz", "wb") as packed:
        packed.write(padded.encode())
    with pytest.raises(DataError, match=r"accounts.csv.gz: unpacks to . MB or more; 1 MB may be"):
        read_tables(read_settings(project))
    settings = read_settings(project, overrides=["data.most_unpacked_mb=3"])
    assert len(read_tables(settings)["accounts"].collect()) == 3


def test_a_workbook_is_measured_before_it_is_opened(tmp_path):
    file = tmp_path / "accounts.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", " " * 3_000_000)
    check_unpacked(file)
    with pytest.raises(DataError, match="unpacks to 3 MB or more; 2 MB may be"):
        check_unpacked(file, most=2_000_000)


# ---- local paths and secrets ---------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "open('/srv/Müller/a.csv')",
    "open('/srv/Mu\u0308ller/a.csv')",
    r"open('/srv/M\u00fcller/a.csv')",
    r"open('/srv/M\\u00fcller/a.csv')",
    r"open('/srv/M\xfcller/a.csv')",
    "file:///srv/M%C3%BCller/a.csv",
])  # fmt: skip
def test_a_local_path_is_found_however_it_is_spelled(text):
    assert path_pattern("/srv/Müller").search(text)
    assert "ller" not in scrubbed({"text": text}, [("/srv/Müller", "<project>")])["text"]


def test_where_somebody_works_is_no_secret():
    given = {"PWD": "/srv/acme/project", "OLDPWD": "/srv/acme/data", "DB_PWD": "hunter22!"}
    assert secret_values(given) == {"DB_PWD": "hunter22!"}
