"""The files of a folder of exports, and the rows of one."""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO

import narwhals as nw

from tierkit.crm.engine import (
    Connection,
    Rows,
    materialise,
    register_frame,
    scan_parquet,
    scan_text,
)
from tierkit.crm.text_layout import (
    Encoding,
    delimiter_of,
    encoding_of,
    header_place,
    numbered_records,
    unique,
)
from tierkit.crm.workbooks import (
    MOST_UNPACKED,
    SUFFIXES as WORKBOOKS,
    check_unpacked,
    read_sheet,
    too_large,
)
from tierkit.errors import DataError
from tierkit.files import draft_of

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet", *WORKBOOKS)
PACKED = (".gz", ".zip")
UNREAD = (
    ".json", ".jsonl", ".ndjson", ".xml", ".numbers", ".pdf", ".html", ".htm", ".mdb", ".accdb",
    ".avro", ".orc", ".feather", ".rar", ".7z", ".sav", ".dta", ".sqlite",
)  # fmt: skip
"""Endings of files that may hold tables and are not read."""

_PROBE_BYTES = 1 << 20
_MORE = "__more values than columns"


@dataclass(frozen=True)
class TextLayout:
    """Layout of a delimited text file.

    Attributes
    ----------
    skipped
        Lines that stand above the header or make it up beyond its first.
    header_line
        The line in which the header begins.
    """

    encoding: Encoding
    delimiter: str
    columns: tuple[str, ...]
    skipped: int = 0
    header_line: int = 1


def find_files(files: Sequence[Path], name: str) -> list[Path]:
    """Return the files of a table: `name` with or without ending, or those that fit a pattern.

    A file that is called like the pattern itself is meant before those that fit it.
    """
    wanted = name.casefold()
    exact = [file for file in files if file.name.casefold() == wanted]
    if not exact and any(sign in name for sign in "*?["):
        return [file for file in files if fnmatchcase(file.name, name)]
    return exact or [file for file in files if file.stem.casefold() == wanted]


def files_below(folder: Path, name: str) -> list[Path]:
    """Return the file of a name with folders in it, or those that fit it as a pattern."""
    exact = folder / name
    return [exact] if exact.is_file() else sorted(folder.glob(name))


@dataclass(frozen=True)
class FileReader:
    """Reads files as rows of text; what a person should know of them is gathered in `remarks`."""

    connection: Connection
    scratch: Path
    encoding: str | None = None
    fill_down: Mapping[str, Sequence[str]] = field(default_factory=dict)
    most_unpacked: int = MOST_UNPACKED
    remarks: list[str] = field(default_factory=list)

    def rows(self, file: Path, sheet: str | None = None) -> Rows:
        """Return the rows of one file: text, Parquet, or a sheet of a workbook.

        Raises
        ------
        DataError
            If the file cannot be read as a table.
        """
        if file.stat().st_size == 0:
            raise DataError(
                f"{file.name}: the file is empty. Export it again, with its header line."
            )
        suffix = file.suffix.lower()
        if suffix == ".parquet":
            return scan_parquet(self.connection, file)
        if suffix in TEXT_SUFFIXES:
            return self._text(file)
        check_unpacked(file, most=self.most_unpacked)
        found = read_sheet(file, sheet)
        self.remarks.extend(found.remarks)
        groups = [one for one in self.fill_down.get(file.name, ()) if one in found.frame]
        frame = found.frame.assign(**{one: found.frame[one].ffill() for one in groups})
        return register_frame(self.connection, frame)

    def _text(self, file: Path) -> Rows:
        layout = text_layout(file, encoding=self.encoding)
        if layout.encoding.remark:
            self.remarks.append(layout.encoding.remark)
        if layout.header_line > 1:
            self.remarks.append(
                f"{file.name}: the header is in line {layout.header_line}; what stands above is "
                "left out."
            )
        repeated = [name for name in layout.columns if re.search(r" \(\d+\)$", name)]
        if repeated:
            self.remarks.append(
                f"{file.name}: a header occurs twice; the later ones are called "
                f"{', '.join(map(repr, repeated[:5]))}. Name the one that is meant in "
                "[data.columns]."
            )
        text = _as_utf8(file, layout, self.scratch)
        groups = [
            layout.columns.index(one)
            for one in self.fill_down.get(file.name, ())
            if one in layout.columns
        ]
        if groups:
            text = _filled_down(text, layout, groups, self.scratch)
        rows = scan_text(
            self.connection,
            text,
            columns=(*layout.columns, _MORE),
            delimiter=layout.delimiter,
            header=not (layout.skipped or groups),
        )
        name = f"file {file.parent.name}/{file.name} {len(self.remarks)}"
        rows = materialise(self.connection, rows, f"{name} {_key(file)}")
        _check_lines(rows, file.name, layout)
        return rows.drop(_MORE)


def table_files(folder: Path, scratch: Path, *, most_unpacked: int = MOST_UNPACKED) -> list[Path]:
    """Return the files of a folder that can be read as tables, by name; packed ones unpacked."""
    found: list[Path] = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        suffix = file.suffix.lower()
        if file.is_file() and suffix in PACKED:
            found += _unpacked(file, scratch / "unpacked", most_unpacked)
        elif file.is_file() and suffix in SUFFIXES and not file.name.startswith(("~$", ".")):
            found.append(file)
    return found


def unread_files(folder: Path) -> list[str]:
    """Return the names of files and folders that may hold tables, but are not looked into."""
    inside = [
        f"{path.name}/"
        for path in sorted(folder.iterdir())
        if path.is_dir()
        and not path.name.startswith(".")
        and any(one.suffix.lower() in SUFFIXES for one in path.iterdir())
    ]
    return [*inside, *(p.name for p in sorted(folder.iterdir()) if p.suffix.lower() in UNREAD)]


def _unpacked(file: Path, target: Path, most: int) -> list[Path]:
    """Return the files inside a packed one, unpacked into `target`.

    Raises
    ------
    DataError
        If the file cannot be unpacked.
    """
    place = target / _key(file)
    place.mkdir(parents=True, exist_ok=True)
    try:
        if file.suffix.lower() == ".gz":
            with gzip.open(file) as packed:
                _unpack(packed, place / file.stem, file, most)
            return [place / file.stem] if Path(file.stem).suffix.lower() in SUFFIXES else []
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if _is_table(m.filename)]
            found = []
            for member in members:
                name = PurePosixPath(member.filename).name
                one = place / (file.stem + Path(name).suffix if len(members) == 1 else name)
                with archive.open(member) as packed:
                    _unpack(packed, one, file, most)
                found.append(one)
            return sorted(found)
    except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, RuntimeError) as error:
        raise DataError(f"{file.name}: cannot be unpacked: {error}. Unpack it by hand.") from error


def _unpack(packed: IO[bytes] | gzip.GzipFile, target: Path, file: Path, most: int) -> None:
    """Write what a packed file holds, at most so many bytes of it."""
    size = 0
    with draft_of(target) as draft, draft.open("wb") as plain:
        while block := packed.read(_PROBE_BYTES):
            size += len(block)
            if size > most:
                raise too_large(file, size, most)
            plain.write(block)


def _is_table(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.startswith("__MACOSX")


def _key(file: Path) -> str:
    return sha256(str(file.resolve()).encode()).hexdigest()[:12]


def text_layout(path: Path, *, encoding: str | None = None) -> TextLayout:
    """Return how a delimited text file is written: its encoding by the whole, the rest by its top.

    Raises
    ------
    DataError
        If the file is empty, holds binary data, or has no header.
    """
    judged = encoding_of(path, given=encoding)
    with path.open(encoding=judged.name, errors=judged.errors, newline=None) as file:
        text = file.read(_PROBE_BYTES).lstrip("\ufeff")
    if not text.strip():
        raise DataError(f"{path.name}: the file is empty. Export it again, with its header line.")
    first, _, rest = text.partition("\n")
    said = re.fullmatch(r"\s*sep=(.)\s*", first, flags=re.IGNORECASE)
    above, text = (1, rest) if said else (0, text)
    delimiter = said[1] if said else delimiter_of(text)
    try:
        records = numbered_records(text, delimiter)
        place = header_place([record for record, _ in records])
        header, last = records[place]
    except (csv.Error, IndexError) as error:
        raise DataError(
            f"{path.name}: its header cannot be read: {error}. Export it again as CSV."
        ) from error
    begins = (records[place - 1][1] if place else 0) + 1
    moved = above or last > 1
    return TextLayout(
        judged,
        delimiter,
        unique([name.strip() for name in header]),
        skipped=above + last if moved else 0,
        header_line=above + begins if begins > 1 else 1,
    )


def _as_utf8(path: Path, layout: TextLayout, scratch: Path) -> Path:
    """Return the file itself where it can be read as it is, else a plain copy in `scratch`."""
    if layout.encoding.plain and not layout.skipped:
        return path
    from unicodedata import normalize

    copy = scratch / f"{path.stem}.{_key(path)}.utf8.csv"
    scratch.mkdir(parents=True, exist_ok=True)
    encoding, composed = layout.encoding, layout.encoding.composed
    with (
        path.open(encoding=encoding.name, errors=encoding.errors, newline=None) as source,
        draft_of(copy) as draft,
        draft.open("w", encoding="utf-8", newline="") as target,
    ):
        for _ in range(layout.skipped):
            source.readline()
        for line in source:
            target.write(line if composed else normalize("NFC", line))
    return copy


def _filled_down(text: Path, layout: TextLayout, places: Sequence[int], scratch: Path) -> Path:
    """Return a copy of a text without its header, in which columns of groups are filled down."""
    copy = scratch / f"{text.stem}.{_key(text)}.filled.csv"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        text.open(encoding="utf-8", newline="") as source,
        draft_of(copy) as draft,
        draft.open("w", encoding="utf-8", newline="") as target,
    ):
        lines, above = csv.reader(source, delimiter=layout.delimiter), dict.fromkeys(places, "")
        writer = csv.writer(target, delimiter=layout.delimiter, lineterminator="\n")
        if not layout.skipped:
            next(lines, None)
        for line in lines:
            for place in places:
                if place < len(line):
                    above[place] = line[place] = line[place].strip() or above[place]
            writer.writerow(line)
    return copy


def _check_lines(rows: Rows, name: str, layout: TextLayout) -> None:
    """Raise where lines do not fit the header, so that values would be lost or stand elsewhere.

    Raises
    ------
    DataError
        If lines hold more values than the header, or a quotation mark has swallowed lines.
    """
    long = rows.filter(nw.col(_MORE).str.strip_chars(" ").str.len_chars() > 0)
    count = int(long.select(nw.len()).collect().item())
    if count:
        first = long.select(nw.concat_str(*layout.columns[:4], separator=" | ", ignore_nulls=True))
        example = first.head(100).collect().rows()
        raise DataError(
            f"{name}: {count:,} line{'s hold' if count > 1 else ' holds'} more values than the "
            f"header, for example {min(example)[0]!r}. Put quotation marks around values that hold "
            f"{layout.delimiter!r}."
        )
    others = len(layout.columns) - 1
    sign = re.escape(layout.delimiter)
    line = rf"\n([^\n{sign}]*{sign}){{{others}}}"
    if others < 2 or _first_with(rows, layout.columns, "\n", literal=True) is None:
        return
    column = _first_with(rows, layout.columns, line)
    if column is not None:
        raise DataError(
            f"{name}: a quotation mark in the column {column!r} is not closed and swallows the "
            "lines after it. Export the file again, with quotation marks doubled in values."
        )


def _first_with(
    rows: Rows, columns: Sequence[str], sought: str, *, literal: bool = False
) -> str | None:
    """Return the first column with a value that holds what is sought, if any."""
    held = [nw.col(column).str.contains(sought, literal=literal).any() for column in columns]
    found = rows.select(*held).collect().rows()[0]
    return next((column for column, has in zip(columns, found, strict=True) if has), None)
