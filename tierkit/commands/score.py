"""Scores and tiers between recalibrations: a saved model on the data of today, without any fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.crm import Tables, last_day
from tierkit.errors import DataError, SettingsError
from tierkit.features import build_panel
from tierkit.files import draft_of, write_whole
from tierkit.models import (
    BY_COLUMN,
    COLUMNS as BESIDE,
    Card,
    Dialect,
    SavedModel,
    model_sql,
    reasons,
)
from tierkit.runs import Run, tier_accounts, trusted_tables
from tierkit.settings import Settings
from tierkit.table import Column, Table


def values_for(
    model: SavedModel, tables: Tables, *, as_of: date, settings: Settings
) -> pd.DataFrame:
    """Return what the model scores by, of every account that exists at `as_of`, by account_id.

    The criteria look back as far as those that the model was fitted on did.

    Parameters
    ----------
    tables
        Trusted tables as they were known at `as_of`.

    Raises
    ------
    DataError
        If the data lack columns of the model; each is named with the reason.
    """
    names = needed_criteria(model, *_cards_beside(model))
    panel = build_panel(tables, [as_of], settings=settings, look_back=model.look_back, names=names)
    values = panel.values.droplevel("as_of")  # noqa: PD011 (a panel, not a data frame)
    if lacking := [name for name in names if name not in values.columns]:
        why = [f"{name} ({panel.left_out.get(name, 'unknown')})" for name in lacking]
        raise DataError(
            f"The data lack what the model scores by: {', '.join(why)}. Score with the tables and "
            "settings of the run that saved the model, or run the recalibration again."
        )
    return values


def needed_criteria(model: SavedModel, *beside: Card) -> list[str]:
    """Return the criteria that a model ranks by, and those of other cards."""
    names = [one.name for card in (model.card, *beside) for one in card.criteria]
    return [*dict.fromkeys(names + ([model.past_revenue] if model.kind in BY_COLUMN else []))]


def _cards_beside(model: SavedModel) -> list[Card]:
    beside = model.prospects
    cards = [] if beside is None else [beside.won, beside.wins, beside.pipeline]
    return [card for card in cards if card is not None]


COLUMNS = ("account_id", "name", "tier", "model_tier", "previous_tier", "rank", "score",
           "predicted_revenue", "won_probability", "predicted_wins", "predicted_pipeline",
           "overridden", "reasons", "move_reason")  # fmt: skip
PANEL_TABLE = "panel"
QUERY = ".sql"


@dataclass(frozen=True)
class Scored:
    """The accounts on a day.

    Attributes
    ----------
    accounts
        A row per tiered account, best rank first: the columns of `COLUMNS`.
    untiered
        How many accounts have no tier.
    as_of
        First day that is not known.
    remark
        What a reader must know; empty where there is nothing to say.
    """

    accounts: pd.DataFrame
    untiered: int
    as_of: date
    remark: str = ""


def score_project(model: SavedModel, settings: Settings, *, as_of: date | None = None) -> Scored:
    """Return scores and tiers of all accounts by a saved model.

    ICP, overrides, capacities, keep band and the tiers held the day before count as in a
    recalibration: at the `as_of` of the run that saved the model, its tiers come out again.

    Parameters
    ----------
    as_of
        First day that is not yet known; by default the day after the last one in the data.

    Raises
    ------
    DataError
        If the data lack columns of the model.
    """
    tables = trusted_tables(settings)
    known_until = last_day(tables)
    day = as_of or known_until + timedelta(days=1)
    whole = settings.fiscal_calendar.ending_at(day)
    run = Run(settings, Quarter(whole.label, whole.start, day), tables, settings.scratch)
    values = values_for(model, run.tables, as_of=day, settings=settings)
    ranked = model.ranked(values).assign(reasons=reasons(model.card, values))
    beside = model.prospects.predict(values) if model.prospects else _unknown(values)
    predictions = ranked.join(beside, validate="1:1")
    tiering = tier_accounts(run, predictions)
    names = run.accounts().set_index("account_id")["name"]
    tiered = tiering.tiered.join(names, how="left", validate="1:1").reset_index()
    texts = dict.fromkeys(("tier", "model_tier", "previous_tier"), "object")
    behind = (day - known_until).days - 1
    remark = f"The data end on {known_until}, {behind} days before." if behind > 0 else ""
    return Scored(tiered[[*COLUMNS]].astype(texts), len(tiering.untiered), day, remark)


def _unknown(values: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(math.nan, index=values.index, columns=[*BESIDE])


def write_scores(accounts: pd.DataFrame, file: Path) -> None:
    """Write scored accounts as CSV, Parquet or an Excel workbook, by the file's suffix.

    Raises
    ------
    SettingsError
        If the suffix is none of them, or the file cannot be written.
    """
    check_suffix(file)
    try:
        _WRITERS[file.suffix.lower()](accounts, file)
    except OSError as error:
        raise SettingsError(f"-o {file}: cannot be written: {error.strerror}.") from error


def check_suffix(file: Path) -> None:
    """Raise if nothing can be written to a file of this name."""
    if file.suffix.lower() not in {*_WRITERS, QUERY}:
        raise SettingsError(
            f"-o {file.name}: end it with {', '.join(_WRITERS)}; {QUERY} is the card as a query."
        )


def write_query(model: SavedModel, file: Path, *, dialect: Dialect) -> None:
    """Write the model as a query over a table `panel` that holds what a panel holds."""
    try:
        write_whole(file, f"{model_sql(model, table=PANEL_TABLE, dialect=dialect)};\n")
    except OSError as error:
        raise SettingsError(f"-o {file}: cannot be written: {error.strerror}.") from error


def _as_csv(accounts: pd.DataFrame, file: Path) -> None:
    with draft_of(file) as draft:
        accounts.to_csv(draft, index=False, lineterminator="\n")


def _as_parquet(accounts: pd.DataFrame, file: Path) -> None:
    with draft_of(file) as draft:
        accounts.to_parquet(draft, index=False)


def _as_workbook(accounts: pd.DataFrame, file: Path) -> None:
    from tierkit.rendering import write_workbook

    write_workbook(file, {"Scores": Table("scores", "", Column.of_all(accounts), accounts)})


_WRITERS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _as_csv,
    ".parquet": _as_parquet,
    ".xlsx": _as_workbook,
}
