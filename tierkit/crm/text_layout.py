"""Layout of a text file: its encoding, its delimiter and the place of its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tierkit.errors import DataError

_CHUNK = 1 << 24
_ODD_BYTE = "tierkit-odd-byte"
"""Name of the way in which a byte that is not UTF-8 is read: as Western Europe wrote it."""

WESTERN = "cp1252"
_RUN = re.compile(rb"[\x80-\xff]+")
_LONGEST_WESTERN_RUN = 1.5
_SYMBOL_IN_WORD = re.compile(r"[A-Za-z][¢£¤¥¦§¨©«¬¯±´µ¶¸¹»¼½¾¿‚ƒ„…†‡ˆ‰‹‘“”•–—˜›]|[£¥¦¹][a-z]")
_MOST_SYMBOLS = 0.2
_MOST_LISTED = 5


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file.

    Attributes
    ----------
    name
        As Python calls it.
    odd_lines
        The first lines of a UTF-8 file with bytes that are not UTF-8.
    composed
        Whether every letter with its accent is one sign.
    remark
        What a person should know of it, with how to fix it.
    """

    name: str
    odd_lines: tuple[int, ...] = ()
    composed: bool = True
    remark: str = ""

    @property
    def plain(self) -> bool:
        """Return whether the file can be read as it is."""
        return self.name == "utf-8" and not self.odd_lines and self.composed

    @property
    def errors(self) -> str:
        """Error handler for bytes that do not fit."""
        return _ODD_BYTE if self.name == "utf-8" else "replace"


def _western_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    odd = error.object[error.start : error.end]
    return odd.decode(WESTERN, errors="replace"), error.end


codecs.register_error(_ODD_BYTE, _western_byte)


def encoding_of(path: Path, *, given: str | None = None) -> Encoding:
    """Return the encoding of a file: UTF-8 or UTF-16 where it is, else as `given`, else Western.

    Raises
    ------
    DataError
        If the file holds binary data, or text in an encoding that somebody has to name.
    """
    with path.open("rb") as file:
        first = file.read(1 << 20)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Encoding("utf-16")
    if b"\x00" in first:
        raise DataError(
            f"{path.name}: holds binary data, not text. Export it again as CSV, or name it "
            ".parquet or .xlsx if that is what it is."
        )
    composed = _utf8_composed(path)
    if composed is not None:
        return Encoding("utf-8", composed=composed)
    if given is not None:
        return Encoding(given)
    return _judged(path.read_bytes(), path.name)


def _utf8_composed(path: Path) -> bool | None:
    """Return whether letters of a UTF-8 file are composed; None where it is not UTF-8."""
    decoder, composed = codecs.getincrementaldecoder("utf-8")(), True
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                text = decoder.decode(chunk)
                composed &= text.isascii() or unicodedata.is_normalized("NFC", text)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return composed


def _judged(raw: bytes, name: str) -> Encoding:
    text = raw.decode("utf-8", errors="replace")
    odd = text.count("\ufffd")
    if sum(sign > "\x7f" for sign in text) - odd >= 2 * odd:
        lines = [n for n, line in enumerate(text.split("\n"), start=1) if "\ufffd" in line]
        shown = ", ".join(map(str, lines[:_MOST_LISTED]))
        remark = (
            f"{name} is UTF-8, but bytes in line {shown} are not; they are read as {WESTERN}. "
            "Correct these lines."
        )
        return Encoding("utf-8", tuple(lines[:_MOST_LISTED]), remark=remark)
    runs = [len(run) for run in _RUN.findall(raw)]
    western = raw.decode(WESTERN, errors="replace")
    symbols = len(_SYMBOL_IN_WORD.findall(western)) / len(runs)
    if sum(runs) / len(runs) > _LONGEST_WESTERN_RUN or symbols > _MOST_SYMBOLS:
        guess, line = guessed_encoding(raw), text[: text.find("\ufffd")].count("\n")
        raise DataError(
            f"{name}: not UTF-8 from line {line + 1} on; it looks like {guess}. Set [data] "
            f'encoding = "{guess}" if names read well then, or export the file as UTF-8.'
        )
    remark = (
        f"{name} is not UTF-8 and is read as {WESTERN} (Western Europe). If names look wrong, set "
        "[data] encoding, or export as UTF-8."
    )
    return Encoding(WESTERN, remark=remark)


def guessed_encoding(raw: bytes) -> str:
    """Return the encoding that some bytes seem to have."""
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:200_000], cp_exclusion=["utf_8", "utf_16", "utf_32"]).best()
    return best.encoding if best is not None else WESTERN


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
        said = any(sign.isalnum() for sign in name) or len(name.strip()) > 1
        base = " ".join(name.split()) if said else f"column {position}"
        key = base.casefold()
        seen[key] = seen.get(key, 0) + 1
        found.append(base if seen[key] == 1 else f"{base} ({seen[key]})")
    return tuple(found)
