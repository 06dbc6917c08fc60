"""Packages of npm: one version, checked by its sha512, kept in the cache."""

import base64
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fststyle.errors import FststyleError
from fststyle.system.cache import cache_folder
from fststyle.system.download import DownloadError, download
from fststyle.system.files import atomic_write, is_file, reason_of

REGISTRY = "https://registry.npmjs.org"
REGISTRY_VARIABLE = "FSTSTYLE_NPM_REGISTRY"
"""Names another registry, or a folder with what `npm pack` fetches, for a machine that is offline."""

_MOST_BYTES = 100_000_000


@dataclass(frozen=True)
class Package:
    """A package without a scope.

    Attributes:
        name: Of the package.
        version: Exactly this one.
        sha512: Of its file, in base64, as the registry states it under `dist.integrity`.
    """

    name: str
    version: str
    sha512: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}-{self.version}.tgz"

    def files(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """Some of its files by their paths.

        Raises:
            FststyleError: It cannot be fetched or kept, is another file than it should be, or lacks one.
        """
        missing = set(wanted)
        found = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(self._data()), mode="r:gz") as package:
                for entry in package:
                    path = entry.name.removeprefix("package/")
                    if path in missing and (file := package.extractfile(entry)):
                        found[path] = file.read()
                        missing.remove(path)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise FststyleError(f"{self.file} cannot be unpacked ({error}); upgrade fststyle") from error
        if missing:
            raise FststyleError(f"{self.file} has no {min(missing)}; upgrade fststyle")
        return found

    def _data(self) -> bytes:
        base = os.environ.get(REGISTRY_VARIABLE) or REGISTRY
        if "://" not in base:
            path = Path(os.path.expanduser(base)) / self.file  # noqa: PTH111 -- never raises an error
            return self._checked(self._read(path), str(path), f"fetch it with `npm pack {self.name}@{self.version}`")
        kept = cache_folder() / "npm" / self.file
        if is_file(kept):
            return self._checked(self._read(kept), str(kept), "delete it, then it is fetched again")
        url = f"{base.rstrip('/')}/{self.name}/-/{self.file}"
        data = self._checked(self._download(url), url, f"check {REGISTRY_VARIABLE}")
        try:
            atomic_write(kept, data)
        except OSError as error:
            raise FststyleError(
                f"cannot keep {kept} ({reason_of(error)}); set FSTSTYLE_CACHE to a folder that can be written"
            ) from error
        return data

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise FststyleError(
                f"{path} cannot be read ({reason_of(error)}); fetch it with `npm pack {self.name}@{self.version}`"
            ) from error

    def _checked(self, data: bytes, where: str, remedy: str) -> bytes:
        if base64.b64encode(hashlib.sha512(data).digest()).decode() != self.sha512:
            raise FststyleError(f"{where} is not {self.name} {self.version}, its sha512 is another; {remedy}")
        return data

    def _download(self, url: str) -> bytes:
        try:
            return download(url, _MOST_BYTES)
        except DownloadError as error:
            raise FststyleError(
                f"cannot fetch {self.name} from {url} ({error}); go online once, or set {REGISTRY_VARIABLE} to a "
                f"folder with {self.file} from `npm pack`"
            ) from error
