"""Names that lead beyond the file system."""

import re

# One letter is a drive of Windows.
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_url(name: str) -> bool:
    """Whether this leads to an object store, or to any other place beyond the file system."""
    return _URL.match(name) is not None
