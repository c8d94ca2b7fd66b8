"""Numbers drawn for accounts from their ids, so that neither order nor company matters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_TO_UNIT = 2.0**-53
_BITS_DROPPED = np.uint64(11)


def account_draws(
    account_ids: Iterable[Any], *, purpose: str, seed: int
) -> npt.NDArray[np.float64]:
    """Return for each id a number in [0, 1) that depends on the id, the purpose and the seed alone.

    Examples
    --------
    >>> first = account_draws(["A", "B", "A"], purpose="folds", seed=1)
    >>> bool(first[0] == first[2]), bool((account_draws(["A"], purpose="x", seed=1) == first[0])[0])
    (True, False)
    """
    given = account_ids if isinstance(account_ids, pd.Index) else [*account_ids]
    ids: pd.Index[Any] = given if isinstance(given, pd.Index) else pd.Index(given, dtype=object)
    codes, unique = ids.factorize()
    key = f"{purpose}:{seed}".encode()[:64]
    names = (str(one).encode() for one in unique.tolist())
    digests = [hashlib.blake2b(name, digest_size=8, key=key).digest() for name in names]
    numbers = np.frombuffer(b"".join(digests), dtype="<u8") >> _BITS_DROPPED
    drawn = numbers.astype(np.float64) * _TO_UNIT
    return np.asarray(drawn[codes])
