"""The files of one report, read as their readers read them, and the source read with pandas."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

SIZES = {"bn": 1e9, "M": 1e6, "k": 1e3, "": 1.0}
_MONEY = re.compile(r"(−?)\$([\d,.]+)(?: (bn|M|k))?(?![\d–])")


class _Text(HTMLParser):
    """The text of a page, and its tables by name as rows of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs).get("data-table") or "", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False
        elif tag == "table":
            self._rows = None

    def handle_data(self, data):
        self.words.append(data)
        if self._in_cell and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data


@dataclass(frozen=True)
class Report:
    """One published report."""

    folder: Path

    @cached_property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))

    @cached_property
    def tiers(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "tiers.csv", dtype={"account_id": str})

    def page(self, name: str) -> _Text:
        return _Text((self.folder / name).read_text(encoding="utf-8"))

    def words(self, name: str) -> str:
        return re.sub(r"\s+", " ", "".join(self.page(name).words))

    @cached_property
    def summary(self) -> str:
        return (self.folder / "summary.txt").read_text(encoding="utf-8")

    def sheet(self, name: str) -> pd.DataFrame:
        rows = list(openpyxl.load_workbook(self.folder / "accounts.xlsx")[name].values)
        return pd.DataFrame(rows[1:], columns=rows[0])

    @cached_property
    def slides(self) -> str:
        from pptx import Presentation

        deck = Presentation(io.BytesIO((self.folder / "leadership.pptx").read_bytes()))
        shapes = [shape for slide in deck.slides for shape in slide.shapes]
        texts = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
        charts = [shape.chart.plots[0] for shape in shapes if shape.has_chart]
        return "\n".join([*texts, *(str(name) for plot in charts for name in plot.categories)])

    @cached_property
    def index(self) -> dict[str, str]:
        page = _Text((self.folder.parent / "index.html").read_text(encoding="utf-8"))
        (heads, *rows) = page.tables["quarters"]
        return dict(zip(heads, rows[0], strict=True))


def amounts(text: str) -> list[float]:
    """Return every amount of dollars that a text says.

    >>> amounts("$6.1 M, −$84 k and $725")
    [6100000.0, -84000.0, 725.0]
    """
    return [
        (-1 if sign else 1) * float(digits.replace(",", "").rstrip(".")) * SIZES[unit or ""]
        for sign, digits, unit in _MONEY.findall(text)
    ]


def says(text: str, amount: float, *, figures: int = 2) -> bool:
    """Return whether a text says an amount, to the figures with which pages say it."""
    return any(
        abs(one - amount) <= 0.5 * 10.0 ** (len(str(int(max(abs(amount), 1)))) - figures) + 0.5
        for one in amounts(text)
    )


def money_cells(row: list[str]) -> list[float]:
    return [amounts(cell)[0] if amounts(cell) else float("nan") for cell in row]
