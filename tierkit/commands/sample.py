"""A run on a sample of accounts: for companies whose criteria do not fit into one process."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.commands.apart import leave_apart, run_apart, settings_apart, tables_of_accounts
from tierkit.commands.run import Request, read_for_run
from tierkit.crm import Tables, hierarchy, register_frame, to_frame
from tierkit.errors import SettingsError
from tierkit.files import project_lock
from tierkit.models import account_draws
from tierkit.publishing import Handover
from tierkit.rendering import Step
from tierkit.settings import Settings, Tier

SAMPLE_FOLDER = "sample"


def recalibrate_sample(request: Request, accounts: int, *, on_step: Step) -> str:
    """Run the recalibration on accounts drawn by lot; return, in a line, what came of it.

    Whole families are drawn, and the same ones every quarter. Capacities count in proportion. The
    report lies in `reports/sample/QUARTER`; its model scores all accounts (`score_in_engine`).

    Parameters
    ----------
    accounts
        At most how many.

    Raises
    ------
    SettingsError
        If there are no more accounts than that, or the request is not for a whole report.
    """
    if request.only or request.project_notebooks or request.draft or request.keeps_rows:
        raise SettingsError(
            "--sample goes with none of --only, --project-notebooks, --draft, --to and --keep."
        )
    tables, quarter = read_for_run(request)
    settings = request.settings
    drawn, whole = draw_accounts(tables, accounts, seed=settings.model.seed)
    ids = register_frame(tables.connection, pd.DataFrame({"account_id": drawn}))
    own = sample_settings(settings, accounts=len(drawn), of=whole)
    handover = Handover(settings, quarter, request.model_file, request.set_overrides)
    with project_lock(settings.scratch):
        leave_apart(handover, tables_of_accounts(tables, ids), own)
    on_step(f"data: a sample of {len(drawn):,} of {whole:,} accounts; quarter {quarter.label}")
    run_apart(own.folder, on_step=on_step)
    page = settings.reports / SAMPLE_FOLDER / quarter.label / "leadership.html"
    return f"Published the report of {len(drawn):,} of {whole:,} accounts.\n{page}"


def draw_accounts(tables: Tables, accounts: int, *, seed: int) -> tuple[list[str], int]:
    """Return the ids of at most so many accounts, in order, and how many there are in all.

    An account's ultimate parent and the seed decide, so that families stay whole and other accounts
    do not matter.

    Raises
    ------
    SettingsError
        If there are no more accounts than that, or no family is as small.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(accounts="account_id parent_id; A -; B A; C -; D -")
    >>> draw_accounts(tables, 3, seed=1)
    (['A', 'B', 'D'], 4)
    """
    known = [name for name in ("account_id", "parent_id") if name in tables["accounts"].columns]
    frame = to_frame(tables["accounts"].select(*known)).reindex(columns=["account_id", "parent_id"])
    if len(frame) <= accounts:
        raise SettingsError(
            f"--sample {accounts}: there are {len(frame):,} accounts. Run without --sample."
        )
    ids = pd.Index(frame["account_id"])
    tops = hierarchy(frame).tops.set_index("account_id")["ultimate_parent"].reindex(ids)
    families = tops.where(tops.notna(), ids.to_series())  # of parents in a circle, each its own
    draws = account_draws(families.to_numpy(), purpose=SAMPLE_FOLDER, seed=seed)
    order = np.argsort(draws, kind="stable")
    ends = np.flatnonzero(np.diff(draws[order], append=np.inf)) + 1  # whole families alone
    size = int(max((end for end in ends if end <= accounts), default=0))
    if not size:
        raise SettingsError(f"--sample {accounts}: the first family drawn is larger. Ask for more.")
    return sorted(map(str, ids[order[:size]])), len(frame)


def sample_settings(settings: Settings, *, accounts: int, of: int) -> Settings:
    """Return the settings of a sample: a project of its own, capacities in proportion."""
    own = settings_apart(
        settings,
        settings.reports / SAMPLE_FOLDER,
        folder=settings.scratch.resolve() / SAMPLE_FOLDER,
        title=f"a sample of {accounts:,} of {of:,} accounts",
    )
    tiers = tuple(_scaled(one, accounts / of) for one in own.tiers)
    scaled = own.model_copy(update={"tiers": tiers})
    scaled._folder = own.folder
    return scaled


def _scaled(tier: Tier, share: float) -> Tier:
    def part(capacity: int) -> int:
        return max(1, round(capacity * share)) if capacity else 0

    capacity = None if tier.capacity is None else part(tier.capacity)
    groups = {name: part(one) for name, one in tier.capacities.items()}
    return tier.model_copy(update={"capacity": capacity, "capacities": groups})
