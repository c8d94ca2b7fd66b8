"""Slides from the facts, each with its finding as title and a native chart."""

from __future__ import annotations

import importlib.util
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.files import write_whole
from tierkit.pages.customer_words import (
    PURCHASES,
    customer_sentences,
    renewal_headline,
    tier_sentence,
)
from tierkit.pages.decisions import MOST, decisions
from tierkit.pages.earned import forest_table
from tierkit.pages.effects import finding
from tierkit.pages.effort import effort_finding, effort_table
from tierkit.pages.evidence import certainty_lines
from tierkit.pages.facts import (
    Facts,
    before,
    currency,
    horizon,
    number,
    part,
    parts,
    text,
    too_small,
)
from tierkit.pages.headings import draft_words, recommendation_sentences, title_sentence
from tierkit.pages.moves import flow_table, moves_in_words
from tierkit.pages.revenue import (
    ledger_sentence,
    matured,
    promise_sentence,
    revenue_finding,
    revenue_table,
)
from tierkit.pages.tiers import is_first_run, sizes_finding, tier_shares
from tierkit.pages.whole import warnings, whole_sentences
from tierkit.rendering import Slide
from tierkit.words import count, number_word, quarters_ahead, sentence

NO_LIBRARY = (
    "No slides: python-pptx is not installed. Install tierkit[slides], or take slides out of "
    "run.formats."
)
_EPOCH = (2000, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:\w+[^>]*>)[^<]*(</dcterms:)")
_MOST_FLOWS = 8
_MONEY = '[>=1000000]#,##0.0,,"M";[>=1000]#,##0,"k";#,##0'


def slides(facts: Facts) -> list[Slide]:
    """Return what the slides say; what is not known is left out, a whole slide where it is all."""
    makers: tuple[Callable[[Facts], Slide], ...] = (
        _opening, _decisions, _whole, _customers, _accounts, _effort, _revenue, _promises, _earned,
        _changes, _certainty,
    )  # fmt: skip
    source = source_line(facts)
    made = [one for one in (make(facts) for make in makers) if one.lines or one.series]
    return [replace(one, source=f"{source} · {n} of {len(made)}") for n, one in enumerate(made, 1)]


def source_line(facts: Facts) -> str:
    """Return what a slide says of where its numbers come from."""
    title, mark = text(facts, "title"), text(facts, "fingerprint")
    draft = draft_words(facts)
    said = (title, title_sentence(facts), f"report {mark}" if mark else "", draft)
    return " · ".join(part for part in said if part)


def write_slides(facts: Facts, target: Path) -> str:
    """Write the slides as a PowerPoint file; the same facts give the same bytes.

    Returns
    -------
    str
        Empty when it is done; otherwise why there are no slides, in a sentence.
    """
    if importlib.util.find_spec("pptx") is None:
        return NO_LIBRARY
    from tierkit.rendering import draw_deck

    deck = draw_deck(slides(facts), title=title_sentence(facts), author=text(facts, "title"))
    write_whole(target, without_times(deck), lasting=False)
    return ""


def without_times(packed: bytes) -> bytes:
    """Return a zipped document with every time in it set to the same moment, nested ones too."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(".xlsx"):
                content = without_times(content)
            if name.endswith("core.xml"):
                content = _STAMP.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", content)
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return written.getvalue()


def _opening(facts: Facts) -> Slide:
    table = tier_shares(facts)
    head = " ".join(part for part in (text(facts, "title"), "·", title_sentence(facts)) if part)
    lines = tuple(recommendation_sentences(facts))
    return Slide(head.removeprefix("· "), lines, tuple(table["label"]),
                 {"accounts": tuple(table["accounts"])})  # fmt: skip


def _whole(facts: Facts) -> Slide:
    said = whole_sentences(facts)
    if not said:
        return Slide("The whole: not predicted.", ())
    whole = part(facts, "whole")
    tiers = [one for one in parts(whole, "tiers") if not too_small(facts, one)]
    known = [one for one in tiers if number(one, "last_horizon") is not None]
    series = {
        f"won in {before(facts)}": tuple(number(one, "last_horizon") for one in known),
        "predicted": tuple(number(one, "predicted_revenue") for one in known),
    }
    names = tuple(text(one, "tier") for one in known)
    return Slide(said[0], (*said[1:], *warnings(facts)), names, series, _MONEY)


def _customers(facts: Facts) -> Slide:
    found = part(facts, "customers")
    tiers = [one for one in parts(found, "parts") if tier_sentence(facts, one)]
    if not tiers:
        return Slide("Customers: renewals are not known.")
    head = renewal_headline(facts) or "Customers: renewals and risk."
    again = "expected again" if text(found, "basis") == PURCHASES else "renewals expected"
    series = {
        "new and expansion": tuple(number(one, "new_and_expansion") for one in tiers),
        again: tuple(number(one, "renewals_expected") for one in tiers),
    }
    lines = (*(tier_sentence(facts, one) for one in tiers), *customer_sentences(facts))
    return Slide(head, lines, tuple(text(one, "tier") for one in tiers), series, _MONEY)


def _promises(facts: Facts) -> Slide:
    due = matured(facts)
    record = sentence(promise_sentence(facts))
    if due.empty:
        return Slide("Promised and delivered: nothing is due yet.", (record,))
    lines = tuple(f"{row.label}: {row.text}" for row in due.itertuples())
    series = {"promised": _known(due["predicted"]), "delivered": _known(due["delivered"])}
    return Slide(record, (ledger_sentence(facts).replace(" (diamond)", ""), *lines),
                 tuple(due["label"]), series, _MONEY)  # fmt: skip


def _certainty(facts: Facts) -> Slide:
    lines = certainty_lines(facts)
    return Slide("How sure are we?", tuple(f"{name}: {said}" for name, said in lines))


def _accounts(facts: Facts) -> Slide:
    table = tier_shares(facts)
    if table.empty:
        return Slide("No account could be tiered.")
    known = table["share"].notna().all()
    name, column, form = ("share of predicted revenue", "share", "0%") if known else (
        "accounts", "accounts", "#,##0")  # fmt: skip
    lines = tuple(f"{row.label}: {row.text}" for row in table.itertuples())
    return Slide(sizes_finding(table), lines, tuple(table["label"]), {name: tuple(table[column])},
                 form)  # fmt: skip


def _effort(facts: Facts) -> Slide:
    roles = effort_table(facts)
    if roles.empty:
        return Slide("How much effort: no effort is set.")
    needed = roles.drop(columns=["label", "text", "available"]).sum(axis="columns")
    lines = tuple(f"{row.label}: {row.text}" for row in roles.itertuples())
    rounded = needed.round(), roles["available"].round()  # as the words beside them are
    series = dict(zip(("hours needed", "hours available"), map(_known, rounded), strict=True))
    finding_ = effort_finding(roles).replace(" (│ hours available)", "")
    return Slide(finding_, ("Hours a quarter by role", *lines), tuple(roles["label"]), series)


def _revenue(facts: Facts) -> Slide:
    table, delivered = revenue_table(facts), ledger_sentence(facts).replace(" (diamond)", "")
    lines = tuple(f"{row.label}: {row.text}" for row in table.itertuples())
    if table["estimate"].isna().all():
        return Slide("How much revenue: not predicted.", (*lines, delivered))
    what = f"Predicted for {quarters_ahead(horizon(facts))}, in {currency(facts)}"
    predicted, ranges = {"predicted": _known(table["estimate"])}, _ranges(table)
    said = (what.removesuffix(", in "), delivered)
    return Slide(revenue_finding(table), said, lines, predicted, _MONEY, ranges=ranges)


def _earned(facts: Facts) -> Slide:
    boundaries = list(parts(facts, "roi", "boundaries"))
    if not boundaries:
        return Slide("Did the tiers earn their keep? It cannot be told yet.",
                     ("No tier that was in force in the past is known.",))  # fmt: skip
    table = forest_table(boundaries).dropna(subset="estimate")
    adjusted = table[~table["raw"].astype(bool)]
    shown = adjusted if len(adjusted) else table
    together = part(facts, "roi", "together")
    others = tuple(
        f"{text(one, 'boundary')}: {sentence(finding(one, together))}" for one in boundaries[1:]
    )
    lines = tuple(f"{row.boundary}, {row.label}: {row.text}" for row in shown.itertuples())
    effects = {"effect of the upper tier": _known(shown["estimate"])}
    return Slide(sentence(finding(boundaries[0], together)), others, lines, effects,
                 "+0%;-0%;0%", ranges=_ranges(shown))  # fmt: skip


def _changes(facts: Facts) -> Slide:
    table = flow_table(facts).head(_MOST_FLOWS)
    names = tuple(f"{row[1]} → {row[2]}" for row in table.itertuples())
    if is_first_run(facts):
        return Slide("What changed: every tier is new")
    if table.empty:
        return Slide("What changed: every account stays where it was")
    moves = part(facts, "moves")
    title = moves_in_words(number(moves, "up") or 0, number(moves, "down") or 0)
    lines = tuple(f"{count(row[3])} from {row[1]} to {row[2]}" for row in table.itertuples())
    return Slide(f"{title}.", lines, names, {"accounts": tuple(table["accounts"])})


def _decisions(facts: Facts) -> Slide:
    found = decisions(facts)[:MOST]
    lines = tuple(
        f"{place}. {one.what} {one.number}{_owned(one.in_words(facts))}"
        for place, one in enumerate(found, 1)
    )
    if not found:
        return Slide("Nothing needs a decision.")
    what = "decision" if len(found) == 1 else "decisions"
    return Slide(f"{number_word(len(found)).capitalize()} {what} to take now.", lines)


def _owned(owner_and_date: str) -> str:
    return f" ({owner_and_date})" if owner_and_date else ""


def _ranges(table: pd.DataFrame) -> tuple[tuple[float | None, float | None], ...]:
    return tuple(zip(_known(table["low"]), _known(table["high"]), strict=True))


def _known(column: Any) -> tuple[float | None, ...]:  # noqa: ANN401 (a pandas column)
    return tuple(None if value != value else float(value) for value in column)
