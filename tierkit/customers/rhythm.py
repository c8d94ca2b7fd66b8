"""The rhythm of purchases: BG/NBD, and the chance that an account still buys at all.

Source: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.statistics import FloatArray

WEEK = 7.0
_PENALTY = 0.001
_START = (0.0, 2.0, 0.0, 0.0)


@dataclass(frozen=True)
class Rhythm:
    """The four numbers of BG/NBD.

    Attributes
    ----------
    r, alpha
        Shape and rate (in weeks) of how often accounts buy while they buy.
    a, b
        Of how often one stops after a purchase.
    """

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fitted(cls, buyers: pd.DataFrame) -> Rhythm:
        """Return the rhythm that makes the purchases of these accounts most likely.

        Parameters
        ----------
        buyers
            `earlier` (purchases so far), `tenure_days` since the first and `silent` days since the
            last one. An account may stand in several rows.
        """
        from scipy.optimize import minimize

        repeats, last, age = _numbers(buyers.drop_duplicates("account_id"))

        def loss(logs: FloatArray) -> float:
            r, alpha, a, b = np.exp(logs)
            fit = _log_likelihood(repeats, last, age, (r, alpha, a, b)).mean()
            return float(-fit + _PENALTY * float(np.square(logs).sum()))

        found = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=[(-7.0, 7.0)] * 4)
        return cls(*map(float, np.exp(found.x)))

    def alive(self, buyers: pd.DataFrame) -> pd.Series[float]:
        """Return the chance that each account still buys, from 0 to 1.

        Examples
        --------
        Of two that bought five times in a year one has been silent for most of it.

        >>> buyers = pd.DataFrame({"earlier": [5.0, 5.0], "tenure_days": [364.0, 364.0],
        ...     "silent": [14.0, 294.0]})
        >>> Rhythm(1.0, 10.0, 1.0, 3.0).alive(buyers).round(2).tolist()
        [0.84, 0.02]
        """
        repeats, last, age = _numbers(buyers)
        more = (self.a / (self.b + np.maximum(repeats, 1) - 1)) * (
            (self.alpha + age) / (self.alpha + last)
        ) ** (self.r + repeats)
        return pd.Series(np.where(repeats > 0, 1 / (1 + more), 1.0), index=buyers.index)


def _numbers(buyers: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return repeat purchases, and the weeks from the first purchase to the last and to now."""
    age = buyers["tenure_days"].to_numpy(dtype=float) / WEEK
    last = age - buyers["silent"].to_numpy(dtype=float) / WEEK
    return buyers["earlier"].to_numpy(dtype=float) - 1, last, age


def _log_likelihood(
    repeats: FloatArray,
    last: FloatArray,
    age: FloatArray,
    numbers: tuple[float, float, float, float],
) -> FloatArray:
    from scipy.special import betaln, gammaln

    r, alpha, a, b = numbers
    common = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    still = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
    count = np.maximum(repeats, 1)
    gone = betaln(a + 1, b + count - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + last)
    return np.asarray(common + np.where(repeats > 0, np.logaddexp(still, gone), still))
