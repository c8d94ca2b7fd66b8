"""Still pictures of charts that altair and plotly leave in a notebook as data for a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from nbformat import NotebookNode

from tierkit.rendering.html import tag

_STILL = ("image/svg+xml", "image/png", "image/jpeg")
_VEGA_LITE, _PLOTLY = "application/vnd.vegalite.", "application/vnd.plotly."
_IN_HTML, _CALL = 'id="altair-viz-', "})({"
_PACKAGES = {_VEGA_LITE: "vl-convert-python", _PLOTLY: "kaleido"}
_STATIC = {_VEGA_LITE: 'alt.renderers.enable("png")', _PLOTLY: 'fig.show("png")'}


def with_still_charts(cell: NotebookNode) -> NotebookNode:
    """Return a cell whose charts of altair and plotly are pictures, or a sentence in their place.

    A chart that the notebook holds as a picture already is taken as it is. Others are drawn where
    the package is installed that draws them without a browser page.
    """
    if cell.cell_type != "code" or not any(map(_chart_kind, cell.outputs)):
        return cell
    changed: NotebookNode = NotebookNode(cell)  # type: ignore[no-untyped-call]
    changed["outputs"] = [_still(output) if _chart_kind(output) else output
                          for output in cell.outputs]  # fmt: skip
    return changed


def _chart_kind(output: Mapping[str, Any]) -> str:
    """Return which kind of chart needs a script to be seen; empty for any other output."""
    data = output.get("data", {})
    if any(kind in data for kind in _STILL):
        return ""
    if _IN_HTML in str(data.get("text/html", "")):
        return _VEGA_LITE
    return next((kind for kind in _PACKAGES if any(key.startswith(kind) for key in data)), "")


def _still(output: NotebookNode) -> NotebookNode:
    kind = _chart_kind(output)
    try:
        chart = _chart(output.data, kind)
        picture = _vega_lite_svg(chart) if kind == _VEGA_LITE else _plotly_svg(chart)
        data = {"image/svg+xml": picture}
    except Exception:
        data = {"text/html": str(_instead(kind))}
    changed = NotebookNode(output)  # type: ignore[no-untyped-call]
    changed["data"] = data
    return changed


def _chart(data: Mapping[str, Any], kind: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the chart as JSON; altair by itself writes it as the argument of a script."""
    html = str(data.get("text/html", ""))
    if kind == _VEGA_LITE and _IN_HTML in html:
        return json.JSONDecoder().raw_decode(html, html.index(_CALL) + len(_CALL) - 1)[0]
    return next(value for key, value in data.items() if key.startswith(kind))


def _instead(kind: str) -> Markup:
    return tag(
        "p",
        f"A chart stands here that only a script can show, and pages hold none. Show it as a "
        f"picture, {_STATIC[kind]}, or install {_PACKAGES[kind]} for it to be drawn by itself.",
    )


def _vega_lite_svg(chart: Any) -> str:  # noqa: ANN401 (JSON)
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart))


def _plotly_svg(chart: Any) -> str:  # noqa: ANN401 (JSON)
    import plotly.io

    return str(plotly.io.to_image(chart, format="svg").decode())
