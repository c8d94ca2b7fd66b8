"""The contract of `facts.json`, which other programs rely on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tierkit.errors import Problem
from tierkit.files import parse_json
from tierkit.publishing.leaks import Json

FACTS_SCHEMA = 1
_CONTAINERS: Mapping[str, type] = MappingProxyType(
    {
        "quarter": dict,
        "data": dict,
        "data.excluded": list,
        "data.missing_tables": list,
        "model": dict,
        "model.trained_on_as_of": list,
        "model.backtest": dict,
        "model.backtest.as_of": list,
        "model.backtest.models": dict,
        "model.gain_over_past_revenue": dict,
        "tiers": list,
        "moves": dict,
        "moves.matrix": dict,
        "moves.reasons": dict,
        "roi": dict,
        "roi.outcomes": list,
        "roi.boundaries": list,
        "roi.certificate": dict,
        "ledger": list,
        "decision": dict,
    }
)
_TEXTS = ("currency", "fingerprint", "quarter.label", "quarter.as_of", "decision.action")
_NO_NUMBERS = frozenset({"direction", "claim", "carried_by"})
"""Keys whose null says that there is none, not that it is unknown."""


def facts_problems(path: Path, *, label: str = "") -> Iterator[Problem]:
    """Yield what is wrong with a `facts.json`: schema, containers, numbers that nobody explained.

    Parameters
    ----------
    path
        The file; where there is none, nothing is wrong with it.
    label
        The quarter that it must be of; empty where that does not matter.
    """
    if not path.is_file():
        return
    try:
        facts = parse_json(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except ValueError as error:
        yield Problem(f"facts.json: {error}", "Write null and say why beside it.")
        return
    schema = _at(facts, "schema")
    if schema != FACTS_SCHEMA:
        yield Problem(f"facts.json: schema must be {FACTS_SCHEMA}, found {schema!r}", "Rewrite it.")
        return
    yield from shape_problems(facts)
    found = _at(facts, "quarter.label")
    if label and found not in {label, None}:
        yield Problem(f"facts.json: quarter {found!r}, this run is for {label}", "Pass it on.")
    for place in _unexplained(facts):
        key = place.rpartition(".")[2]
        yield Problem(f"facts.json: {place} is null", f"Say why in {key}_why beside it.")


def shape_problems(facts: Json) -> Iterator[Problem]:
    """Yield the containers and texts of the contract that facts lack or hold as something else."""
    for place, kind in _CONTAINERS.items():
        if not isinstance(_at(facts, place), kind):
            yield Problem(f"facts.json: {place} must be a {kind.__name__}", "It may be empty.")
    for place in _TEXTS:
        if not isinstance(_at(facts, place), str):
            yield Problem(f"facts.json: {place} must be a text", "Write it.")


def texts(value: Json) -> Iterator[str]:
    """Yield every text and key of JSON-like data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number that can be said")


def _at(value: Json, place: str) -> Json:
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _unexplained(value: Json, place: str = "") -> Iterator[str]:
    """Yield the places of nulls without a sentence beside them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{place}.{key}" if place else key
            if inner is not None:
                yield from _unexplained(inner, here)
            elif not value.get(f"{key}_why") and key not in _NO_NUMBERS:
                yield here
    if isinstance(value, list):
        for number, inner in enumerate(value):
            if inner is None:
                yield f"{place}.{number}"
            yield from _unexplained(inner, f"{place}.{number}")
