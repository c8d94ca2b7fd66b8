"""Contacts without activities that name them: known, and nothing said of who is in touch."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from tierkit.dossiers.people import contacts_by_role
from tierkit.features.example import tables_of
from tierkit.serving.coverage import contact_coverage

AS_OF = date(2026, 1, 1)
CONTACTS = "contact_id account_id role; C1 A champion; C2 A buyer"
UNNAMED = {
    "no activities": {},
    "activities without contact_id": {"activities": "account_id date type; A 2025-12-01 call"},
    "no contact_id filled": {"activities": "account_id date type contact_id; A 2025-12-01 call -"},
    "activities without rows": {"activities": "account_id date type contact_id"},
}  # fmt: skip


@pytest.mark.parametrize("tables", UNNAMED.values(), ids=UNNAMED)
def test_contacts_are_counted_and_who_is_in_touch_is_missing_not_zero(tables):
    found = contacts_by_role(
        tables_of(contacts=CONTACTS, **tables), ["A"], as_of=AS_OF, required=["buyer"],
        engaged_days=92,
    )  # fmt: skip
    assert found[["role", "contacts"]].values.tolist() == [["buyer", 1], ["champion", 1]]  # noqa: PD011 (a panel)
    assert found[["in_touch", "last_touch"]].isna().all(axis=None)


@pytest.mark.parametrize("tables", UNNAMED.values(), ids=UNNAMED)
def test_nobody_is_called_silent_where_no_activity_names_a_contact(tables):
    table = contact_coverage(
        tables_of(contacts=CONTACTS, **tables), pd.Series({"A": "Tier 1"}), as_of=AS_OF,
        required_roles=["buyer", "user"], engaged_days=92,
    )  # fmt: skip
    found = table.to_frame().set_index("account_id")
    assert (found.loc["A", "roles_known"], found.loc["A", "roles_missing"]) == (1, "user")
    assert pd.isna(found.loc["A", "roles_engaged"])
    assert found.loc["A", "roles_silent"] == ""


def test_one_named_contact_makes_the_others_silent():
    tables = tables_of(
        contacts=CONTACTS, activities="account_id date type contact_id; A 2025-12-01 call C1"
    )
    found = contact_coverage(
        tables, pd.Series({"A": "Tier 1"}), as_of=AS_OF, required_roles=["buyer"], engaged_days=92
    )
    assert found.to_frame()["roles_silent"].tolist() == ["buyer"]
