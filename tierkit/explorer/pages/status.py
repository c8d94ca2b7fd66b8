"""The line above the tabs, and the static twin of the whole explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tierkit.explorer.pages.account import account_page
from tierkit.explorer.pages.compare import compare_page
from tierkit.explorer.pages.criteria import criteria_page
from tierkit.explorer.pages.parts import note, warning
from tierkit.explorer.pages.tiers import tiers_page
from tierkit.reporting.fragment import NO_MATHEMATICS, Fragment, joined, tag
from tierkit.reporting.words import quarter_name

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

LIVE_CLASS, TWIN_CLASS = "tierkit-explorer-live", "tierkit-explorer-static"
_MIME = "application/vnd.jupyter.widget-view+json"
_AREA = ".jp-OutputArea"
_WIDGET = f':is(.jp-OutputArea-output.lm-Panel, [data-mime-type="{_MIME}"])'
INSTEAD = "The explorer's panel. Run the cell again to interact; a still picture stands below."
"""What stands in the panel's place where nothing can show it."""
TWIN_STYLE = (
    f"<style>@media screen{{{_AREA}:has(.{LIVE_CLASS}) .{TWIN_CLASS}{{display:none}}}}"
    f"@media print{{{_AREA}:has(.{TWIN_CLASS}) .{LIVE_CLASS}{{display:none}}}}"
    f"{_AREA}:has(.{TWIN_CLASS}):not(:has(.{LIVE_CLASS})) {_WIDGET}{{display:none}}</style>"
)
"""The twin is hidden while the panel is alive, and shown once it is reopened or printed.

Where a notebook is reopened, JupyterLab writes in the panel's place that it is loading, then that
it is not found: that place is hidden.
"""


def status(session: Session, *, working: str = "") -> Markup:
    """Return what is explored, what is missing, what is wrong, what is going on."""
    work = session.basis.work
    line = (
        f"{work.title}, {quarter_name(work.quarter.label)} ({work.quarter.dates}): "
        f"{len(session.basis.ids):,} accounts"
    )
    return joined(
        note(f"{line}; {working}" if working else line),
        *(warning(error) for error in session.errors),
        _gaps(session),
    )


def static_twin(session: Session) -> Fragment:
    """Return all tabs as they are, for notebooks that are reopened, printed or read elsewhere."""
    parts = [
        tag("h3", "Account tiering: what was on screen"),
        note("This is a still picture. Run the cell again to interact."),
        status(session),
        *(joined(tag("h3", title), draw(session)) for title, draw in (
            ("Criteria", criteria_page), ("Tiers", tiers_page), ("Account", account_page),
            ("Compare", compare_page),
        )),
    ]  # fmt: skip
    body = tag("div", joined(*parts), class_=f"{TWIN_CLASS} {NO_MATHEMATICS}")
    return Fragment(str(Markup(TWIN_STYLE) + body))


def _gaps(session: Session) -> Markup:
    gaps = session.gaps
    if not gaps:
        return Markup("")
    items = joined(*(tag("li", str(gap)) for gap in gaps))
    one = len(gaps) == 1
    words = (
        "1 thing cannot be shown, and how to get it"
        if one
        else f"{len(gaps)} things cannot be shown, and how to get them"
    )
    return tag("details", joined(tag("summary", words), tag("ul", items)))
