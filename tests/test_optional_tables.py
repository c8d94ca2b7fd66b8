"""Optional tables are optional: whatever is there of them, a run goes the whole way."""

from __future__ import annotations

import pytest

from benches.optional_tables import (
    OF_OPTIONAL,
    go_the_whole_way,
    states_of,
    write_states,
)
from tierkit.crm.contract import CONTRACT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("state", [state for state in OF_OPTIONAL if state != "normal"])
def test_a_run_goes_the_whole_way_with_every_table_in(tmp_path, state):
    states = {table: state for table in CONTRACT if state in states_of(table)}
    folder = go_the_whole_way(write_states(tmp_path / "project", states))
    assert {"facts.json", "tiers.csv", "accounts.xlsx", "dossiers"} <= {
        path.name for path in folder.iterdir()
    }
