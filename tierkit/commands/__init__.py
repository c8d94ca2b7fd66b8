"""Questions between recalibrations: scores of today, and one account explained."""
