"""How much: what the accounts known at a date will bring, by quarter, with a range."""

from tierkit.forecast.history import KnownTotals, known_totals
from tierkit.forecast.total import Forecast, Span, earlier_forecasts, forecast

__all__ = ["Forecast", "KnownTotals", "Span", "forecast", "known_totals", "earlier_forecasts"]
