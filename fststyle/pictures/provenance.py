"""The mark in the pictures that fststyle paints, by which a later run knows them.

It stands where programs name themselves: `Software` in EXIF, in a TIFF tag, or in the text of a PNG. A BMP has no such
place; there it follows the pixels, where no reader looks.
"""

import os
import struct
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

_MARK = "Painted by fststyle"
_SOFTWARE_TAG = 0x0131

# Formats keep such texts at the beginning or at the end.
_LOOKED_AT = 4096


def marking(file_format: str) -> dict[str, Any]:
    """What to tell Pillow, besides the rest, when it saves a painting."""
    if file_format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", _MARK)
        return {"pnginfo": text}
    if file_format == "TIFF":
        return {"tiffinfo": {_SOFTWARE_TAG: _MARK}}
    if file_format in {"JPEG", "WEBP", "AVIF"}:
        exif = Image.Exif()
        exif[_SOFTWARE_TAG] = _MARK
        return {"exif": exif.tobytes()}
    return {}


def marked(data: bytes, file_format: str) -> bytes:
    """An encoded painting whose mark Pillow could not put in."""
    if file_format != "BMP":
        return data
    data += _MARK.encode()
    return data[:2] + struct.pack("<I", len(data)) + data[6:]  # its header says how long the file is


def is_painting(path: Path) -> bool:
    """Whether a regular file has the mark; False for what cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(_LOOKED_AT)
            file.seek(max(len(start), os.fstat(file.fileno()).st_size - _LOOKED_AT))
            return _MARK.encode() in start + file.read(_LOOKED_AT)
    except OSError:
        return False
