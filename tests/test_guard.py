"""Rows meet and amounts are added up through the guard alone, and it lets nothing get lost."""

from __future__ import annotations

import ast
from collections import Counter
from decimal import Decimal
from pathlib import Path

import narwhals as nw
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.crm.engine import connect, register_frame
from tierkit.crm.guard import look_up, look_up_counted, summed
from tierkit.errors import DataError

PACKAGE = Path(__file__).parent.parent / "tierkit"
CONNECTION = connect()


def rows(**columns):
    return register_frame(
        CONNECTION, pd.DataFrame(columns, dtype="object").astype("string[pyarrow]")
    )


def test_matched_and_unmatched_rows_are_counted_and_none_is_lost():
    deals = rows(account_id=["A", "A", "B", None], deal=["1", "2", "3", "4"])
    names = rows(account_id=["A"], name=["Acme"])
    joined = look_up_counted(deals, names, on="account_id", what="names")
    assert (joined.matched, joined.unmatched) == (2, 2)
    assert sorted(joined.rows.collect()["deal"].to_list()) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("keys", "words"), [(["A", "A"], "more than once"), (["A", None], "a key is missing")]
)
def test_a_key_that_is_there_twice_or_not_at_all_is_refused(keys, words):
    with pytest.raises(DataError, match=words):
        look_up(rows(k=["A"]), rows(k=keys, v=["1", "2"]), on="k", what="values")


amounts = st.decimals(-(10**9), 10**9, places=2)
keyed = st.lists(st.tuples(st.sampled_from(["A", "B", "", None]), amounts), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(keyed)
def test_groups_add_up_to_the_whole_with_missing_keys_in_a_group_of_their_own(pairs):
    frame = rows(k=[key for key, _ in pairs], v=[str(value) for _, value in pairs])
    typed = frame.with_columns(v=nw.col("v").cast(nw.Decimal(38, 4)))
    groups = summed(typed, "k", sums={"v": nw.col("v").sum()}, what="values").collect()
    assert sum(groups["v"].to_list()) == sum((value for _, value in pairs), Decimal(0))
    assert set(groups["k"].to_list()) == {key for key, _ in pairs}


def test_groups_that_do_not_add_up_are_refused():
    frame = rows(k=["A", "B"]).with_columns(v=nw.lit(2))
    with pytest.raises(DataError, match="in groups"):
        summed(frame, "k", sums={"v": nw.col("v").max()}, what="values")


NEVER_MISSING = {
    "account_id", "as_of", "boundary", "criterion", "currency", "from", "group", "key", "kind",
    "matched_by", "model", "quarter", "start", "tier", "to",
}  # fmt: skip
DATES = PACKAGE / "calendar" / "rows.py"  # pairs rows with dates, and joins nothing else


def calls_of(path, *names):
    """Give the calls of methods of these names in a module, but for `", ".join(texts)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_text = isinstance(node.func.value, ast.Constant | ast.JoinedStr)
            of_words = ast.unparse(node.func).startswith(
                ("os.pathsep.", "posixpath.", "BETWEEN.", "_BETWEEN.", "Markup(")
            )
            if node.func.attr in names and not of_text and not of_words:
                yield node, f"{path.relative_to(PACKAGE)}:{node.lineno}: .{node.func.attr}("


def given(node):
    return {keyword.arg for keyword in node.keywords}


def bare_calls(path):
    """Give the joins and group-bys of a module that nothing validates."""
    for node, call in calls_of(path, "join", "merge", "group_by", "join_asof"):
        meets_rows = node.args or node.keywords  # a thread is joined with nothing
        if meets_rows and "validate" not in given(node):
            yield call


def test_rows_meet_through_the_guard_or_with_keys_that_are_validated():
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "guard.py" and path != DATES]
    assert [call for path in modules for call in bare_calls(path)] == []
    assert len(list(bare_calls(PACKAGE / "crm" / "guard.py"))) >= 5  # so that the rule can fail
    pairs = [node for node, _ in calls_of(DATES, "join")]
    assert pairs
    assert all("how='cross'" in ast.unparse(node) for node in pairs)


FRAMES = PACKAGE / "crm" / "frames.py"
NO_ROWS_OF_AN_ENGINE = {
    "features/panel.py": 1,  # a panel's own file
    "library/_given.py": 1,  # a caller's data frame
    "sklearn.py": 1,
}


def test_rows_leave_an_engine_for_pandas_through_one_function_that_decides_their_types():
    """DuckDB, Polars and Spark give dates, whole numbers and text in kinds of their own."""
    found = [call for path in PACKAGE.rglob("*.py") for _, call in calls_of(path, "to_pandas")]
    counted = Counter(call.partition(":")[0] for call in found)
    assert counted == {**NO_ROWS_OF_AN_ENGINE, str(FRAMES.relative_to(PACKAGE)): 1}


def keys_of(node):
    try:
        keys = ast.literal_eval(node.args[0])
    except (IndexError, ValueError):
        return None
    return {keys} if isinstance(keys, str) else set(keys)


def drops_in_silence(node):
    """Whether a group-by of a data frame may pass over rows whose key is missing."""
    if given(node) & {"dropna", "level"}:
        return False
    keys = keys_of(node)
    return not keys or not keys <= NEVER_MISSING


def test_group_bys_of_data_frames_say_what_becomes_of_missing_keys():
    """A key is always there, or the call says whether its rows count."""
    modules = [path for path in PACKAGE.rglob("*.py") if "simulate" not in path.parts]
    calls = [found for path in modules for found in calls_of(path, "groupby")]
    assert calls
    assert [call for node, call in calls if drops_in_silence(node)] == []
    assert drops_in_silence(ast.parse("frame.groupby('industry')", mode="eval").body)
