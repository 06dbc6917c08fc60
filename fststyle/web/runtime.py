"""What a site needs of onnxruntime-web."""

import gzip

from fststyle.web.npm import Package

PACKAGE = Package(
    "onnxruntime-web",
    "1.30.0",
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
)

PACKED = ".gzip"
"""Suffix of the files that are packed: every host then sends a quarter, whether it packs or not. Hosts that know `.gz`
may unpack it on the way."""

CPU_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
GPU_FILES = (
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)


def runtime_files(*, gpu: bool = True) -> dict[str, bytes]:
    """Its files by name; WebAssembly is packed by gzip, and modules are called *.js.

    Many hosts do not know `.mjs`, and browsers run no module that is not sent as JavaScript.

    Args:
        gpu: Also what runs on WebGPU.

    Raises:
        FststyleError: The package cannot be fetched, or is another file than it should be.
    """
    wanted = [f"dist/{name}" for name in (*CPU_FILES, *(GPU_FILES if gpu else ()))]
    files = {path.removeprefix("dist/"): data for path, data in PACKAGE.files(wanted).items()}
    return dict(_packed(name, data) for name, data in files.items())


def _packed(name: str, data: bytes) -> tuple[str, bytes]:
    if name.endswith(".wasm"):
        return name + PACKED, gzip.compress(data, mtime=0)
    return name.replace(".mjs", ".js"), data
