"""The networks that the wheel leaves out: a registry ships, their files are fetched once and kept in the cache.

Not with `pooch`: it and its dependencies add 5 MB to an installation, which would then have more than 250. Writing a
file whole or not at all, its main help beside the hash, is in `files.py` already.
"""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from fststyle.errors import ModelFileError
from fststyle.system.cache import cache_folder
from fststyle.system.download import DownloadError, download
from fststyle.system.files import atomic_write, is_file, reason_of

ADDRESS = "https://github.com/fststyle/fststyle/releases/download/networks-1"
"""Where the files lie. Another set of files gets another tag: the sha256 of the old ones are in released wheels."""
ADDRESS_VARIABLE = "FSTSTYLE_NETWORKS_URL"

_TIMEOUT = 30  # seconds without a byte

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remote:
    """A network of the registry.

    Attributes:
        style: Of its card, as the three that follow.
        painting: Artist, title and year.
        network: Its architecture.
        licence: Of the file.
        size: Bytes.
        sha256: Of the file, in hexadecimal.
    """

    style: str
    painting: str | None
    network: str
    licence: str
    size: int
    sha256: str


def read_registry(path: Path) -> dict[str, Remote]:
    """The networks of a registry by name; none if there is no such file."""
    if not is_file(path):
        return {}
    return {name: Remote(**fields) for name, fields in json.loads(path.read_text("utf-8")).items()}


def cached_file(name: str) -> Path:
    """Where the network of that name is kept, whether it is there or not."""
    return cache_folder() / "networks" / f"{name}.onnx"


def is_cached(name: str, remote: Remote) -> bool:
    """Whether a file of the right size is there. `cached_or_fetched` looks into it."""
    path = cached_file(name)
    return is_file(path) and path.stat().st_size == remote.size


def address_of(name: str) -> str:
    """The URL of a network's file. `$FSTSTYLE_NETWORKS_URL` may be a URL or a folder."""
    base = os.environ.get(ADDRESS_VARIABLE) or ADDRESS
    if "://" not in base:
        base = Path(os.path.expanduser(base)).absolute().as_uri()  # noqa: PTH111 -- never raises an error
    return f"{base.rstrip('/')}/{name}.onnx"


def cached_or_fetched(name: str, remote: Remote) -> Path:
    """The file in the cache; it is fetched if it is not there.

    Raises:
        ModelFileError: It cannot be fetched or kept, or is another file than the registry says.
    """
    path = cached_file(name)
    if is_file(path):
        _require_same(path, name, remote)
        return path
    url = address_of(name)
    _log.info("fetching %s, %.1f MB, from %s", name, remote.size / 1e6, url)
    data = _download(url, name, remote)
    try:
        atomic_write(path, data)
    except OSError as error:
        raise ModelFileError(
            f"cannot keep {name} as {path} ({reason_of(error)}); set FSTSTYLE_CACHE to a folder that can be written"
        ) from error
    return path


def _require_same(path: Path, name: str, remote: Remote) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({reason_of(error)}); check its permissions") from error
    if found != remote.sha256:
        raise ModelFileError(
            f"{path} is not the network {name}: its sha256 is {found}, not {remote.sha256}; "
            "delete it, then it is fetched again"
        )


def _download(url: str, name: str, remote: Remote) -> bytes:
    by_hand = f"put {name}.onnx ({remote.size / 1e6:.1f} MB, sha256 {remote.sha256}) into {cached_file(name).parent}"
    try:
        data = download(url, remote.size + 1)
    except DownloadError as error:
        raise ModelFileError(f"cannot fetch {name} from {url} ({error}); go online once, or {by_hand}") from error
    if len(data) < remote.size:
        raise ModelFileError(f"{url} sent {len(data):,} of {remote.size:,} bytes of {name}; try again, or {by_hand}")
    found = hashlib.sha256(data).hexdigest()
    if found != remote.sha256:
        raise ModelFileError(
            f"{url} sent another file, of sha256 {found}, as the network {name}; check {ADDRESS_VARIABLE}, or {by_hand}"
        )
    return data
