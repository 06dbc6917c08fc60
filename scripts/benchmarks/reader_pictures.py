"""Recipes of pictures: every format, depth, color type, compression, profile and orientation that is written."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

Recipe = list[str] | Callable[[Path], None]

_SCENE = ("-size", "67x45", "-seed", "7", "plasma:tomato-steelblue")
_PROFILES = Path("/usr/share/color/icc/ghostscript")  # where Ghostscript puts them, if it is there
_FADE = ("(", "-size", "67x45", "gradient:", ")", "-compose", "CopyOpacity", "-composite")


def pictures_by_magick() -> dict[str, Recipe]:
    """What ImageMagick writes."""
    made: dict[str, Recipe] = {}

    def add(name: str, *options: str, alpha: bool = False, prefix: str = "") -> None:
        made[name] = ["convert", *_SCENE, *(_FADE if alpha else ()), *options, f"{prefix}{{}}"]

    for kind, depth in product(("Grayscale", "TrueColor", "GrayscaleAlpha", "TrueColorAlpha"), (8, 16)):
        alpha = kind.endswith("Alpha")
        for interlace in ("none", "PNG"):
            name = f"png_{kind}_{depth}_{interlace}.png"
            add(
                name,
                "-depth",
                str(depth),
                "-interlace",
                interlace,
                "-define",
                f"png:color-type={_png(kind)}",
                alpha=alpha,
            )
        for compress, layout in product(("none", "lzw", "zip", "rle"), ("none", "plane")):
            options = ("-type", kind, "-depth", str(depth), "-compress", compress, "-interlace", layout)
            add(f"tiff_{kind}_{depth}_{compress}_{layout}.tif", *options, alpha=alpha)
    for depth in (1, 2, 4):
        add(f"png_gray_{depth}.png", "-colorspace", "Gray", "-depth", str(depth), "-define", "png:color-type=0")
        add(f"png_palette_{depth}.png", "-colors", str(2**depth), "-define", f"png:bit-depth={depth}", prefix="PNG8:")
        add(f"tiff_gray_{depth}.tif", "-type", "Grayscale", "-depth", str(depth))
        add(f"tiff_palette_{depth}.tif", "-colors", str(2**depth), "-type", "Palette", "-depth", str(depth))
    for options in ("endian=msb", "endian=lsb", "rows-per-strip=3", "tile-geometry=16x16", "tile-geometry=32x16"):
        for depth in (8, 16):
            name = f"tiff_{options.replace('=', '_')}_{depth}.tif"
            add(name, "-depth", str(depth), "-define", f"tiff:{options}")
    for depth in (10, 12, 14, 24, 32):
        add(f"tiff_rgb_{depth}.tif", "-depth", str(depth))
        add(f"tiff_gray_{depth}.tif", "-colorspace", "Gray", "-depth", str(depth))
    for compress in ("jpeg", "group4", "fax", "lzma", "zstd", "webp"):
        add(f"tiff_{compress}.tif", *(("-monochrome",) if compress in ("group4", "fax") else ()), "-compress", compress)
    for inverted in ("min-is-white", "min-is-black"):
        add(f"tiff_{inverted}.tif", "-type", "Grayscale", "-define", f"quantum:polarity={inverted}")
    for kind in ("associated", "unassociated"):
        add(f"tiff_alpha_{kind}.tif", "-define", f"tiff:alpha={kind}", alpha=True)
        add(f"tiff_gray_alpha_{kind}.tif", "-type", "GrayscaleAlpha", "-define", f"tiff:alpha={kind}", alpha=True)
    for space in ("CMYK", "Lab", "YCbCr"):
        add(f"tiff_{space}.tif", "-colorspace", space)
        add(f"tiff_{space}_16.tif", "-colorspace", space, "-depth", "16")
    add("tiff_bigtiff.tif", prefix="TIFF64:")
    add("tiff_pyramid.tif", prefix="PTIF:")
    add("tiff_two_pages.tif", "-duplicate", "1")
    for sampling, quality, interlace in product(("1x1", "2x1", "2x2", "1x2", "4x1"), (30, 90), ("none", "JPEG")):
        options = ("-sampling-factor", sampling, "-quality", str(quality), "-interlace", interlace)
        add(f"jpeg_{sampling}_{quality}_{interlace}.jpg", *options)
    for name, options in {
        "gray": ("-colorspace", "Gray"),
        "cmyk": ("-colorspace", "CMYK"),
        "rgb": ("-colorspace", "sRGB", "-define", "jpeg:colorspace=RGB"),
        "arithmetic": ("-define", "jpeg:arithmetic-coding=true"),
    }.items():
        add(f"jpeg_{name}.jpg", *options)
    for number, way in enumerate(
        ("TopLeft", "TopRight", "BottomRight", "BottomLeft", "LeftTop", "RightTop", "RightBottom", "LeftBottom"), 1
    ):
        add(f"tiff_orientation_{number}.tif", "-orient", way)
        add(f"tiff_orientation_{number}_gray.tif", "-colorspace", "Gray", "-depth", "16", "-orient", way)
    for version, alpha in product(("BMP2", "BMP3", "BMP"), (False, True)):
        add(f"{version.lower()}_{alpha}.bmp", alpha=alpha, prefix=f"{version}:")
    for colors in (2, 16, 256):
        add(f"bmp_palette_{colors}.bmp", "-type", "Palette", "-colors", str(colors))
        add(f"bmp_rle_{colors}.bmp", "-type", "Palette", "-colors", str(colors), "-compress", "RLE")
        add(f"gif_{colors}.gif", "-colors", str(colors))
    for subtype in ("RGB555", "RGB565", "ARGB4444", "ARGB1555"):
        add(f"bmp_{subtype}.bmp", "-define", f"bmp:subtype={subtype}")
    add("gif_transparent.gif", "-threshold", "50%", "-transparent", "black")
    add("gif_animated.gif", "(", "+clone", "-flip", ")", "-set", "delay", "20")
    add("gif_offset.gif", "-repage", "100x80+20+10")
    for suffix, depth, compress in product(("ppm", "pgm", "pbm"), (8, 16), ("none", "undefined")):
        add(f"{suffix}_{depth}_{compress}.{suffix}", "-depth", str(depth), "-compress", compress)
    for depth in (5, 10, 12):
        add(f"ppm_{depth}.ppm", "-depth", str(depth))
    for lossless, alpha in product(("true", "false"), (False, True)):
        add(f"webp_{lossless}_{alpha}.webp", "-define", f"webp:lossless={lossless}", alpha=alpha)
    return made


def pictures_by_pillow() -> dict[str, Recipe]:
    """What Pillow writes, and PNG chunks put in by hand."""
    made: dict[str, Recipe] = {}
    profiles = {path.stem: path.read_bytes() for path in sorted(_PROFILES.glob("*.icc"))}
    for suffix, number in product(("jpg", "png", "webp", "tif", "avif"), range(1, 9)):
        exif = Image.Exif()
        exif[0x0112] = number
        made[f"exif_{number}.{suffix}"] = partial(_save, mode="RGB", exif=exif)
    for suffix, mode in product(("jpg", "png", "webp", "tif", "avif"), ("RGB", "L", "CMYK")):
        for name, profile in ({"built_in_srgb": _profile("sRGB"), "broken": b"no profile"} | profiles).items():
            space = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"": mode}.get(profile[16:20])
            if space == mode and (mode, suffix) not in {("CMYK", "webp"), ("CMYK", "png"), ("CMYK", "avif")}:
                made[f"icc_{name}_{mode}.{suffix}"] = partial(_save, mode=mode, icc_profile=profile)
    for mode, suffix in product(
        ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "LAB", "I;16", "F", "YCbCr"), ("png", "tif")
    ):
        made[f"mode_{mode.replace(';', '')}.{suffix}"] = partial(_save, mode=mode)
    for quality, sampling, mode in product((60, 100), ("4:2:0", "4:2:2", "4:4:4", "4:0:0"), ("RGB", "RGBA")):
        name = f"avif_{quality}_{sampling.replace(':', '')}_{mode}.avif"
        made[name] = partial(_save, mode=mode, quality=quality, subsampling=sampling)
    for method, lossless in product((0, 6), (False, True)):
        made[f"webp_method_{method}_{lossless}.webp"] = partial(_save, mode="RGBA", method=method, lossless=lossless)
    for kind, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8)}.items():
        for depth in depths:
            made[f"trns_{kind}_{depth}.png"] = partial(_png_with_key, depth=depth, kind=kind)
    for gamma in (100000, 45455, 55556):
        chunk = ("gAMA", struct.pack(">I", gamma))
        made[f"gama_{gamma}.png"] = partial(_png_with, chunk=chunk)
    for name, code in {"p3": (12, 13, 0, 1), "bt709": (1, 1, 0, 1), "srgb": (1, 13, 0, 1)}.items():
        made[f"cicp_{name}.png"] = partial(_png_with, chunk=("cICP", bytes(code)))
    for frames in (2, 3):
        made[f"animated_{frames}.png"] = partial(_save, mode="RGBA", save_all=True, append=frames)
        made[f"animated_{frames}.webp"] = partial(_save, mode="RGB", save_all=True, append=frames)
    made["two.mpo"] = partial(_save, mode="RGB", save_all=True, append=1)
    return made


def _scene(mode: str, flip: int = 0) -> Image.Image:
    rows, columns = np.mgrid[0:45, 0:67]
    bands = [rows * 255 // 44, columns * 255 // 66, np.abs(255 - (rows + columns) * 510 // 110), 255 - rows * 200 // 44]
    rgba = Image.fromarray(np.roll(np.dstack(bands).astype(np.uint8), 5 * flip, axis=1), "RGBA")
    if mode == "I;16":
        return Image.fromarray((columns * 990).astype(np.uint16))
    if mode == "F":
        return Image.fromarray((columns / 66).astype(np.float32))
    if mode in {"LAB", "CMYK", "YCbCr", "1", "P", "L"}:
        rgb = rgba.convert("RGB")
        if mode == "LAB":
            lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
            # Readers cut off what no screen shows, each in its way.
            image = ImageCms.applyTransform(rgb.point(lambda level: 64 + level // 2), lab) or rgb
            image.info.clear()  # a profile of L*a*b*, of which other programs make something else
            return image
        return rgb.convert(mode)
    return rgba.convert(mode)


def _save(path: Path, *, mode: str, append: int = 0, **options: object) -> None:
    if append:
        options["append_images"] = [_scene(mode, number) for number in range(1, append + 1)]
    _scene(mode).save(path, None if path.suffix != ".mpo" else "MPO", **options)


def _profile(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def _png_with(path: Path, chunk: tuple[str, bytes]) -> None:
    buffer, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add(chunk[0].encode(), chunk[1])
    _scene("RGB").save(buffer, "PNG", pnginfo=info)
    path.write_bytes(buffer.getvalue())


def _png_with_key(path: Path, depth: int, kind: int) -> None:
    """A PNG of any depth and color type, written by hand, with one color of it transparent."""
    width, height, top = 64, 8, 2**depth - 1
    columns = np.arange(width) * (top + 1) // width
    if kind == 2:
        samples = np.stack([columns, columns[::-1], columns], 1).reshape(-1)
        key = struct.pack(">HHH", *samples[24:27].tolist())
    else:
        samples, key = columns, struct.pack(">H", int(columns[width // 2]))
    if kind == 3:
        key = bytes(range(0, 255, max(1, 255 // (top + 1))))[: top + 1]
    if depth == 16:
        row = samples.astype(">u2").tobytes()
    else:
        bits = (samples[:, None] >> np.arange(depth - 1, -1, -1)) & 1
        row = np.packbits(bits.reshape(-1)).tobytes()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))]
    if kind == 3:
        parts.append((b"PLTE", bytes((37 * number) % 256 for number in range(3 * (top + 1)))))
    parts += [(b"tRNS", key), (b"IDAT", zlib.compress((b"\0" + row) * height)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in parts:
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    path.write_bytes(data)


def _png(kind: str) -> int:
    return {"Grayscale": 0, "TrueColor": 2, "GrayscaleAlpha": 4, "TrueColorAlpha": 6}[kind]
