"""The model at earlier quarter-ends against what happened; the one room that sees both sides."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
