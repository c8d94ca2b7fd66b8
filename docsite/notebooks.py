"""The notebooks of a run, rendered by day and by night, with nothing loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from nbconvert import HTMLExporter

from docsite.contrast import schemes

NAMES = ("fit_tier_model", "validate_tier_roi", "recalibrate")
THEMES = ("light", "dark")


def write_notebooks(project: Path, folder: Path) -> list[Path]:
    """Render the executed notebooks of a project's newest report and return the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    report = max((project / "reports").glob("2*"))
    written = []
    for name in NAMES:
        (source,) = (report / "notebooks").glob(f"*{name}.ipynb")
        for theme in THEMES:
            written.append(folder / f"{name}-{theme}.html")
            written[-1].write_text(render_notebook(source, theme), encoding="utf-8")
    return written


def render_notebook(source: Path, theme: str) -> str:
    """Return a notebook as a page of its own."""
    exporter = HTMLExporter(theme=theme)
    for name in ("mathjax_url", "require_js_url", "jquery_url", "widget_renderer_url"):
        setattr(exporter, name, "")
    html, _ = exporter.from_filename(str(source))
    # what is left of scripts only serves formulas and widgets, of which there are none
    bare = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    colours = " ".join(f"--{name}: {value};" for name, value in schemes()[theme].items())
    return _linked(bare.replace("</head>", f"<style>:root {{ {colours} }}</style></head>"), theme)


def _linked(html: str, theme: str) -> str:
    """Return a page whose links to notebooks lead to their pages, where they have one."""

    def target(link: re.Match[str]) -> str:
        shown = link[1] in NAMES
        return f'<a href="{link[1]}-{theme}.html">{link[2]}</a>' if shown else link[2]

    return re.sub(r'<a href="(\w+)\.ipynb"[^>]*>(.*?)</a>', target, html)
