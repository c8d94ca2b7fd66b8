"""The card against other models, on the same quarter-ends and the same criteria.

`python -m benches.models` prints its tables and writes them into docs/models.md between its
markers. Peers are in `benches.model_peers`, data sets in `benches.model_sets`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benches.model_peers import MONEY, PEERS, predicted
from benches.model_sets import ModelSet, model_sets
from tierkit.statistics.intervals import compare
from tierkit.statistics.measures import actual_over_predicted, capture, capture_share, gini

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
MARKERS = ("<!-- results of `make bench-models` -->", "<!-- end of results -->")
CAPACITIES = (15, 315)
SHARES = (0.05, 0.10, 0.20)
DRAWS = 500
AHEAD = 0.005


def main() -> None:
    scores, gains = [], []
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1):
        for one in model_sets(Path(scratch)):
            rows = tested(one)
            scores.append(measured(rows).assign(data=label(one, rows)))
            gains.append(gained(rows).assign(data=one.name))
            print(f"\n{label(one, rows)}\n{scores[-1].drop(columns='data').round(3).to_string()}")
            print(gains[-1].drop(columns="data").round(4).to_string(), flush=True)
    write(scores, gains)


def tested(one: ModelSet) -> pd.DataFrame:
    """Return a row per account and tested date: what it won and what every model said."""
    parts = []
    for train, test in one.folds():
        said = {name: predicted(name, train, test, one) for name in PEERS}
        parts.append(pd.DataFrame({"actual": test.won, **said}))
    return pd.concat(parts).reset_index()


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every measure of every model: means over the dates, money over all of them."""
    found = {}
    for name in PEERS:
        by_date = pd.DataFrame(
            [_measures(part["actual"], part[name]) for _, part in rows.groupby("as_of")]
        ).mean()
        money = actual_over_predicted(rows["actual"], rows[name]) if name in MONEY else np.nan
        found[name] = {**by_date, "actual/predicted": money}
    return pd.DataFrame(found).T


def gained(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the card's Gini minus each peer's, with 95 % intervals over accounts."""
    found = {}
    for name in PEERS:
        if name != "card":
            frame = rows.rename(columns={name: "past_revenue"})
            gain = compare(frame, capacities=[], seed=1, draws=DRAWS).gain
            found[name] = {"gain": gain.estimate, "low": gain.low, "high": gain.high}
    return pd.DataFrame(found).T


def label(one: ModelSet, rows: pd.DataFrame) -> str:
    how = "earlier quarter-ends" if one.is_rolling else "held-out accounts"
    accounts = rows["account_id"].nunique()
    return f"{one.name}: {how}, {rows['as_of'].nunique()} dates, {accounts:,} accounts"


def write(scores: Sequence[pd.DataFrame], gains: Sequence[pd.DataFrame]) -> None:
    """Put the tables between the markers of the page."""
    parts = [_summary(scores, gains)]
    parts += [f"**{part['data'].iloc[0]}**\n\n{_markdown(part, 3)}" for part in scores]
    joined = pd.concat(gains)
    cells = joined.assign(
        text=[
            f"{g:+.3f} ({a:+.3f} to {b:+.3f})"
            for g, a, b in joined[["gain", "low", "high"]].to_numpy()
        ]
    )
    table = pd.DataFrame({name: part["text"] for name, part in cells.groupby("data", sort=False)})
    parts.append(
        "**The card's Gini minus the peer's** (95 % interval, accounts resampled)\n\n"
        + _table(table.reset_index(names="peer"))
    )
    put_between(MARKERS, "\n\n".join(parts))


def put_between(markers: tuple[str, str], body: str, page: Path = PAGE) -> None:
    """Write a text between two markers of a page, in place of what is there."""
    start, end = markers
    before, rest = page.read_text(encoding="utf-8").split(start)
    after = rest.split(end)[1]
    page.write_text(f"{before}{start}\n\n{body}\n\n{end}{after}", encoding="utf-8")


def _summary(scores: Sequence[pd.DataFrame], gains: Sequence[pd.DataFrame]) -> str:
    means = pd.concat(scores).groupby(level=0, sort=False)["gini"].mean()
    lost = pd.concat(gains).query("gain < -@AHEAD and high < 0")
    order = ", ".join(
        f"{name} {value:.3f}" for name, value in means.sort_values().iloc[::-1].items()
    )
    cells = "; ".join(
        f"{name} on {row['data']} by {-row['gain']:.3f}" for name, row in lost.iterrows()
    )
    return (
        f"Mean Gini over the {len(scores)} sets: {order}. Peers ahead of the card by more than "
        f"{AHEAD} with an interval above zero: {cells or 'none'}."
    )


def _measures(actual: pd.Series[float], by: pd.Series[float]) -> dict[str, float]:
    at = {f"top {size}": capture(actual, by, accounts=size) for size in CAPACITIES}
    shares = {f"top {share:.0%}": capture_share(actual, by, share=share) for share in SHARES}
    return {"gini": gini(actual, by), **at, **shares}


def _markdown(part: pd.DataFrame, digits: int) -> str:
    numbers = part.drop(columns="data").rename_axis("model").reset_index()
    text = numbers.map(
        lambda value: (
            value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.{digits}f}"
        )
    )
    return _table(text)


def _table(text: pd.DataFrame) -> str:
    lines = [
        [*map(str, text.columns)],
        ["---"] * text.shape[1],
        *text.astype(str).to_numpy().tolist(),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
