"""What is known of accounts on a day, in the columns that a saved model asks for."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tierkit.crm.tables import Tables
from tierkit.errors import DataError
from tierkit.features.panel import build_panel
from tierkit.models.saved import PAST, SavedModel
from tierkit.settings import Settings


def values_for(
    model: SavedModel, tables: Tables, *, as_of: date, settings: Settings
) -> pd.DataFrame:
    """Return the criteria of every account that exists at `as_of`, by account_id.

    They look back as far as those that the model was fitted on did.

    Raises
    ------
    DataError
        If the data lack columns of the model; each is named with the reason.
    """
    panel = build_panel(tables, [as_of], settings=settings, look_back=model.look_back)
    values = panel.values.droplevel("as_of")  # noqa: PD011 (a panel, not a data frame)
    needed = [one.name for one in model.card.criteria]
    needed += [model.past_revenue] if model.kind == PAST else []
    lacking = [name for name in dict.fromkeys(needed) if name not in values.columns]
    if lacking:
        why = [f"{name} ({panel.left_out.get(name, 'unknown')})" for name in lacking]
        raise DataError(
            f"The data lack what the model scores by: {', '.join(why)}. Score with the tables and "
            "settings of the run that saved the model, or run the recalibration again."
        )
    return values
