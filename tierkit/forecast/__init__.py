"""The forecast: revenue of the accounts known at a date, by quarter, with a range."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
