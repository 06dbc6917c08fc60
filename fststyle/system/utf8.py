"""Text for files of ours, whatever file names it quotes."""

import re


def utf8(text: str) -> bytes:
    """In UTF-8; what is in no text, such as a byte of a file name that is not UTF-8, becomes U+FFFD each."""
    return re.sub(r"[\ud800-\udfff]", "\ufffd", text).encode()
