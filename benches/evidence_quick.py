"""Small versions of the evidence, each figure with the range that it must stay in.

`python -m benches.evidence_quick` prints them and ends with 1 where one leaves its range.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import narwhals as nw

import tierkit
from benches import fuzz, mutations
from benches.roi import NO_EFFECT, look_at
from tierkit.crm import used_revenue
from tierkit.crm.trusted import read_tables
from tierkit.roi._certificate import with_effect
from tierkit.settings import read_settings
from tierkit.simulate import simulate_crm, write_crm

RANGES = Path(__file__).with_suffix(".toml")
CORRUPTED, HOSTILE, WORLDS = 20, 60, 8


@cache
def ginis() -> Mapping[str, float]:
    """Return the Gini of the card and of past revenue on a small company."""
    with tempfile.TemporaryDirectory() as folder:
        write_crm(simulate_crm(accounts=300, quarters=12, seed=5), Path(folder))
        panel = tierkit.build_panel(tierkit.read_tables(folder), "2024-10-01")
        table = tierkit.backtest(panel, {"card": tierkit.fit_card(panel)}).to_frame()
    return table[table["measure"] == "gini"].set_index("model")["estimate"].to_dict()


def card_gini() -> float:
    return ginis()["card"]


def card_over_past_revenue() -> float:
    return ginis()["card"] - ginis()["past revenue"]


def cents_lost() -> float:
    with tempfile.TemporaryDirectory() as folder:
        write_crm(simulate_crm(accounts=200, quarters=8, seed=5, dirty=True), Path(folder))
        settings = read_settings(Path(folder))
        money = used_revenue(read_tables(settings), settings.fiscal_calendar.parse("2023Q3").as_of)
    left_out = sum((Decimal(part.won_revenue) for part in money.excluded), Decimal(0))
    return float(money.won_revenue - money.used_won_revenue - left_out)


def corrupted_inputs_badly_ended() -> float:
    return sum(found.end == "bare" for found in mutations.outcomes(range(CORRUPTED)))


def hostile_inputs_badly_ended() -> float:
    return sum(found.end == "bare" for found in fuzz.outcomes(range(HOSTILE)))


def effects_invented() -> float:
    world = replace(NO_EFFECT["plain"], accounts=2000)
    return sum(look_at(world, seed).claims("shown") for seed in range(1, WORLDS + 1))


def effects_seen() -> float:
    world = with_effect(replace(NO_EFFECT["plain"], accounts=2000), 1.0)
    found = (look_at(world, seed) for seed in range(1, WORLDS + 1))
    return sum(one.claims("shown", "suggestive", direction="more") for one in found)


def seconds_to_read() -> float:
    with tempfile.TemporaryDirectory() as folder:
        write_crm(simulate_crm(), Path(folder))
        begun = time.process_time()
        tables = read_tables(read_settings(Path(folder)))
        tables["opportunities"].select(nw.len()).collect()
    return time.process_time() - begun


def ranges() -> Mapping[str, Mapping[str, float]]:
    """Return the stated ranges, by figure."""
    return tomllib.loads(RANGES.read_text(encoding="utf-8"))


def main() -> None:
    """Print every figure with its range, and end with 1 where one has left it."""
    begun, outside = time.monotonic(), []
    for name, stated in ranges().items():
        figure: Callable[[], float] = globals()[name]
        value = figure()
        inside = stated["low"] <= value <= stated["high"]
        outside += [] if inside else [name]
        sign = "ok  " if inside else "FAIL"
        print(f"{sign} {value:>8.3f}  ({stated['low']:g} to {stated['high']:g})  {stated['says']}")
    print(f"{time.monotonic() - begun:.0f} s")
    if outside:
        sys.exit(f"Outside the stated range: {', '.join(outside)}")


if __name__ == "__main__":
    main()
