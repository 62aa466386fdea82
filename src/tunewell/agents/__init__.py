"""Studies for language models: short answers, small lists of tools, bounds on what may be done."""
