"""The table contract: which tables tierkit reads, and which columns of which kind they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import narwhals as nw
from narwhals.dtypes import DType

MONEY_TYPE = nw.Decimal(38, 4)


class Kind(Enum):
    """Kind of values that a column holds."""

    ID = "text, never read as a number"
    TEXT = "text"
    DATE = "a calendar date"
    MONEY = "an exact amount"
    NUMBER = "a number"
    FLAG = "true or false"

    @property
    def dtype(self) -> DType:
        """The type of a trusted column of this kind."""
        return _DTYPES[self]


_DTYPES: Mapping[Kind, DType] = {
    Kind.ID: nw.String(),
    Kind.TEXT: nw.String(),
    Kind.DATE: nw.Date(),
    Kind.MONEY: MONEY_TYPE,
    Kind.NUMBER: nw.Float64(),
    Kind.FLAG: nw.Boolean(),
}


@dataclass(frozen=True)
class TableContract:
    """One table: its columns with their kinds, and which of them must be there."""

    name: str
    row: str
    columns: Mapping[str, Kind]
    required: frozenset[str]
    key: str | None = None


_WORDS = {
    "id": Kind.ID,
    "text": Kind.TEXT,
    "date": Kind.DATE,
    "money": Kind.MONEY,
    "number": Kind.NUMBER,
    "flag": Kind.FLAG,
}


def _table(name: str, row: str, columns: str, *, key: str | None = None) -> TableContract:
    """Build a contract from `column:kind` words; a star marks a required column."""
    pairs = [word.split(":") for word in columns.split()]
    return TableContract(
        name=name,
        row=row,
        columns={column.rstrip("*"): _WORDS[kind] for column, kind in pairs},
        required=frozenset(column.rstrip("*") for column, _ in pairs if column.endswith("*")),
        key=key,
    )


CONTRACT: Mapping[str, TableContract] = {
    table.name: table
    for table in (
        _table(
            "accounts",
            "an account",
            "account_id*:id name:text domain:text parent_id:id industry:text country:text "
            "region:text territory:text segment:text employees:number annual_revenue:number "
            "owner:text status:text created_date:date",
            key="account_id",
        ),
        _table(
            "opportunities",
            "a deal, order or invoice",
            "opportunity_id*:id account_id*:id created_date:date close_date*:date amount*:money "
            "currency:text stage:text is_won*:flag type:text product:text owner:text source:text "
            "cost:money term_months:number",
            key="opportunity_id",
        ),
        _table(
            "opportunity_lines",
            "a product line of a deal",
            "opportunity_id*:id product*:text amount*:money quantity:number cost:money",
        ),
        _table(
            "stage_history",
            "a change of a deal",
            "opportunity_id*:id changed_date*:date stage:text amount:money close_date:date",
        ),
        _table(
            "account_history",
            "a change of an account",
            "account_id*:id changed_date*:date column*:text value*:text",
        ),
        _table(
            "activities",
            "a touch or a visit",
            "account_id*:id date*:date type*:text direction:text contact_id:id minutes:number "
            "cost:money",
        ),
        _table(
            "contacts",
            "a person at an account",
            "contact_id*:id account_id*:id role:text seniority:text created_date:date",
            key="contact_id",
        ),
        _table(
            "signals",
            "a dated measurement",
            "account_id*:id date*:date signal*:text value*:number",
        ),
        _table(
            "contracts",
            "a subscription",
            "contract_id*:id account_id*:id start_date*:date end_date:date annual_value*:money",
            key="contract_id",
        ),
        _table(
            "costs",
            "money spent on an account",
            "account_id*:id date*:date amount*:money category:text",
        ),
        _table(
            "tier_history",
            "a tier held for a time",
            "account_id*:id tier*:text start_date*:date end_date:date model_tier:text score:number "
            "rank:number cut_score:number overridden:flag reason:text accepted:flag",
        ),
        _table("targets", "a quota", "quarter*:text amount*:money territory:text"),
        _table("merges", "a duplicate", "account_id*:id merged_into*:id", key="account_id"),
        _table("exchange_rates", "a dated rate", "currency*:text date*:date rate*:number"),
    )
}
ACCEPTED_TIERS = "tier_history.csv"
"""The project's own tier history, beside `tierkit.toml`: what was accepted there."""
ACCEPTED = "accepted"
"""Column of `tier_history`: true where the row was written by `tierkit accept`."""

REQUIRED_TABLES = ("accounts", "opportunities")
LEFT_OUT = "__left_out"
"""Column of rows under way: why a row does not count; missing where it does."""
LINES_AS_DEALS = ("account_id", "close_date", "is_won")
