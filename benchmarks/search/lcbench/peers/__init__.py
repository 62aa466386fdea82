"""The methods that tunewell is held against, each behind the same small adapter, and each in a file that imports it."""
