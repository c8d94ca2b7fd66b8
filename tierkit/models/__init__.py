"""Features to predicted revenue: the points card, how it is fitted, simple rules, measures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
