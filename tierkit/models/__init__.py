"""Features to predicted revenue: the points card, how it is fitted, simple rules, measures."""
