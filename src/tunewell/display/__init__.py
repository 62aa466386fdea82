"""What is shown of a study as text: the live display, summaries, and how values, times and curves are written."""
