"""Hostile inputs of every kind: each ends in a result that is safe, or in an error in words.

Run with `python -m benches.fuzz [COUNT]`; the tests run a smaller number. A kind of input is a
function from a random generator and a folder to what came of it; it raises `Unsafe` where a page
held a script, a workbook a formula, a file lay outside its folder, or a message was no message.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from markupsafe import Markup

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from leadership_facts import sample

from tierkit import pages
from tierkit.cli.app import MOST_LINE, plain
from tierkit.commands.units import unit_name
from tierkit.crm.trusted import read_tables
from tierkit.dossiers.make import file_stem
from tierkit.errors import TierkitError
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.saved import SavedModel, read_model
from tierkit.pages.data import write_check_page
from tierkit.pages.headings import mail_summary
from tierkit.publishing.gates import read_page
from tierkit.rendering.page import document
from tierkit.rendering.tables import html_table
from tierkit.rendering.workbook import write_workbook
from tierkit.settings import read_settings
from tierkit.settings.rules import Rule
from tierkit.table import Column, Table

CANARY = "tierkit-canary"
_TOUCH = f"touch {CANARY}"
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>1</script>",
    "javascript:alert(1)", "{{ 7*7 }}", "{% include '/etc/passwd' %}", "${7*7}", f"$({_TOUCH})",
    f"`{_TOUCH}`", f"; {_TOUCH};", f"| {_TOUCH}", f"__import__('os').system('{_TOUCH}')",
    f"=HYPERLINK(\"http://x\",\"{_TOUCH}\")", f"=cmd|'/c {_TOUCH}'!A1", "@SUM(1)", "+1+1", "-1+1",
    "../..", "../../etc/passwd", "C:\\..\\x", "CON", "a/b\\c", "\u202egnp.exe", "\u200b", "\ufeff",
    "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\x07", "\r\nSet-Cookie: x", "a\nb", "a\tb", "'", '"',
    "'; DROP TABLE accounts; --", '" OR 1=1 --', "x" * 10_000, "(" * 500, "not " * 480 + "a == 1",
    "-" * 1_900 + "1", "a" + ".b" * 900, "é" * 999, "𝒳😀", "NaN", "inf", "1e999", "9" * 5_000,
    "0x" + "f" * 5_000, "None", "true", "", " ", "%s%n", "{0.__class__}", "$x^2$", "a,b", "a;b",
    "!!python/object/apply:os.system", "cos\nsystem\n(S'x'\ntR.", "lambda: 0", "a if b else c",
    "[x for x in ()]", "f'{1}'", "a := 1", "a == b == c", "a in ()", "a in [[]]", "a == 1j",
    "a == b'x'", "a == ...", "a is 1", "a == '\\d'", "employees == True", "await a", "*a", "a[0]",
    "yield", "account_id", "select", "tier",
)  # fmt: skip
_SETTINGS = """
[run]
title = "Acme"
min_group = 5
[data]
source = "data"
[data.columns.accounts]
name = "Customer"
[target]
horizon_quarters = 4
[target.revenue_types]
New = "new"
[icp]
where = ["employees >= 20"]
[[tiers]]
name = "Tier 1"
label = "Strategic"
capacity = 15
[[tiers]]
name = "Tier 2"
[roles.AE]
people = 10
hours_per_person = 400
cost_per_hour = 95.0
[hooks]
on_success = ["announce"]
"""
_ACCOUNTS = pd.DataFrame({
    "account_id": ["A1", "A2", "A3"], "employees": [50.0, None, 7.0],
    "country": ["US", None, "DE"], "a": [1.0, 2.0, None],
})  # fmt: skip
_MODEL = SavedModel(
    Card(100.0, (
        NumericCriterion("won_revenue_4q", (1.0, 5.0), (-0.5, 0.0, 0.5), missing=0.1),
        CategoricalCriterion("country", ("DE", "US"), (0.2, -0.2), other=0.0),
    )),
    "fitted card", "won_revenue_4q", 4,
)  # fmt: skip
_RULES = (
    "{}", "a == 1 and {}", "not ({})", "country == '{}'", "{} >= 20", "a in [{}]", "a == {}",
)  # fmt: skip
Kind = Callable[[np.random.Generator, Path], str]


class UnsafeError(Exception):
    """An input had an effect that no input may have."""


@dataclass(frozen=True)
class Outcome:
    """What became of one hostile input: `safe`, `refused`, or `bare` with what it said."""

    seed: int
    kind: str
    end: str
    message: str = ""
    seconds: float = 0.0


def hostile(rng: np.random.Generator) -> str:
    """Give a hostile text, now and then two of them joined."""
    first = HOSTILE[int(rng.integers(len(HOSTILE)))]
    return first if rng.random() < 0.8 else first + HOSTILE[int(rng.integers(len(HOSTILE)))]


def hostile_value(rng: np.random.Generator) -> object:
    """Give a hostile value of any type that a settings file can hold."""
    others: tuple[object, ...] = (
        True, -1, 0, 10**30, -1e308, float("inf"), float("nan"), [], {}, [[]], {"a": {}}, [1, "x"],
    )  # fmt: skip
    return hostile(rng) if rng.random() < 0.6 else others[int(rng.integers(len(others)))]


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value, ensure_ascii=True)


def _places(value: object) -> Iterator[tuple[object, object]]:
    """Yield every container of a value with each of its keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, inner in list(pairs):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _spoil(rng: np.random.Generator, value: object) -> None:
    """Put something hostile at a random place of a value, as a value or as a name."""
    places = list(_places(value))
    container, key = places[int(rng.integers(len(places)))]
    if isinstance(container, dict) and rng.random() < 0.4:
        container[hostile(rng)] = container[key]
    else:
        container[key] = hostile_value(rng)  # type: ignore[index]


def settings_file(rng: np.random.Generator, folder: Path) -> str:
    """A settings file with hostile names and values, or cut off, or with other bytes."""
    values = tomllib.loads(_SETTINGS)
    for _ in range(int(rng.integers(1, 4))):
        _spoil(rng, values)
    lines = [f"{json.dumps(key)} = {_toml(value)}" for key, value in values.items()]
    data = "\n".join(lines).encode("utf-8", errors="replace")
    if rng.random() < 0.2:
        at = int(rng.integers(len(data)))
        data = data[:at] + bytes([int(rng.integers(256))]) + data[at + int(rng.integers(2)) :]
    if rng.random() < 0.1:
        data = data[: int(rng.integers(len(data)))]
    (folder / "tierkit.toml").write_bytes(data)
    read_settings(folder)
    return "safe"


def set_option(rng: np.random.Generator, folder: Path) -> str:
    """A hostile `--set`."""
    (folder / "tierkit.toml").write_text(_SETTINGS, encoding="utf-8")
    keys = ("run.title", "tiers.0.name", "icp.where", "roles.AE.people", "data.source", "a.b.c", "")
    key = keys[int(rng.integers(len(keys)))]
    key = key if rng.random() < 0.7 else f"{key}.{hostile(rng)}"
    value = hostile(rng) if rng.random() < 0.5 else _toml(hostile_value(rng))
    read_settings(folder, overrides=[f"{key}={value}" if rng.random() < 0.9 else value])
    return "safe"


def rule(rng: np.random.Generator, _folder: Path) -> str:
    """A hostile rule, alone or inside a rule that is fine; evaluated where it is one."""
    forms = (
        "{}",
        "a == 1 and {}",
        "not ({})",
        "country == '{}'",
        "{} >= 20",
        "a in [{}]",
        "a == {}",
    )
    text = forms[int(rng.integers(len(forms)))].replace("{}", hostile(rng))
    found = Rule(text).evaluate(_ACCOUNTS)
    if not set(found.dropna().unique()) <= {True, False}:
        raise UnsafeError(f"{text!r} gave {found.tolist()}")
    return "safe"


def _seldom(rng: np.random.Generator, usual: str) -> str:
    return hostile(rng) if rng.random() < 0.2 else usual


def table(rng: np.random.Generator, folder: Path) -> str:
    """Hostile names, ids, stages, types and headers in a source; then every page and file of it."""
    accounts = pd.DataFrame({
        "account_id": ["A1", _seldom(rng, "A2"), "A3"],
        "name": [hostile(rng), "Bolt", hostile(rng)],
        "country": [hostile(rng), "DE", "US"], _seldom(rng, "x"): [hostile(rng), "1", "2"],
    })  # fmt: skip
    deals = pd.DataFrame({
        "opportunity_id": ["O1", "O2", _seldom(rng, "O3")], "account_id": ["A1", "A1", "A3"],
        "close_date": ["2026-01-15", "2026-02-15", "2026-03-15"], "amount": ["10", "20", "30"],
        "is_won": ["true", "false", "true"], "stage": [hostile(rng), "Lost", "Won"],
        "type": ["New", "New", hostile(rng)],
    })  # fmt: skip
    (folder / "data").mkdir()
    for name, frame in {"accounts": accounts, "opportunities": deals}.items():
        frame.to_csv(folder / "data" / f"{name}.csv", index=False, quoting=csv.QUOTE_ALL)
    kinds = {str(value): "new" for value in deals["type"]}
    toml = f"[target]\nrevenue_types = {_toml(kinds)}\n"
    (folder / "tierkit.toml").write_text(toml, encoding="utf-8", errors="replace")
    _check_shown(accounts, folder)
    try:
        tables = read_tables(read_settings(folder))
    except TierkitError as error:
        write_check_page(folder, title=hostile(rng), verdict=str(error.args[0]),
                         problems=error.problems, tables=None)  # fmt: skip
        _check_page((folder / "check.html").read_text(encoding="utf-8"))
        raise
    write_check_page(folder, title=hostile(rng), verdict="ok", problems=(), tables=tables)
    _check_page((folder / "check.html").read_text(encoding="utf-8"))
    _check_shown(tables["accounts"].collect().to_pandas(), folder)
    return "safe"


def _check_shown(frame: pd.DataFrame, folder: Path) -> None:
    """Show a table as page and as workbook, and name files after its rows."""
    table = Table("accounts", "Accounts", Column.of_all(frame), frame)
    _check_page(document(Markup(html_table(table).html), title=str(frame.iloc[0, 1])))
    book = folder / "accounts.xlsx"
    write_workbook(book, {"Tiers": table}, notes={str(frame.columns[-1]): "note"})
    cells = [
        cell for sheet in openpyxl.load_workbook(book) for row in sheet.iter_rows() for cell in row
    ]
    if any(cell.data_type == "f" or cell.hyperlink for cell in cells):
        raise UnsafeError("a cell of the workbook is a formula or a link")
    names = [file_stem(str(row[1]), str(row[0])) for row in frame.itertuples(index=False)]
    names += [unit_name(str(value)) for value in frame.iloc[:, 0]]
    for name in names:
        if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 200:
            raise UnsafeError(f"{name!r} is no name for a file")


def _check_page(html: str) -> None:
    page = read_page(html)
    if page.faults:
        raise UnsafeError(f"a page holds {page.faults[:2]}")
    if "\x00" in html or "\x1b" in html:
        raise UnsafeError("a page holds a control character")


def facts(rng: np.random.Generator, _folder: Path) -> str:
    """Hostile texts in the facts; then the page for leadership and the mail."""
    told = sample()
    texts = [(box, key) for box, key in _places(told) if isinstance(box[key], str)]  # type: ignore[index]
    for place in rng.integers(len(texts), size=4):
        box, key = texts[int(place)]
        box[key] = hostile(rng)  # type: ignore[index]
    body = Markup("").join(Markup(make(told).html) for make in SECTIONS)
    _check_page(document(body, title="Tiers"))
    mail = mail_summary(told)
    if len(mail) > 1_500 or "\x00" in mail:
        raise UnsafeError(f"the mail has {len(mail)} characters")
    return "safe"


SECTIONS = (
    pages.title_block, pages.recommendation, pages.three_questions,
    pages.did_tiers_earn, pages.what_changed, pages.decide_now,
    pages.how_sure, pages.footer,
)  # fmt: skip


def model_file(rng: np.random.Generator, folder: Path) -> str:
    """A saved model with hostile content, or a file that is something else."""
    values = json.loads(json.dumps(_MODEL.to_plain()))
    for _ in range(int(rng.integers(1, 4))):
        _spoil(rng, values)
    data = json.dumps(values).encode()
    if rng.random() < 0.2:
        data = data[: int(rng.integers(len(data)))]
    if rng.random() < 0.1:
        data = b"\x80\x04cos\nsystem\n(S'touch " + CANARY.encode() + b"'\ntR."
    (folder / "model.json").write_bytes(data)
    model = read_model(folder / "model.json")
    if not isinstance(model, SavedModel):
        raise UnsafeError("no model came of it")
    model.ranked(_ACCOUNTS.set_index("account_id").assign(won_revenue_4q=1.0))
    return "safe"


KINDS: tuple[Kind, ...] = (
    *(settings_file, rule, model_file, set_option) * 5, table, facts,
)  # fmt: skip
"""What is tried, by turns; what takes a second each more rarely."""


def outcome(seed: int, folder: Path) -> Outcome:
    """Try one hostile input, its kind by turns, in an empty folder of its own."""
    kind = KINDS[seed % len(KINDS)]
    folder.mkdir(parents=True)
    begun = time.monotonic()
    try:
        end, said = kind(np.random.default_rng(seed), folder), ""
    except TierkitError as error:
        said = str(error)
        end = "refused" if _is_clear(said) and error.exit_code in (2, 3) else "bare"
    except Exception as error:
        end, said = "bare", f"{type(error).__name__}: {error}"
    if any(place.exists() for place in (Path(CANARY), folder / CANARY)):
        end, said = "bare", f"it ran a command; {said}"
    return Outcome(seed, kind.__name__, end, said, time.monotonic() - begun)


def _is_clear(said: str) -> bool:
    """Whether a message says something, and can be shown in a terminal as `plain` gives it."""
    shown = [plain(line) for line in said.splitlines()]
    whole = "".join(shown)
    hidden = any(unicodedata.category(sign) == "Cc" for sign in whole)
    return len(whole) > 20 and not hidden and max(map(len, shown)) <= MOST_LINE


def outcomes(seeds: range) -> Iterator[Outcome]:
    """Try hostile inputs one by one."""
    with tempfile.TemporaryDirectory() as scratch:
        for seed in seeds:
            yield outcome(seed, Path(scratch) / str(seed))


def main(count: int) -> None:
    """Print how the inputs ended, and each that ended badly."""
    started, ends, slowest = time.monotonic(), Counter(), 0.0
    for found in outcomes(range(count)):
        slowest = max(slowest, found.seconds)
        ends[f"{found.kind}: {found.end}"] += 1
        if found.end == "bare":
            print(f"seed {found.seed} ({found.kind}): {found.message[:300]!r}", flush=True)
    seconds = time.monotonic() - started
    print(f"{count} hostile inputs in {seconds:.0f} s, the slowest in {slowest:.1f} s")
    for end, times in sorted(ends.items()):
        print(f"  {end} {times}")
    if any(end.endswith("bare") for end in ends):
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
