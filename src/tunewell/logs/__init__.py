"""Lines, tables and names that trainings print and write: read while they come, or when all is there."""
