"""Tables of a page: plain, accessible HTML in which every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from tierkit.rendering.html import Fragment, joined, tag
from tierkit.table import Column, Table
from tierkit.words import count

WIDE = 9
"""So many columns need the width of a sheet of paper turned on its side."""


def html_table(table: Table) -> Fragment:
    """Return a table of a page, or the sentence that stands in its place where it has no rows.

    Examples
    --------
    >>> table = Table("won", "Won", ["tier", "won_revenue"],
    ...               [{"tier": "Tier 1", "won_revenue": 1200.4}], currency="USD")
    >>> "1,200" in html_table(table).html, "Won revenue, USD" in html_table(table).html
    (True, True)
    >>> html_table(Table("won", "Won", ["tier"], [], why="Nothing was won.")).html
    '<p>Nothing was won.</p>'
    """
    if table.why and not len(table):
        return Fragment(str(tag("p", table.why)))
    columns, rows = table.heads, table.spelled()
    parts = [
        tag("caption", table.caption),
        tag("thead", tag("tr", joined(*map(_header, columns)))),
        tag("tbody", joined(*(_row(cells, columns) for cells in rows))),
    ]
    total = len(table) if table.total is None else table.total
    if total > len(rows):
        text = f"Showing {count(len(rows))} of {count(total)} {table.of}".strip()
        parts.append(tag("tfoot", tag("tr", tag("td", text, colspan=str(len(columns))))))
    shown = tag("table", joined(*parts), data_table=table.name)
    class_ = "table broad" if len(columns) >= WIDE else "table"
    return Fragment(str(tag("div", shown, class_=class_, role="group", tabindex="0")))


def _header(column: Column) -> Markup:
    return tag("th", column.title, scope="col", class_=_side(column))


def _row(cells: Sequence[object], columns: Sequence[Column]) -> Markup:
    first = tag("th", cells[0], scope="row", class_=_side(columns[0]))
    rest = zip(cells[1:], columns[1:], strict=True)
    return tag("tr", joined(first, *(tag("td", cell, class_=_side(head)) for cell, head in rest)))


def _side(column: Column) -> str:
    return "" if column.is_text else "n"
