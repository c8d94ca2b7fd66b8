"""Contradictions of the column that seems to hold the amount: repeated totals, taxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import narwhals as nw

from tierkit.crm.engine import Rows
from tierkit.crm.guard import grouped
from tierkit.crm.numbers import with_plain_numbers
from tierkit.crm.parsing import number_of, numeral_of

_CENT = 0.02
_NEARLY_ALL = 0.95
_FEWEST = 3


def as_numbers(
    rows: Rows, headers: Sequence[str], *keep: str, shares: Collection[str] = ()
) -> Rows:
    """Return the named columns as numbers, missing where a value is none, beside those to keep."""
    schema = rows.collect_schema()
    wanted = [header for header in dict.fromkeys(headers) if header not in keep]
    texts = [header for header in wanted if not schema[header].is_numeric()]
    others = [header for header in wanted if header not in texts]
    rows = rows.select(
        *(nw.col(name).cast(nw.String) for name in keep),
        *(numeral_of(header, schema[header]).alias(header) for header in texts),
        *others,
    )
    rows, _ = with_plain_numbers(rows, texts, decimal=None, shares=shares)
    types = {**schema, **dict.fromkeys(texts, nw.String())}
    return rows.select(*keep, *(number_of(one, types[one]).alias(one) for one in wanted))


def sums_to(rows: Rows, deal: str, amount: str, others: Sequence[str]) -> str | None:
    """Return the column whose lines add up to an amount that each line of a deal repeats.

    Such an amount is the deal's, not the line's: adding it up counts it once for every line.
    """
    candidates = [other for other in others if other != amount]
    if not candidates:
        return None
    numbers = as_numbers(rows, [amount, *candidates], deal)
    deals = grouped(
        numbers.filter(~nw.col(deal).is_null() & ~nw.col(amount).is_null()),
        deal,
        __lines=nw.len(),
        __least=nw.col(amount).min(),
        __most=nw.col(amount).max(),
        **{f"__sum {one}": nw.col(one).sum() for one in candidates},
    ).filter(nw.col("__lines") > 1)
    repeated = nw.col("__most") - nw.col("__least") < _CENT
    counts = deals.select(
        __deals=nw.len(),
        **{
            one: (repeated & ((nw.col(f"__sum {one}") - nw.col("__most")).abs() < _CENT))
            .cast(nw.Int64)
            .sum()
            for one in candidates
        },
    )
    found = counts.collect().rows(named=True)[0]
    most = max(_FEWEST, _NEARLY_ALL * int(found.pop("__deals")))
    return next((one for one in candidates if (found[one] or 0) >= most), None)


def net_of(rows: Rows, total: str, others: Sequence[str], taxes: Sequence[str]) -> str | None:
    """Return the column that is a total without its tax, where nearly every row adds up so.

    Rows without tax say nothing.
    """
    pairs = [
        (net, tax) for tax in taxes for net in others if total not in (net, tax) and net != tax
    ]
    if not pairs:
        return None
    numbers = as_numbers(rows, [total, *others, *taxes])
    counts = numbers.select(
        **{
            f"{place} {name}": value.cast(nw.Int64).sum()
            for place, (net, tax) in enumerate(pairs)
            for name, value in (
                ("all", nw.col(tax).abs() > 0),
                (
                    "fits",
                    (nw.col(tax).abs() > 0)
                    & ((nw.col(net) + nw.col(tax) - nw.col(total)).abs() < _CENT),
                ),
            )
        }
    )
    found = counts.collect().rows(named=True)[0]
    for place, (net, _) in enumerate(pairs):
        fits, every = int(found[f"{place} fits"] or 0), int(found[f"{place} all"] or 0)
        if fits >= max(_FEWEST, _NEARLY_ALL * every):
            return net
    return None
