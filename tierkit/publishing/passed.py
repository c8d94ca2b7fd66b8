"""Parameters that papermill's own command has passed to the notebook that is running."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tierkit.errors import SettingsError
from tierkit.publishing.notebooks import names_bound, unknown_parameter

_PASSED = "# Parameters\n"


def refuse_unknown_parameters() -> None:
    """Refuse a parameter that the running notebook was passed and does not take.

    Outside of a notebook nothing happens.

    Raises
    ------
    SettingsError
        See `check_passed`.
    """
    ipython = sys.modules.get("IPython")
    session = None if ipython is None else ipython.get_ipython()
    if session is not None:
        check_passed(session.user_ns.get("In", []))


def check_passed(executed: Sequence[str]) -> None:
    r"""Check the cells that papermill has added: it only warns of names that nobody takes.

    Parameters
    ----------
    executed
        The sources of the cells that were executed, in order.

    Raises
    ------
    SettingsError
        With every name passed that no cell before it had assigned.

    Examples
    --------
    >>> check_passed(['quarter = ""', "# Parameters\nquater = '2026Q3'\n"])
    Traceback (most recent call last):
    tierkit.errors.SettingsError: this notebook: 1 parameter cannot be passed
      - quater: is no parameter. Did you mean quarter?
    """
    taken: list[str] = []
    for source in executed:
        bound = [*names_bound(source)]
        unknown = [name for name in bound if source.startswith(_PASSED) and name not in taken]
        if taken and unknown:
            count = "1 parameter" if len(unknown) == 1 else f"{len(unknown)} parameters"
            problems = [unknown_parameter(name, tuple(taken)) for name in unknown]
            raise SettingsError(f"this notebook: {count} cannot be passed", problems)
        taken += bound
