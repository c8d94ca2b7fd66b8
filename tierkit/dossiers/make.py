"""All dossiers of a run, one after the other in one process."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tierkit.dossiers.key_points import key_points, write_key_points
from tierkit.dossiers.known import Known, known_of
from tierkit.dossiers.page import account_name, dossier_page, dossier_text
from tierkit.project import OVERRIDES
from tierkit.recalibration.work import Work
from tierkit.reporting.words import plural
from tierkit.tiers.overrides import read_overrides

FOLDER = "dossiers"
FAILED_FILE = "failed.txt"
_PROGRESS = 10
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Dossiers:
    """What came of making dossiers.

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
        """What came of it, in a line."""
        text = (
            f"{plural(self.pages, 'dossier')}, key points of {plural(self.key_points, 'account')}"
        )
        first = next(iter(self.failed.items()), None)
        if first is None:
            return text
        return f"{text}; {len(self.failed)} could not be made, for example {first[0]}: {first[1]}"


def make_dossiers(
    work: Work,
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
    names = [tier.name for tier in work.settings.tiers]
    first = tiers[tiers["tier"] == names[0]]
    second = tiers[tiers["tier"] == names[1]] if len(names) > 2 else tiers.iloc[:0]
    folder.mkdir(parents=True, exist_ok=True)
    on_step(f"dossiers: reading what is known of {plural(len(first) + len(second), 'account')}")
    known = known_of(work, pd.concat([first, second]))
    failed = _write_pages(known, first.index, folder, page=page, on_step=on_step)
    told: list[dict[str, str]] = []
    for account in map(str, second.index):
        with _noting(account, failed):
            told.append(key_points(known, account))
    if told:
        stem = folder / file_stem(names[1], "key points")
        write_key_points(known, pd.DataFrame(told), stem, tier=names[1])
    if failed:
        lines = [f"{account}: {reason}\n" for account, reason in failed.items()]
        (folder / FAILED_FILE).write_text("".join(lines), encoding="utf-8")
    return Dossiers(len(first) - sum(one in failed for one in first.index), failed, len(told))


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
            texts = {".html": page(known, account), ".txt": dossier_text(known, account)}
            for ending, text in texts.items():
                stem.with_name(stem.name + ending).write_text(text, encoding="utf-8")
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


def published_tiers(work: Work, file: Path) -> pd.DataFrame:
    """Return the rows of a run's `tiers.csv` by account_id, with `review_on` of overrides."""
    text = {"account_id": "str", "reasons": "str", "move_reason": "str"}
    tiers = pd.read_csv(file, dtype=text, keep_default_na=False, na_values=[""], low_memory=False)
    tiers = tiers.set_index("account_id")
    overrides = read_overrides(
        work.settings.folder / OVERRIDES,
        accounts=frozenset(work.accounts()["account_id"]),
        tiers=work.settings.tiers,
        as_of=work.as_of,
    ).set_index("account_id")
    return tiers.join(overrides["review_on"], how="left", validate="1:1")


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
