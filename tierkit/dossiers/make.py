"""All dossiers of a run, one after the other in one process."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.dossiers.known import Known, known_of, record
from tierkit.dossiers.page import account_name, dossier_page, dossier_text
from tierkit.dossiers.points import talking_points
from tierkit.project import OVERRIDES
from tierkit.recalibration.work import Work
from tierkit.reporting.document import document
from tierkit.reporting.fragment import joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural
from tierkit.tiers.overrides import read_overrides

FOLDER = "dossiers"
FAILED_FILE = "failed.txt"
_PROGRESS = 25
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
    """
    names = [tier.name for tier in work.settings.tiers]
    first = tiers[tiers["tier"] == names[0]]
    second = tiers[tiers["tier"] == names[1]] if len(names) > 2 else tiers.iloc[:0]
    folder.mkdir(parents=True, exist_ok=True)
    known = known_of(work, pd.concat([first, second]))
    failed: dict[str, str] = {}
    for number, account in enumerate(map(str, first.index), 1):
        try:
            stem = folder / file_stem(account_name(known, account), account)
            texts = {".html": page(known, account), ".txt": dossier_text(known, account)}
        except Exception as error:  # one account's data must not cost all the others theirs
            failed[account] = f"{type(error).__name__}: {error}"
            continue
        for ending, text in texts.items():
            stem.with_name(stem.name + ending).write_text(text, encoding="utf-8")
        if number % _PROGRESS == 0:
            on_step(f"dossiers: {number} of {len(first)}")
    if len(second):
        _write_key_points(known, second, folder, tier=names[1])
    if failed:
        lines = [f"{account}: {reason}\n" for account, reason in failed.items()]
        (folder / FAILED_FILE).write_text("".join(lines), encoding="utf-8")
    return Dossiers(len(first) - len(failed), failed, len(second))


def published_tiers(work: Work, file: Path) -> pd.DataFrame:
    """Return the rows of a run's `tiers.csv` by account_id, with `review_on` of overrides."""
    text = {"account_id": "str", "reasons": "str", "move_reason": "str"}
    tiers = pd.read_csv(file, dtype=text, keep_default_na=True, na_values=[""])
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


def _write_key_points(known: Known, tiers: pd.DataFrame, folder: Path, *, tier: str) -> None:
    """Write the key points of a tier's accounts as one table grouped by industry, and as text."""
    rows = pd.DataFrame(
        [
            {
                "industry": _industry(known, account),
                "account": account_name(known, account),
                **{
                    f"point_{n}": point for n, point in enumerate(talking_points(known, account), 1)
                },
            }
            for account in map(str, tiers.index)
        ]
    ).sort_values(["industry", "account"], kind="stable")
    label = known.work.quarter.label
    parts = [tag("h1", f"{tier}: key points · {label}")]
    lines = [f"{tier}: key points, {label}\n"]
    for industry, group in rows.groupby("industry", sort=True, dropna=False):
        shown = group.drop(columns="industry")
        caption = f"{industry}: {plural(len(group), 'account')}"
        parts.append(joined(html_table(shown, caption=caption, kinds={}, name="key-points")))
        lines.append(f"\n{industry}\n")
        lines += [f"{row.pop('account')}: {' '.join(row.values())}\n"
                  for row in shown.fillna("").to_dict("records")]  # fmt: skip
    stem = folder / file_stem(tier, "key points")
    page = document(Markup("\n").join(parts), title=f"{tier}: key points · {label}")
    stem.with_name(f"{stem.name}.html").write_text(page, encoding="utf-8")
    stem.with_name(f"{stem.name}.txt").write_text("".join(lines), encoding="utf-8")


def _industry(known: Known, account: str) -> str:
    industry = record(known.accounts, account).get("industry")
    return str(industry) if pd.notna(industry) else "industry not known"
