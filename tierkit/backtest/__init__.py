"""The model at earlier quarter-ends against what happened; the one room that sees both sides."""

from tierkit.backtest.choice import Known, ModelChoice, choose_model
from tierkit.backtest.trial import FEWEST_TESTED_ACCOUNTS, FEWEST_TESTED_WINS, backtest

__all__ = [
    "FEWEST_TESTED_ACCOUNTS",
    "FEWEST_TESTED_WINS",
    "Known",
    "ModelChoice",
    "backtest",
    "choose_model",
]
