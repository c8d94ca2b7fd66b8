"""Addresses of the documentation, put into the package when it is built.

The pages travel inside the package, so addresses lead there. Whoever publishes the site that
`make docs` builds names it in the variable `TIERKIT_SITE`, and addresses lead to it instead.
"""

from __future__ import annotations

import os

from hatchling.metadata.plugin.interface import MetadataHookInterface

IN_THE_PACKAGE = "tierkit/docs"


class Addresses(MetadataHookInterface):
    """The table `[project.urls]`."""

    def update(self, metadata: dict) -> None:
        """Put the addresses into the metadata."""
        site = os.environ.get("TIERKIT_SITE", "").rstrip("/")
        end = "html" if site else "md"
        pages = {
            "Documentation": f"index.{end}",
            "Tutorial": f"tutorial/first_hour.{end}",
            "Evidence": f"evidence/index.{end}",
        }
        place = site or IN_THE_PACKAGE
        metadata["urls"] = {label: f"{place}/{page}" for label, page in pages.items()}
