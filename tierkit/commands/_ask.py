"""A question about one account of a published report, asked from Python."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from tierkit.commands._explain import AccountExplanation, explain_account
from tierkit.errors import TierkitError
from tierkit.runs import find_project, trusted_tables
from tierkit.settings import Settings
from tierkit.words import NO_MATHEMATICS


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why an account has its tier, as text that shows itself.

    Attributes
    ----------
    answer
        Its parts: tier, prediction, factors, moves.
    """

    answer: AccountExplanation

    def __repr__(self) -> str:
        """Return the explanation as lines of text."""
        return "\n".join(self.answer.lines())

    def _repr_html_(self) -> str:
        return f'<pre class="{NO_MATHEMATICS}">{escape(repr(self))}</pre>'


def explain(account: str, *, project: str = "", quarter: str = "") -> Explanation:
    """Return why an account has its tier in a published report, and what would move it.

    Parameters
    ----------
    account
        Its id or its name.
    project
        The folder of the project; by default the one around the working folder.
    quarter
        Such as `2026Q3`; by default the newest published one.

    Raises
    ------
    SettingsError
        If there is no such account, or no report.
    """
    return Explanation(explain_account(find_project(project), account, quarter=quarter))


def account_names(settings: Settings) -> dict[str, str]:
    """Return the names of a project's accounts by id; empty where its tables cannot be read."""
    try:
        accounts = trusted_tables(settings)["accounts"].select("account_id", "name").collect()
    except TierkitError:
        return {}
    return {account: name for account, name in accounts.rows() if name}
