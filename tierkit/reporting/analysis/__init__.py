"""The parts of the analyst page: tables and figures that the notebooks show, one call a cell."""
