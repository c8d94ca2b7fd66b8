"""Lines of an export that are no rows: report footers, totals, headers repeated in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from tierkit.crm.engine import Rows

REASON = "report footer, totals line or repeated header"
_FOOTER = (
    r"(?i)^\s*(grand totals?|sub ?totals?|totals?|confidential information|copyright)\b"
    r"[^\n]*$"
)


def furniture(rows: Rows, *, key: str, header: str) -> nw.Expr | None:
    """Return which rows are furniture, or None where the key is not text, as in a typed source.

    A footer begins with its words in the key and holds at most one other value (the total). A
    repeated header holds the column's own name in the key.

    Parameters
    ----------
    key
        The column that names a row.
    header
        That column's name in the source.
    """
    schema = rows.collect_schema()
    if key not in schema or schema[key] != nw.String():
        return None
    text = nw.col(key).fill_null("")
    begins, repeated = text.str.contains(_FOOTER), text == header
    if rows.filter(begins).head(1).collect().is_empty():
        return repeated  # counting values of every column costs time
    others = [column for column in schema if column != key]
    filled = _total([nw.lit(0), *((~nw.col(name).is_null()).cast(nw.Int64) for name in others)])
    return (begins & (filled <= 1)) | repeated


def _total(parts: Sequence[nw.Expr]) -> nw.Expr:
    """Return the sum of expressions, nested no deeper than the logarithm of their number.

    `sum_horizontal` nests one step per column, and exports have hundreds of columns.
    """
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return _total(parts[:half]) + _total(parts[half:])
