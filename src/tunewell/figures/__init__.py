"""Figures of a study, each a function that returns plain data: `Figure`."""
