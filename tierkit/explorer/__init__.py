"""The explorer for JupyterLab: criteria and tiers that answer while one drags.

State and methods know no widget (`session`), pages are plain HTML (`pages/`), controls stand beside
them (`controls/`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
