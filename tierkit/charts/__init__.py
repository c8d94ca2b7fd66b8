"""Charts: a computed table in, Axes in and out; nothing is computed or written here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
