"""The panel: one row per account and as_of, with every feature as it was known then."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tierkit.cache import Cache
from tierkit.crm import (
    Rows,
    Tables,
    computed,
    grouped,
    in_words,
    to_frame,
)
from tierkit.errors import DataError, SettingsError
from tierkit.features.checksums import Sums, check_sums
from tierkit.features.extent import observed_quarters, without_the_unknown
from tierkit.features.feature import KEYS, Aggregate, Block, Context, Derived, Feature
from tierkit.features.firmographics import dated_columns
from tierkit.features.keeping import kept_or_computed
from tierkit.features.registry import (
    PAST_REVENUE,
    all_features,
    cut_windows,
    reasons_to_leave_out,
    with_past_revenue,
)
from tierkit.features.windows import Known, date_rows, existing_accounts, known_history
from tierkit.files import draft_of, parse_json
from tierkit.settings import Settings

_METADATA = b"tierkit.panel"
MOMENT = nw.Datetime("us")
NO_CACHE = Cache()


@dataclass(frozen=True, repr=False)
class Panel:
    """Features of accounts as they were known before several dates.

    Attributes
    ----------
    values
        A row per account that existed before as_of, sorted by (account_id, as_of). Numbers are
        float64 with NaN for unknown, categories are text with NaN for missing.
    criteria
        The columns by which an account may be called valuable.
    effort
        The columns that measure our own effort: never a criterion.
    undated
        Those columns that rest on today's values of an account, a contact or a parent.
    left_out
        For each feature that is no criterion, why; `won_revenue_1q` and `won_revenue_4q` are
        columns all the same.
    look_back
        The whole quarters of deals that are known before the newest as_of.
    observed
        For each column that is a sum over a window, the quarters that this window covers at each
        as_of (a row per as_of): a window is cut where the data begin.
    cut
        For each criterion whose window is cut at the newest as_of, what it holds instead.
    """

    values: pd.DataFrame
    criteria: tuple[str, ...]
    effort: tuple[str, ...]
    undated: frozenset[str]
    left_out: Mapping[str, str]
    look_back: int
    observed: pd.DataFrame = field(default_factory=pd.DataFrame)
    cut: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return how many accounts, days and criteria there are."""
        accounts, days = (self.values.index.get_level_values(name) for name in KEYS)
        span = f", {days.min().date()} to {days.max().date()}" if len(days) else ""
        return (
            f"Panel of {accounts.nunique():,} accounts on {days.nunique()} days{span}\n"
            f"{len(self.criteria)} criteria, {len(self.effort)} columns of our own effort"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the values, a row per account_id and as_of."""
        return self.values

    def write(self, path: str | Path) -> None:
        """Write the panel as one Parquet file; the same panel gives the same bytes."""
        days = [day.isoformat() for day in pd.DatetimeIndex(self.observed.index)]
        about = {
            "criteria": self.criteria,
            "effort": self.effort,
            "undated": sorted(self.undated),
            "left_out": dict(self.left_out),
            "look_back": self.look_back,
            "observed": {
                name: dict(zip(days, map(float, column), strict=True))
                for name, column in self.observed.items()
            },
            "cut": dict(self.cut),
        }
        table = pa.Table.from_pandas(self.values.reset_index(), preserve_index=False)
        told = table.replace_schema_metadata({_METADATA: json.dumps(about, ensure_ascii=False)})
        with draft_of(Path(path)) as draft:
            pq.write_table(told, draft)

    @classmethod
    def read(cls, path: str | Path) -> Panel:
        """Read a panel that `write` has written.

        Raises
        ------
        DataError
            If the file is another Parquet file.
        """
        table = pq.read_table(path)
        text = (table.schema.metadata or {}).get(_METADATA)
        if text is None:
            raise DataError(f"{Path(path).name}: not a panel; write it with Panel.write.")
        about = parse_json(text)
        return cls(
            values=_with_missing_text(table.to_pandas().set_index(list(KEYS))),
            criteria=tuple(about["criteria"]),
            effort=tuple(about["effort"]),
            undated=frozenset(about["undated"]),
            left_out=about["left_out"],
            look_back=about["look_back"],
            observed=_observed_of(about.get("observed", {})),
            cut=about.get("cut", {}),
        )


def build_panel(
    tables: Tables,
    dates: Sequence[date],
    *,
    settings: Settings,
    look_back: int | None = None,
    names: Collection[str] | None = None,
    cache: Cache = NO_CACHE,
) -> Panel:
    """Return every feature of every existing account at every date, from rows strictly before it.

    Parameters
    ----------
    tables
        Trusted tables.
    dates
        The as_of dates, in any order.
    settings
        The target, and `features`: account columns to add, features to leave out.
    look_back
        The most quarters of history that every as_of looks back on, in every table; by default
        each looks back on all that is known before it. A window that begins earlier is cut, for
        every account of that as_of; where nothing is known of a table yet, its criteria are
        missing.
    names
        The criteria to compute, beside past revenue; by default all that can be.
    cache
        Where the panel of an earlier quarter lies, of which only what is new or restated is
        computed again, to the same bytes. Without a folder nothing is kept.

    Raises
    ------
    SettingsError
        If there is no date, or the settings name unknown columns or features.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...                                  "A 2023-12-01 90 true")
    >>> panel = build_panel(tables, [date(2025, 1, 1)], settings=Settings())
    >>> panel.values["won_revenue_4q"].to_dict()
    {('A', Timestamp('2025-01-01 00:00:00')): 0.0}
    """
    with in_words("The criteria cannot be computed"):
        context, known = context_of(tables, dates, settings=settings, look_back=look_back)
        return _build(context, known, names=names, cache=cache)


def _build(context: Context, known: Known, *, names: Collection[str] | None, cache: Cache) -> Panel:
    tables, settings = context.tables, context.settings
    features = all_features(tables, settings)
    there = {name: known.most(name) for name in known.quarters}
    reasons = reasons_to_leave_out(features, tables, there)
    built = _asked(with_past_revenue(features, reasons), names)
    computed_values = _compute(context, built, cache)
    check_sums(context, Sums.of(computed_values))
    values = without_the_unknown(computed_values, built, known)
    reasons |= dict.fromkeys(settings.features.leave_out, "named in features.leave_out")
    usable = [feature for feature in built if not (feature.is_hidden or feature.name in reasons)]
    criteria = tuple(feature.name for feature in usable if not _is_effort(feature))
    effort = tuple(feature.name for feature in usable if _is_effort(feature))
    visible = {feature.name for feature in features if not feature.is_hidden}
    past = [name for name in PAST_REVENUE if name not in criteria]
    return Panel(
        values=values[[*past, *criteria, *effort]],
        criteria=criteria,
        effort=effort,
        undated=_undated(context, usable),
        left_out={name: why for name, why in reasons.items() if name in visible},
        look_back=int(there["opportunities"]),
        observed=observed_quarters(usable, known),
        cut={name: why for name, why in cut_windows(usable, there).items() if name in criteria},
    )


def _asked(features: Sequence[Feature], names: Collection[str] | None) -> tuple[Feature, ...]:
    """Return those of the features that are asked for, with all that they are computed from."""
    if names is None:
        return tuple(features)
    known = {feature.name: feature for feature in features}
    asked = [name for name in (*PAST_REVENUE, *names) if name in known]
    needed = {one.name for name in asked for one in with_inputs(known[name], known)}
    return tuple(feature for feature in features if feature.name in needed)


def _observed_of(columns: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(column) for name, column in columns.items()})
    return frame.set_axis(pd.DatetimeIndex(frame.index, name="as_of")).sort_index()


def accounts_seen(tables: Tables, as_of: date) -> pd.Series:
    """Return by account the day on which each account that existed before `as_of` was first seen.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(accounts="account_id created_date; A 2024-05-01; B 2026-05-01")
    >>> accounts_seen(tables, date(2025, 1, 1)).astype(str).to_dict()
    {'A': '2024-05-01'}
    """
    dates = date_rows(tables, Known((as_of,), {}, (as_of,)))
    found = existing_accounts(tables, dates).select("account_id", "first_seen")
    frame = to_frame(found).set_index("account_id").sort_index()
    return pd.to_datetime(frame["first_seen"])


def feature_values(
    name: str,
    tables: Tables,
    dates: Sequence[date],
    *,
    settings: Settings,
    look_back: int | None = None,
) -> pd.Series:
    """Return one feature alone, indexed by account_id and as_of, as `build_panel` would give it.

    Raises
    ------
    SettingsError
        If there is no such feature, or the source lacks what it needs.
    """
    context, known = context_of(tables, dates, settings=settings, look_back=look_back)
    features = {feature.name: feature for feature in all_features(tables, settings)}
    there = {table: known.most(table) for table in known.quarters}
    reasons = reasons_to_leave_out(list(features.values()), tables, there)
    if name not in features or name in reasons:
        why = reasons.get(name, f"there is no such feature; there are {', '.join(features)}")
        raise SettingsError(f"{name}: {why}.")
    return _compute(context, with_inputs(features[name], features))[name]


def context_of(
    tables: Tables, dates: Sequence[date], *, settings: Settings, look_back: int | None
) -> tuple[Context, Known]:
    """Return what every block of rows is built from, and how much is known at each date."""
    planned, known = planned_context(tables, dates, settings=settings, look_back=look_back)
    return replace(planned, existing=computed(tables.connection, planned.existing)), known


def planned_context(
    tables: Tables, dates: Sequence[date], *, settings: Settings, look_back: int | None
) -> tuple[Context, Known]:
    """Return the same, the existing accounts not computed yet."""
    days = tuple(sorted(set(dates)))
    if not days:
        raise SettingsError("A panel needs at least one as_of date; none was given.")
    known = known_history(tables, days, settings, look_back=look_back)
    rows = date_rows(tables, known)
    return Context(tables, rows, days, existing_accounts(tables, rows), settings), known


def _compute(
    context: Context, features: Sequence[Feature], cache: Cache = NO_CACHE
) -> pd.DataFrame:
    """Return the columns of `features` for every existing account and as_of."""
    aggregates = [feature for feature in features if isinstance(feature, Aggregate)]
    steady = [feature for feature in aggregates if feature.block.of_one_account]
    others = [feature for feature in aggregates if not feature.block.of_one_account]
    values = kept_or_computed(
        context,
        lambda part: _with_aggregates(_no_columns(part), steady, part),
        names=[feature.name for feature in steady],
        cache=cache,
    )
    values = _with_aggregates(values, others, context)
    for feature in features:
        if isinstance(feature, Derived):
            values = values.assign(**{feature.name: feature.compute(values)})
    return _with_missing_text(values)


def _no_columns(context: Context) -> pd.DataFrame:
    return _collect(context.existing.select(*KEYS)).sort_index()


def _with_aggregates(
    values: pd.DataFrame, features: Sequence[Aggregate], context: Context
) -> pd.DataFrame:
    for block in dict.fromkeys(feature.block for feature in features):
        group = [feature for feature in features if feature.block == block]
        values = values.join(_aggregate(block, group, context), how="left", validate="1:1")
        known = {one.name: one.absent for one in group if not math.isnan(one.absent)}
        values = values.fillna(known)
    return values


def _aggregate(block: Block, features: Sequence[Aggregate], context: Context) -> pd.DataFrame:
    """Return the features of one block; accounts without rows in it are absent."""
    rows = context.once(block.rows)
    columns = [feature.compute().alias(feature.name) for feature in features]
    return _collect(
        rows.select(*KEYS, *columns) if block.aggregated else grouped(rows, KEYS, *columns)
    )


def _collect(rows: Rows) -> pd.DataFrame:
    """Collect rows by account_id and as_of: money and counts as floats, text as it is."""
    schema = rows.collect_schema()
    columns = [
        nw.col(name) if kind == nw.String else nw.col(name).cast(nw.Float64)
        for name, kind in schema.items()
        if name not in KEYS
    ]
    typed = rows.select("account_id", nw.col("as_of").cast(MOMENT), *columns)
    return to_frame(typed).set_index(list(KEYS))


def _with_missing_text(values: pd.DataFrame) -> pd.DataFrame:
    """Return the values with NaN, never None, for missing text."""
    text = values.columns[[not pd.api.types.is_float_dtype(kind) for kind in values.dtypes]]
    return values.assign(
        **{name: values[name].where(values[name].notna(), np.nan) for name in text}
    )


def with_inputs(feature: Feature, features: Mapping[str, Feature]) -> list[Feature]:
    """Return a feature after all those that it is computed from."""
    inputs = () if isinstance(feature, Aggregate) else feature.inputs
    found = [needed for name in inputs for needed in with_inputs(features[name], features)]
    return list(dict.fromkeys([*found, feature]))


def _undated(context: Context, features: Iterable[Feature]) -> frozenset[str]:
    """Return the features that rest on a column without history before the earliest as_of."""
    rests_on = {feature.name: feature.undated for feature in features if feature.undated}
    dated = dated_columns(context, sorted(set(rests_on.values())), as_of=context.days[0])
    return frozenset(name for name, column in rests_on.items() if column not in dated)


def _is_effort(feature: Feature) -> bool:
    return isinstance(feature, Aggregate) and feature.effort
