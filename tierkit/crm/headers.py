"""Where the header of an export stands: not always in its first line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 60
_FEWEST_COLUMNS = 3
_HEADER_SHARE = 0.6


def header_place(records: Sequence[Sequence[str]]) -> int:
    """Return the place of the header among the first records of an export.

    Titles, dates and filters above it fill a cell or two; the header is the first record that fills
    most of the width.

    Examples
    --------
    >>> header_place([["Report", "", ""], ["", "", ""], ["id", "name", "date"], ["1", "A", ""]])
    2
    """
    filled = [sum(bool(cell.strip()) for cell in record) for record in records[:_LOOKED_AT]]
    widest = max(filled, default=0)
    if widest < _FEWEST_COLUMNS or filled[0] >= widest / 2:
        return 0
    return next(place for place, count in enumerate(filled) if count >= widest * _HEADER_SHARE)


def delimiter_of(text: str) -> str:
    r"""Return the delimiter that cuts most lines into the same, large number of values.

    Examples
    --------
    >>> delimiter_of('"a, b";"c, d";e\n"1";"2,5";3\n')
    ';'
    """
    scores = {}
    for delimiter in DELIMITERS:
        counts = Counter(len(record) for record in records_of(text, delimiter) if record)
        (width, lines), *_ = counts.most_common(1) or [(1, 1)]
        scores[delimiter] = (width - 1) * lines / max(1, counts.total())
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def records_of(text: str, delimiter: str) -> list[list[str]]:
    """Return the first records of a delimited text.

    Raises
    ------
    csv.Error
        If it cannot be cut into records.
    """
    return [record for record, _ in numbered_records(text, delimiter)]


def numbered_records(text: str, delimiter: str) -> list[tuple[list[str], int]]:
    """Return the first records, each with the number of the line that ends it."""
    reader, found = csv.reader(io.StringIO(text), delimiter=delimiter), []
    for record in reader:
        found.append((record, reader.line_num))
        if len(found) >= _LOOKED_AT:
            break
    return found


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with empty ones numbered and repeated ones marked by their count."""
    seen: dict[str, int] = {}
    found = []
    for position, name in enumerate(names, start=1):
        base = " ".join(name.split()) or f"column {position}"
        key = base.casefold()
        seen[key] = seen.get(key, 0) + 1
        found.append(base if seen[key] == 1 else f"{base} ({seen[key]})")
    return tuple(found)
