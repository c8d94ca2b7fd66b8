"""The walk: what a run would publish at every quarter-end, against what came and its peers.

`python -m benches.walk` walks through every company of `benches.walk_sets`: at every quarter-end
from the second on, for horizons of 1, 2 and 4 quarters. No date, look-back or company is picked by
hand. It writes its tables into docs/models.md between its markers. Arguments: names of companies
(all by default); `--horizons 2` for some horizons; `--keep FILE` for the rows behind the tables.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benches.markers import put_between
from benches.walk_peers import PEERS, peer_scores
from benches.walk_sets import Company, companies
from benches.walk_tables import METHOD, method_table, money_table, ranking_table, stability_line
from tierkit.crm.frames import to_frame
from tierkit.crm.revenue import target_deals
from tierkit.crm.tables import Tables
from tierkit.crm.trusted import read_tables
from tierkit.features.windows import history_start
from tierkit.forecast.rules import RULES, by_rule
from tierkit.publishing.contract import FACTS_SCHEMA
from tierkit.publishing.published import CONTRACT_COLUMNS, EarlierReports
from tierkit.runs.modelling import (
    QUARTERS_FILE,
    TESTED_FILE,
    fit_model,
    make_panel,
    predict_accounts,
    tier_totals,
    write_model,
)
from tierkit.runs.next_quarter import next_quarter_totals, quarter_tests
from tierkit.runs.run import MODEL_FILE, Run
from tierkit.runs.tiering import tier_accounts
from tierkit.settings import Settings, read_settings
from tierkit.statistics.measures import capture_share, gini

HORIZONS = (1, 2, 4)
SHARES = (0.05, 0.10, 0.20)
CHEAP = ["model.bags=2", "model.most_bags=2", "model.shuffled_refits=0"]
MARKERS = ("<!-- results of `make bench-walk` -->", "<!-- end of walk -->")


@dataclass(frozen=True)
class Step:
    """One run of the walk: a company, an as_of, a horizon."""

    company: str
    run: Run
    horizon: int
    tables: Tables

    @property
    def key(self) -> dict[str, object]:
        """The columns that its rows begin with."""
        return {"company": self.company, "as_of": self.run.as_of, "horizon": self.horizon}


def main() -> None:
    asked = _arguments()
    who: list[pd.DataFrame] = []
    money: list[dict[str, object]] = []
    runs: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of peers' libraries
        for company in companies(Path(scratch), asked.names):
            for step in steps(company, Path(scratch), horizons=asked.horizons):
                started = time.monotonic()
                ranked, told, about = walked(step)
                who.append(ranked)
                money += told
                runs.append(about)
                if asked.keep:
                    frames = {"who": pd.concat(who), "money": pd.DataFrame(money)}
                    pd.to_pickle({**frames, "runs": pd.DataFrame(runs)}, asked.keep)
                print({**about, "seconds": round(time.monotonic() - started, 1)}, flush=True)
    rows = pd.concat(who, ignore_index=True)
    frames = {"who": rows, "money": pd.DataFrame(money), "runs": pd.DataFrame(runs)}
    text = report(**frames)
    print(text)
    if not asked.names and asked.horizons == HORIZONS:
        put_between(MARKERS, text)


def report(who: pd.DataFrame, money: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Return the tables of a walk as Markdown."""
    tables = [ranking_table(who, PEERS), money_table(money), method_table(money)]
    return "\n\n".join([*tables, stability_line(runs, money)])


def steps(company: Company, scratch: Path, *, horizons: Sequence[int]) -> Iterator[Step]:
    """Yield a run at every quarter-end that has a quarter before it and one after it."""
    settings = read_settings(company.folder, overrides=[*CHEAP, *company.overrides])
    tables = read_tables(settings)
    calendar = settings.fiscal_calendar
    first, last = history_start(tables, settings), _last_day(tables, settings)
    if first is None:
        return
    quarters = calendar.between(first, last)
    for horizon in horizons:
        target = settings.target.model_copy(update={"horizon_quarters": horizon})
        reports = settings.run.model_copy(
            update={"reports": str(scratch / f"{company.name}-{horizon}")}
        )
        one = settings.model_copy(update={"target": target, "run": reports})
        for quarter in quarters[1 : len(quarters) - horizon]:
            folder = scratch / f"{company.name}-{horizon}-{quarter.label}"
            folder.mkdir()
            yield Step(company.name, Run(one, quarter, tables, folder), horizon, tables)


def walked(step: Step) -> tuple[pd.DataFrame, list[dict[str, object]], dict[str, object]]:
    """Return what a run published and what came: rankings by account, money, and what ranked."""
    run = step.run
    panel = make_panel(run)
    choice = fit_model(run, panel)
    choice.tested_predictions().to_parquet(run.folder / TESTED_FILE, index=False)
    quarter_tests(run, choice).to_parquet(run.folder / QUARTERS_FILE, index=False)
    write_model(run, choice)
    predictions = predict_accounts(run, panel, choice)
    tiered = tier_accounts(run, predictions).tiered
    totals = tier_totals(run, tiered)
    coming = next_quarter_totals(run, totals, pd.read_parquet(run.folder / QUARTERS_FILE))
    _publish(run, tiered, totals, coming)
    deals = _deals(step.tables, run.settings)  # what came is not known to the run
    brought = _won(deals, run, step.horizon).reindex(predictions.index).fillna(0.0)
    ties = predictions.groupby(["score", "predicted_revenue"]).ngroup().astype(float)
    peers = peer_scores(panel, deals, run, step.horizon)
    ranked = pd.DataFrame({"actual": brought, "published": ties, **peers}).reset_index()
    told = [
        {**step.key, **row}
        for span, quarters, table in (
            ("next quarter", 1, coming), ("horizon", step.horizon, totals))
        for row in _held_to(table, tiered, _won(deals, run, quarters), span,
                            methods=_by_method(run, quarters))
    ]  # fmt: skip
    ranked_by = getattr(choice, "ranked_by", choice.kind)
    history = len(run.settings.fiscal_calendar.between(deals["close_date"].min().date(), run.as_of))
    about = {**step.key, "kind": choice.kind, "ranked_by": ranked_by, "history": history,
             "verdict": choice.backtest.verdict, "gini": round(gini(brought, ties), 3),
             **{name: round(gini(brought, ranked.set_index("account_id")[name]), 3)
                for name in peers}}  # fmt: skip
    return ranked.assign(**step.key), [{**row, "history": history} for row in told], about


def _publish(run: Run, tiered: pd.DataFrame, totals: pd.DataFrame, coming: pd.DataFrame) -> None:
    """Leave what the next run reads of this one: its model, its promises, its tiers.

    Raises
    ------
    RuntimeError
        If a run could not read it back: every report of the walk would then be a first one.
    """
    folder = Path(run.settings.reports) / run.quarter.label
    folder.mkdir(parents=True)
    shutil.copy(run.folder / MODEL_FILE, folder / MODEL_FILE)
    _as_published(tiered).to_csv(folder / "tiers.csv", index=False)
    tiers = [
        {"tier": tier, "predicted_revenue": _or_none(row["predicted_revenue"]),
         "next_quarter": {"predicted_revenue": _or_none(coming.loc[tier, "predicted_revenue"])}}
        for tier, row in totals.iterrows()
    ]  # fmt: skip
    facts = {**_bare_facts(run), "tiers": tiers}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    readable = EarlierReports.read(Path(run.settings.reports), run.settings.fiscal_calendar)
    if readable.left_out:
        raise RuntimeError(readable.left_out[0])


def _as_published(tiered: pd.DataFrame) -> pd.DataFrame:
    """Return tiers with the columns of the contract; unknown ones are blank."""
    known = tiered.assign(overridden=False).reset_index()
    columns = [*CONTRACT_COLUMNS, *(name for name in known if name not in CONTRACT_COLUMNS)]
    return known.reindex(columns=columns)


def _bare_facts(run: Run) -> dict[str, object]:
    """Return facts with every container of the contract, empty where a run reads nothing of it."""
    quarter = run.quarter
    named = {"label": quarter.label, "start": f"{quarter.start}", "as_of": f"{quarter.as_of}"}
    model = {
        "horizon_quarters": run.settings.target.horizon_quarters,
        "trained_on_as_of": [],
        "backtest": {"as_of": [], "models": {}},
        "gain_over_past_revenue": {},
    }
    return {
        "schema": FACTS_SCHEMA,
        "currency": run.currency,
        "fingerprint": run.fingerprint,
        "quarter": named,
        "data": {"excluded": [], "missing_tables": []},
        "model": model,
        "moves": {"matrix": {}, "reasons": {}},
        "roi": {"outcomes": [], "boundaries": [], "certificate": {}},
        "ledger": [],
        "decision": {"action": ""},
    }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _by_method(run: Run, quarters: int) -> dict[str, float]:
    """Return what each rule of the forecast says alone of the quarters to come, all together."""
    predicted = by_rule(run.totals, len(run.totals.totals), quarters).sum(axis=1)
    return {f"{METHOD}{name}": float(one) for name, one in zip(RULES, predicted, strict=True)}


def _held_to(
    table: pd.DataFrame,
    tiered: pd.DataFrame,
    won: pd.Series[float],
    span: str,
    *,
    methods: Mapping[str, float],
) -> Iterator[dict[str, object]]:
    """Yield by tier, and for all together, what was predicted and what came.

    The row of all together also has what other methods predict.
    """
    came = won.reindex(tiered.index).fillna(0.0).groupby(tiered["tier"], observed=False).sum()
    for tier, row in table.iterrows():
        yield {
            "span": span,
            "tier": str(tier),
            "predicted": row["predicted_revenue"],
            "low": row["low"],
            "high": row["high"],
            "delivered": float(came.get(tier, 0.0)),
        }
    whole = table.attrs.get("total", {})
    yield {
        "span": span,
        "tier": "all",
        "predicted": table["predicted_revenue"].sum(min_count=1),
        "low": whole.get("low", np.nan),
        "high": whole.get("high", np.nan),
        "delivered": float(came.sum()),
        **methods,
    }


def _deals(tables: Tables, settings: Settings) -> pd.DataFrame:
    deals = target_deals(tables, settings).select("account_id", "close_date", "value", "is_won")
    frame = to_frame(deals)
    frame = frame[frame["is_won"].isin([True])]
    return frame.assign(
        value=frame["value"].astype(float), close_date=pd.to_datetime(frame["close_date"])
    )


def _won(deals: pd.DataFrame, run: Run, quarters: int) -> pd.Series[float]:
    end = run.settings.fiscal_calendar.window_end(run.as_of, quarters)
    inside = deals["close_date"].between(pd.Timestamp(run.as_of), pd.Timestamp(end), "left")
    return deals[inside].groupby("account_id")["value"].sum()


def _last_day(tables: Tables, settings: Settings) -> date:
    """Return the day after the newest deal."""
    last: date = (_deals(tables, settings)["close_date"].max() + pd.Timedelta(days=3)).date()
    return last


def measures(rows: pd.DataFrame, name: str) -> dict[str, float]:
    """Return Gini and captures of one ranking at one step."""
    found = {"gini": gini(rows["actual"], rows[name])}
    for share in SHARES:
        found[f"top {share:.0%}"] = capture_share(rows["actual"], rows[name], share=share)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--horizons", nargs="+", type=int, default=HORIZONS)
    parser.add_argument("--keep", default="")
    found = parser.parse_args()
    found.horizons = tuple(found.horizons)
    return found


if __name__ == "__main__":
    main()
