"""Intervals, resampling, measures of rankings, regressions: one of each."""
