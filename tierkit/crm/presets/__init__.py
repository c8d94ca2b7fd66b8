"""Presets for the exports of common systems, one module each."""

from __future__ import annotations

from collections.abc import Mapping

from tierkit.crm.presets import hubspot, salesforce
from tierkit.crm.presets.preset import TablePreset
from tierkit.settings import DataSettings

PRESETS: Mapping[str, Mapping[str, TablePreset]] = {
    "salesforce": salesforce.TABLES,
    "salesforce_fivetran": salesforce.FIVETRAN_TABLES,
    "hubspot": hubspot.TABLES,
    "hubspot_fivetran": hubspot.FIVETRAN_TABLES,
}


def preset_of(table: str, data: DataSettings) -> TablePreset | None:
    """Return what the preset of the settings says about a table, None where it says nothing."""
    return PRESETS[data.preset].get(table) if data.preset else None
