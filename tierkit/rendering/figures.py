"""Figures of a page: an Axes becomes SVG that is read aloud, prints, and follows light and dark."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tierkit.charts import FONT, GREY, INK, LINE, MUTED, PAPER, TONES, WARN, any_script
from tierkit.rendering.html import Fragment, joined, printable, tag

Draw = Callable[[Axes], Axes]

READERS_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
NARROW = "narrow"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    GREY: "grey",
    WARN: "warn",
    PAPER: "paper",
    **{colour: f"tone-{position}" for position, colour in enumerate(TONES, start=1)},
}
_COLOUR = re.compile("|".join(_VARIABLES))
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": FONT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "text.parse_math": False,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Picture:
    """The drawing of one figure for one width of the page.

    Attributes
    ----------
    draw
        Takes an Axes, returns it.
    width, height
        Of the whole figure in CSS pixels, at which its text is 13 px high.
    margins
        Space free of axes at the left, right, top and bottom, in the same unit.
    """

    draw: Draw
    width: float
    height: float
    margins: tuple[float, float, float, float] = (2.0, 2.0, 0.0, 0.0)


def figure(
    wide: Picture,
    *,
    name: str,
    finding: str,
    narrow: Picture | None = None,
    values: Sequence[tuple[str, str]] = (),
    folds: bool = False,
) -> Fragment:
    """Return a figure with its finding as title.

    Parameters
    ----------
    wide
        What is shown; with `narrow`, what is shown on screens from 720 px and on paper.
    name
        What checks find the figure by (`data-figure`).
    finding
        What the figure shows, as one sentence: its title, and what is read aloud.
    narrow
        What is shown on smaller screens instead.
    values
        What stands at its marks, by name: a table that only a screen reader sees.
    folds
        On the analyst page it is folded up under its finding; paper and notebooks show it.

    Examples
    --------
    >>> picture = Picture(lambda ax: ax.set_axis_off() or ax, 100, 40)
    >>> drawn = figure(picture, name="moves", finding="Nothing moved.")
    >>> "<figcaption>Nothing moved.</figcaption>" in drawn.html
    True
    """
    finding = printable(finding)
    pictures = [svg(wide, name=f"{name}-wide", finding=finding, class_="wide" if narrow else "")]
    if narrow:
        pictures.append(svg(narrow, name=f"{name}-{NARROW}", finding=finding, class_=NARROW))
    rows = [tag("tr", tag("th", label, scope="row") + tag("td", said)) for label, said in values]
    unseen = [tag("div", tag("table", joined(*rows)), class_="unseen")] if rows else []
    body = joined(tag("figcaption", finding), *pictures, *unseen)
    reached = {} if narrow else {"tabindex": "0"}  # it may scroll sideways on a small screen
    folded = {"data_folds": "yes"} if folds else {}
    return Fragment(str(tag("figure", body, data_figure=name, **reached, **folded)))


def svg(picture: Picture, *, name: str, finding: str, class_: str = "") -> Markup:
    """Return a picture as an SVG element: the same bytes for the same picture.

    Text stays text in the reader's own font; colours are variables of the page with the light
    ones to fall back on; no id occurs in two pictures of different names.
    """
    with mpl.rc_context(), any_script():
        mpl.rcdefaults()  # a `matplotlibrc` of the working folder changes no picture
        mpl.rcParams.update({**_RC, "svg.hashsalt": name})
        drawn = Figure(figsize=(picture.width / 72, picture.height / 72), dpi=72)
        picture.draw(drawn.add_axes(_box(picture)))
        written = io.StringIO()
        drawn.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    return _page_element(written.getvalue(), picture, finding, class_)


def _box(picture: Picture) -> tuple[float, float, float, float]:
    left, right, top, bottom = picture.margins
    across, up = picture.width, picture.height
    return (left / across, bottom / up, (across - left - right) / across, (up - top - bottom) / up)


def _page_element(written: str, picture: Picture, finding: str, class_: str) -> Markup:
    root = ElementTree.fromstring(written)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: text for key, text in element.attrib.items()}
    _tidy(root)
    size = f"{picture.width:g}"
    style = (
        f"--wide:{size}px;max-width:{size}px;font-family:{READERS_FONTS};"
        "font-variant-numeric:tabular-nums"
    )
    if class_ == NARROW:
        style = f"{style};display:none"  # a mail program that drops style sheets shows the wide one
    box = root.attrib["viewBox"]
    root.attrib = {
        "role": "img",
        "aria-label": finding,
        "viewBox": box,
        "width": "100%",
        "style": style,
    }
    if class_:
        root.attrib["class"] = class_
    title = ElementTree.Element("title")
    title.text = finding
    root.insert(0, title)
    text = ElementTree.tostring(root, encoding="unicode")
    return Markup(text)  # ElementTree escaped every text


def _tidy(parent: ElementTree.Element) -> None:
    """Take away what a page does not need: metadata, global style, ids of groups, fonts."""
    for child in list(parent):
        if child.tag in ("metadata", "style") or (child.tag == "defs" and _is_style(child)):
            parent.remove(child)
            continue
        if child.tag == "g":
            child.attrib.pop("id", None)
        if child.tag == "text":
            child.attrib["style"] = re.sub(r"font-family:[^;]*;\s*", "", child.attrib["style"])
            child.attrib.pop(
                "transform" if "rotate(-0 " in child.get("transform", "") else "", None
            )
        if "style" in child.attrib:
            child.attrib["style"] = _COLOUR.sub(_variable, child.attrib["style"])
        child.tail = None
        if child.text and not child.text.strip():
            child.text = None
        _tidy(child)


def _is_style(defs: ElementTree.Element) -> bool:
    return [child.tag for child in defs] == ["style"]


def _variable(found: re.Match[str]) -> str:
    return f"var(--{_VARIABLES[found.group()]}, {found.group()})"
