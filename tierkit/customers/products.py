"""The next product of each customer: who buys what it has not bought, tested against popularity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.figure import Figure
from tierkit.statistics import Z_80, FloatArray

BY_POPULARITY, BY_INDUSTRY, BY_OWNED = "popularity", "what its industry buys", "what its owners buy"
BoolArray = npt.NDArray[np.bool_]
RULES = (BY_POPULARITY, BY_INDUSTRY, BY_OWNED)
"""Rules that say how likely each product is bought next, the simplest first."""

PRIOR = 20
"""A rate counts as if so many more accounts had bought as all do."""

CLEARLY = 1.645
GAP_DAYS, SAME_BUYERS = 92, 0.5
"""A product took over another's name if it began within a quarter of the other's last sale, and
half of the other's buyers bought it since."""


@dataclass(frozen=True)
class Purchases:
    """First purchases: accounts by products.

    Attributes
    ----------
    first
        The day (since 1970) of each account's first purchase of each product; missing without one.
    amount
        What was paid on all days together for a product in the horizon from its first purchase on.
    industry
        By account; empty where it is not known.
    renamed
        Products that took over another's name, by the older name.
    """

    first: pd.DataFrame
    amount: pd.DataFrame
    industry: pd.Series[str]
    renamed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: pd.DataFrame, industry: pd.Series[str]) -> Purchases:
        """Return the first purchases of product lines.

        Parameters
        ----------
        lines
            `account_id`, `product`, `day` and `amount` of won lines worth more than nothing.
        """
        renamed = renamed_products(lines)
        newest = _newest(renamed)
        named = lines.assign(product=[newest.get(name, name) for name in lines["product"]])
        firsts = named.groupby(["account_id", "product"], dropna=True)["day"].transform("min")
        opening = named[named["day"] == firsts]
        by_pair = opening.groupby(["account_id", "product"], dropna=True).agg(
            day=("day", "min"), amount=("amount", "sum")
        )
        pairs = by_pair.reset_index()
        first, amount = (
            pairs.pivot_table(index="account_id", columns="product", values=name)
            for name in ("day", "amount")
        )
        known = industry.astype("object").reindex(first.index).fillna("").astype("str")
        return cls(first, amount, known, renamed)

    def owned(self, day: float) -> FloatArray:
        """Return 1 where an account had bought a product before a day."""
        return np.asarray(self.first.to_numpy(dtype=float) < day, dtype=float)


def renamed_products(lines: pd.DataFrame) -> dict[str, str]:
    """Return the products that took over another's name, by the older name.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "B", "A", "B"], "day": [1.0, 5.0, 20.0, 30.0],
    ...     "product": ["Core", "Core", "Core Plus", "Core Plus"]})
    >>> renamed_products(lines)
    {'Core': 'Core Plus'}
    """
    spans = (
        lines.groupby("product", dropna=True)["day"]
        .agg(["min", "max"])
        .sort_values(["min"], kind="stable")
    )
    buyers = {
        str(name): {*rows} for name, rows in lines.groupby("product", dropna=True)["account_id"]
    }
    found: dict[str, str] = {}
    for old, last in spans["max"].items():
        later = spans[(spans["min"] > last) & (spans["min"] <= last + GAP_DAYS)].index
        for new in later:
            shared = len(buyers[str(old)] & buyers[str(new)]) / len(buyers[str(old)])
            if shared >= SAME_BUYERS and str(old) not in found:
                found[str(old)] = str(new)
    return found


def _newest(renamed: dict[str, str]) -> dict[str, str]:
    """Return the name that each old name ended at, through several changes."""
    found = {}
    for old, new in renamed.items():
        seen = {old}
        while new in renamed and new not in seen:
            seen.add(new)
            new = renamed[new]
        found[old] = new
    return found


def chances_at(purchases: Purchases, day: float, length: float) -> dict[str, FloatArray]:
    """Return by rule the chance that each account buys each product next, accounts × products.

    Learned from the horizon before the day alone. Missing where an account owned the product, or
    was no customer.
    """
    before = purchases.owned(day - length)
    since = np.asarray(purchases.first.to_numpy(dtype=float) < day) & (before == 0)
    asked = (before == 0) & (before.sum(axis=1) > 0)[:, None]
    bought = (since & asked).astype(float)
    everyone = _rate(bought.sum(axis=0), asked.sum(axis=0), 0.0)
    now = purchases.owned(day)
    open_ = (now == 0) & (now.sum(axis=1) > 0)[:, None]
    chances = {
        BY_POPULARITY: np.broadcast_to(everyone, now.shape),
        BY_INDUSTRY: _by_industry(purchases.industry, bought, asked, everyone),
        BY_OWNED: _by_owned(before, bought, asked, everyone, now),
    }
    return {rule: np.where(open_, values, np.nan) for rule, values in chances.items()}


def _rate(bought: FloatArray, asked: FloatArray, everyone: FloatArray | float) -> FloatArray:
    prior = PRIOR if isinstance(everyone, np.ndarray) else 0
    return np.asarray((bought + prior * everyone) / np.maximum(asked + prior, 1))


def _by_industry(
    industry: pd.Series[str], bought: FloatArray, asked: FloatArray, everyone: FloatArray
) -> FloatArray:
    codes, names = pd.factorize(industry, sort=True)
    member = (codes[:, None] == np.arange(len(names))[None, :]).astype(float)
    rates = _rate(
        member.T @ bought, member.T @ asked, np.broadcast_to(everyone, (len(names), len(everyone)))
    )
    return np.asarray(rates[codes])


def _by_owned(
    before: FloatArray, bought: FloatArray, asked: FloatArray, everyone: FloatArray, now: FloatArray
) -> FloatArray:
    """Return for each account the mean rate among the owners of what it owns."""
    width = before.shape[1]
    rates = _rate(before.T @ bought, before.T @ asked, np.broadcast_to(everyone, (width, width)))
    return np.asarray(now @ rates / np.maximum(now.sum(axis=1), 1)[:, None])


@dataclass(frozen=True)
class NextProducts:
    """The next product of customers, and how often such a suggestion was right before.

    Attributes
    ----------
    suggested
        By account_id: `product`, `chance` and `value` (chance × what a first purchase brings).
    by_product
        A row per product: `accounts` without it, `value` expected in the horizon.
    tests
        A row per tested quarter-end: `buyers` (customers that bought a new product in its horizon),
        hits of each rule, `expected` and `came` (money of first purchases).
    ranked_by
        The rule that suggests: popularity unless another hits significantly more often.
    gain
        How much more often it hits than popularity, with its 90 % range; accounts drawn.
    """

    suggested: pd.DataFrame
    by_product: pd.DataFrame
    tests: pd.DataFrame
    ranked_by: str
    gain: Figure
    renamed: dict[str, str]

    def hit_rate(self, rule: str) -> Figure:
        """Return how often the first suggestion of a rule was bought, of those that bought."""
        buyers = float(self.tests["buyers"].sum()) if len(self.tests) else 0.0
        if not buyers:
            return Figure.unknown("no earlier quarter-end could be tested")
        return Figure(float(self.tests[rule].sum()) / buyers, count=int(buyers))

    @property
    def value(self) -> Figure:
        """The money of first purchases expected in the horizon, ranged as tested dates fell."""
        total = float(self.by_product["value"].sum()) if len(self.by_product) else 0.0
        ratios = _log_ratios(self.tests)
        if len(ratios) < 2:
            return Figure(total, why="fewer than two earlier quarter-ends could be tested")
        spread = float(ratios.std(ddof=1)) * np.sqrt(1 + 1 / len(ratios))
        reach = Z_80 * spread
        return Figure(total, total * float(np.exp(-reach)), total * float(np.exp(reach)))


def _log_ratios(tests: pd.DataFrame) -> FloatArray:
    """Return the logarithm of what came over what was expected at each tested date."""
    known = tests[(tests["expected"] > 0) & (tests["came"] > 0)]
    came, expected = (known[name].to_numpy(dtype=float) for name in ("came", "expected"))
    return np.asarray(np.log(came / expected))


def _came_over_expected(tests: pd.DataFrame) -> float:
    """Return the factor by which expectations of tested dates were off, to correct the next.

    Who has not bought a product for long is less likely to than those who lacked it before.
    """
    ratios = _log_ratios(tests)
    return float(np.exp(ratios.mean())) if len(ratios) >= 2 else 1.0


def next_products(
    purchases: Purchases, *, today: float, days: Sequence[float], length: float
) -> NextProducts:
    """Return what each customer may buy next, by the rule that did best at earlier quarter-ends.

    Parameters
    ----------
    days
        Quarter-ends whose horizon is known, with a horizon of history before.
    length
        Days of the horizon.
    """
    trials = [_trial(purchases, day, length) for day in days]
    tests = pd.DataFrame(
        [one for one, _ in trials], columns=["day", "buyers", *RULES, "expected", "came"]
    )
    hits = pd.concat([two for _, two in trials]) if trials else pd.DataFrame(columns=[*RULES])
    ranked_by, gain = _best(hits)
    chance = chances_at(purchases, today, length)[ranked_by]
    worth = _worth(purchases, today, length)
    value = chance * worth[None, :] * _came_over_expected(tests)
    index, names = purchases.first.index, np.asarray(purchases.first.columns, dtype=object)
    asked: BoolArray = np.asarray(~np.isnan(chance).all(axis=1), dtype=bool)
    first = np.nanargmax(np.where(asked[:, None], chance, 0.0), axis=1)
    rows = np.flatnonzero(asked)
    suggested = pd.DataFrame(
        {
            "product": names[first[rows]],
            "chance": chance[rows, first[rows]],
            "value": value[rows, first[rows]],
        },
        index=index[rows],
    )
    by_product = pd.DataFrame(
        {
            "product": names,
            "accounts": (~np.isnan(chance)).sum(axis=0),
            "value": np.nansum(value, axis=0),
        }
    ).sort_values(["value", "product"], ascending=[False, True], kind="stable", ignore_index=True)
    return NextProducts(suggested, by_product, tests, ranked_by, gain, purchases.renamed)


def _worth(purchases: Purchases, day: float, length: float) -> FloatArray:
    """Return what a first purchase of each product brought on average in the horizon before."""
    first = purchases.first.to_numpy(dtype=float)
    recent = (first < day) & (first >= day - length)
    amounts = np.where(recent, purchases.amount.to_numpy(dtype=float), 0.0)
    return np.asarray(amounts.sum(axis=0) / np.maximum(recent.sum(axis=0), 1))


def _trial(
    purchases: Purchases, day: float, length: float
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the hits of each rule at a date, in all and by account."""
    chances = chances_at(purchases, day, length)
    first = purchases.first.to_numpy(dtype=float)
    open_ = ~np.isnan(chances[BY_POPULARITY])
    bought: BoolArray = np.asarray((first >= day) & (first < day + length) & open_, dtype=bool)
    buyers = np.flatnonzero(bought.any(axis=1))
    found = pd.DataFrame(index=purchases.first.index[buyers])
    for rule, values in chances.items():
        best = np.nanargmax(values[buyers], axis=1) if len(buyers) else np.zeros(0, dtype=int)
        found[rule] = bought[buyers, best].astype(float)
    worth = _worth(purchases, day, length)
    amounts = np.where(bought, purchases.amount.to_numpy(dtype=float), 0.0)
    expected = float(np.nansum(chances[BY_POPULARITY] * worth[None, :]))
    sums = {rule: float(found[rule].sum()) for rule in RULES}
    return {"day": day, "buyers": len(buyers), **sums, "expected": expected,
            "came": float(amounts.sum())}, found  # fmt: skip


def _best(hits: pd.DataFrame) -> tuple[str, Figure]:
    """Return the rule that hits significantly more often than popularity, and by how much."""
    if len(hits) < PRIOR:
        return BY_POPULARITY, Figure.unknown("too few customers bought a new product to tell")
    found = []
    for rule in RULES[1:]:
        apart = hits[rule] - hits[BY_POPULARITY]
        mean = float(apart.mean())
        by_account = (apart - mean).groupby(level=0).sum()
        reach = CLEARLY * float(np.sqrt((by_account**2).sum())) / len(apart)
        found.append((rule, Figure(mean, mean - reach, mean + reach, count=len(apart))))
    rule, gain = max(found, key=lambda pair: pair[1].low or 0.0)
    return (rule, gain) if gain.is_above(0.0) else (BY_POPULARITY, gain)
