"""The present model: the one that the newest earlier report was published with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tierkit.calendar import FiscalCalendar, newest
from tierkit.errors import SettingsError
from tierkit.models.saved import SavedModel, read_model
from tierkit.recalibration.ledger import earlier_promises
from tierkit.recalibration.work import MODEL_FILE, Work


@dataclass(frozen=True)
class Champion:
    """The present model, and the quarter of the report that holds it."""

    model: SavedModel
    label: str

    def fitted_as_of(self, calendar: FiscalCalendar) -> date | None:
        """Return the first day that it did not know; None where it learned from no quarter-end."""
        last = newest(self.model.trained_on)
        return None if last is None else calendar.window_end(last, self.model.horizon_quarters)


def champion(work: Work) -> Champion | None:
    """Return the model of the newest earlier report; None where there is none to be read."""
    for promise in reversed(earlier_promises(work)):
        file = work.settings.reports / promise.quarter.label / MODEL_FILE
        try:
            return Champion(read_model(file), promise.quarter.label)
        except SettingsError:
            continue
    return None
