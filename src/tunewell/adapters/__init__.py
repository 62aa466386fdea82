"""What is trained: a script's function, or any program."""
