"""`python -m fststyle` is the `fststyle` command."""

from fststyle.cli import main

if __name__ == "__main__":
    main()
