"""Opening an explorer: reading, fitting, and what is shown where that is not possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from tierkit.errors import TierkitError
from tierkit.explorer.session import Session
from tierkit.rendering import Fragment, joined, progress_bar, tag

if TYPE_CHECKING:
    from tierkit.explorer.controls.panel import Panel

_OTHER_STEPS = 4
_TWIN_AFTER_SECONDS = 0.8


class Explorer(Session):
    """A project under exploration, with a panel in JupyterLab.

    As the last line of a cell it shows the panel, and stores a still picture of it in the notebook.
    Everything that can be clicked is a method.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (those of a session)
        super().__init__(*args, **kwargs)
        self._panel: Panel | None = None
        self._twin: Any = None

    @property
    def panel(self) -> Panel:
        """The controls and views; made when first asked for."""
        if self._panel is None:
            from tierkit.explorer.controls.panel import Panel

            self._panel = Panel(self)
            self.on_change(self._twin_later)
        return self._panel

    def static(self) -> Fragment:
        """Return all tabs as they are now, as a still picture without controls.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> "Predicted revenue" in explorer.static().html
        True
        """
        from tierkit.explorer.pages.compare import static_twin

        return static_twin(self)

    def settings_lines(self) -> Fragment:
        """Return which lines of `tierkit.toml` *Write to tierkit.toml* would change, to be shown.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 3)
        >>> [line for line in explorer.settings_lines().html.splitlines() if "capacity" in line]
        ['-capacity = 1  # as agreed', '+capacity = 3  # as agreed']
        """
        from tierkit.explorer.pages.compare import settings_lines

        return Fragment(str(settings_lines(self)))

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from tierkit.explorer.pages.compare import INSTEAD

        panel = {**self.panel.widget._repr_mimebundle_(), "text/plain": INSTEAD}
        display(panel, raw=True)  # type: ignore[no-untyped-call]
        self._twin = display(self.static(), display_id=True)  # type: ignore[no-untyped-call]

    def _twin_later(self) -> None:
        """Renew the picture in the notebook once changes pause."""
        if self._twin is None:
            return
        from tierkit.explorer.controls.labelled import Later

        if not hasattr(self, "_later"):
            self._later = Later(wait=_TWIN_AFTER_SECONDS, longest=5.0, at_once=False)
        self._later.soon("twin", lambda: self._twin.update(self.static()))


class Unopened:
    """An explorer that could not be opened: it shows why, and what to do.

    Parameters
    ----------
    error
        What stands in the way.
    """

    def __init__(self, error: TierkitError) -> None:
        self.error = error

    @property
    def errors(self) -> list[str]:
        """The obstacle, in words."""
        return [str(self.error)]

    def static(self) -> Fragment:
        """Return what stands in the way, and how to go on."""
        from tierkit.explorer.pages.parts import note, warning

        hint = "`tierkit check` lists every problem of the data; then run this cell again."
        parts = [tag("h3", "The explorer cannot be opened"), warning(str(self.error)), note(hint)]
        return Fragment(str(joined(*parts)))

    def __repr__(self) -> str:
        """Return what stands in the way."""
        return f"The explorer cannot be opened: {self.error}"

    def _repr_html_(self) -> str:
        return self.static().html

    def __getattr__(self, name: str) -> NoReturn:
        """Raise what stands in the way, whatever is asked of the explorer."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise self.error


def explore(
    project: str = "", *, quarter: str = "", settings: str | Mapping[str, object] = ""
) -> Explorer | Unopened:
    """Open a project's criteria and tiers to explore them.

    Parameters
    ----------
    project
        The project's folder, by default the one around the working folder; `sample` for a
        simulated one.
    quarter
        Its label; by default the last quarter that the data cover.
    settings
        Settings by dotted name to begin with; see `open_run`.

    Returns
    -------
    Explorer or Unopened
        The last line of a notebook's cell shows it. Where the project cannot be read, what is shown
        says why and what to do, and every method raises that.

    Examples
    --------
    >>> explorer = explore("no such folder")
    >>> explorer.errors
    ["no such folder: no tierkit.toml there or above. Name the project's folder, ...]
    """
    from tierkit._backtest import FIT_STEPS
    from tierkit.explorer.basis import Basis
    from tierkit.explorer.learned import learned_of
    from tierkit.runs import open_run

    with progress_bar(_OTHER_STEPS + len(FIT_STEPS)) as step:
        try:
            step("reading the source")
            run = open_run(project, quarter=quarter, settings=settings)
            learned = learned_of(run, progress=step)
            step("putting accounts into tiers")
            return Explorer(Basis.of(run, learned))
        except TierkitError as error:
            return Unopened(error)
