"""`tierkit.toml`, read once into a frozen object; every problem in it is reported at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
