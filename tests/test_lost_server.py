"""A Spark server that keeps no results still serves; one that ends midway is said in words."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.util import find_spec

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest
from tiny_runs import LABEL, QUARTER, contents, one

import tierkit
from tests.engines import sail_engine
from tests.small_company import write_small_company
from tierkit.crm import read_tables, register_frame, spark_engine
from tierkit.crm.spark_engine import REMOTE, SparkEngine
from tierkit.crm.tables import tables_from_frames, tables_in
from tierkit.errors import DataError
from tierkit.files import words_of_fault
from tierkit.publishing import exit_code_of
from tierkit.publishing.run import run_recalibration
from tierkit.runs._reading import trusted_tables
from tierkit.runs.opening import leave_rows
from tierkit.settings import read_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec("pysail") and find_spec("pyspark")),
        reason="pysail and pyspark-client are not installed",
    ),
    pytest.mark.filterwarnings("ignore:.*RETRIES_EXCEEDED"),
]
SERVER = """
from pysail.spark import SparkConnectServer
server = SparkConnectServer(port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
input()
"""


@contextmanager
def served() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a Sail server without a folder for checkpoints, in a process that can be killed."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL,
        text=True, env={name: of for name, of in os.environ.items() if "SAIL" not in name},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        try:
            yield server, f"sc://localhost:{server.stdout.readline().strip()}"
        finally:
            server.kill()


@pytest.fixture(scope="module", autouse=True)
def no_session():
    """Leave the session of other tests: a process has one."""
    from pyspark.sql import SparkSession

    if (session := SparkSession.getActiveSession()) is not None:
        session.stop()
    sail_engine.cache_clear()


@pytest.fixture(autouse=True)
def asked_twice(monkeypatch):
    """Give servers that have ended up sooner than a command does."""
    monkeypatch.setattr(spark_engine, "RETRIES", 2)


def test_results_of_a_server_that_keeps_none_are_written_and_read_by_it(tmp_path):
    with served() as (_, address):
        engine = SparkEngine.open(address, scratch=tmp_path / "spill" / "1")
        deals = register_frame(engine, pd.DataFrame({"n": [1, 2]}))
        kept = engine.computed(deals)
        none = engine.computed(kept.filter(nw.col("n") > 2))
        assert sorted(kept.collect()["n"].to_list()) == [1, 2]
        assert none.collect_schema() == deals.collect_schema()
        assert none.collect().is_empty()
        assert list(tmp_path.glob("spill/1/spark-*/*"))
        del engine
        gc.collect()
        assert not list(tmp_path.glob("spill/*"))


def test_a_server_that_ends_midway_publishes_nothing_and_a_rerun_publishes(tmp_path, monkeypatch):
    project = write_small_company(tmp_path / "project", accounts=20, quarters=8)
    text = (project / "tierkit.toml").read_text().replace("[data]", '[data]\nengine = "spark"')
    (project / "tierkit.toml").write_text(text)
    settings = read_settings(project)

    def run(address, before=lambda: None):
        monkeypatch.setenv(REMOTE, address)
        tables = trusted_tables(settings)

        def prepare(given, folder):
            before()
            leave_rows(given, tables, folder)

        plan = replace(one(tmp_path), prepare=prepare)
        return run_recalibration(settings, quarter=QUARTER, plan=plan)

    with served() as (server, address), pytest.raises(DataError, match="does not answer") as caught:
        run(address, before=server.kill)
    assert exit_code_of(caught.value) == 3
    assert not contents(project / "reports" / LABEL)
    with served() as (_, address):
        assert run(address).published


def test_a_server_that_ends_while_a_notebook_is_worked_in_is_a_sentence_and_another_serves():
    deals = {"account_id": ["A"], "opportunity_id": ["D"], "close_date": ["2024-05-01"],
             "amount": ["70"], "is_won": ["true"], "created_date": ["2024-01-01"]}  # fmt: skip
    frames = {"accounts": pd.DataFrame({"account_id": ["A"]}), "opportunities": pd.DataFrame(deals)}
    with served() as (server, address):
        tables = tables_in(SparkEngine.open(address), tables_from_frames(frames))
        server.kill()
        with pytest.raises(DataError, match="the server does not answer"):
            tierkit.build_panel(tables, "2025-01-01", horizon_quarters=1)
    with served() as (_, address):
        tables = tables_in(SparkEngine.open(address), tables_from_frames(frames))
        panel = tierkit.build_panel(tables, "2025-01-01", horizon_quarters=1)
    assert panel.now["won_revenue_4q"].to_dict() == {"A": 70.0}


def test_tables_of_a_spark_catalog_are_read_with_the_columns_that_are_needed(tmp_path, monkeypatch):
    (tmp_path / "tierkit.toml").write_text(
        '[data]\nprofile = "lake"\n[data.tables]\nopportunities = "deals"\n'
    )
    with served() as (_, address):
        engine = SparkEngine.open(address)
        deals = {"opportunity_id": ["D"], "account_id": ["A"], "close_date": [date(2026, 5, 1)],
                 "amount": [Decimal("0.10")], "is_won": [True], "note": ["not needed"]}  # fmt: skip
        views = {"accounts": {"account_id": ["A"], "size": [7]}, "deals": deals}
        for name, columns in views.items():
            engine.session.createDataFrame(pa.table(columns)).createOrReplaceTempView(name)
        monkeypatch.setenv("TIERKIT_PROFILE_LAKE", address)
        monkeypatch.setattr(SparkEngine, "open", lambda _: engine)  # views are of one session
        tables = read_tables(read_settings(tmp_path))
    assert tables["opportunities"].collect()["amount"].to_list() == [Decimal("0.1")]
    assert "note" not in tables["opportunities"].columns
    assert tables["accounts"].collect()["size"].to_list() == ["7"]


def test_an_error_of_a_server_is_a_sentence_wherever_it_is_met():
    with served() as (_, address):
        engine = SparkEngine.open(address)
        with pytest.raises(Exception, match="no_such_table") as caught:
            engine.session.table("no_such_table").collect()
    said = words_of_fault(caught.value)
    assert isinstance(said, DataError)
    assert "See that it runs" in str(said)
