"""One task of `benches.peers`, done by tierkit or by another package, in a process of its own.

    python -m benches.peer_tasks tierkit_panel FOLDER

Packages are imported before the clock starts. The peers live in environments of their own, where
tierkit is not installed, hence the imports inside the functions.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WINDOWS = {"1q": 3, "4q": 12, "8q": 24}
COLUMNS = (*(f"won_revenue_{one}" for one in WINDOWS), *(f"wins_count_{one}" for one in WINDOWS))
ROWS, HELD_OUT, COLUMNS_OF_ROWS = 100_000, 50_000, 10
CDNOW_END, HALF_A_YEAR = "1998-01-01", 181


@contextmanager
def measured(found: dict[str, float]) -> Iterator[None]:
    """Note seconds and processor time of a block, of programs that it starts as well."""
    began, before = time.perf_counter(), _processor_time()
    yield
    found["seconds"] = time.perf_counter() - began
    found["cpu"] = _processor_time() - before
    found["gigabytes"] = max(_own_peak(), _peak_of_children()) / 1e6


def _processor_time() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _own_peak() -> float:
    """Return the most memory of this process in kB; `ru_maxrss` begins with that of its parent."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1])
    raise RuntimeError("/proc/self/status: without VmHWM.")


def _peak_of_children() -> float:
    return float(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def tierkit_panel(folder: Path, found: dict[str, float]) -> None:
    """Revenue and wins of three windows, of every account at twelve dates, with checksums."""
    from benches import scale
    from tierkit.features import build_panel
    from tierkit.settings import Settings

    with measured(found):
        tables = scale.tables_of(folder)
        panel = build_panel(tables, scale.DATES, settings=Settings(), names=COLUMNS)
    found["answer"] = float(panel.values["won_revenue_4q"].sum())


def pandas_panel(folder: Path, found: dict[str, float]) -> None:
    """The same columns as an analyst writes them: a loop over dates and windows."""
    import pandas as pd

    from benches.scale import DATES

    with measured(found):
        deals = pd.read_parquet(folder / "opportunities.parquet")
        accounts = pd.read_parquet(folder / "accounts.parquet")["account_id"].sort_values()
        deals = deals.assign(
            amount=deals["amount"].astype(float), day=pd.to_datetime(deals["close_date"])
        )
        won, parts = deals[deals["is_won"]], []
        for as_of in pd.DatetimeIndex(DATES):
            known = won[won["day"] < as_of]
            columns = {}
            for name, months in WINDOWS.items():
                inside = known[known["day"] >= as_of - pd.DateOffset(months=months)]
                by_account = inside.groupby("account_id")["amount"]
                columns[f"won_revenue_{name}"] = by_account.sum()
                columns[f"wins_count_{name}"] = by_account.count()
            part = pd.DataFrame(columns).reindex(accounts).fillna(0.0)
            parts.append(part.assign(as_of=as_of))
        panel = pd.concat(parts)
    found["answer"] = float(panel["won_revenue_4q"].sum())


def featuretools_panel(folder: Path, found: dict[str, float]) -> None:
    """The same by deep feature synthesis, with cutoff times; windows are counted in days."""
    import featuretools as ft
    import pandas as pd

    from benches.scale import DATES

    with measured(found):
        deals = pd.read_parquet(folder / "opportunities.parquet")
        deals = deals[deals["is_won"]][["opportunity_id", "account_id", "close_date", "amount"]]
        deals = deals.assign(
            amount=deals["amount"].astype(float), close_date=pd.to_datetime(deals["close_date"])
        )
        accounts = pd.read_parquet(folder / "accounts.parquet")[["account_id"]]
        crm = ft.EntitySet("crm")
        crm.add_dataframe(dataframe=accounts, dataframe_name="accounts", index="account_id")
        crm.add_dataframe(
            dataframe=deals, dataframe_name="deals", index="opportunity_id", time_index="close_date"
        )
        crm.add_relationship("accounts", "account_id", "deals", "account_id")
        times = accounts.merge(pd.DataFrame({"time": pd.DatetimeIndex(DATES)}), how="cross")
        found_by_window = {
            name: ft.dfs(
                entityset=crm, target_dataframe_name="accounts", cutoff_time=times,
                training_window=f"{round(months * 365.25 / 12)} days", max_depth=1,
                agg_primitives=["sum", "count"], trans_primitives=[], include_cutoff_time=False,
            )[0]
            for name, months in WINDOWS.items()
        }  # fmt: skip
    found["answer"] = float(found_by_window["4q"]["SUM(deals.amount)"].sum())


def _cdnow_tables(orders):
    from tierkit.crm.tables import tables_from_frames

    deals = orders.astype("str").assign(is_won="true")
    deals["opportunity_id"] = [f"O{place}" for place in range(len(deals))]
    accounts = deals[["customer"]].drop_duplicates()
    names = {"customer": "account_id", "day": "close_date"}
    return tables_from_frames(
        {"accounts": accounts.rename(columns=names), "opportunities": deals.rename(columns=names)}
    )


def _gini_of_next(orders, score) -> float:
    """Return the Gini of customers by score, by what they spent in the half year after."""
    after = orders[orders["day"] >= CDNOW_END].groupby("customer")["amount"].sum()
    return _gini(score, after.reindex(score.index).fillna(0.0).to_numpy())


def tierkit_cdnow(folder: Path, found: dict[str, float]) -> None:
    """The panel of CDNOW's orders at its quarter-ends, and a card fitted to it."""
    import pandas as pd

    import tierkit.crm.tables
    import tierkit.library as library

    library.fit_card, library.build_panel, tierkit.crm.tables  # noqa: B018 (imported now)
    with measured(found):
        orders = pd.read_parquet(folder / "cdnow.parquet")
        panel = library.build_panel(_cdnow_tables(orders), CDNOW_END, horizon_quarters=1)
        card = library.fit_card(panel)
    found["answer"] = _gini_of_next(orders, card.predict(panel.now))


def lifetimes_cdnow(folder: Path, found: dict[str, float]) -> None:
    """Summary of CDNOW's orders, BG/NBD for how often and gamma-gamma for how much."""
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    with measured(found):
        orders = pd.read_parquet(folder / "cdnow.parquet")
        summary = _summary(orders)
        often = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
        again = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
        much = GammaGammaFitter().fit(again["frequency"], again["monetary_value"])
    times = often.conditional_expected_number_of_purchases_up_to_time(
        HALF_A_YEAR, summary["frequency"], summary["recency"], summary["T"]
    )
    value = much.conditional_expected_average_profit(
        summary["frequency"], summary["monetary_value"]
    )
    found["answer"] = _gini_of_next(orders, times * value)


def _summary(orders):
    from lifetimes.utils import summary_data_from_transaction_data

    return summary_data_from_transaction_data(
        orders, "customer", "day", monetary_value_col="amount",
        observation_period_end="1997-12-31", freq="D",
    )  # fmt: skip


def lifetimes_summary(folder: Path, found: dict[str, float]) -> None:
    """How often, how long ago and how much each customer bought, by one date."""
    import lifetimes  # noqa: F401 (imported now)
    import pandas as pd

    with measured(found):
        summary = _summary(pd.read_parquet(folder / "cdnow.parquet"))
    found["answer"] = float(len(summary))


def tierkit_summary(folder: Path, found: dict[str, float]) -> None:
    """The same of tierkit: wins, days since the first and the last one, and their mean amount."""
    from datetime import date

    import pandas as pd

    import tierkit.crm.tables  # noqa: F401 (imported now)
    from tierkit.features import build_panel
    from tierkit.settings import Settings

    names = ("wins_count_ever", "days_since_last_won", "tenure_days", "won_amount_mean_ever")
    with measured(found):
        tables = _cdnow_tables(pd.read_parquet(folder / "cdnow.parquet"))
        days = [date.fromisoformat(CDNOW_END)]
        panel = build_panel(tables, days, settings=Settings(), names=names)
    found["answer"] = float(len(panel.values))


def tierkit_one_date(folder: Path, found: dict[str, float]) -> None:
    """Every criterion that deals allow, at one date."""
    from benches import scale
    from tierkit.features import build_panel
    from tierkit.settings import Settings

    with measured(found):
        panel = build_panel(scale.tables_of(folder), scale.DATES[-1:], settings=Settings())
    found["answer"] = float(panel.values["won_revenue_4q"].sum())


def dbt_one_date(folder: Path, found: dict[str, float]) -> None:
    """The same panel by the exported project: `dbt run` on DuckDB, from the start of dbt on."""
    import duckdb

    project, file = folder / "dbt", folder / "warehouse.duckdb"
    command = [
        Path(sys.executable).parent / "dbt", "run", "--project-dir", project, "--profiles-dir",
        project, "--target", "duckdb", "--vars", "{crm_schema: main}",
    ]  # fmt: skip
    environment = {"TIERKIT_DUCKDB": str(file), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    with measured(found):
        subprocess.run(
            command, check=True, capture_output=True, cwd=project, env={**os.environ, **environment}
        )
    with duckdb.connect(str(file), read_only=True) as warehouse:
        query = "SELECT sum(won_revenue_4q) FROM tierkit_panel"
        found["answer"] = float(warehouse.execute(query).fetchall()[0][0])


def _rows():
    """Return rows to fit on and rows held out: skewed criteria with gaps, and amounts."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(7)
    values = draw.lognormal(0, 1, (ROWS + HELD_OUT, COLUMNS_OF_ROWS))
    rate = np.exp(0.5 * np.log(values[:, 0]) + 0.3 * np.log(values[:, 1]) - 1.5)
    amounts = draw.poisson(rate) * draw.gamma(2.0, 500.0, len(values))
    values[draw.random(values.shape) < 0.1] = np.nan
    rows = pd.DataFrame(values, columns=[f"c{place}" for place in range(COLUMNS_OF_ROWS)])
    return rows[:ROWS], amounts[:ROWS], rows[ROWS:], amounts[ROWS:]


def _gini(score, amounts) -> float:
    """Return the share of perfect order that a score brings into amounts: 1 perfect, 0 none."""
    import numpy as np

    def area(order) -> float:
        return float(np.cumsum(amounts[order]).mean() / amounts.sum() - 0.5)

    by_score, perfect = (np.argsort(-np.asarray(one), kind="stable") for one in (score, amounts))
    return area(by_score) / area(perfect)


def tierkit_card(_folder: Path, found: dict[str, float]) -> None:
    """A points card of 100,000 rows."""
    from tierkit.sklearn import CardRegressor

    rows, amounts, others, truth = _rows()
    with measured(found):
        model = CardRegressor().fit(rows, amounts)
    found["answer"] = _gini(model.predict(others), truth)


def sklearn_trees(_folder: Path, found: dict[str, float]) -> None:
    """Boosted trees of scikit-learn with its defaults and a loss for amounts."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows, amounts, others, truth = _rows()
    with measured(found):
        model = HistGradientBoostingRegressor(loss="poisson", random_state=1).fit(rows, amounts)
    found["answer"] = _gini(model.predict(others), truth)


def optbinning_scorecard(_folder: Path, found: dict[str, float]) -> None:
    """A scorecard of optbinning for whether anything was bought: it takes no such amounts."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    rows, amounts, others, truth = _rows()
    with measured(found):
        binning = BinningProcess([*rows.columns])
        model = Scorecard(binning_process=binning, estimator=LogisticRegression())
        model.fit(rows, amounts > 0)
    found["answer"] = _gini(model.predict_proba(others)[:, 1], truth)


TASKS: dict[str, Callable[[Path, dict[str, float]], None]] = {
    task.__name__: task
    for task in (
        tierkit_panel, pandas_panel, featuretools_panel, tierkit_summary, lifetimes_summary,
        tierkit_cdnow, lifetimes_cdnow, tierkit_one_date, dbt_one_date, tierkit_card, sklearn_trees,
        optbinning_scorecard,
    )
}  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    figures: dict[str, float] = {}
    TASKS[sys.argv[1]](Path(sys.argv[2]), figures)
    print(json.dumps(figures))
