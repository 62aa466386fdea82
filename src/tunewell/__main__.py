"""`python -m tunewell` is `tunewell`."""

from tunewell.cli.main import main

if __name__ == "__main__":  # worker processes import this file too
    main()
