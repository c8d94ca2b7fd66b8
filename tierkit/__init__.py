"""tierkit: account tiering that can be explained, signed and checked.

Public names are loaded on first use, so that `import tierkit` is quick (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierkit.commands.check import check_project as check_project
    from tierkit.crm.tables import Tables as Tables
    from tierkit.crm.tables import tables_from_frames as tables_from_frames
    from tierkit.crm.trusted import read_tables as read_tables
    from tierkit.dossiers.make import account_dossier as account_dossier
    from tierkit.dossiers.make import account_dossier_text as account_dossier_text
    from tierkit.errors import TierkitError as TierkitError
    from tierkit.explorer import explore as explore
    from tierkit.features.panel import Panel as Panel
    from tierkit.features.panel import build_panel as build_panel
    from tierkit.runs.project import find_project as find_project
    from tierkit.runs.project import make_project as make_project
    from tierkit.runs.run import open_run as open_run
    from tierkit.runs.steps import build_run_panel as build_run_panel
    from tierkit.runs.steps import compare_run_tiers as compare_run_tiers
    from tierkit.runs.steps import fit_run_model as fit_run_model
    from tierkit.runs.steps import save_run_model as save_run_model
    from tierkit.runs.steps import save_run_roi as save_run_roi
    from tierkit.runs.steps import study_run_serving as study_run_serving
    from tierkit.runs.steps import tier_run_accounts as tier_run_accounts
    from tierkit.runs.steps import weigh_run_criteria as weigh_run_criteria
    from tierkit.runs.steps import write_run_report as write_run_report
    from tierkit.settings import Settings as Settings
    from tierkit.settings import read_settings as read_settings
    from tierkit.simulate import simulate_crm as simulate_crm
    from tierkit.simulate import write_crm as write_crm
    from tierkit.tiers.assign import assign_tiers as assign_tiers

__version__ = "0.1.0"

_HOMES = {
    "account_dossier": "tierkit.dossiers.make",
    "account_dossier_text": "tierkit.dossiers.make",
    "Panel": "tierkit.features.panel",
    "Settings": "tierkit.settings",
    "Tables": "tierkit.crm.tables",
    "TierkitError": "tierkit.errors",
    "assign_tiers": "tierkit.tiers.assign",
    "build_panel": "tierkit.features.panel",
    "check_project": "tierkit.commands.check",
    "explore": "tierkit.explorer",
    "find_project": "tierkit.runs.project",
    "make_project": "tierkit.runs.project",
    "open_run": "tierkit.runs.run",
    "read_settings": "tierkit.settings",
    "read_tables": "tierkit.crm.trusted",
    "simulate_crm": "tierkit.simulate",
    "tables_from_frames": "tierkit.crm.tables",
    "build_run_panel": "tierkit.runs.steps",
    "compare_run_tiers": "tierkit.runs.steps",
    "fit_run_model": "tierkit.runs.steps",
    "save_run_model": "tierkit.runs.steps",
    "save_run_roi": "tierkit.runs.steps",
    "study_run_serving": "tierkit.runs.steps",
    "tier_run_accounts": "tierkit.runs.steps",
    "weigh_run_criteria": "tierkit.runs.steps",
    "write_run_report": "tierkit.runs.steps",
    "write_crm": "tierkit.simulate",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tierkit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
