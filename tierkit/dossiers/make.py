"""All dossiers of a run, one after the other in one process."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers.customers import SAFE_SUFFIX, customer_text
from tierkit.dossiers.known import Known, known_of, record
from tierkit.dossiers.page import (
    POINTS,
    account_name,
    dossier_body,
    dossier_page,
    dossier_text,
    talking_points,
)
from tierkit.errors import SettingsError
from tierkit.files import make_folder, read_json, write_whole
from tierkit.publishing import read_tiers
from tierkit.rendering import (
    Fragment,
    document,
    html_table,
    joined,
    on_one_line,
    section,
    style_sheets,
    tag,
)
from tierkit.runs import OVERRIDES, Run, open_run, tiers_table
from tierkit.table import NO_MATHEMATICS, Table
from tierkit.tiers import read_overrides
from tierkit.words import plural

NO_INDUSTRY = "industry not known"
_HEADS = {"account": "account", **{f"point_{n}": f"point {n}" for n in range(1, POINTS + 1)}}


def key_points(known: Known, account: str) -> dict[str, str]:
    """Return the row of one account: its industry, its name and its key points."""
    industry = record(known.accounts, account).get("industry")
    points = {f"point_{n}": point for n, point in enumerate(talking_points(known, account), 1)}
    return {
        "industry": str(industry) if pd.notna(industry) else NO_INDUSTRY,
        "account": account_name(known, account),
        **points,
    }


def key_points_page(known: Known, rows: pd.DataFrame, *, tier: str) -> str:
    """Return the page of a tier: its accounts with their key points, grouped by industry."""
    run = known.run
    head = (
        f"{plural(len(rows), 'account')} · {run.quarter.dates} · nothing from "
        f"{spell_date(run.as_of)} on is known · {run.currency}"
    )
    title = f"{tier}: key points · {run.quarter.label}"
    heads = [head for name, head in _HEADS.items() if name in rows.columns]
    groups = [
        html_table(
            Table("key-points", f"{industry}: {plural(len(group), 'account')}", heads,
                  group.rename(columns=_HEADS))
        )
        for industry, group in _by_industry(rows)
    ]  # fmt: skip
    body = joined(tag("h1", title), tag("p", head, class_="meta"), section("key-points", *groups))
    return document(Markup(body), title=title, class_="dossier")


def key_points_text(known: Known, rows: pd.DataFrame, *, tier: str) -> str:
    """Return the same as text, a line per account."""
    lines = [f"{tier}: key points, {known.run.quarter.label}\n"]
    for industry, group in _by_industry(rows):
        lines.append(f"\n{on_one_line(industry)}\n")
        for row in group.drop(columns="industry").fillna("").to_dict("records"):
            said = f"{row.pop('account')}: {' '.join(map(str, row.values()))}"
            lines.append(f"{on_one_line(said)}\n")
    return "".join(lines)


def write_key_points(known: Known, rows: pd.DataFrame, stem: Path, *, tier: str) -> None:
    """Write the page and the text of a tier's key points beside each other."""
    page, text = (make(known, rows, tier=tier) for make in (key_points_page, key_points_text))
    write_whole(stem.with_name(f"{stem.name}.html"), page, lasting=False)
    write_whole(stem.with_name(f"{stem.name}.txt"), text, lasting=False)


def _by_industry(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    ordered = rows.sort_values(["industry", "account"], kind="stable")
    groups = [
        (str(name), group) for name, group in ordered.groupby("industry", sort=True, dropna=False)
    ]
    return sorted(groups, key=lambda group: group[0] == NO_INDUSTRY)


FOLDER = "dossiers"
FAILED_FILE = "failed.txt"
INDEX_FILE = "index.html"
_PROGRESS = 10
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Dossiers:
    """The outcome of making dossiers.

    Attributes
    ----------
    pages
        How many were written for the first tier.
    failed
        Why one could not be made, by account_id.
    key_points
        How many accounts of the second tier have their key points in a table.
    """

    pages: int
    failed: dict[str, str]
    key_points: int

    @property
    def in_words(self) -> str:
        """The outcome, in a line."""
        text = (
            f"{plural(self.pages, 'dossier')}, key points of {plural(self.key_points, 'account')}"
        )
        first = next(iter(self.failed.items()), None)
        if first is None:
            return text
        return f"{text}; {len(self.failed)} could not be made, for example {first[0]}: {first[1]}"


def make_dossiers(
    run: Run,
    tiers: pd.DataFrame,
    folder: Path,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    page: Callable[[Known, str], str] = dossier_page,
) -> Dossiers:
    """Write a page and a text for each account of the first tier, key points for the second.

    A dossier that cannot be made is named in `failed.txt` with its reason; the others are made all
    the same.

    Parameters
    ----------
    tiers
        As `published_tiers` returns it: rows of `tiers.csv`, by account_id.
    folder
        Made if it does not exist.
    page
        Makes the page of one account.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> run = example_run()
    >>> tiers = published_tiers(run, run.folder / "tiers.csv")
    >>> make_dossiers(run, tiers, run.folder / "dossiers").in_words
    '1 dossier, key points of 0 accounts'
    """
    names = [tier.name for tier in run.settings.tiers]
    first = tiers[tiers["tier"] == names[0]]
    second = tiers[tiers["tier"] == names[1]] if len(names) > 2 else tiers.iloc[:0]
    make_folder(folder, below=folder)
    on_step(f"dossiers: reading what is known of {plural(len(first) + len(second), 'account')}")
    known = known_of(run, pd.concat([first, second]))
    failed = _write_pages(known, first.index, folder, page=page, on_step=on_step)
    points: list[dict[str, str]] = []
    for account in map(str, second.index):
        with _noting(account, failed):
            points.append(key_points(known, account))
    if points:
        stem = folder / file_stem(names[1], "key points")
        write_key_points(known, pd.DataFrame(points), stem, tier=names[1])
    if failed:
        lines = [f"{account}: {reason}\n" for account, reason in failed.items()]
        write_whole(folder / FAILED_FILE, "".join(lines), lasting=False)
    made = [str(one) for one in first.index if one not in failed]
    others = [file_stem(names[1], "key points")] if points else []
    write_whole(folder / INDEX_FILE, index_page(known, made, others), lasting=False)
    return Dossiers(len(first) - sum(one in failed for one in first.index), failed, len(points))


def index_page(known: Known, accounts: Sequence[str], others: Sequence[str]) -> str:
    """Return the page that lists the dossiers, by account, and the key points of other tiers.

    Parameters
    ----------
    others
        The stems of pages that are of no single account.
    """
    names = {account: account_name(known, account) for account in accounts}
    links = [
        (f"{file_stem(name, account)}.html", f"{name} ({account})")
        for account, name in sorted(names.items(), key=lambda pair: (pair[1].casefold(), pair[0]))
    ]
    links += [(f"{stem}.html", "Key points of the second tier") for stem in others]
    items = [tag("li", tag("a", words, href=path)) for path, words in links]
    listed = tag("ul", joined(*items)) if items else tag("p", "No dossier was made.")
    title = f"Dossiers · {known.run.quarter.label}"
    up = tag("p", tag("a", "page for leadership", href="../leadership.html"))
    return document(joined(tag("h1", title), up, listed), title=title, class_="dossier")


def _write_pages(
    known: Known,
    accounts: pd.Index,
    folder: Path,
    *,
    page: Callable[[Known, str], str],
    on_step: Callable[[str], None],
) -> dict[str, str]:
    """Write a page and a text per account, and return why those that failed did."""
    failed: dict[str, str] = {}
    for number, account in enumerate(map(str, accounts), 1):
        with _noting(account, failed):
            stem = folder / file_stem(account_name(known, account), account)
            texts = {
                ".html": page(known, account),
                ".txt": dossier_text(known, account),
                SAFE_SUFFIX: customer_text(known, account),
            }
            for ending, text in texts.items():
                write_whole(stem.with_name(stem.name + ending), text, lasting=False)
        if number % _PROGRESS == 0:
            on_step(f"dossiers: {number} of {len(accounts)}")
    return failed


@contextmanager
def _noting(account: str, failed: dict[str, str]) -> Iterator[None]:
    """Note an account's error: one account's data must not cost all the others theirs."""
    try:
        yield
    except Exception as error:
        failed[account] = f"{type(error).__name__}: {error}"


def published_tiers(run: Run, file: Path) -> pd.DataFrame:
    """Return the rows of a run's `tiers.csv` by account_id, with `review_on` of overrides."""
    overrides = read_overrides(
        run.settings.folder / OVERRIDES,
        accounts=frozenset(run.accounts()["account_id"]),
        tiers=run.settings.tiers,
        as_of=run.as_of,
    ).set_index("account_id")
    return read_tiers(file).join(overrides["review_on"], how="left", validate="1:1")


def file_stem(name: str, account: str) -> str:
    """Return a file name for an account: letters, digits and hyphens, one for each account.

    Examples
    --------
    >>> file_stem("Ünion / Söhne: GmbH", "A1"), file_stem("../..", "A1")
    ('union-sohne-gmbh-a1-16a3', 'a1-16a3')
    """
    plain = unicodedata.normalize("NFKD", f"{name[:_LONGEST_NAME]} {account[:_LONGEST_NAME]}")
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    mark = hashlib.sha256(account.encode()).hexdigest()[:4]
    return "-".join([*words, mark])


TIERS_FILE = "tiers.csv"


def write_dossiers(run_folder: Path, report: Path, on_step: Callable[[str], None]) -> None:
    """Write the dossiers of a run under way into its report, and say what came of it."""
    run = open_run(run_folder=str(run_folder))
    tiers = published_tiers(run, report / TIERS_FILE)
    made = make_dossiers(run, tiers, report / FOLDER, on_step=on_step)
    on_step(f"dossiers: {made.in_words}")


def account_dossier(run: Run, account: str = "") -> Fragment:
    """Return the dossier of one account.

    Parameters
    ----------
    run
        A run that has given its tiers, as `tierkit.open_run` opens it.
    account
        Its account_id or its whole name; the best-ranked account of the first tier by default.

    Raises
    ------
    SettingsError
        If there is no such account among those that have a tier.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> "<h1>Acme Freight</h1>" in account_dossier(example_run(), "A1").html
    True
    """
    tiers = run_tiers(run)
    one = _found(run, tiers, account)
    body = Markup(dossier_body(known_of(run, tiers.loc[[one]]), one).html)
    style = tag("style", style_sheets("dossier.css", "dossier_notebook.css"))
    return Fragment(
        str(joined(style, tag("div", body, class_=f"dossier in-notebook {NO_MATHEMATICS}")))
    )


def account_dossier_text(run: Run, account: str = "") -> Fragment:
    """Return the plain text of an account's dossier, ready to be copied.

    Parameters
    ----------
    run, account
        As for `account_dossier`.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> account_dossier_text(example_run(), "borealis clinics").html[5:34]
    'Borealis Clinics (B2), 2025Q3'
    """
    tiers = run_tiers(run)
    one = _found(run, tiers, account)
    return Fragment(str(tag("pre", dossier_text(known_of(run, tiers.loc[[one]]), one))))


def run_tiers(run: Run) -> pd.DataFrame:
    """Return the tiers by account_id: of this run, else as published, else computed now.

    Published ones are of this run only where the report rests on the same data and settings.
    """
    file = run.folder / TIERS_FILE
    report = run.settings.reports / run.quarter.label
    if not file.is_file() and _fingerprint(report) == run.fingerprint:
        return published_tiers(run, report / TIERS_FILE)
    if not file.is_file():
        table = tiers_table(run.assign()).to_csv(index=False, lineterminator="\n")
        write_whole(file, table, lasting=False)
    return published_tiers(run, file)


def _fingerprint(report: Path) -> str:
    """Return what tells the data and settings of a published report from others."""
    try:
        facts = read_json(report / "facts.json")
        return str(facts["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _found(run: Run, tiers: pd.DataFrame, account: str) -> str:
    if not account:
        return str(tiers.index[0])
    if account in tiers.index:
        return account
    names = run.accounts().set_index("account_id")["name"].reindex(tiers.index).dropna()
    named = names.index[names.str.casefold() == account.strip().casefold()]
    if len(named) == 1:
        return str(named[0])
    if len(named) > 1:
        raise SettingsError(f"account {account!r}: {len(named)} have this name; give the id.")
    near = get_close_matches(account, [*map(str, names), *map(str, tiers.index)], n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise SettingsError(f"account {account!r}: no account with a tier has this id or name.{hint}")
