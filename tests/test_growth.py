"""Growth of customers: the next product, tested against popularity; renamed products."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.customers import RULES, Purchases, next_products
from tierkit.customers.products import chances_at, renamed_products

YEAR = 365.0
POPULARITY, INDUSTRY, OWNED = RULES


def lines(*rows):
    return pd.DataFrame(
        [(account, product, float(day), 10.0) for account, product, day in rows],
        columns=["account_id", "product", "day", "amount"],
    )


def test_a_product_is_suggested_only_to_customers_that_lack_it():
    found = Purchases.of(
        lines(("A", "Core", 1), ("A", "Plus", 500), ("B", "Core", 1), ("C", "Plus", 900)),
        pd.Series(dtype="str"),
    )
    chance = pd.DataFrame(chances_at(found, 800.0, YEAR)[POPULARITY], index=found.first.index,
                          columns=found.first.columns)  # fmt: skip
    assert chance.isna().loc["A"].all()  # owns both
    assert chance.loc["B", "Plus"] == 0.5  # one of two owners of Core alone bought it in the year
    assert chance.isna().loc["C"].all()  # no customer yet


def test_chances_of_a_day_rest_on_nothing_that_comes_later():
    early = lines(("A", "Core", 1), ("A", "Plus", 500), ("B", "Core", 1))
    later = lines(("B", "Plus", 900), ("C", "Core", 850))
    accounts = pd.Series("", index=["A", "B", "C"])
    one, both = (Purchases.of(rows, accounts) for rows in (early, pd.concat([early, later])))
    for rule in RULES:
        known, poisoned = (chances_at(found, 800.0, YEAR)[rule][:2] for found in (one, both))
        np.testing.assert_allclose(known, poisoned)


def world(seed, *, follows):
    """Customers that buy a second product: the one that goes with their first, or any."""
    rng = np.random.default_rng(seed)
    rows = []
    for account in range(400):
        first = int(rng.integers(0, 3))
        begun = float(rng.uniform(0, 1400))
        rows.append((f"{account:03}", f"P{first}", begun))
        second = first + 3 if rng.random() < follows else int(rng.integers(3, 6))
        rows.append((f"{account:03}", f"P{second}", begun + float(rng.exponential(300))))
    return Purchases.of(lines(*rows), pd.Series(dtype="str"))


def suggested(purchases):
    return next_products(purchases, today=1825.0, days=[1095.0, 1186.0, 1277.0], length=YEAR)


def test_a_rule_that_hits_more_often_than_popularity_suggests():
    found = suggested(world(1, follows=0.9))
    assert found.ranked_by == OWNED
    assert found.hit_rate(OWNED).value > found.hit_rate(POPULARITY).value + 0.2
    assert found.value.has_range


def test_where_any_product_follows_any_other_popularity_suggests():
    ranked = [suggested(world(seed, follows=0.0)).ranked_by for seed in range(2, 8)]
    assert ranked.count(POPULARITY) >= 5


def test_a_product_that_was_renamed_is_one_product():
    rows = [(account, "Core", 1 + place) for place, account in enumerate("ABCD")]
    rows += [(account, "Core Plus", 60 + place) for place, account in enumerate("ABC")]
    assert renamed_products(lines(*rows)) == {"Core": "Core Plus"}
    assert [*Purchases.of(lines(*rows), pd.Series(dtype="str")).first] == ["Core Plus"]


def test_a_product_that_begins_while_the_other_still_sells_is_another_product():
    rows = [("A", "Core", 1), ("B", "Core", 90), ("A", "Plus", 60), ("B", "Plus", 95)]
    assert renamed_products(lines(*rows)) == {}
