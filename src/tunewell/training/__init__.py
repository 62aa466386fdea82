"""The user's side: a training function and its run, a script that has one, or any program."""
