"""HTML, tables, figures, workbook, slides and print as formats; knows no account, tier or fact."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
