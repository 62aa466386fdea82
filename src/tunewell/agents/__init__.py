"""Studies for language models: short texts, small lists of tools, bounds on what may be done."""

SCOPES = ("read", "propose", "apply")
"""What an agent may do; each allows what those before it do."""
