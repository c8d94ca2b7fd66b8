"""Exports in the shape of what people really have, each read right or refused in words that help.

Run with `python -m benches.field_cases [NAME…]`; the cases lie beside the project, in
`shared/field_cases`, each a folder `in` and a README. Settings are guessed as `tierkit init --from`
guesses them, and the source is read as `tierkit check` reads it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import narwhals as nw

from tierkit.crm.guessing import guess_settings
from tierkit.crm.tables import Tables
from tierkit.crm.trusted import examine_source
from tierkit.errors import TierkitError
from tierkit.settings import read_settings

Right = Callable[[Tables], bool]
_PARENTS = Path(__file__).resolve().parents
CASES = next(
    (folder for parent in _PARENTS if (folder := parent / "shared" / "field_cases").is_dir()), None
)


@dataclass(frozen=True)
class Case:
    """What is right for a folder of exports.

    Attributes
    ----------
    won
        Used won revenue; None where only a refusal is right.
    said
        A pattern that what is said must match: of a refusal always, of a reading where `must_say`.
    """

    won: str | None
    said: str = ""
    must_say: bool = False
    right: Right = lambda _: True
    settings: Sequence[str] = ()


@dataclass(frozen=True)
class Ended:
    """How a case ended: right, wrong, refused with reason, refused without help, crash."""

    end: str
    won: Decimal | None = None
    said: str = ""


def _ids(table: str, column: str, count: int) -> Right:
    return lambda tables: len(set(tables[table].collect()[column].to_list())) == count


def _deals(opened: int, lost: int) -> Right:
    def right(tables: Tables) -> bool:
        counts = Counter(tables["opportunities"].collect()["is_won"].to_list())
        return (counts[None], counts[False]) == (opened, lost)

    return right


def _closes(first: str, last: str = "") -> Right:
    def right(tables: Tables) -> bool:
        days = tables["opportunities"].filter(nw.col("is_won")).collect()["close_date"].to_list()
        return str(min(days)) == first and str(max(days)) == (last or str(max(days)))

    return right


def _name(name: str) -> Right:
    return lambda tables: any(
        name in (value or "") for value in tables["accounts"].collect()["name"].to_list()
    )


def _without(table: str) -> Right:
    return lambda tables: table not in tables


def by_quarter(tables: Tables) -> dict[str, float]:
    """Return won revenue by quarter, such as `2022Q1`."""
    won = tables["opportunities"].filter(nw.col("is_won")).collect().to_pandas()
    quarters = won["close_date"].map(lambda day: f"{day.year}Q{(day.month + 2) // 3}")
    return won.groupby(quarters)["amount"].sum().astype(float).to_dict()


_MIDNIGHT = {
    "2022Q1": 141350, "2022Q2": 330275.5, "2022Q3": 75150, "2022Q4": 141925.5, "2023Q1": 182501.0,
    "2023Q2": 263225.5, "2023Q3": 244425.5, "2023Q4": 212252.0, "2024Q1": 53000, "2024Q2": 228351.0,
    "2024Q3": 136126.5, "2024Q4": 260075.5, "2025Q1": 199151.0,
}  # fmt: skip
ALL = "2467809.00"
_TWELVE = _ids("accounts", "account_id", 12)
EXPECTED: dict[str, Case] = {
    "00_base": Case("1996008.00"),
    "accounting_dash": Case("1992258.00"),
    "accounts_with_tier_column": Case(ALL, "Account Tier.*tier_history", must_say=True),
    "arabic_digits": Case(ALL),
    "bool_access": Case(ALL),
    "bool_check": Case(ALL),
    "bool_excel_de": Case(ALL),
    "bool_excel_fr": Case(ALL),
    "bool_french": Case(ALL),
    "bool_german": Case(ALL),
    "bool_x": Case(ALL, "never false", must_say=True),
    "case_names": Case(None, "capitals"),
    "cents_header": Case(ALL),
    "cjk_dates": Case(ALL, right=_closes("2022-03-17")),
    "concatenated_bom": Case(ALL),
    "contact_level": Case(ALL),
    "contacts_no_activities": Case("6075157.30"),
    "cr_only": Case(ALL),
    "credit_notes_positive": Case("2105632.50"),
    "csv_and_xlsx": Case(ALL, r"opportunities\.csv.*opportunities\.xlsx", must_say=True),
    "csv_error_cells": Case("2110557.00", "#REF!", must_say=True, right=_TWELVE),
    "currency_names": Case(None, "USD"),
    "drcr": Case("1667556.00", r"Dr\b.*Cr\b"),
    "duplicate_columns": Case(None, r"Amount \(2\)"),
    "dynamics_export": Case("1996008.00", "EUR", must_say=True),
    "excel_1904": Case(ALL, right=_closes("2022-03-17", "2025-02-07")),
    "forty_accounts": Case("2548466.63"),
    "french_invoices": Case("2796485.50", right=_closes("2022-03-19")),
    "french_months": Case(ALL, right=_closes("2022-03-17")),
    "fullwidth": Case("2467800.00"),
    "german_months": Case(ALL, right=_closes("2022-03-17")),
    "german_months_rare": Case("6530694.50"),
    "gross_and_net": Case(ALL, "Subtotal", must_say=True),
    "gz_zip": Case(ALL),
    "half_converted_dates": Case(None, "day.*month"),
    "header_line_breaks": Case(ALL),
    "header_units": Case("2467811.00", "k€", must_say=True),
    "hex_ids": Case(ALL, right=_TWELVE),
    "hijri_buddhist": Case(None, "2565"),
    "hubspot_converted": Case("2544451.43", "EUR", must_say=True),
    "hubspot_is_closed_flags": Case("1780930.50", right=_deals(15, 13)),
    "hubspot_names": Case("1996008.00"),
    "identical_lines": Case(ALL),
    "iso_week": Case(ALL, "week", must_say=True),
    "json_lines": Case(ALL, r"opportunities\.jsonl"),
    "lakh_crore": Case("2468000.00"),
    "leading_zeros_xlsx": Case(ALL),
    "man_yen": Case("2467400.00"),
    "many_companies": Case(ALL, "several_companies"),
    "midnight_utc": Case(
        ALL,
        right=lambda tables: by_quarter(tables) == _MIDNIGHT,
        settings=['data.timezone="America/New_York"'],
    ),
    "mixed_decimal": Case(None, "decimal comma"),
    "modifier_apostrophe": Case(ALL),
    "money_brackets": Case("1516707.00"),
    "month_only_dates": Case(ALL, "month", must_say=True),
    "month_only_iso": Case(ALL, "month", must_say=True),
    "na_account": Case("2314607.00", "no account_id", must_say=True, right=_TWELVE),
    "nbsp_ids": Case(ALL),
    "one_bad_byte": Case(ALL, "line ", must_say=True, right=_name("Łódź Händler")),
    "one_orders_file": Case("1584647.56", right=_TWELVE),
    "order_statuses": Case("2327658.00"),
    "ordinal_dates": Case(ALL),
    "other_workbooks": Case(ALL),
    "outcome_in_result": Case(ALL),
    "pipedrive": Case("1996008.00", "EUR", must_say=True),
    "qty_times_price": Case(ALL),
    "quarter_dates": Case(ALL, "quarter", must_say=True),
    "quarterly_files": Case(ALL),
    "quickbooks_sales_detail": Case(ALL, "group|Total for"),
    "quotes_beside_deals": Case(ALL, "quotes.csv", must_say=True, right=_without("stage_history")),
    "range_amount": Case(None, "50k-100k"),
    "salesforce_german": Case(ALL, "EUR", must_say=True),
    "sap_vbrk_german": Case("2038307.00", "EUR", must_say=True),
    "scientific_ids": Case(None, r"1\.23457E\+11.*spreadsheet"),
    "semicolon_quoted_commas": Case(ALL),
    "sep_line": Case(ALL),
    "sf_products_guess": Case(ALL, "Amount", must_say=True),
    "sf_won_closed_flags": Case("1884557.00", right=_deals(15, 12)),
    "shift_jis": Case(ALL, "cp932|shift", right=_name("株式会社テスト")),
    "shopify_orders": Case("2467109.00", "Refunded Amount", must_say=True),
    "signs_of_several_currencies": Case(None, "currenc"),
    "stage_words": Case("1673030.50"),
    "stripe_fivetran": Case("2063632.50", "JPY|jpy"),
    "subfolders": Case(ALL, "folder"),
    "swiss_dash": Case("2467800.00"),
    "thin_space": Case(ALL),
    "title_lines": Case(ALL),
    "transactions_no_id": Case("2528859.00"),
    "two_digit_dates": Case(ALL, "2022", right=_closes("2022-01-01")),
    "two_years_growing": Case("1049048.58"),
    "type_words": Case(None, "revenue type"),
    "us_time_suffix": Case(ALL, right=_closes("2022-01-01")),
    "wide_columns": Case("210875.50"),
    "wide_months": Case("2268658.00", "month"),
    "xls_html": Case(ALL, r"report1733\.xls"),
    "xlsm": Case(ALL),
    "xlsx_error_cells": Case("2030606.00", "#DIV/0!", must_say=True, right=_TWELVE),
    "xlsx_merged_groups": Case(ALL),
    "xlsx_pivot_first": Case(ALL, "Data"),
    "yyyyddmm": Case(None, r"'2022-\d\d-\d\d' can only be"),
    "zero_width_ids": Case(ALL),
}
_CRASH = "Please report this"


def read_case(source: Path, folder: Path, case: Case) -> Ended:
    """Guess settings for a folder of exports, read it with them, and say how it ended."""
    shutil.copytree(source, folder / "in", ignore=shutil.ignore_patterns(".tierkit"))
    said = ""
    try:
        said = guess_settings(folder / "in", source="in")
        (folder / "tierkit.toml").write_text(said, encoding="utf-8")
        reading = examine_source(read_settings(folder, overrides=case.settings))
    except TierkitError as error:
        return _refused(f"{said}\n{error}", case)
    except Exception as error:
        return Ended("crash", None, f"{said}\n{type(error).__name__}: {error}")
    said += "\n" + "\n".join(
        f"{'BLOCK' if one.blocks else 'warn'} {one.rule}: {one}" for one in reading.problems
    )
    if reading.tables is None:
        return _refused(said, case)
    tables = reading.tables
    said += "\n" + "\n".join(map(str, tables.exclusions))
    won = Decimal(tables.source_won_revenue) - sum(
        (Decimal(part.won_revenue) for part in tables.exclusions), Decimal(0)
    )
    right = case.won is not None and won == Decimal(case.won) and case.right(tables)
    spoken = not case.must_say or re.search(case.said, said, re.DOTALL)
    return Ended("right" if right and spoken else "wrong" if not right else "silent", won, said)


def _refused(said: str, case: Case) -> Ended:
    if _CRASH in said:
        return Ended("crash", None, said)
    helps = case.said and re.search(case.said, said, re.DOTALL)
    return Ended("refused with reason" if helps else "refused without help", None, said)


def main(names: Sequence[str]) -> None:
    """Print how each case ended, and how many ended how."""
    if CASES is None:
        raise SystemExit("There is no folder shared/field_cases beside the project.")
    ends: Counter[str] = Counter()
    for name in names or EXPECTED:
        with tempfile.TemporaryDirectory() as scratch:
            ended = read_case(CASES / name / "in", Path(scratch), EXPECTED[name])
        ends[ended.end] += 1
        shown = "" if ended.won is None else f"{ended.won:,.2f}"
        print(f"{name:<28} {ended.end:<22} {shown}", flush=True)
        if names:
            print(ended.said)
    print(dict(sorted(ends.items())))


if __name__ == "__main__":
    main(sys.argv[1:])
