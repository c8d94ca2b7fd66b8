"""The panel as rows of the engine: computed where the tables are, never brought to this process.

The same definitions as in `panel`; what follows from other columns is written once more here, as
expressions, since a data frame cannot be computed inside a database. Tests hold both together.
Sail 0.7 lacks the division of fractions that they need (`try_divide`); Spark has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from shutil import rmtree

import narwhals as nw

from tierkit.calendar import DAYS_A_QUARTER
from tierkit.crm import (
    Engine,
    Rows,
    Tables,
    forget,
    grouped,
    in_words,
    look_up_grouped,
    look_up_groups,
    materialise,
    row_count,
    write_partitions,
)
from tierkit.errors import DataError, SettingsError
from tierkit.features.checksums import Sums, check_sums
from tierkit.features.deals import PRIOR_DEALS
from tierkit.features.extent import unknown_dates
from tierkit.features.feature import HIDDEN, KEYS, Aggregate, Block, Context, Derived, Feature
from tierkit.features.keeping import context_part, dates_at_once
from tierkit.features.panel import planned_context, with_inputs
from tierkit.features.registry import all_features, reasons_to_leave_out
from tierkit.files import new_folder
from tierkit.settings import Settings

_PANEL = "panel at some dates"
_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"


@dataclass(frozen=True)
class PanelPlan:
    """The panel as lazy rows, and the lazy parts that it is joined from.

    Attributes
    ----------
    context
        The tables, dates and accounts.
    features
        All that is computed, steps on the way included, each after what it follows from.
    asked
        The names of those that the panel holds.
    unknown
        By feature, the dates at which nothing is known of it.
    """

    context: Context
    features: tuple[Feature, ...]
    asked: tuple[str, ...]
    unknown: Mapping[str, Sequence[date]]

    @property
    def existing(self) -> Rows:
        """Every existing account with every as_of."""
        return self.context.existing.select(*KEYS)

    @property
    def parts(self) -> dict[str, Rows]:
        """By block, its features by account_id and as_of; accounts without rows are absent."""
        blocks = _blocks(self.features)
        return {block.name: _part(block, self.features, self.context) for block in blocks}

    @property
    def rows(self) -> Rows:
        """A row per existing account and as_of, with every feature that was asked for."""
        return self.finished(self.assembled(self.existing, self.parts))

    def assembled(self, existing: Rows, parts: Mapping[str, Rows]) -> Rows:
        """Return all features of existing accounts from such parts, wherever these lie."""
        return _joined(existing, parts, self.features)

    def finished(self, rows: Rows) -> Rows:
        """Return assembled rows with what was asked for, the unknown taken out."""
        masks = [
            nw.when(~nw.col("as_of").is_in([*days])).then(nw.col(name)).alias(name)
            for name, days in self.unknown.items()
        ]
        known = rows.with_columns(*masks) if masks else rows
        return known.select(*KEYS, *self.asked)

    @contextmanager
    def checked_at(self, days: Sequence[date]) -> Iterator[Rows]:
        """Compute the panel at some of its dates inside its engine, and check its sums.

        Raises
        ------
        DataError
            If a money criterion is not what its table holds (`check_sums`), or an account is
            missing or there twice.
        """
        engine = self.context.tables.connection
        of_days = context_part(self.context, days)
        with _held(engine, of_days.existing, "existing accounts") as existing:
            plan = replace(self, context=replace(of_days, existing=existing))
            with plan.computed() as rows:
                if (there := row_count(rows)) != (asked := row_count(existing)):
                    raise DataError(
                        f"The panel has {there:,} rows where {asked:,} accounts exist. "
                        "Please report this, with the engine in use: no account may get lost."
                    )
                check_sums(plan.context, Sums.of_rows(rows))
                yield plan.finished(rows)

    @contextmanager
    def computed(self) -> Iterator[Rows]:
        """Compute all features inside the engine, each block first by itself."""
        engine = self.context.tables.connection
        with ExitStack() as held:
            parts = {
                name: held.enter_context(_held(engine, part, f"part {name}"))
                for name, part in self.parts.items()
            }
            whole = materialise(engine, self.assembled(self.existing, parts), _PANEL)
        try:
            yield whole
        finally:
            forget(engine, _PANEL)


@contextmanager
def _held(engine: Engine, rows: Rows, name: str) -> Iterator[Rows]:
    """Give rows that are computed once inside an engine, and free them after the block."""
    try:
        yield materialise(engine, rows, name)
    finally:
        forget(engine, name)


def plan_panel(
    tables: Tables,
    dates: Sequence[date],
    *,
    settings: Settings,
    names: Iterable[str] | None = None,
    look_back: int | None = None,
) -> PanelPlan:
    """Return the panel of `build_panel` as lazy rows of the engine that holds the tables.

    Parameters
    ----------
    names
        The features to compute; by default all that can be.

    Raises
    ------
    SettingsError
        If a feature cannot be built, or follows from others in a way that is no expression.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...                                  "A 2024-12-01 90 true; A 2024-06-01 30 true")
    >>> plan = plan_panel(tables, [date(2025, 1, 1)], settings=Settings(),
    ...                   names=["won_amount_mean_ever"])
    >>> plan.rows.collect().rows()
    [('A', datetime.date(2025, 1, 1), 60.0)]
    """
    context, known = planned_context(tables, dates, settings=settings, look_back=look_back)
    features = {feature.name: feature for feature in all_features(tables, settings)}
    there = {table: known.most(table) for table in known.quarters}
    reasons = reasons_to_leave_out([*features.values()], tables, there)
    left_out = {*reasons, *settings.features.leave_out}
    asked = [
        name for name in (features if names is None else names)
        if names is not None or not (name in left_out or features[name].is_hidden)
    ]  # fmt: skip
    if absent := [name for name in asked if name not in features or name in reasons]:
        why = reasons.get(absent[0], "there is no such feature")
        raise SettingsError(f"{absent[0]}: {why}.")
    needed = dict.fromkeys(one for name in asked for one in with_inputs(features[name], features))
    return PanelPlan(context, (*needed,), (*asked,), unknown_dates([*needed], known))


def write_panel(
    tables: Tables,
    dates: Sequence[date],
    folder: Path,
    *,
    settings: Settings,
    names: Iterable[str] | None = None,
    look_back: int | None = None,
) -> None:
    """Write the panel as Parquet, a folder an as_of; no row passes through this process.

    Sums are checked as in `build_panel`. Of many rows a few dates are computed at a time, and what
    does not fit into memory is written to the engine's own folder meanwhile.

    Parameters
    ----------
    folder
        A new folder; it is there when all is written.
    names
        The features to write; by default all that can be.

    Raises
    ------
    SettingsError
        If the folder is there already, or as for `plan_panel`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...                                  "A 2024-12-01 90 true")
    >>> folder = Path(mkdtemp()) / "panel"
    >>> write_panel(tables, [date(2025, 1, 1)], folder, settings=Settings())
    >>> [one.name for one in folder.iterdir()]
    ['as_of=2025-01-01']
    """
    plan = plan_panel(tables, dates, settings=settings, names=names, look_back=look_back)
    with new_folder(folder) as draft, in_words("The criteria cannot be computed"):
        for days in dates_at_once(plan.context):
            part = draft / str(days[0])
            with plan.checked_at(days) as rows:
                write_partitions(tables.connection, rows, part, by="as_of")
            for one in part.glob("as_of=*"):
                one.rename(draft / one.name)
            rmtree(part)


def _blocks(features: Sequence[Feature]) -> list[Block]:
    aggregates = [one for one in features if isinstance(one, Aggregate)]
    return list(dict.fromkeys(one.block for one in aggregates))


def _part(block: Block, features: Sequence[Feature], context: Context) -> Rows:
    rows = context.once(block.rows)
    columns = [
        one.compute().alias(one.name)
        for one in features
        if isinstance(one, Aggregate) and one.block == block
    ]
    found = rows.select(*KEYS, *columns) if block.aggregated else grouped(rows, KEYS, *columns)
    schema = found.collect_schema()
    return found.select(
        *KEYS,
        *(
            nw.col(name) if kind == nw.String else nw.col(name).cast(nw.Float64)
            for name, kind in schema.items()
            if name not in KEYS
        ),
    )


def _joined(existing: Rows, parts: Mapping[str, Rows], features: Sequence[Feature]) -> Rows:
    rows = existing
    for block in _blocks(features):
        group = [one for one in features if isinstance(one, Aggregate) and one.block == block]
        rows = look_up_groups(rows, parts[block.name], on=KEYS)
        known = [
            nw.col(one.name).fill_null(one.absent) for one in group if not math.isnan(one.absent)
        ]
        rows = rows.with_columns(*known) if known else rows
    for one in features:
        if isinstance(one, Derived):
            rows = _derived(one, rows)
    return rows


def _derived(feature: Derived, rows: Rows) -> Rows:
    if feature.name in _STEPS:
        return _STEPS[feature.name](rows)
    if feature.name in _EXPRESSIONS:
        return rows.with_columns(_EXPRESSIONS[feature.name]().alias(feature.name))
    (source,) = feature.inputs
    if feature.name.startswith("log_"):
        number = _number(source, rows)
        return rows.with_columns(nw.when(number > 0).then(number).log().alias(feature.name))
    if source.startswith(f"{HIDDEN}named_"):
        return rows.with_columns(_named(source, rows).alias(feature.name))
    raise SettingsError(f"{feature.name}: is no expression that an engine could compute.")


def _number(column: str, rows: Rows) -> nw.Expr:
    """Return a column as numbers; text that is none is missing."""
    if rows.collect_schema()[column] != nw.String:
        return nw.col(column)
    text = nw.col(column)
    return nw.when(text.str.contains(_NUMBER)).then(text).cast(nw.Float64)


def _named(column: str, rows: Rows) -> nw.Expr:
    text = nw.col(column)
    is_text = ~text.is_null() & ~text.str.contains(_NUMBER)
    some = rows.filter(is_text).select(column).head(1).collect()
    return _number(column, rows) if some.is_empty() else text


def _share(part: str, whole: str) -> Callable[[], nw.Expr]:
    return lambda: nw.when(nw.col(whole) > 0).then(nw.col(part) / nw.col(whole))


def _over_gap() -> nw.Expr:
    return nw.col("days_since_last_won") / nw.col("won_gap_median_days")


def _pipeline() -> nw.Expr:
    is_said = (nw.col("_priced_deals_count") > 0) | (nw.col("open_deals_count") == 0)
    return nw.when(is_said).then(nw.col("_priced_amount"))


def _per_quarter() -> nw.Expr:
    quarters = nw.col("_days_since_first_won") / DAYS_A_QUARTER
    longer = nw.when(quarters > 1).then(quarters).otherwise(nw.lit(1.0))
    rate = nw.when(~quarters.is_null()).then(nw.col("won_revenue_ever") / longer)
    return rate.fill_null(0.0)


def _win_rate(rows: Rows) -> Rows:
    wins, closed = nw.col("wins_count_8q"), nw.col("closed_deals_count_8q")
    with_rates = look_up_grouped(
        rows, rows, on="as_of", __wins=wins.sum(), __closed=closed.sum()
    ).with_columns(
        __rate=nw.when(nw.col("__closed") > 0).then(nw.col("__wins") / nw.col("__closed"))
    )
    shrunk = (wins + PRIOR_DEALS * nw.col("__rate")) / (closed + PRIOR_DEALS)
    return with_rates.with_columns(win_rate_shrunk_8q=nw.when(closed > 0).then(shrunk)).drop(
        "__wins", "__closed", "__rate"
    )


def _growth(rows: Rows) -> Rows:
    def above_zero(amount: nw.Expr) -> nw.Expr:
        return nw.when(amount > 0).then(amount).otherwise(nw.lit(0.0))

    last, before = nw.col("won_revenue_4q"), nw.col("won_revenue_8q") - nw.col("won_revenue_4q")
    parts = rows.with_columns(__last=above_zero(last), __before=above_zero(before))
    both = nw.col("__last") + nw.col("__before")
    summed = parts.with_columns(__both=nw.when(both > 0).then(both))
    typical = look_up_grouped(summed, summed, on="as_of", __typical=nw.col("__both").median())
    half = nw.col("__typical") / 2
    ratio = (nw.col("__last") + half) / (nw.col("__before") + half)
    growth = nw.when(~nw.col("__both").is_null()).then(ratio).log()
    return typical.with_columns(won_revenue_growth=growth).drop(
        "__last", "__before", "__both", "__typical"
    )


_EXPRESSIONS: Mapping[str, Callable[[], nw.Expr]] = {
    "days_since_last_won_over_gap": _over_gap,
    "open_deals_age_days": _share("_open_days", "open_deals_count"),
    "open_pipeline_amount": _pipeline,
    "won_amount_mean_ever": _share("_won_value_of_wins", "wins_count_ever"),
    "won_revenue_per_quarter": _per_quarter,
}
_STEPS: Mapping[str, Callable[[Rows], Rows]] = {
    "win_rate_shrunk_8q": _win_rate,
    "won_revenue_growth": _growth,
}
