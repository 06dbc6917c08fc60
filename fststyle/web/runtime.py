"""onnxruntime-web from npm: one version, checked by its sha512, kept in the cache."""

import base64
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

from fststyle.errors import FststyleError
from fststyle.system.cache import cache_folder
from fststyle.system.files import atomic_write, is_file, reason_of

VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package, in base64, as npm's registry states it under `dist.integrity`."""

REGISTRY = "https://registry.npmjs.org"
REGISTRY_VARIABLE = "FSTSTYLE_NPM_REGISTRY"
"""Names another registry, or the package's file itself for a machine that is offline."""

PACKED = ".gzip"
"""Suffix of the files that are packed: every host then sends a quarter, whether it packs or not. Hosts that know `.gz`
may unpack it on the way."""

_NAME = f"onnxruntime-web-{VERSION}.tgz"
_TIMEOUT = 30  # seconds without a byte
_MOST_BYTES = 100_000_000

_CPU = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
_GPU = ("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm")


def runtime_files(*, gpu: bool = True) -> dict[str, bytes]:
    """What a site needs of onnxruntime-web, by name; its WebAssembly is packed by gzip.

    Args:
        gpu: Also what runs on WebGPU.

    Raises:
        FststyleError: It cannot be fetched, or is another file than it should be.
    """
    wanted = {f"package/dist/{name}": name for name in (*_CPU, *(_GPU if gpu else ()))}
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_package()), mode="r:gz") as package:
            for entry in package:
                if (name := wanted.get(entry.name)) and (file := package.extractfile(entry)):
                    files[name] = file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FststyleError(f"{_NAME} cannot be unpacked ({error}); delete it, then it is fetched again") from error
    if missing := set(wanted.values()) - files.keys():
        raise FststyleError(f"{_NAME} has no {min(missing)}; upgrade fststyle")
    return dict(_packed(name, data) for name, data in files.items())


def _packed(name: str, data: bytes) -> tuple[str, bytes]:
    return (name + PACKED, gzip.compress(data, mtime=0)) if name.endswith(".wasm") else (name, data)


def _package() -> bytes:
    given = os.environ.get(REGISTRY_VARIABLE, "")
    if given.endswith(".tgz") and "://" not in given:
        return _checked(_read(Path(given)), given, f"check {REGISTRY_VARIABLE}")
    kept = cache_folder() / "npm" / _NAME
    if is_file(kept):
        return _checked(_read(kept), str(kept), "delete it, then it is fetched again")
    url = given if given.endswith(".tgz") else f"{(given or REGISTRY).rstrip('/')}/onnxruntime-web/-/{_NAME}"
    data = _checked(_download(url), url, f"check {REGISTRY_VARIABLE}")
    try:
        atomic_write(kept, data)
    except OSError as error:
        raise FststyleError(
            f"cannot keep {kept} ({reason_of(error)}); set FSTSTYLE_CACHE to a folder that can be written"
        ) from error
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FststyleError(f"{path} cannot be read ({reason_of(error)}); name the file {_NAME}") from error


def _checked(data: bytes, where: str, remedy: str) -> bytes:
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise FststyleError(f"{where} is not {_NAME}, its sha512 is another; {remedy}")
    return data


def _download(url: str) -> bytes:
    # A tenth of a second that only a download pays for.
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310 -- the sha512 is what counts
            data: bytes = response.read(_MOST_BYTES)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
        raise FststyleError(
            f"cannot fetch {_NAME} from {url} ({reason}); go online once, or set {REGISTRY_VARIABLE} to the file from "
            "`npm pack`"
        ) from error
    return data
