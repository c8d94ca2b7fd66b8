"""Published reports, read back: the one reader of facts, tiers, model and manifest of a report.

Whatever is wrong with a report is a sentence that names it: a file that is missing or damaged, an
older or a newer schema, a column that the contract asks for and the file lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.calendar import FiscalCalendar, Quarter
from tierkit.errors import SettingsError
from tierkit.files import read_json
from tierkit.models import SavedModel, read_model
from tierkit.publishing.contract import FACTS_SCHEMA, shape_problems
from tierkit.publishing.leaks import Json
from tierkit.settings import Settings

FACTS, TIERS, MODEL, MANIFEST = "facts.json", "tiers.csv", "model.json", "run.json"
CONTRACT_COLUMNS = (
    "account_id", "tier", "model_tier", "previous_tier", "rank", "score", "predicted_revenue",
    "predicted_low", "predicted_high", "overridden", "reasons", "move_reason",
)  # fmt: skip
_NUMBERS = ("rank", "score", "predicted_revenue", "predicted_low", "predicted_high",
            "won_probability", "predicted_wins", "predicted_pipeline", "cut_score")  # fmt: skip
_YES_OR_NO = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True)
class Published:
    """A report that `tierkit run` has published, with the types of the contract.

    Attributes
    ----------
    folder
        Where it lies.
    facts
        `facts.json`: of this release's schema, every container of the contract present.
    quarter
        Which quarter it is of.
    """

    folder: Path
    facts: Mapping[str, Any]
    quarter: Quarter

    @classmethod
    def open(cls, folder: Path | str) -> Published:
        """Return the report in a folder; its other files are read when they are asked for.

        Raises
        ------
        SettingsError
            If its `facts.json` is missing, damaged, or of another schema.
        """
        at = Path(folder)
        facts = read_facts(at)
        days = facts["quarter"]
        try:
            start, as_of = (date.fromisoformat(str(days[key])) for key in ("start", "as_of"))
        except (KeyError, ValueError) as error:
            raise _damaged(at / FACTS, "quarter.start and quarter.as_of must be dates") from error
        return cls(at, facts, Quarter(str(days["label"]), start, as_of))

    @property
    def name(self) -> str:
        """The name that people use: its quarter, with the run id where it lies in the archive."""
        return self.folder.resolve().name

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return str(self.facts["currency"])

    @property
    def horizon_quarters(self) -> int:
        """The quarters that its predicted revenue looks ahead."""
        return int(self.facts["model"]["horizon_quarters"])

    @cached_property
    def tiers(self) -> pd.DataFrame:
        """`tiers.csv` as `read_tiers` returns it."""
        return read_tiers(self.folder / TIERS)

    def rows(self) -> list[dict[str, str]]:
        """Return `tiers.csv` row by row, as it is written."""
        text = _tier_text(self.folder / TIERS)
        return [{str(key): str(value) for key, value in row.items()}
                for row in text.to_dict("records")]  # fmt: skip

    @cached_property
    def model(self) -> SavedModel:
        """The model that ranked the accounts, of `model.json`."""
        return read_model(self.folder / MODEL)

    @cached_property
    def manifest(self) -> Mapping[str, Json]:
        """`run.json`: run id, times, settings, inputs."""
        return _read_json(self.folder / MANIFEST)

    def __repr__(self) -> str:
        """Return its quarter and its folder."""
        return f"Published({self.quarter.label}, {self.folder})"


def read_facts(folder: Path) -> dict[str, Any]:
    """Return the `facts.json` of a report, once its schema and its containers are checked.

    Raises
    ------
    SettingsError
        If it is missing, damaged, or of another schema.
    """
    file = folder / FACTS
    facts = _read_json(file)
    schema = facts.get("schema")
    if schema != FACTS_SCHEMA:
        is_newer = isinstance(schema, int) and schema > FACTS_SCHEMA
        age = "newer than" if is_newer else "older than, or foreign to,"
        raise SettingsError(
            f"{_place(file)}: schema {schema!r} is {age} what this release of tierkit reads "
            f"({FACTS_SCHEMA}). Read it with the release that wrote it, or run that quarter again."
        )
    wrong = [problem.message for problem in shape_problems(facts)]
    wrong += [] if wrong else _content_problems(facts)
    if wrong:
        raise _damaged(file, "; ".join(one.removeprefix("facts.json: ") for one in wrong[:3]))
    return facts


def _content_problems(facts: Mapping[str, Any]) -> list[str]:
    """Return what readers of earlier reports rely on and facts of the right shape lack."""
    wrong = []
    if not isinstance(facts["model"].get("horizon_quarters"), int):
        wrong.append("model.horizon_quarters must be a whole number")
    if not all(isinstance(tier, dict) and isinstance(tier.get("tier"), str)
               for tier in facts["tiers"]):  # fmt: skip
        wrong.append("each of tiers must name its tier")
    return wrong


def read_tiers(file: Path) -> pd.DataFrame:
    """Return a `tiers.csv` by account_id, with the types of the contract.

    Returns
    -------
    pandas.DataFrame
        A row per account in the order of the file. Ids, tiers and reasons are text, missing where
        nothing is written; ranks, scores and money are floats; `overridden` is true or false. Other
        columns are text.

    Raises
    ------
    SettingsError
        If it is missing, cut off, lacks a column, or holds a value of another type.
    """
    text = _tier_text(file)
    numbers = {name: _as_numbers(text[name], file) for name in _NUMBERS if name in text}
    overridden = text["overridden"].str.lower().map(_YES_OR_NO)
    if overridden.isna().any():
        found = text.loc[overridden.isna(), "overridden"].iloc[0]
        raise _damaged(file, f"overridden must be True or False, found {found!r}")
    words = text.mask(text == "")
    typed = words.assign(**numbers, overridden=overridden.astype(bool), account_id=text.account_id)
    found_tiers: pd.DataFrame = typed.set_index("account_id")
    return found_tiers


def _tier_text(file: Path) -> pd.DataFrame:
    """Return a `tiers.csv` as it is written, once its shape is checked."""
    _must_be_whole(file)
    try:
        text = pd.read_csv(file, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise _damaged(file, str(error)) from error
    missing = [column for column in CONTRACT_COLUMNS if column not in text.columns]
    if missing:
        raise _damaged(file, f"there is no column {', '.join(missing)}")
    twice = text.loc[text["account_id"].duplicated(), "account_id"]
    if len(twice):
        raise _damaged(file, f"account {twice.iloc[0]} has more than one row")
    return text


def _must_be_whole(file: Path) -> None:
    """Refuse a file that is not there, or that ends in the middle of a line."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _damaged(file, error.strerror or str(error)) from error
    if not content.endswith(b"\n"):
        raise _damaged(file, "it ends in the middle of a line")


def _as_numbers(column: pd.Series[str], file: Path) -> pd.Series[float]:
    """Return a column as floats, exactly as written; missing where nothing is written."""
    try:
        return column.mask(column == "", "nan").astype("object").astype(float)
    except ValueError as error:
        raise _damaged(file, f"{column.name} must be numbers ({error})") from error


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = read_json(file)
    except OSError as error:
        raise _damaged(file, error.strerror or str(error)) from error
    except ValueError as error:
        raise _damaged(file, f"it is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise _damaged(file, "it holds no object")
    return found


def _damaged(file: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{_place(file)}: is not a file of a published report: {why}. Run that quarter again, or "
        "restore the folder."
    )


def _place(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def read_published(settings: Settings, *, label: str = "") -> Published:
    """Return the published report of a quarter, or the newest one.

    Parameters
    ----------
    label
        Such as `2026Q3`; empty for the newest.

    Raises
    ------
    SettingsError
        If there is none, or it cannot be read.
    """
    calendar = settings.fiscal_calendar
    quarters = published_quarters(settings.reports, calendar)
    asked = calendar.parse(label) if label else None
    if asked is not None and asked not in quarters:
        labels = ", ".join(one.label for one in quarters)
        there = f"there are {labels}" if labels else "there is none yet"
        raise SettingsError(
            f"{asked.label}: no report of it is published; {there}. "
            f"`tierkit run --quarter {asked.label}` publishes one."
        )
    if not quarters:
        raise SettingsError(
            f"{settings.reports}: no report is published yet. `tierkit run` publishes one."
        )
    return Published.open(settings.reports / (asked or quarters[-1]).label)


def published_quarters(reports: Path, calendar: FiscalCalendar) -> list[Quarter]:
    """Return the quarters of a calendar that a report is published of, in order."""
    found = []
    for file in reports.glob(f"*/{FACTS}"):
        try:
            found.append(calendar.parse(file.parent.name))
        except SettingsError:
            continue  # a folder of another name is no quarter of this calendar
    return sorted(found)


@dataclass(frozen=True)
class EarlierReports:
    """The published reports of earlier quarters.

    Attributes
    ----------
    reports
        Those whose facts and tiers can be read, the oldest first.
    left_out
        A sentence for each that cannot be read.
    """

    reports: Sequence[Published]
    left_out: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, reports: Path, calendar: FiscalCalendar, *, before: Quarter | None = None
    ) -> EarlierReports:
        """Read the reports of quarters before one, or all; a damaged one is left out by name."""
        found, left_out = [], []
        for quarter in published_quarters(reports, calendar):
            if before is not None and not quarter < before:
                continue
            try:
                found.append(_whole_report(reports / quarter.label, quarter))
            except SettingsError as error:
                left_out.append(f"The report of {quarter.label} is left out. {error}")
        return cls(found, tuple(left_out))


def _whole_report(folder: Path, quarter: Quarter) -> Published:
    """Return a report whose facts and tiers can be read, and that is of the quarter it says."""
    report = Published.open(folder)
    if report.quarter != quarter:
        raise _damaged(folder / FACTS, f"it is of {report.quarter.label} ({report.quarter.dates})")
    if report.facts.get("draft"):
        raise _damaged(folder / FACTS, "it is a draft, which promises nothing")
    _ = report.tiers
    return report


def find_run(given: str, *, reports: Path) -> Path:
    """Return the folder of a run that a person names.

    Parameters
    ----------
    given
        A folder, a published quarter such as `2026Q3`, or the name of a draft or of a run in the
        archive.
    reports
        Where reports lie.

    Raises
    ------
    SettingsError
        If there is no such run; names the nearest.
    """
    places = (Path(given), *(reports / beside / given for beside in ("", "archive", "drafts")))
    for place in places:
        if (place / FACTS).is_file():
            return place
    patterns = (f"{beside}*/{FACTS}" for beside in ("", "archive/", "drafts/"))
    known = [path.parent.name for one in patterns for path in sorted(reports.glob(one))]
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known) or 'none'}."
    raise SettingsError(f"{given}: no published run of that name, and no folder of one. {hint}")
