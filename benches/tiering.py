"""Time and peak memory of tiering a million accounts with bands, overrides, groups and reasons.

    python -m benches.tiering                 # 1,000,000 accounts
    python -m benches.tiering 200000

Prints a table of processor seconds; nothing is asserted.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.assign import assign_within_budget
from tierkit.tiers.moves import tier_moves
from tierkit.tiers.ranked_accounts import AccountContext

ACCOUNTS = 1_000_000
NOISE = 0.05
WANTED = "wanted: under 10 s and 4 GB on two cores, for a million accounts"


def main(accounts: int) -> None:
    print(f"{'case':<44} {'seconds':>8} {'moves':>8} {'kept':>8} {'peak GB':>8}")
    plain = AccountContext()
    grouped = AccountContext(
        columns=columns(accounts), groups=territories(accounts), quarters_held=held(accounts)
    )
    measure("capacities, band, overrides, reasons", accounts, capacities(accounts), plain)
    measure("the same with minimum stay, 12 territories", accounts, capacities(accounts), grouped)
    measure("shares, a written rule, at most 50 an owner", accounts, ruled(), grouped)
    tight = StabilitySettings(max_moves_share=0.0005)
    measure("the first with a move budget that binds", accounts, capacities(accounts), plain, tight)
    print(WANTED)


def measure(
    case: str,
    accounts: int,
    tiers: tuple[Tier, ...],
    context: AccountContext,
    stability: StabilitySettings | None = None,
) -> None:
    """Tier the accounts twice: once for what they held, then, timed, with noise and overrides."""
    frame = predicted(accounts)
    steady = stability or StabilitySettings()
    first = assign_within_budget(
        frame,
        tiers=tiers,
        stability=steady,
        previous=nobody(),
        overrides=none(frame),
        context=context,
    )
    before = first.accounts["tier"].astype("object").dropna().astype("str")
    noise = np.exp(NOISE * np.random.default_rng(2).normal(size=accounts))
    noisy = frame.mul(pd.Series(noise, index=frame.index), axis=0)
    chosen = overrides(frame)
    started = time.process_time()
    assignment = assign_within_budget(
        noisy, tiers=tiers, stability=steady, previous=before, overrides=chosen, context=context
    )
    counted = tier_moves(assignment.accounts)
    seconds = time.process_time() - started
    kept = int(assignment.accounts["kept_by"].ne("").sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{case:<44} {seconds:8.1f} {counted.up + counted.down:8,} {kept:8,} {peak:8.2f}",
        flush=True,
    )


def predicted(accounts: int) -> pd.DataFrame:
    score = np.random.default_rng(1).lognormal(mean=9.0, sigma=1.5, size=accounts)
    index = pd.Index(
        [f"001{number:012d}" for number in range(accounts)], name="account_id", dtype="str"
    )
    return pd.DataFrame({"score": score, "predicted_revenue": score}, index=index)


def capacities(accounts: int) -> tuple[Tier, ...]:
    return (
        Tier(name="Tier 1", capacity=accounts // 1_000),
        Tier(name="Tier 2", capacity=accounts // 50),
        Tier(name="Tier 3"),
    )


def ruled() -> tuple[Tier, ...]:
    return (
        Tier(name="Tier 1", share=0.001, max_per_owner=50),
        Tier(name="Tier 2", share=0.05, where="employees >= 50 and country in ['US', 'DE']"),
        Tier(name="Tier 3"),
    )


def columns(accounts: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "employees": rng.lognormal(4.0, 1.5, accounts).round(),
            "country": np.array(["US", "DE", "FR"])[rng.integers(0, 3, accounts)],
            "owner": np.array([f"owner {n}" for n in range(200)])[rng.integers(0, 200, accounts)],
        }
    )
    return frame.set_index(predicted(accounts).index)


def territories(accounts: int) -> pd.Series[str]:
    codes = np.random.default_rng(4).integers(0, 12, accounts)
    return pd.Series([f"territory {code}" for code in codes], index=predicted(accounts).index)


def held(accounts: int) -> pd.Series[int]:
    return pd.Series(
        np.random.default_rng(5).integers(1, 9, accounts), index=predicted(accounts).index
    )


def nobody() -> pd.Series[str]:
    return pd.Series([], index=pd.Index([], dtype="str"), dtype="str")


def none(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"account_id": frame.index[:0], "tier": pd.Series([], dtype="str")})


def overrides(frame: pd.DataFrame) -> pd.DataFrame:
    """A thousand accounts put into tier 2, far down the list and at its top."""
    chosen = frame.index[:: max(1, len(frame) // 1_000)]
    return pd.DataFrame({"account_id": chosen, "tier": "Tier 2"}).astype({"tier": "str"})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS)
