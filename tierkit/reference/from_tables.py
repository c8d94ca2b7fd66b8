"""The chapters of the data: tables and columns of the contract, criteria, and rules of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierkit.reference.chapters import Chapter, Entry, words

if TYPE_CHECKING:
    from tierkit.crm import TableContract
    from tierkit.features import Feature

TABLES_LEAD = (
    "Tables that tierkit reads, and their columns. Ids are text, always. Columns that are not"
    " listed are kept and may be named as criteria in `features.account_columns`. "
    "`overrides.csv` lies beside `tierkit.toml`."
)
CRITERIA_LEAD = (
    "Columns that the card may look at. Each is computed from what was known strictly before "
    "an `as_of`. A criterion whose tables are missing is left out, and the report says so."
)
CHECKS_LEAD = (
    "Remarks on the data. None of them stops a run, unless `checks.block` names it: `block = "
    '["stale table"]`.'
)


def tables_chapter() -> Chapter:
    """Return every table and column of the contract."""
    from tierkit.crm import CONTRACT

    meanings = words("columns")
    groups = {
        name: (_about(table), _columns(table, meanings.get(name, {})))
        for name, table in CONTRACT.items()
    }
    return Chapter("tables", "Tables and columns", TABLES_LEAD, groups)


def _about(table: TableContract) -> str:
    from tierkit.crm import REQUIRED_TABLES

    need = "This table is required. " if table.name in REQUIRED_TABLES else ""
    key = f" `{table.key}` occurs once." if table.key else ""
    return f"{need}A row is {table.row}.{key}"


def _columns(table: TableContract, meanings: dict[str, str]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            f"{table.name}.{column}",
            meanings.get(column, ""),
            {
                "holds": kind.value,
                "required": "yes" if column in table.required else "no",
            },
        )
        for column, kind in table.columns.items()
    )


def criteria_chapter() -> Chapter:
    """Return every standard criterion with its definition: the docstring of its function."""
    from tierkit.features import FEATURES, describe_feature

    def entry(one: Feature) -> Entry:
        definition = describe_feature(one.name).strip().partition("\n\n")[0]
        return Entry(one.name, " ".join(definition.split()), _origin(one))

    entries = tuple(entry(one) for one in FEATURES if not one.is_hidden)
    return Chapter("criteria", "Criteria", CRITERIA_LEAD, {"": ("", entries)})


def _origin(one: Feature) -> dict[str, str]:
    """Return what a criterion needs, its window, and whether it may rank accounts."""
    block, window = getattr(one, "block", None), getattr(one, "window", None)
    needs = [*(block.needs if block else ()), *getattr(one, "needs", ())]
    return {
        "needs": ", ".join(needs) or ", ".join(getattr(one, "inputs", ())) or "opportunities",
        "window": window.label if window else "",
        "use": "shown only: our own effort" if getattr(one, "effort", False) else "may rank",
    }


def checks_chapter() -> Chapter:
    """Return every rule that remarks on the data."""
    from tierkit.crm import RULES

    entries = tuple(
        Entry(rule, f"{meaning[0].upper()}{meaning[1:]}.") for rule, meaning in RULES.items()
    )
    return Chapter("checks", "Checks of the data", CHECKS_LEAD, {"": ("", entries)})
