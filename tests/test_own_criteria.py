"""A project's own criteria: never run unasked, and tested by taking future and effort away."""

from __future__ import annotations

from datetime import date
from importlib.metadata import EntryPoint

import pytest

from tierkit.errors import SettingsError
from tierkit.features import build_panel, own
from tierkit.features.example import tables_of
from tierkit.runs.leakage import check_own_criteria
from tierkit.settings import parse_settings

DAY, LATER = date(2025, 1, 1), date(2025, 7, 1)
TABLES = {
    "accounts": "account_id created_date; A 2023-01-01; B 2023-01-01",
    "opportunities": "account_id created_date close_date amount is_won;"
    "A 2024-02-01 2024-03-01 100 true; A 2024-12-01 2025-03-01 70 true; "
    "B 2024-12-01 2025-04-01 50 false",
    "signals": "account_id date signal value;"
    "A 2024-06-01 usage 3; A 2024-12-31 usage 4; A 2025-01-01 usage 90; B 2025-02-01 usage 5",
    "activities": "account_id date type direction; A 2024-11-01 call outbound;"
    "A 2024-11-02 visit inbound; B 2024-11-01 call outbound",
    "costs": "account_id date amount; A 2024-10-01 9",
}
HEAD = "import narwhals as nw\nimport tierkit\n"
USAGE = '''
@tierkit.criterion(table="signals", absent=0.0)
def usage():
    """Sum of the usage signals before as_of, in units; 0 without any."""
    return nw.col("value").sum()
'''
NEWEST = '''
@tierkit.criterion(table="signals")
def newest_usage(rows):
    """The newest usage signal before as_of, in units; missing without any."""
    return rows.sort_values("date").groupby("account_id")["value"].last()
'''
WINS_OF_OPEN_DEALS = '''
@tierkit.criterion(table="opportunities", date="created_date", absent=0.0)
def lucky_deals():
    """Deals made before as_of that are won, whenever that was."""
    return nw.when(nw.col("is_won")).then(nw.lit(1)).sum()
'''
TOUCHES = '''
@tierkit.criterion(table="activities", absent=0.0)
def touches():
    """All activities before as_of."""
    return nw.len()
'''
SPENT = '''
@tierkit.criterion(table="costs", absent=0.0)
def spent():
    """All costs before as_of."""
    return nw.col("amount").sum()
'''


def settings_with(folder, code, **features):
    (folder / "criteria.py").write_text(HEAD + code)
    found = parse_settings({"features": {"module": "criteria.py", **features}})
    found._folder = folder
    return found


def values(folder, code, name):
    panel = build_panel(tables_of(**TABLES), [DAY], settings=settings_with(folder, code))
    assert name in panel.criteria
    return panel.values[name].droplevel("as_of").dropna().to_dict()


def test_an_expression_and_a_function_see_the_rows_before_as_of(tmp_path):
    assert values(tmp_path, USAGE, "usage") == {"A": 7.0, "B": 0.0}
    assert values(tmp_path, NEWEST, "newest_usage") == {"A": 4.0}


def test_a_file_that_nobody_asked_for_is_never_run(tmp_path):
    (tmp_path / "criteria.py").write_text("raise RuntimeError")
    silent = parse_settings({})
    silent._folder = tmp_path
    assert own.own_criteria(silent) == ()


def test_honest_criteria_pass(tmp_path):
    check_own_criteria(
        tables_of(**TABLES), [DAY, LATER], settings=settings_with(tmp_path, USAGE + NEWEST)
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (WINS_OF_OPEN_DEALS, "lucky_deals sees the future: 1 account"),
        (TOUCHES, "touches rests on our own effort: 2 accounts"),
        (SPENT, "spent rests on our own effort: 1 account"),
    ],
)
def test_what_sees_the_future_or_our_effort_is_named(tmp_path, code, sentence):
    settings = settings_with(tmp_path, USAGE + code)
    with pytest.raises(SettingsError) as raised:
        check_own_criteria(tables_of(**TABLES), [DAY], settings=settings)
    assert sentence in str(raised.value)
    assert "usage" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("x = 1/0\n", r"criteria.py, line 3: ZeroDivisionError"),
        ("def usage(:\n", r"criteria.py, line 3: SyntaxError"),
        ("x = 1\n", "no function is marked"),
        (USAGE.replace('"""Sum of the usage signals before as_of, in units; 0 without any."""',
                       "pass"), "usage has no docstring"),
        (USAGE.replace('"signals"', '"accounts"'), "no dated table accounts"),
        (USAGE.replace("def usage", "def tenure_days"), "tenure_days: is a criterion already"),
        (NEWEST.replace('["value"].last()', '["value"]'), "newest_usage: a series with one value"),
        (NEWEST.replace('"value"', '"height"'), "newest_usage: KeyError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_a_sentence(tmp_path, code, sentence):
    with pytest.raises(SettingsError, match=sentence):
        build_panel(tables_of(**TABLES), [DAY], settings=settings_with(tmp_path, code))


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("import pandas as pd\nSEEN = pd.read_csv(__file__, nrows=0)\n", "line 4: read_csv"),
        ("def helper():\n    return open(__file__).read()\n", "line 4: open"),
    ],
)
def test_a_criterion_that_reads_a_file_is_refused_until_somebody_vouches_for_it(
    tmp_path, code, where
):
    with pytest.raises(SettingsError, match=rf"usage reads a file of its own \({where}\)"):
        own.own_criteria(settings_with(tmp_path, code + USAGE))
    vouched = settings_with(tmp_path, code + USAGE, trusted=["usage"])
    assert [one.name for one in own.own_criteria(vouched)] == ["usage"]


def test_a_file_that_another_criterion_reads_is_that_one_s_alone(tmp_path):
    reads = NEWEST.replace("return rows", "open(__file__).close(); return rows")
    with pytest.raises(SettingsError, match="criterion newest_usage reads a file"):
        own.own_criteria(settings_with(tmp_path, USAGE + reads))
    vouched = settings_with(tmp_path, USAGE + reads, trusted=["newest_usage"])
    assert len(own.own_criteria(vouched)) == 2


@pytest.mark.parametrize("name", ["nowhere.py", "../criteria.py"])
def test_only_a_file_of_the_project_is_run(tmp_path, name):
    (tmp_path / "criteria.py").write_text(HEAD + USAGE)
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(SettingsError, match="no such file in the project's folder"):
        own.own_criteria(settings_with(inner, USAGE).model_copy(
            update={"features": parse_settings({"features": {"module": name}}).features}
        ))  # fmt: skip


def test_a_changed_file_is_another_computation(tmp_path):
    one = settings_with(tmp_path, USAGE).fingerprint
    other = settings_with(tmp_path, USAGE + NEWEST).fingerprint
    assert one != other


MEAN = '''
@tierkit.challenger
def mean():
    """The mean of all accounts."""
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()
'''


def test_a_model_is_made_where_it_is_asked_for_and_says_what_is_wrong_with_it(tmp_path):
    asked = settings_with(tmp_path, USAGE + MEAN)
    assert [*own.own_models(asked)] == ["mean"]
    assert [one.name for one in own.own_criteria(asked)] == ["usage"]
    broken = settings_with(tmp_path, MEAN.replace("sklearn.dummy", "no_such_package"))
    with pytest.raises(SettingsError, match="challenger mean: ModuleNotFoundError"):
        own.own_models(broken)


def test_an_installed_package_is_asked_for_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "acme_criteria.py").write_text(HEAD + USAGE)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("acme", "acme_criteria", own.GROUP)
    monkeypatch.setattr(own, "entry_points", lambda **_: [point])
    assert own.own_criteria(parse_settings({})) == ()
    asked = parse_settings({"features": {"packages": ["acme"]}})
    assert [one.name for one in own.own_criteria(asked)] == ["usage"]
    with pytest.raises(SettingsError, match="no installed package offers other"):
        own.own_criteria(parse_settings({"features": {"packages": ["other"]}}))
