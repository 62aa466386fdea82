"""Studies for language models: short texts, small lists of tools, bounds on what may be done."""
