"""Which files a source holds, and how a text file is written: encoding, delimiter, header."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tierkit.errors import DataError

SUFFIXES = (".csv", ".txt", ".tsv", ".parquet", ".xlsx")
TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
_DELIMITERS = (",", ";", "\t", "|")
_PROBE_BYTES = 1 << 20


@dataclass(frozen=True)
class TextLayout:
    """How a delimited text file is written."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]


def find_file(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder: `name` with a known ending, or exactly `name`."""
    exact = folder / name
    if exact.suffix.lower() in SUFFIXES:
        return exact if exact.is_file() else None
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((file for file in found if file.is_file()), _in_other_case(folder, name))


def _in_other_case(folder: Path, name: str) -> Path | None:
    """Return the file whose name is the same but for capitals, `Opportunity.CSV`."""
    wanted = [f"{name}{suffix}".casefold() for suffix in SUFFIXES]
    files = {file.name.casefold(): file for file in sorted(folder.iterdir(), reverse=True)}
    return next((files[file] for file in wanted if file in files and files[file].is_file()), None)


def text_layout(path: Path) -> TextLayout:
    """Return how a delimited text file is written, judged by its first megabyte.

    Raises
    ------
    DataError
        If the file is empty, holds binary data, or has no header.
    """
    with path.open("rb") as file:
        probe = file.read(_PROBE_BYTES)
    if not probe.strip():
        raise DataError(f"{path.name}: the file is empty. Export it again, with its header line.")
    encoding = _encoding(probe, path.name)
    text = probe.decode(encoding, errors="replace").lstrip("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(text.split("\n", 1)[0])
    try:
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{path.name}: its header cannot be read: {error}. Export it again as CSV."
        ) from error
    return TextLayout(encoding, delimiter, _unique([name.strip() for name in header]))


def as_utf8(path: Path, layout: TextLayout, scratch: Path) -> Path:
    """Return a UTF-8 copy of a file in `scratch`, or the file itself where it is UTF-8 already."""
    if layout.encoding == "utf-8":
        return path
    copy = scratch / f"{path.stem}.utf8.csv"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        path.open(encoding=layout.encoding, errors="replace", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target)
    return copy


def _encoding(probe: bytes, name: str) -> str:
    if probe.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in probe:
        raise DataError(
            f"{name}: holds binary data, not text. Export it again as CSV, or name it .parquet or "
            ".xlsx if that is what it is."
        )
    try:
        # a character may be cut in two where the probe ends
        probe[: len(probe) - 3 if len(probe) == _PROBE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(probe) - 4:
            return "cp1252"
    return "utf-8"


def _delimiter(header: str) -> str:
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with empty ones numbered and repeated ones marked by their count."""
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, start=1):
        base = name or f"column {position}"
        key = base.casefold()
        seen[key] = seen.get(key, 0) + 1
        unique.append(base if seen[key] == 1 else f"{base} ({seen[key]})")
    return tuple(unique)
