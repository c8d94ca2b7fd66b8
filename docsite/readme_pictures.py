"""`python -m docsite.readme_pictures PROJECT`: the pictures of README, from a project's report."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import tierkit
from docsite.pictures import take_picture

IMAGES = Path(__file__).parent.parent / "docs" / "images"
STYLE = "margin:1em;background:#fff;font:15px system-ui,sans-serif"
PAGE = f'<!doctype html><meta charset="utf-8"><body style="{STYLE}">{{}}</body>'


def main(project: Path) -> None:
    """Take the pictures again and say where they lie."""
    report = max((project / "reports").glob("2*"))
    with TemporaryDirectory() as scratch:
        still = Path(scratch) / "explorer.html"
        still.write_text(PAGE.format(tierkit.explore(str(project)).static().html), encoding="utf-8")
        for page, name in ((report / "leadership.html", "leadership"), (still, "explorer")):
            picture = IMAGES / f"{name}.png"
            if not take_picture(page, picture, width=1100, height=900):
                sys.exit("no browser was found")
            print(picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
