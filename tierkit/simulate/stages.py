"""Stage history: how each deal moved, with amounts edited and close dates pushed on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.simulate.deals import RENEWAL, round_amount
from tierkit.simulate.scenario import FloatArray, IntArray, Scenario

STAGES = (
    "Prospecting",
    "Qualification",
    "Proposal",
    "Negotiation",
    "Closed Won",
    "Closed Lost",
)
PROSPECTING, QUALIFICATION, PROPOSAL, NEGOTIATION, CLOSED_WON, CLOSED_LOST = range(6)

_STAGE_BEGINS = np.array([0.0, 0.22, 0.48, 0.74])
"""Mean share of the cycle after which an open stage begins."""

_AMOUNT_ERRORS = np.array([0.35, 0.22, 0.10, 0.04, 0.0, 0.0])
"""Spread of the log amount entered in each stage around what it comes to."""

_LAST_STAGE_WHEN_LOST = np.array([0.28, 0.34, 0.25, 0.13])
_PUSH_SHARE = 0.45


def stage_history(deals: pd.DataFrame, *, scenario: Scenario) -> pd.DataFrame:
    """Return the changes of each deal that are known at the end of the data.

    Returns
    -------
    pandas.DataFrame
        One row per change: deal (position in `deals`), day, stage (code), amount, close (the date
        expected then; the real one in the last row of a closed deal), in order of deal and day.
    """
    rng = scenario.rng("stages")
    events = pd.concat(
        [_stage_changes(deals, rng), _pushes(deals, rng), _closes(deals)], ignore_index=True
    ).sort_values(["deal", "day", "stage"], kind="stable", ignore_index=True)
    events["stage"] = _carry_stage(events)
    deal, stage = events["deal"].to_numpy(), events["stage"].to_numpy()
    error = _AMOUNT_ERRORS[stage] * rng.standard_normal(len(events))
    final = deals["amount"].to_numpy()[deal]
    events["amount"] = np.where(stage >= CLOSED_WON, final, round_amount(final * np.exp(error)))
    events["close"] = _expected_close(events, deals, rng)
    known = events[events["day"] < scenario.end].reset_index(drop=True)
    return _open_deals_close_later(known, scenario, rng)


def _stage_changes(deals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the beginnings of the open stages: all for won deals, some for lost ones."""
    n = len(deals)
    last_when_lost = rng.choice(4, size=n, p=_LAST_STAGE_WHEN_LOST)
    last = np.where(deals["won"], NEGOTIATION, last_when_lost)
    renewal = (deals["type"] == RENEWAL).to_numpy()
    last = np.where(renewal & (last == PROSPECTING), PROPOSAL, last)
    jitter = rng.uniform(-0.10, 0.10, (n, 4))
    jitter[:, 0] = 0.0
    created, cycle = deals["created"].to_numpy(), _cycle(deals)
    day = created[:, None] + ((_STAGE_BEGINS + jitter) * cycle[:, None]).astype(np.int64)
    stage = np.broadcast_to(np.arange(4), (n, 4))
    skipped = (stage == QUALIFICATION) & (rng.random((n, 1)) < 0.2) | (
        renewal[:, None] & (stage == QUALIFICATION)
    )
    keep = (stage <= last[:, None]) & ~skipped
    deal = np.broadcast_to(np.arange(n)[:, None], (n, 4))
    return pd.DataFrame({"deal": deal[keep], "day": day[keep], "stage": stage[keep]})


def _pushes(deals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return edits without a new stage: close dates pushed, amounts corrected. Stage is -1."""
    pushed = np.flatnonzero(rng.random(len(deals)) < _PUSH_SHARE)
    share = rng.uniform(0.3, 0.95, len(pushed))
    created, cycle = deals["created"].to_numpy()[pushed], _cycle(deals)[pushed]
    return pd.DataFrame(
        {"deal": pushed, "day": created + (share * cycle).astype(np.int64), "stage": -1}
    )


def _closes(deals: pd.DataFrame) -> pd.DataFrame:
    stage = np.where(deals["won"], CLOSED_WON, CLOSED_LOST)
    return pd.DataFrame(
        {"deal": np.arange(len(deals)), "day": deals["close"].to_numpy(), "stage": stage}
    )


def _cycle(deals: pd.DataFrame) -> IntArray:
    cycle: IntArray = deals["close"].to_numpy() - deals["created"].to_numpy()
    return cycle


def _carry_stage(events: pd.DataFrame) -> IntArray:
    """Return each row's stage; an edit has that of the row before."""
    carried = events["stage"].where(events["stage"] >= 0).groupby(events["deal"]).ffill()
    stage: IntArray = carried.fillna(PROSPECTING).to_numpy().astype(np.int64)
    return stage


def _expected_close(
    events: pd.DataFrame, deals: pd.DataFrame, rng: np.random.Generator
) -> IntArray:
    """Return the close date expected on each day: hopeful, often a month's end."""
    day, stage = events["day"].to_numpy(), events["stage"].to_numpy()
    real = deals["close"].to_numpy()[events["deal"].to_numpy()]
    hope = np.exp(-0.12 + 0.35 * rng.standard_normal(len(events)))
    expected = day + np.clip(((real - day) * hope).astype(np.int64), 3, 400)
    month = expected.astype("datetime64[D]").astype("datetime64[M]")
    month_end = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    expected = np.where(rng.random(len(events)) < 0.5, month_end, expected)
    seen: IntArray = np.where(stage >= CLOSED_WON, real, expected).astype(np.int64)
    return seen


def _open_deals_close_later(
    known: pd.DataFrame, scenario: Scenario, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the history with every open deal's last expected close after the data end."""
    last = ~known["deal"].duplicated(keep="last").to_numpy()
    late = last & (known["stage"] < CLOSED_WON).to_numpy()
    late &= (known["close"] < scenario.end).to_numpy()
    pushed: FloatArray = scenario.end + rng.integers(3, 75, len(known)).astype(np.float64)
    return known.assign(close=np.where(late, pushed, known["close"]).astype(np.int64))
