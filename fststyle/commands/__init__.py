"""Commands with so many options that each has a room of its own; `cli.py` puts them under `fststyle`.

As in `cli.py`, imports of anything heavy stand inside the functions.
"""
