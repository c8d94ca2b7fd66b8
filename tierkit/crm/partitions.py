"""Files of one table: columns whose type is another one in some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def type_changes(files: Sequence[Path], *, below: Path) -> list[str]:
    """Return a remark for each column that changes its type between Parquet files of a table.

    Values are read one by one whatever their type is, and those that cannot be read are counted;
    this says in which file to look. A column without any value has no type.

    Parameters
    ----------
    below
        The folder that the files are named from.
    """
    kinds: dict[str, dict[str, list[str]]] = {}
    for file in [one for one in files if one.suffix.lower() == ".parquet"]:
        name = file.relative_to(below) if file.is_relative_to(below) else file
        for field in pq.read_schema(file):
            if kind := _kind(field.type):
                kinds.setdefault(field.name, {}).setdefault(kind, []).append(name.as_posix())
    return [_remark(column, found) for column, found in kinds.items() if len(found) > 1]


def _kind(dtype: pa.DataType) -> str:
    held = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    if pa.types.is_null(held):
        return ""
    if pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held):
        return "a number"
    if pa.types.is_date(held) or pa.types.is_timestamp(held):
        return "a date"
    return "text" if pa.types.is_string(held) or pa.types.is_large_string(held) else str(held)


def _remark(column: str, files: Mapping[str, Sequence[str]]) -> str:
    usual, *others = sorted(files, key=lambda kind: (-len(files[kind]), kind))
    odd = "; ".join(f"{kind} in {', '.join(files[kind][:3])}" for kind in others)
    return (
        f"{column} is {usual} in {files[usual][0]}, but {odd}. See that these files were written "
        "by the same export."
    )
