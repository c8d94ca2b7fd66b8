"""Every engine gives the numbers that DuckDB gives; frames that no engine holds are refused."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest

import tierkit
from tests.engines import engine_of
from tests.small_company import write_small_company
from tests.test_features import company
from tierkit.crm import Tables, content_hash, register_frame, tables_as_known
from tierkit.crm.engine import connect
from tierkit.crm.guard import grouped
from tierkit.crm.tables import tables_from_frames, tables_in
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.features import Panel, build_panel
from tierkit.features.registry import FEATURES
from tierkit.runs.opening import open_run
from tierkit.runs.steps import assign, write_files
from tierkit.settings import Settings, read_settings

AS_OF, EARLIER = date(2024, 4, 1), date(2023, 7, 1)
ENGINES = [
    "polars",
    pytest.param("sail", marks=pytest.mark.slow),
    pytest.param("spark", marks=pytest.mark.slow),
]
MONEY = [
    *(f"won_revenue_{window}" for window in ("1q", "2q", "4q", "8q", "ever")),
    "won_revenue_same_quarter_last_year",
    "renewal_revenue_4q",
    "open_pipeline_amount",
    "active_contract_value",
    "parent_won_revenue_4q",
    "spend_4q",
]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Trusted tables of a simulated company, with every table, in DuckDB."""
    folder = write_small_company(tmp_path_factory.mktemp("engines"), accounts=40, quarters=9)
    return read_tables(read_settings(folder))


@pytest.fixture(scope="module")
def panels(simulated):
    """The panel of the company by engine, each computed once."""

    @cache
    def panel(name: str) -> Panel:
        tables = simulated if name == "duckdb" else tables_in(engine_of(name), simulated)
        return build_panel(tables, [EARLIER, AS_OF], settings=Settings())

    return panel


@pytest.mark.parametrize("name", ENGINES)
def test_every_criterion_of_every_engine_equals_that_of_duckdb(panels, name):
    one, other = panels("duckdb"), panels(name)
    assert {one.name for one in FEATURES if not one.is_hidden} == {*other.values.columns}
    pd.testing.assert_frame_equal(one.values, other.values, check_exact=False, rtol=1e-9, atol=0)
    assert replace(other, values=one.values, observed=one.observed) == replace(
        one, observed=one.observed
    )


@pytest.mark.parametrize("name", ENGINES)
def test_money_is_equal_to_the_cent(panels, name):
    cents = [(panels(each).values[MONEY] * 100).round() for each in ("duckdb", name)]
    pd.testing.assert_frame_equal(*cents, check_exact=True)
    assert (cents[0].sum() != 0).all()


@pytest.mark.parametrize("name", ENGINES)
def test_tiers_of_every_engine_are_identical(panels, name):
    def tiers(panel: Panel) -> pd.DataFrame:
        today = panel.values.xs(pd.Timestamp(AS_OF), level="as_of")
        lines = [tierkit.Tier("Tier 1", capacity=5), tierkit.Tier("Tier 2", capacity=12)]
        scores = today["won_revenue_8q"] + today["wins_count_ever"]
        return tierkit.assign_tiers(scores, [*lines, tierkit.Tier("Tier 3")]).to_frame()

    one, other = tiers(panels("duckdb")), tiers(panels(name))
    assert one[["tier", "rank"]].equals(other[["tier", "rank"]])
    assert one["tier"].nunique() == 3


@pytest.mark.parametrize("name", ENGINES)
def test_won_revenue_of_accounts_adds_up_to_that_of_deals(simulated, panels, name):
    deals = simulated["opportunities"].collect().to_pandas()
    is_target = deals["revenue_type"].isin(["new", "expansion"])
    target = deals[deals["is_won"].eq(other=True) & is_target]
    closed = pd.to_datetime(target["close_date"])
    for day in (EARLIER, AS_OF):
        year = closed.between(pd.Timestamp(day) - pd.DateOffset(years=1), pd.Timestamp(day),
                              inclusive="left")  # fmt: skip
        expected = sum(target.loc[year, "amount"], Decimal(0))
        found = panels(name).values["won_revenue_4q"].xs(pd.Timestamp(day), level="as_of").sum()
        assert expected > 0
        assert found == pytest.approx(float(expected), abs=0.005)


def poisoned(tables: Tables) -> Tables:
    """Return tables with a large won deal, a contract and a cost on the first unknown day."""
    day = "2025-01-01"
    later = tables_from_frames(
        {
            "opportunities": pd.DataFrame(
                {"opportunity_id": ["X"], "account_id": ["B"], "created_date": [day],
                 "close_date": [day], "amount": ["999999"], "is_won": ["true"],
                 "product": ["poison"]}
            ),
            "contracts": pd.DataFrame(
                {"contract_id": ["X"], "account_id": ["B"], "start_date": [day],
                 "annual_value": ["999999"]}
            ),
            "costs": pd.DataFrame({"account_id": ["B"], "date": [day], "amount": ["999999"]}),
            "activities": pd.DataFrame(
                {"account_id": ["B"], "date": [day], "type": ["visit"], "direction": ["inbound"],
                 "contact_id": ["X"], "minutes": ["99"]}
            ),
        }
    )  # fmt: skip
    both = {
        name: register_frame(
            tables.connection,
            pd.concat([rows.collect().to_pandas(), later[name].collect().to_pandas()]),
        ).select(*(nw.col(one).cast(kind) for one, kind in rows.collect_schema().items()))
        for name, rows in tables.frames.items()
        if name in later
    }
    return replace(tables, frames={**tables.frames, **both})


@pytest.mark.parametrize("name", ["duckdb", *ENGINES])
def test_what_happens_on_or_after_as_of_changes_no_criterion(name):
    engine, day = engine_of(name), [date(2025, 1, 1)]
    clean = tables_in(engine, company())
    later = tables_in(engine, poisoned(company()))
    one, other = (build_panel(each, day, settings=Settings()) for each in (clean, later))
    pd.testing.assert_frame_equal(one.values, other.values, check_exact=True)


@pytest.fixture(scope="module")
def facts_of(tmp_path_factory):
    """What a run on an engine publishes as facts.json, each computed in a project of its own."""

    @cache
    def facts(name: str) -> dict[str, object]:
        folder = write_small_company(tmp_path_factory.mktemp(name), accounts=60, quarters=9)
        asked = {"data.engine": name, "roi.certificate_worlds": 2}
        work = replace(open_run(str(folder), settings=asked), folder=folder / "run")
        work.folder.mkdir()
        return write_files(work, assign(work))

    return facts


@pytest.mark.slow
def test_a_run_on_polars_publishes_the_facts_of_one_on_duckdb(facts_of):
    assert facts_of("polars") == facts_of("duckdb")
    assert facts_of("polars")["roi"]["boundaries"]


def test_deals_as_known_are_those_that_duckdb_knows(simulated):
    both = (simulated, tables_in(engine_of("polars"), simulated))
    known = [tables_as_known(tables, EARLIER) for tables in both]
    for table in sorted(simulated.frames):
        assert content_hash(known[0][table]) == content_hash(known[1][table]), table


@pytest.mark.parametrize("name", ["duckdb", *ENGINES])
def test_an_empty_table_keeps_its_types(name):
    kinds = {"id": pa.string(), "day": pa.date32(), "won": pa.decimal128(38, 4), "n": pa.float64()}
    rows = register_frame(engine_of(name), pa.schema(kinds).empty_table())
    assert rows.collect_schema() == {
        "id": nw.String(), "day": nw.Date(), "won": nw.Decimal(38, 4), "n": nw.Float64()
    }  # fmt: skip
    assert rows.collect().shape == (0, 4)


FRAME = pd.DataFrame({"account_id": ["A", "A"], "won": [True, False], "amount": [1.0, 10.0]})


def won_amount(rows):
    return grouped(rows, "account_id", won=nw.when(nw.col("won")).then(nw.col("amount")).sum())


@pytest.mark.parametrize("name", ["duckdb", *ENGINES])
@pytest.mark.parametrize("of", ["pandas", "pyarrow", "polars"])
def test_data_frames_are_registered_in_an_engine_and_keep_their_conditions(name, of):
    frame = nw.from_native(FRAME)
    if of == "polars":
        pytest.importorskip("polars")
    given = {"pandas": lambda: FRAME, "pyarrow": frame.to_arrow, "polars": frame.to_polars}[of]()
    assert won_amount(register_frame(engine_of(name), given)).collect()["won"].to_list() == [1.0]


def test_frames_of_pandas_arrow_and_dask_are_never_computed_on():
    arrow = nw.from_native(FRAME).to_arrow()
    for frame in (FRAME, arrow):
        with pytest.raises(DataError, match="cannot be grouped safely"):
            won_amount(nw.from_native(frame).lazy())
        with pytest.raises(DataError, match=r"accounts: rows of (pandas|pyarrow)"):
            Tables({"accounts": nw.from_native(frame).lazy()}, {}, connect())
    dask = pytest.importorskip("dask.dataframe")
    with pytest.raises(DataError, match="rows of dask"):
        Tables({"accounts": nw.from_native(dask.from_pandas(FRAME))}, {}, connect())


def test_an_engine_that_is_not_there_says_what_to_install_or_to_set(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(SettingsError, match=r"pip install .tierkit\[polars\]"):
        engine_of.__globals__["open_engine"]("polars")
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    with pytest.raises(SettingsError, match=r"pip install .tierkit\[spark\]"):
        engine_of.__globals__["open_engine"]("spark")


def test_the_engine_is_no_part_of_what_a_report_depends_on():
    assert Settings().fingerprint == read_engine("polars").fingerprint


def read_engine(name: str) -> Settings:
    return Settings(data={"engine": name})
