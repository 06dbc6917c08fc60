"""What Pillow does not read of BMP files: bit fields of any layout, and color profiles."""

import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_FILE_HEADER, _SHORTEST_HEADER, _WITH_PROFILE = 14, 40, 124
_EMBEDDED = b"DEBM"  # 'MBED', little-endian
_LONGEST_PROFILE = 16_000_000


class _BitFields(ImageFile.ImageFile):
    """16 or 32 bits a pixel, of which masks say where each channel lies."""

    format = "BMP"
    format_description = "Windows Bitmap"

    def _open(self) -> None:
        header = self.fp.read(_FILE_HEADER + _WITH_PROFILE) if self.fp is not None else b""
        (self._start,) = struct.unpack_from("<I", header, 10)
        size, width, height, _, self._bits, compression = struct.unpack_from("<IiiHHI", header, _FILE_HEADER)
        with_alpha = size >= 56 or compression == _ALPHA_BITFIELDS
        *colors, alpha = struct.unpack_from("<IIII", header, _FILE_HEADER + _SHORTEST_HEADER)
        self._masks = [*colors, alpha] if with_alpha and alpha else colors
        self._upwards = height > 0
        self._size = width, abs(height)
        self._mode = "RGBA" if len(self._masks) == 4 else "RGB"

    def load(self) -> Any:
        if self._im is None:
            self.im = Image.fromarray(self._pixels()).im
        return Image.Image.load(self)

    def _pixels(self) -> NDArray[np.uint8]:
        width, height = self.size
        stride = (width * self._bits + 31) // 32 * 4
        if self.fp is None:
            raise OSError("the file is closed")
        self.fp.seek(self._start)
        data = self.fp.read(stride * height)
        if len(data) < stride * height:
            raise OSError("image file is truncated")
        values = np.frombuffer(data, f"<u{self._bits // 8}").reshape(height, -1)[:, :width]
        channels = np.empty((height, width, len(self._masks)), np.uint8)
        for number, mask in enumerate(self._masks):
            channels[:, :, number] = _channel(values, mask)
        return channels[::-1] if self._upwards else channels


def opened(file: IO[bytes]) -> Image.Image | None:
    """A BMP with bit fields, not yet decoded; None is any other file, which is left at its beginning."""
    file.seek(0)
    header = file.read(_FILE_HEADER + _SHORTEST_HEADER)
    file.seek(0)
    if header[:2] != b"BM" or len(header) < _FILE_HEADER + _SHORTEST_HEADER:
        return None
    size, _, _, _, bits, compression = struct.unpack_from("<IiiHHI", header, _FILE_HEADER)
    # 64 bytes are OS/2's, where 3 is a fax.
    if size < _SHORTEST_HEADER or size == 64 or bits not in (16, 32):
        return None
    return _BitFields(file) if compression in (_BITFIELDS, _ALPHA_BITFIELDS) else None


def read_profile(image: Image.Image, file: IO[bytes]) -> None:
    """Put the profile that a BMP carries where Pillow puts those of other formats."""
    place = file.tell()
    try:
        file.seek(_FILE_HEADER)
        header = file.read(_WITH_PROFILE)
        if len(header) < _WITH_PROFILE or struct.unpack_from("<I", header)[0] < _WITH_PROFILE:
            return
        start, length = struct.unpack_from("<II", header, 112)
        if header[56:60] == _EMBEDDED and 0 < length <= _LONGEST_PROFILE:
            file.seek(_FILE_HEADER + start)
            image.info["icc_profile"] = file.read(length)
    finally:
        file.seek(place)


def _channel(values: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """One channel of pixels, stretched to 0..255; a mask of no bits is 0 everywhere."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0
    bits = (mask >> shift).bit_length()
    if mask >> shift != (1 << bits) - 1:
        raise ValueError("a channel's bits do not stand together")
    channel = (values.astype(np.uint32) & np.uint32(mask)) >> np.uint32(shift + max(0, bits - 16))
    largest = (1 << min(bits, 16)) - 1
    stretched: NDArray[np.uint8] = np.rint(np.arange(largest + 1) * (255 / max(largest, 1))).astype(np.uint8)
    levels: NDArray[np.uint8] = stretched[channel]
    return levels
