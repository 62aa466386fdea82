"""A study as text and data: the live display, summaries, tables, plots, and records for JSON."""
