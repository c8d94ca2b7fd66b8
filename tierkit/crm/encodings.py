"""How the text of a file is encoded, judged by the whole file."""

from __future__ import annotations

import codecs
import re
import unicodedata
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
        """Whether the file can be read as it is."""
        return self.name == "utf-8" and not self.odd_lines and self.composed

    @property
    def errors(self) -> str:
        """How bytes that do not fit are read."""
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
