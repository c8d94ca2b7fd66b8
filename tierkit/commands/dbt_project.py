"""A dbt project that computes panel and score in a warehouse, with its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from tierkit.commands.export import (
    ACCOUNTS,
    DATES,
    PANEL,
    SCORES,
    SOURCE,
    Dialect,
    Queries,
    in_dialect,
)
from tierkit.files import write_whole

_PROJECT = """name: tierkit
version: "1.0.0"
config-version: 2
profile: tierkit
model-paths: [models]
test-paths: [tests]
models:
  tierkit:
    +materialized: table
vars:
  # the schema in which the trusted tables lie
  crm_schema: main
"""
_PROFILES = """# An example: copy it to ~/.dbt/profiles.yml. No secret is written here.
tierkit:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{{ env_var('TIERKIT_DUCKDB', 'warehouse.duckdb') }}"
    postgres:
      type: postgres
      host: "{{ env_var('PGHOST', 'localhost') }}"
      port: "{{ env_var('PGPORT', '5432') | as_number }}"
      user: "{{ env_var('PGUSER', 'postgres') }}"
      password: "{{ env_var('PGPASSWORD', '') }}"
      dbname: "{{ env_var('PGDATABASE', 'postgres') }}"
      schema: public
      threads: 2
"""
_KEYS_TEST = """-- an account stands once at each as_of
SELECT account_id, as_of, COUNT(*) AS times
FROM {{{{ ref('{model}') }}}}
GROUP BY account_id, as_of
HAVING COUNT(*) <> 1 OR account_id IS NULL OR as_of IS NULL
"""
_CONSERVED_TEST = """-- won revenue of accounts is that of their deals in the window, to the cent
WITH direct AS (
  SELECT p.as_of, SUM(o.amount) AS amount
  FROM {{ source('crm', 'opportunities') }} AS o
  JOIN {{ ref('tierkit_accounts') }} AS p ON p.account_id = o.account_id
  JOIN {{ ref('tierkit_dates') }} AS d ON d.as_of = p.as_of
  WHERE o.is_won AND o.revenue_type IN ('new', 'expansion')
    AND o.close_date < p.as_of AND o.close_date >= d.start_4q AND o.close_date >= d.start_ever
    AND (o.created_date IS NULL OR o.created_date < p.as_of)
  GROUP BY p.as_of
), panel AS (
  SELECT as_of, SUM(won_revenue_4q) AS amount FROM {{ ref('tierkit_panel') }} GROUP BY as_of
)
SELECT panel.as_of, panel.amount AS accounts, direct.amount AS deals
FROM panel LEFT JOIN direct ON direct.as_of = panel.as_of
WHERE ABS(panel.amount - COALESCE(direct.amount, 0)) > 0.005
"""
_JOINED_TEST = """-- no account's won revenue gets lost or counts twice on its way into the panel
WITH deals AS (
  SELECT d.as_of, SUM(d.won_revenue_4q) AS amount
  FROM {{ ref('tierkit_won_deals') }} AS d
  JOIN {{ ref('tierkit_accounts') }} AS a ON a.account_id = d.account_id AND a.as_of = d.as_of
  GROUP BY d.as_of
), panel AS (
  SELECT as_of, SUM(won_revenue_4q) AS amount FROM {{ ref('tierkit_panel') }} GROUP BY as_of
)
SELECT panel.as_of, panel.amount AS accounts, deals.amount AS deals
FROM panel LEFT JOIN deals ON deals.as_of = panel.as_of
WHERE ABS(panel.amount - COALESCE(deals.amount, 0)) > 0.005
"""
_UNIT_TEST = """unit_tests:
  - name: a_deal_on_or_after_as_of_changes_nothing
    description: of three won deals the one before as_of counts, alone
    model: tierkit_won_deals
    given:
{given}
    expect:
      rows:
        - {{account_id: A, won_revenue_ever: 100, wins_count_ever: 1}}
"""
_DEALS = [
    {"opportunity_id": "O1", "account_id": "A", "close_date": -1, "amount": 100},
    {"opportunity_id": "O2", "account_id": "A", "close_date": 0, "amount": 1000},
    {"opportunity_id": "O3", "account_id": "A", "close_date": 1, "amount": 10000},
]


def write_dbt_project(queries: Queries, folder: Path, *, dialect: Dialect) -> None:
    """Write a dbt project: models, sources, and tests of keys, conservation and blindness."""
    for name, text in dbt_files(queries, dialect=dialect).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)


def dbt_files(queries: Queries, *, dialect: Dialect) -> dict[str, str]:
    """Return the files of a dbt project by their path."""
    names = {SOURCE + table: f"{{{{ source('crm', '{table}') }}}}" for table in queries.sources}
    names |= {name: f"{{{{ ref('{name}') }}}}" for name in (*queries.models, DATES)}
    files = {
        "dbt_project.yml": _PROJECT,
        "profiles.yml": _PROFILES,
        f"models/{DATES}.sql": dates_query(queries.dates) + "\n",
        "models/tierkit.yml": _properties(queries),
        "models/unit_tests.yml": _UNIT_TEST.format(given="\n".join(_given(queries))),
        "tests/joins_conserve_money.sql": _JOINED_TEST,
        "tests/panel_keys.sql": _KEYS_TEST.format(model=PANEL),
    }
    if "stage_history" not in queries.sources:  # which may say that a deal ended otherwise
        files["tests/windows_conserve_money.sql"] = _CONSERVED_TEST
    if SCORES in queries.models:
        files["tests/score_keys.sql"] = _KEYS_TEST.format(model=SCORES)
    for name, query in queries.models.items():
        files[f"models/{name}.sql"] = in_dialect(query, dialect, names=names) + "\n"
    return files


def write_sql(queries: Queries, folder: Path, *, dialect: Dialect) -> None:
    """Write one file a query, numbered in the order in which they rest on each other.

    Trusted tables keep their names; the result of a file is kept as a table of its name.
    """
    names = {SOURCE + table: table for table in queries.sources}
    names |= {name: name for name in (*queries.models, DATES)}
    texts = {DATES: dates_query(queries.dates)} | {
        name: in_dialect(query, dialect, names=names) for name, query in queries.models.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    for place, (name, text) in enumerate(texts.items()):
        write_whole(folder / f"{place:02d}_{name}.sql", f"CREATE TABLE {name} AS\n{text};\n")


def dates_query(dates: pd.DataFrame) -> str:
    """Return the as_of dates and the starts of their windows as a query.

    Examples
    --------
    >>> print(dates_query(pd.DataFrame({"as_of": ["2026-01-01"], "start_1q": ["2025-10-01"]})))
    SELECT CAST('2026-01-01' AS DATE) AS as_of, CAST('2025-10-01' AS DATE) AS start_1q
    """
    rows = [
        "SELECT "
        + ", ".join(f"CAST('{str(day)[:10]}' AS DATE) AS {name}" for name, day in row.items())
        for row in dates.to_dict("records")
    ]
    return "\nUNION ALL\n".join(rows)


def _properties(queries: Queries) -> str:
    tables = "\n".join(f"      - name: {table}" for table in queries.sources)
    not_null = "\n".join(
        f"  - name: {name}\n    columns:\n      - name: account_id\n        data_tests: [not_null]"
        for name in queries.models
    )
    return (
        "version: 2\nsources:\n  - name: crm\n    schema: \"{{ var('crm_schema') }}\"\n"
        f"    tables:\n{tables}\nmodels:\n{not_null}\n"
    )


def _given(queries: Queries) -> Iterator[str]:
    """Yield the inputs of the unit test: three deals around the day; the other tables are empty."""
    query = queries.models["tierkit_won_deals"]
    as_of = pd.Timestamp(queries.dates["as_of"].iloc[0])
    for table in queries.sources:
        if f'"{SOURCE}{table}"' not in query:
            continue
        yield f"      - input: source('crm', '{table}')"
        if table != "opportunities":
            yield "        rows: []"
            continue
        yield "        rows:"
        for deal in _DEALS:
            day = as_of + pd.Timedelta(days=int(str(deal["close_date"])))
            yield "          - " + _flow({**deal, "close_date": day.date(), "is_won": "true",
                                          "revenue_type": "new"})  # fmt: skip
    if f'"{ACCOUNTS}"' in query:
        yield f"      - input: ref('{ACCOUNTS}')\n        rows: []"
    yield f"      - input: ref('{DATES}')\n        rows:"
    yield "          - " + _flow(
        {str(name): str(day)[:10] for name, day in queries.dates.iloc[0].items()}
    )


def _flow(row: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in row.items()) + "}"
