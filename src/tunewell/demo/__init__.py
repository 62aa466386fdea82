"""The demonstration: a real network on real data, from a setting that is stuck to one that works."""
