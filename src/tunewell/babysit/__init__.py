"""One run, watched live and steered by keys: `tunewell babysit`. Its screen needs the extra `babysit` (Textual)."""
