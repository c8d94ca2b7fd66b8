"""`model.json`: written by a run, read again by `tierkit run --model`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tierkit.backtest import ModelChoice
from tierkit.models.prospects import Prospects
from tierkit.models.saved import SavedModel, read_model
from tierkit.recalibration.work import MODEL_FILE, Work
from tierkit.reporting.manifest import package_versions

_HELD = "The card is one that an earlier run has saved; the tests are those of a card fitted anew."


def write_model(
    work: Work, choice: ModelChoice, *, look_back: int, prospects: Prospects | None = None
) -> Path:
    """Write the card and what is needed to use it again, as plain data; return the file."""
    text = json.dumps(
        saved_model(work, choice, look_back=look_back, prospects=prospects),
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    path = work.folder / MODEL_FILE
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def saved_model(
    work: Work, choice: ModelChoice, *, look_back: int, prospects: Prospects | None = None
) -> dict[str, Any]:
    """Return what `model.json` holds: the model, and which run it is of."""
    model = SavedModel(
        card=choice.card,
        kind=choice.kind,
        past_revenue=choice.past_revenue,
        horizon_quarters=work.settings.target.horizon_quarters,
        trained_on=choice.trained_on,
        look_back=look_back,
        prospects=prospects,
    ).to_plain()
    card, beside = model.pop("card"), model.pop("prospects")
    return {
        **model,
        "tiers": [{"name": tier.name, "capacity": tier.capacity} for tier in work.settings.tiers],
        "calendar": work.settings.calendar.model_dump(mode="json"),
        "fingerprint": work.fingerprint,
        "versions": package_versions(),
        "card": card,
        "prospects": beside,
    }


def with_saved_card(choice: ModelChoice, file: Path) -> ModelChoice:
    """Return the choice with a card that an earlier run has saved."""
    saved = read_model(file)
    return replace(
        choice,
        card=saved.card,
        kind=saved.kind,
        trained_on=saved.trained_on,
        notes=(*choice.notes, _HELD),
        past_revenue=saved.past_revenue,
    )
