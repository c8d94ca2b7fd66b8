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
    codes, unique = pd.factorize(np.asarray([*account_ids], dtype=object))
    key = f"{purpose}:{seed}".encode()[:64]
    digests = [
        hashlib.blake2b(str(one).encode(), digest_size=8, key=key).digest() for one in unique
    ]
    numbers = np.frombuffer(b"".join(digests), dtype="<u8") >> _BITS_DROPPED
    return (numbers.astype(np.float64) * _TO_UNIT)[codes]
