"""The tables of the walk, from its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tierkit.statistics.measures import Ranking, capture_of, gini_of

METHOD = "by "
"""What the columns of other methods for the total begin with."""

_SHARES = (0.05, 0.10, 0.20)
_DRAWS = 300
_WIDEST = 0.1
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def ranking_table(who: pd.DataFrame, peers: Sequence[str]) -> str:
    """Return by company the published ranking and what each peer has more of, with 95 % ranges."""
    blocks = []
    for company, rows in who.groupby("company", sort=False):
        lines = [f"**{company}**: {rows.groupby(['horizon', 'as_of']).ngroups} runs\n",
                 "| peer | runs | measure | published | peer | ahead by | range |",
                 "| --- | ---: | --- | ---: | ---: | ---: | --- |"]  # fmt: skip
        for peer in peers:
            known = rows[rows[peer].notna()] if peer in rows else rows[:0]
            if len(known):
                lines += [f"| {peer} | {line}" for line in _compared(known, peer)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _compared(rows: pd.DataFrame, peer: str) -> list[str]:
    """Return a line per measure: means over the runs, difference with accounts resampled."""
    codes, unique = pd.factorize(rows["account_id"])
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=_DRAWS)
    weights = np.column_stack([np.ones(len(unique)), drawn.T]).astype(float)
    parts = []
    for _, places in rows.groupby(["horizon", "as_of"], sort=True).indices.items():
        part = rows.iloc[places]
        parts.append(
            [_measured(part, name, codes[places], weights) for name in ("published", peer)]
        )
    means = np.nanmean(np.stack([np.stack(part) for part in parts]), axis=0)
    ahead = means[1] - means[0]
    names = ("Gini", *(f"top {share:.0%}" for share in _SHARES))
    lines = []
    for place, name in enumerate(names):
        low, high = np.nanquantile(ahead[place, 1:], [0.025, 0.975])
        mark = " **" if ahead[place, 0] > 0.005 and low > 0 else ""
        lines.append(
            f"{len(parts)} | {name} | {means[0, place, 0]:.3f} | {means[1, place, 0]:.3f} "
            f"| {ahead[place, 0]:+.3f}{mark} | {low:+.3f} to {high:+.3f} |"
        )
    return lines


def _measured(part: pd.DataFrame, name: str, codes: Floats, weights: Floats) -> Floats:
    own = Ranking.of(part["actual"], part[name], weighted_by=codes).curve(weights)
    best = Ranking.of(part["actual"], part["actual"], weighted_by=codes).curve(weights)
    captures = [capture_of(own, accounts=share * len(part)) for share in _SHARES]
    return np.stack([gini_of(own, best), *captures])


def money_table(money: pd.DataFrame) -> str:
    """Return by company and span: errors of totals, shares inside ranges, widths, by tier."""
    rows = money[money["predicted"].fillna(0.0) > 0]
    rows = rows.assign(
        error=(rows["predicted"] / rows["delivered"].where(rows["delivered"] > 0) - 1).abs(),
        ratio=rows["predicted"] / rows["delivered"].where(rows["delivered"] > 0),
        ranged=rows["low"].notna() & rows["high"].notna(),
        inside=rows["delivered"].between(rows["low"], rows["high"]),
        width=rows["high"] / rows["low"].where(rows["low"] > 0),
    )
    lines = [
        "| company | span | of | promises | median error | mean predicted/actual | with a range "
        "| inside | median high/low |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    # the next quarter is promised in every run: once is enough
    once = (rows["span"] == "horizon") | (rows["horizon"] == rows["horizon"].max())
    once &= (rows["span"] == "next quarter") | (rows["horizon"] > 1)
    everything = rows[once]
    cuts = [*everything.groupby(["company", "span", "tier"], sort=False)]
    long = everything[everything["history"] >= 8]
    long = long.assign(company=long["company"] + ", two years known")
    cuts += [*long.groupby(["company", "span", "tier"], sort=False)]
    for span in ("next quarter", "horizon"):
        of_span = everything[everything["span"] == span]
        cuts += [(("every company", span, "all"), of_span[of_span["tier"] == "all"])]
        cuts += [(("every company", span, "tiers"), of_span[of_span["tier"] != "all"])]
        old = of_span[(of_span["tier"] == "all") & (of_span["history"] >= 12)]
        cuts += [(("with three years known", span, "all"), old)]
    for (company, span, tier), part in cuts:
        ranged = part[part["ranged"]]
        error, inside = said(part["error"].median(), ".0%"), said(ranged["inside"].mean(), ".0%")
        ratio, width = said(part["ratio"].mean(), ".2f"), said(ranged["width"].median(), ".2f")
        lines.append(
            f"| {company} | {span} | {tier} | {len(part)} | {error} | {ratio} "
            f"| {len(ranged)} | {inside} | {width} |"
        )
    return "\n".join(lines)


def said(value: float, form: str) -> str:
    """Return a number in a form, and a dash where there is none."""
    return "–" if np.isnan(value) else format(value, form)


def method_table(money: pd.DataFrame) -> str:
    """Return by company and span the median error of the published total and of single methods."""
    rows = money[(money["tier"] == "all") & (money["predicted"].fillna(0.0) > 0)]
    rows = rows[rows["delivered"] > 0]
    once = (rows["span"] == "horizon") | (rows["horizon"] == rows["horizon"].max())
    rows = rows[once & ((rows["span"] == "next quarter") | (rows["horizon"] > 1))]
    names = [name for name in rows if str(name).startswith(METHOD)]
    lines = ["| company | span | promises | published | best method alone | its error |",
             "| --- | --- | ---: | ---: | --- | ---: |"]  # fmt: skip
    for (company, span), part in rows.groupby(["company", "span"], sort=False):
        part = part.dropna(subset=names, how="any")  # every method where all of them can
        if len(part):
            errors = part[["predicted", *names]].div(part["delivered"], axis=0) - 1
            medians = errors.abs().median()
            best = str(medians[names].idxmin())
            lines.append(
                f"| {company} | {span} | {len(part)} | {medians['predicted']:.0%} "
                f"| {best.removeprefix(METHOD)} | {medians[best]:.0%} |"
            )
    return "\n".join(lines)


def _headline_moves(money: pd.DataFrame) -> tuple[int, int]:
    """Return how often Tier 1's headline stayed in the range of the report before, and of how many.

    Reports without a range are left out.
    """
    rows = money[(money["span"] == "horizon") & (money["tier"] == "Tier 1")]
    rows = rows.sort_values(["company", "horizon", "as_of"])
    before = rows.groupby(["company", "horizon"])[["low", "high"]].shift()
    ranged = before.notna().all(axis=1)
    inside = rows["predicted"].between(before["low"], before["high"])
    return int(inside[ranged].sum()), int(ranged.sum())


def stability_line(runs: pd.DataFrame, money: pd.DataFrame) -> str:
    """Return how often what ranks changed from one quarter to the next, and how headlines moved."""
    ordered = runs.sort_values(["company", "horizon", "as_of"])
    by = ordered.groupby(["company", "horizon"])["ranked_by"]
    changed = (ordered["ranked_by"] != by.shift()) & by.shift().notna()
    pairs = by.shift().notna()
    verdicts = ordered.groupby(["company", "horizon"])["verdict"].shift()
    tested = pairs & (verdicts != "cannot be tested")
    counts = ordered["ranked_by"].value_counts()
    named = ", ".join(f"{name} {count}" for name, count in counts.items())
    stayed, moves = _headline_moves(money)
    return (
        f"What ranked: {named}. It changed from one quarter to the next in "
        f"{int(changed.sum())} of {int(pairs.sum())} pairs of runs, in "
        f"{int((changed & tested).sum())} of {int((pairs & tested).sum())} where the first of both "
        f"could be tested. The headline of Tier 1 stayed in the range of the report before in "
        f"{stayed} of {moves}."
    )
