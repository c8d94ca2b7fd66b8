"""One description of a table makes its page, its sheet, its facts and its data frame."""

from __future__ import annotations

import pandas as pd
import pytest

from tierkit.figure import Figure
from tierkit.rendering.tables import html_table
from tierkit.table import Column, Table

UNKNOWN = Figure.unknown("no role has a cost")


def costs():
    rows = [{"tier": "Tier 1", "cost": Figure(2.5)}, {"tier": "Tier 2", "cost": UNKNOWN}]
    return Table("costs", "Costs", ["tier", "cost"], rows, currency="EUR")


def test_a_figure_is_a_number_or_a_dash_on_a_page():
    shown = html_table(costs()).html
    assert '<th scope="col" class="n">Cost, EUR</th>' in shown
    assert [part.split("<")[0] for part in shown.split('<td class="n">')[1:]] == ["2", "–"]


def test_a_figure_is_a_number_or_null_with_its_reason_in_facts():
    assert costs().facts() == [
        {"tier": "Tier 1", "cost": 2.5},
        {"tier": "Tier 2", "cost": None, "cost_why": "no role has a cost"},
    ]


def test_the_columns_choose_and_order_what_the_rows_hold():
    rows = pd.DataFrame({"b": [1], "a": [2], "other": [3]}, index=pd.Index(["x"], name="id"))
    assert Table("t", "", ["id", "a", "b"], rows).to_frame().to_dict("records") == [
        {"id": "x", "a": 2, "b": 1}
    ]


def test_a_column_that_a_data_frame_lacks_is_an_error():
    with pytest.raises(KeyError, match="missing"):
        Table("t", "", ["missing"], pd.DataFrame({"a": [1]}))


def test_a_page_shows_the_first_rows_and_a_frame_all_of_them():
    table = Table("t", "", ["rank"], [{"rank": n} for n in range(30)], most=20, of="accounts")
    assert "Showing 20 of 30 accounts" in html_table(table).html
    assert len(table.to_frame()) == 30


def test_without_rows_the_reason_stands_in_place_of_the_table():
    assert html_table(Table("t", "", ["rank"], [], why="<none>")).html == "<p>&lt;none&gt;</p>"


def test_a_notebook_shows_what_people_read_and_no_markup_of_a_cell():
    table = Table("t", "", ["name", Column("won", "share")], [{"name": "<b>", "won": 0.31}])
    shown = table._repr_html_()
    assert "31 %" in shown
    assert "&lt;b&gt;" in shown
