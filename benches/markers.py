"""Where benches write what they measured: between two markers of a page."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "models.md"


def put_between(markers: tuple[str, str], body: str, page: Path = PAGE) -> None:
    """Write a text between two markers of a page, in place of what is there."""
    start, end = markers
    before, rest = page.read_text(encoding="utf-8").split(start)
    after = rest.split(end)[1]
    page.write_text(f"{before}{start}\n\n{body}\n\n{end}{after}", encoding="utf-8")
