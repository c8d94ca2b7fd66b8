"""The quarterly recalibration: its stages in order, each from files to files of one run."""
