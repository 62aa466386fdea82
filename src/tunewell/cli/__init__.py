"""The command line: a command parses, calls the library once and prints; data on stdout, messages on stderr."""
