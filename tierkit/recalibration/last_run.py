"""The last published run, as the decomposition of moves asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tierkit.errors import TierkitError
from tierkit.features.panel import Panel
from tierkit.models.card import Card
from tierkit.models.past_revenue import past_revenue_column
from tierkit.models.saved import PAST, ranked
from tierkit.recalibration.work import MODEL_FILE, PANEL_FILE, Work
from tierkit.tiers.decomposition import EarlierRun

_TEXTS = ("account_id", "tier", "model_tier", "rule_tier", "group")


def read_earlier_run(work: Work, published: Path | None) -> EarlierRun | None:
    """Return what a published run gave each account, None where that cannot be read.

    Between runs, when accounts are scored by a saved model, nothing is told of the way either.

    Parameters
    ----------
    published
        Its `tiers.csv`; its `model.json` lies beside it.
    """
    current = work.folder / MODEL_FILE
    try:
        accounts = _accounts(published) if published is not None else None
        if published is None or accounts is None or not current.is_file():
            return None
        saved = json.loads((published.parent / MODEL_FILE).read_text(encoding="utf-8"))
        kind = str(saved["kind"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no report of this release: nothing that the way could begin with
    now = json.loads(current.read_text(encoding="utf-8"))
    same = kind == PAST == now["kind"] and saved.get("past_revenue") == now.get("past_revenue")
    return EarlierRun(accounts, _rescored(work, saved), same)


def _accounts(published: Path) -> pd.DataFrame | None:
    """Return the published tiers by account; None where they lack a column."""
    text = pd.read_csv(published, dtype=str, keep_default_na=False)
    if not {*_TEXTS, "score", "predicted_revenue"} <= set(text.columns):
        return None
    numbers = text[["score", "predicted_revenue"]].apply(pd.to_numeric)
    return text[[*_TEXTS]].assign(**numbers).set_index("account_id")


def _rescored(work: Work, saved: dict[str, object]) -> pd.DataFrame | None:
    """Return today's criteria by the earlier model, None where it cannot score them."""
    file = work.folder / PANEL_FILE
    if not file.is_file():
        return None
    values = Panel.read(file).values  # noqa: PD011 (a panel, not a data frame)
    at = values.index.get_level_values("as_of") == pd.Timestamp(work.as_of)
    column = str(saved.get("past_revenue", past_revenue_column(())))
    try:
        card = Card.from_plain(saved["card"])  # type: ignore[arg-type]
        return ranked(card, saved["kind"], values[at].droplevel("as_of"), past_revenue=column)  # type: ignore[arg-type]
    except (TierkitError, KeyError, TypeError, ValueError):
        return None
