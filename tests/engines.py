"""Engines beside DuckDB that tests compute with, each where it is installed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import pytest

from tierkit.crm.engine import Engine, open_engine
from tierkit.crm.spark_engine import SparkEngine


@contextmanager
def sail_server() -> Iterator[str]:
    """Run a Spark Connect server of Sail on a free port; give its address."""
    with TemporaryDirectory() as checkpoints:
        os.environ["SAIL_EXECUTION__CHECKPOINT__PATH"] = Path(checkpoints).as_uri()
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer(port=0)
        server.start(background=True)
        try:
            yield f"sc://localhost:{server.listening_address[1]}"
        finally:
            server.stop()


@cache
def sail_engine() -> SparkEngine:
    """Return a session of a server that lives as long as the tests."""
    if not (find_spec("pysail") and find_spec("pyspark")):
        pytest.skip("pysail and pyspark-client are not installed")
    served = sail_server()
    address = served.__enter__()
    sail_engine.served = served  # type: ignore[attr-defined]
    return SparkEngine.open(address)


@cache
def spark_engine() -> SparkEngine:
    """Return a session of real Spark on two threads, where Java and classic PySpark are there."""
    if which("java") is None or not find_spec("py4j"):
        pytest.skip("Java and classic PySpark are not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
    return SparkEngine(session)


def engine_of(name: str) -> Engine:
    """Return an engine by the name that tests are parametrised with; skip where it is absent."""
    if name == "sail":
        return sail_engine()
    if name == "spark":
        return spark_engine()
    if name == "polars" and not find_spec("polars"):
        pytest.skip("polars is not installed")
    return open_engine("polars" if name == "polars" else "duckdb")
