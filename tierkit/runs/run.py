"""One recalibration under way: its settings, its quarter, its trusted tables, its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tierkit._outcomes import outcomes
from tierkit.cache import Cache, fingerprint
from tierkit.calendar import Quarter
from tierkit.crm import Tables, content_hash, tables_as_known, to_frame
from tierkit.errors import Problem, SettingsError
from tierkit.files import make_folder, read_json, write_whole
from tierkit.publishing import EarlierReports, file_hash
from tierkit.runs._reading import project_cache
from tierkit.runs.project import OVERRIDES
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit._backtest import ModelChoice
    from tierkit.customers import Outlook
    from tierkit.features import Panel
    from tierkit.forecast import Forecast, KnownTotals
    from tierkit.models import Favourites
    from tierkit.rendering import Fragment
    from tierkit.runs.serving import Serving
    from tierkit.runs.tier_roi import TierRoi
    from tierkit.runs.tiering import Tiering


SAVED_SCENARIOS = Path("explorer") / "scenarios.json"
"""The scenarios that the explorer keeps, in the project's scratch folder."""
KNOWN_DEALS_FILE = "known_deals.parquet"
READ_OF_EARLIER = ("facts.json", "tiers.csv", "model.json", "won_deals.csv", "scenarios.csv")
FACTS_FOLDER = "facts"
PANEL_FILE = "panel.parquet"
MODEL_FILE = "model.json"


@dataclass(frozen=True, repr=False)
class Run:
    """One recalibration: what each of its steps starts from.

    Attributes
    ----------
    source
        All trusted tables, later rows included: for what is said of the data, and for nothing that
        is computed from them.
    folder
        Where stages leave their results for the next one.
    model_file
        A saved card to use instead of fitting one.
    remarks
        What a person should know about the data and the quarter.
    draft
        The name of a what-if that is not published; empty for a report that is.
    """

    settings: Settings
    quarter: Quarter
    source: Tables
    folder: Path
    model_file: Path | None = None
    remarks: tuple[Problem, ...] = ()
    draft: str = ""

    @property
    def as_of(self) -> date:
        """The first day that is not yet known."""
        return self.quarter.as_of

    @property
    def cache(self) -> Cache:
        """The store of computed results that all runs of the project share."""
        return project_cache(self.settings)

    @cached_property
    def key(self) -> str:
        """A hash of all that the run's results depend on.

        Beside data, overrides, bands, settings and quarter these are the code, the model that was
        asked for, and the reports of earlier quarters.
        """
        model = [] if self.model_file is None else [file_hash(self.model_file)]
        return fingerprint([self.fingerprint, *model, *self.earlier_files()])

    def earlier_files(self) -> list[str]:
        """Return a line for every file that a run may read of an earlier quarter's report."""
        calendar, found = self.settings.fiscal_calendar, []
        for folder in sorted(self.settings.reports.glob("*/")):
            try:
                is_earlier = calendar.parse(folder.name) < self.quarter
            except SettingsError:
                continue  # the archive, failed runs, reports of units
            files = [folder / name for name in READ_OF_EARLIER] if is_earlier else []
            found += [
                f"{folder.name}/{one.name} {file_hash(one)}" for one in files if one.is_file()
            ]
        return found

    @property
    def currency(self) -> str:
        """The currency of all amounts."""
        return self.settings.calendar.currency

    @property
    def title(self) -> str:
        """The name of the company or project."""
        return self.settings.run.title or self.settings.folder.resolve().name

    @property
    def fingerprint(self) -> str:
        """A short hash of data, overrides, randomised bands, settings and quarter."""
        from tierkit.runs.experiments import band_bytes

        overrides = self.settings.folder / OVERRIDES
        written = overrides.read_bytes() if overrides.is_file() else b""
        overridden = hashlib.sha256(written).hexdigest()
        parts = [self.settings.fingerprint, self.quarter.label, overridden, self.data_fingerprint]
        if bands := band_bytes(self.settings):
            parts.append(hashlib.sha256(bands).hexdigest())
        saved = self.settings.scratch / SAVED_SCENARIOS
        if saved.is_file():
            parts.append(hashlib.sha256(saved.read_bytes()).hexdigest())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def data_fingerprint(self) -> str:
        """A hash of every trusted row, whatever their order."""
        digest = hashlib.sha256()
        for name in sorted(self.source.frames):
            digest.update(f"{name}={content_hash(self.source[name])};".encode())
        return digest.hexdigest()

    @cached_property
    def tables(self) -> Tables:
        """The trusted tables as they were known at `as_of`: deals, histories, activities, costs.

        Criteria, outcomes and all that follows from them rest on these alone, so that a run for an
        earlier quarter sees nothing later.
        """
        file = self.folder / KNOWN_DEALS_FILE
        written = file if file.is_file() else None
        return tables_as_known(self.source, self.as_of, known_deals=written)

    def outcomes(self, days: Collection[date], *, horizon_quarters: int = 0) -> pd.DataFrame:
        """Return what accounts brought in the horizon after each date, as known at `as_of`.

        Parameters
        ----------
        days
            In any order; the first days of the horizons.
        horizon_quarters
            How many quarters each horizon lasts; the target's by default.
        """
        return outcomes(
            self.tables, sorted(days), settings=self.settings, horizon_quarters=horizon_quarters
        )

    @cached_property
    def totals(self) -> KnownTotals:
        """Won revenue by quarter, as known now: of all accounts, and of those known before."""
        from tierkit.forecast import known_totals

        return known_totals(self.tables, settings=self.settings, as_of=self.as_of)

    @cached_property
    def forecast(self) -> Forecast:
        """Forecast of what the accounts known at `as_of` will bring in the horizon."""
        from tierkit.forecast import forecast

        return forecast(self.totals, quarters=self.settings.target.horizon_quarters)

    def forecast_at(self, days: Sequence[date], *, quarters: int = 0) -> dict[date, float]:
        """Return what would have been forecast at quarter-ends, by default for the horizon."""
        from tierkit.forecast import earlier_forecasts

        horizon = quarters or self.settings.target.horizon_quarters
        return earlier_forecasts(self.totals, days, quarters=horizon)

    @cached_property
    def outlook(self) -> Outlook:
        """Renewals due after `as_of`, what is expected of them, and who may leave."""
        from tierkit.customers import renewal_outlook

        return renewal_outlook(self.tables, settings=self.settings, as_of=self.as_of)

    @cached_property
    def earlier(self) -> EarlierReports:
        """The published reports of strictly earlier quarters."""
        calendar, reports = self.settings.fiscal_calendar, self.settings.reports
        return EarlierReports.read(reports, calendar, before=self.quarter)

    def accounts(self) -> pd.DataFrame:
        """Return the accounts as they are today, one row each, by account_id."""
        return to_frame(self.tables["accounts"].sort("account_id"))

    def write_facts(self, name: str, facts: Mapping[str, Any]) -> None:
        """Leave the facts of a stage for the report."""
        file = self.folder / FACTS_FOLDER / f"{name}.json"
        make_folder(file.parent, below=self.folder)
        text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(file, text, lasting=False)

    def read_facts(self, name: str) -> dict[str, Any]:
        """Return the facts that a stage has left; empty where it has not run."""
        file = self.folder / FACTS_FOLDER / f"{name}.json"
        return dict(read_json(file)) if file.is_file() else {}

    @cached_property
    def tiers_before(self) -> pd.Series[str]:
        """The tier that each account held the day before, by account_id."""
        from tierkit.runs.tiering import held_before

        return held_before(self).tiers

    def __repr__(self) -> str:
        """Return project, quarter and the rows read, in two lines."""
        rows = (f"{rows:,} {name}" for name, rows in sorted(self.source.source_rows.items()))
        head = f"{self.title} · {self.quarter.label} ({self.quarter.dates}) · nothing from "
        return f"{head}{self.as_of} on is known · {self.currency}\nrows read: {', '.join(rows)}"

    def build_panel(self) -> Panel:
        """Build the criteria of every account at every quarter-end that the run learns from."""
        from tierkit.runs.modelling import make_panel

        return make_panel(self)

    def fit(self, panel: Panel) -> ModelChoice:
        """Fit the card and test it; the choice says what ranks the accounts, and why."""
        from tierkit.runs.steps import fit

        return fit(self, panel)

    def weigh_criteria(self, panel: Panel, model: ModelChoice) -> Favourites:
        """Weigh leadership's favourite criteria, each with the others held equal."""
        from tierkit.runs.side_models import weigh_criteria

        return weigh_criteria(self, panel, model)

    def test_challengers(self, panel: Panel, model: ModelChoice) -> pd.DataFrame:
        """Test the project's own models on the dates and accounts of the card."""
        from tierkit.runs.side_models import challenge_model

        return challenge_model(self, panel, model)

    def save_model(self, model: ModelChoice) -> Fragment:
        """Leave the model and its predictions for the steps that follow."""
        from tierkit.runs.steps import save_fitted_model

        return save_fitted_model(self, model)

    def assign(self, model: ModelChoice | None = None) -> Tiering:
        """Give each account in scope its tier.

        Parameters
        ----------
        model
            What ranks them. By default the model that an earlier step has saved; where none has,
            one is fitted first.
        """
        from tierkit.runs.steps import assign

        return assign(self, model)

    def compare_tiers(self) -> TierRoi:
        """Compare what came of the tiers that were in force."""
        from tierkit.runs.steps import compare_past_tiers

        return compare_past_tiers(self)

    def save_roi(self, roi: TierRoi) -> Fragment:
        """Leave the comparison of tiers for the report."""
        from tierkit.runs.steps import save_roi

        return save_roi(self, roi)

    def study_serving(self, tiering: Tiering) -> Serving:
        """Look at how accounts are served: effort, engagement, readiness."""
        from tierkit.runs.serving import study_serving

        return study_serving(self, tiering)

    def write_report(self, tiering: Tiering, serving: Serving | None = None) -> dict[str, object]:
        """Write the files of the report and return what `facts.json` holds."""
        from tierkit.runs.steps import write_files

        return write_files(self, tiering, serving)
