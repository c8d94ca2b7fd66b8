"""One account, explained: its factors and reasons, the smallest change that would move it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from tierkit.criterion_words import factor_words, plain_name
from tierkit.models.card import Card
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.statistics import FloatArray

Direction = Literal["up", "down"]
_FROM_UNKNOWN = 1.0

_TO_CUSTOMERS = (
    ("won_revenue", "your orders with us"),
    ("wins_count", "how often you order"),
    ("days_since_last_won", "how recently you ordered"),
    ("tenure_days", "how long we have known each other"),
    ("inbound", "how much you are in touch with us"),
    ("contact", "how many of your people we work with"),
    ("open_", "what you are planning with us"),
    ("pipeline", "what you are planning with us"),
    ("product", "which of our products you use"),
    ("signal", "how you use our products"),
    ("log_employees", "the size of your company"),
    ("log_annual_revenue", "the size of your company"),
    ("industry", "your industry"),
    ("country", "where you are"),
)
"""Criteria as the customer hears of them; the others are not spoken of."""
_ONLY_GROW = ("tenure_days",)
_MOST_SPOKEN = 3
MOST_CHARACTERS = 200
MOST_EACH_WAY = 3
NEGLIGIBLE = float(np.log(1.05))
BETWEEN = " · "


@dataclass(frozen=True)
class Step:
    """A criterion in another bin than the one that the account is in.

    Attributes
    ----------
    criterion
        In words.
    now, then
        The bins in words.
    points
        What it changes, on the log scale.
    passed
        The share of accounts between the two bins: how far it is. An unknown value is as far from
        every bin as can be.
    """

    criterion: str
    now: str
    then: str
    points: float
    passed: float

    def __str__(self) -> str:
        """Return the step in words."""
        return f"{self.criterion} {self.then} (now {self.now})"


def account_factors(card: Card, account: pd.DataFrame) -> pd.DataFrame:
    """Return the factors of one account; base × all of them is its predicted revenue.

    Parameters
    ----------
    account
        One row, with the card's columns.

    Returns
    -------
    DataFrame
        A row per criterion, the strongest first: `criterion` and `bin` in words, `factor`.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0, 3.0), (-0.7, 0.0, 0.7), counts=True)
    >>> account_factors(Card(20.0, (wins,)), pd.DataFrame({"wins_count_4q": [5.0]})).round(2)
              criterion        bin  factor
    0  wins (4 quarters)  3 or more    2.01
    """
    bins = card.bins_of(account).iloc[0]
    points = card.points_of(account).iloc[0]
    rows = [
        (plain_name(one.name), one.bins[bins[one.name]], float(np.exp(points[one.name])))
        for one in card.criteria
    ]
    found = pd.DataFrame(rows, columns=["criterion", "bin", "factor"])
    order = np.argsort(-np.abs(np.log(found["factor"].to_numpy(dtype=float))), kind="stable")
    return found.iloc[order].reset_index(drop=True)


def smallest_change(
    card: Card, account: pd.DataFrame, *, line: float, direction: Direction
) -> tuple[Step, ...]:
    """Return the one step, or the two, by which the account's score would pass a line.

    Of all changes of one numeric criterion that pass it, the one that passes the fewest other
    accounts; where no single one is enough, of all pairs. What cannot happen is never a step:
    another industry, fewer days since the account was created, fewer wins ever.

    Parameters
    ----------
    account
        One row, with the card's columns.
    line
        A score; the change must end above it (up) or below it (down).

    Returns
    -------
    tuple of Step
        Empty where no two criteria are enough.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0, 3.0), (-0.7, 0.0, 0.7), counts=True)
    >>> account = pd.DataFrame({"wins_count_4q": [0.0]})
    >>> [str(step) for step in smallest_change(Card(20.0, (wins,)), account, line=-0.1,
    ...                                        direction="up")]
    ['wins (4 quarters) 1–2 (now 0)']
    """
    sign = 1.0 if direction == "up" else -1.0
    needed = sign * (line - float(card.score(account).iloc[0]))
    steps = [(place, step) for place, step in _steps(card, account) if sign * step.points > 0]
    alone = [step for _, step in steps if sign * step.points > needed]
    if alone:
        return (min(alone, key=lambda step: (step.passed, -abs(step.points))),)
    return _pair(steps, needed=needed, sign=sign)


def customer_text(card: Card, account: pd.DataFrame, *, promised: tuple[str, ...] = ()) -> str:
    """Return what may be told to the customer: no score, no amount, no rank, no tier.

    Nothing is said to count of which the account has nothing: who never ordered is not praised for
    its orders, however the card treats that.

    Parameters
    ----------
    account
        One row, with the card's columns.
    promised
        What the account gets in a quarter, in words: `2 × executive meeting`.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0,), (-0.7, 0.7), counts=True)
    >>> customer_text(Card(20.0, (wins,)), pd.DataFrame({"wins_count_4q": [5.0]}))
    'Every quarter we plan anew how we look after our customers. What counts most for you: how
     often you order. If something changes at your company, tell us: we look at it again.'
    """
    points = card.points_of(account).iloc[0]
    there = [name for name in points.index if _has_some(str(name), account)]
    ups = points[there][points[there] > 0].sort_values(ascending=False, kind="stable")
    spoken = [*dict.fromkeys(words for name in ups.index for words in _to_customers(str(name)))]
    counts = f" What counts most for you: {_enumerated(spoken[:_MOST_SPOKEN])}." if spoken else ""
    gets = f" This quarter you can count on: {_enumerated([*promised])}." if promised else ""
    return (
        f"Every quarter we plan anew how we look after our customers.{counts}{gets} "
        "If something changes at your company, tell us: we look at it again."
    )


def _steps(card: Card, account: pd.DataFrame) -> Iterator[tuple[int, Step]]:
    bins = card.bins_of(account).iloc[0]
    for place, one in enumerate(card.criteria):
        if isinstance(one, NumericCriterion):
            now = int(bins[one.name])
            passed = _passed(one, now)
            points = one.points_by_bin - one.points_by_bin[now]
            known = now < len(one.points)
            first = now + 1 if known and _never_falls(one.name) else 0
            for then in range(first, len(one.points)):  # nobody can make a value unknown
                if then != now:
                    yield (
                        place,
                        Step(plain_name(one.name), one.bins[now], one.bins[then],
                             float(points[then]), float(passed[then])),
                    )  # fmt: skip


def _never_falls(name: str) -> bool:
    """Return whether a criterion only grows: time that went by, and all that ever was."""
    return name in _ONLY_GROW or (name.endswith("_ever") and "_mean_" not in name)


def _passed(criterion: Criterion, now: int) -> FloatArray:
    """Return for each bin but the unknown one the share of accounts between its middle and now."""
    bins = len(criterion.points)
    counts = np.array(criterion.accounts[:bins] or (1,) * bins, dtype=float)
    if now >= bins or counts.sum() <= 0:
        return np.full(bins, _FROM_UNKNOWN)
    middles = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.asarray(np.abs(middles - middles[now]))


def _pair(steps: list[tuple[int, Step]], *, needed: float, sign: float) -> tuple[Step, ...]:
    if not steps:
        return ()
    places = np.array([place for place, _ in steps])
    points = sign * np.array([step.points for _, step in steps])
    passed = np.array([step.passed for _, step in steps])
    enough = (points[:, None] + points[None, :] > needed) & (places[:, None] < places[None, :])
    if not enough.any():
        return ()
    far = np.where(enough, passed[:, None] + passed[None, :], np.inf)
    first, second = np.unravel_index(int(far.argmin()), far.shape)
    return steps[int(first)][1], steps[int(second)][1]


def _has_some(criterion: str, account: pd.DataFrame) -> bool:
    """Return whether the account has any of what a criterion counts; 0 days are a time ago."""
    value = account[criterion].iloc[0]
    if pd.isna(value) or value == "":
        return False
    return bool(value != 0) or "days_" in criterion


def _to_customers(name: str) -> list[str]:
    return [words for start, words in _TO_CUSTOMERS if name.startswith(start)][:1]


def _enumerated(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def reasons(card: Card, values: pd.DataFrame) -> pd.Series[str]:
    """Return up to three reasons up and three down for each account, strongest first each way.

    Parameters
    ----------
    card
        The card that scores the accounts.
    values
        A row per account with the card's columns.

    Returns
    -------
    Series
        A text of at most 200 characters, `won revenue (4 quarters) 120k–300k: ×2.4 · …`. Where
        not all reasons fit, the stronger ones are there. Factors within 5 % of 1 are no reasons;
        the text is empty where there is none.

    Examples
    --------
    >>> from tierkit.models.criteria import NumericCriterion
    >>> wins = NumericCriterion("wins_count_4q", (1, 3), (-0.7, 0.0, 0.7), counts=True)
    >>> reasons(Card(20.0, (wins,)), pd.DataFrame({"wins_count_4q": [0, 2, 9]})).tolist()
    ['wins (4 quarters) 0: ×0.50', '', 'wins (4 quarters) 3 or more: ×2.0']
    """
    bins = card.bins_of(values).to_numpy()
    points = card.points_of(values).to_numpy()
    texts = [bin_reasons(one) for one in card.criteria]
    order = np.argsort(-np.abs(points), axis=1, kind="stable")
    found = [
        _joined((point[column], texts[column][place[column]]) for column in strongest)
        for point, place, strongest in zip(
            points.tolist(), bins.tolist(), order.tolist(), strict=True
        )
    ]
    return pd.Series(found, index=values.index, name="reasons", dtype="str")


def bin_reasons(criterion: Criterion) -> list[str]:
    """Return the reason of each bin of a criterion, the missing one last.

    Examples
    --------
    >>> from tierkit.models.criteria import CategoricalCriterion
    >>> bin_reasons(CategoricalCriterion("industry", ("retail",), (0.0,), other=1.0, missing=0.0))
    ['industry retail: ×1.0', 'industry other: ×2.7', 'industry unknown: ×1.0']
    """
    name = plain_name(criterion.name)
    bins = zip(criterion.bins, criterion.points_by_bin, strict=True)
    return [f"{name} {one}: {factor_words(amount)}" for one, amount in bins]


def factors(card: Card, values: pd.DataFrame) -> pd.DataFrame:
    """Return each account's factors, a column per criterion; base × all of them is predicted."""
    return card.points_of(values).apply(np.exp)


def _joined(strongest_first: Iterable[tuple[float, str]]) -> str:
    """Return those reasons that fit, the ups before the downs."""
    ups: list[str] = []
    downs: list[str] = []
    room = MOST_CHARACTERS
    for points, text in strongest_first:
        side = ups if points > 0 else downs
        if abs(points) < NEGLIGIBLE or room <= 0:
            break
        if len(side) < MOST_EACH_WAY:
            short = text if len(text) <= MOST_CHARACTERS else _shortened(text)
            if len(short) <= room:
                side.append(short)
                room -= len(short) + len(BETWEEN)
    return BETWEEN.join([*ups, *downs])


def _shortened(text: str) -> str:
    """Cut the bin's name, not the factor after it."""
    words, _, factor = text.rpartition(": ")
    return f"{words[: MOST_CHARACTERS - len(factor) - 3]}…: {factor}"
