"""What accounts received of our effort, against their value and against what was promised."""
