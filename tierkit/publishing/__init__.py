"""From notebooks to a published report: run, check, render, publish."""
