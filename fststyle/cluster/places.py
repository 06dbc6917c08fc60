"""Files by name, on this machine or in an object store: `photos/cat.jpg`, `s3://bucket/photos/cat.jpg`.

Object stores are reached with fsspec, so whatever it has a package for can be named. Keys and endpoints come from the
environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …) or the machine's role, never from a URL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fststyle.errors import FststyleError, ImageError
from fststyle.pictures.formats import is_picture
from fststyle.system.extras import extra
from fststyle.system.one_line import one_line


def read_object(url: str) -> bytes:
    """All of an object.

    Raises:
        ImageError: It is not there or may not be read.
    """
    with _plain_errors(url, "read"):
        store, path = _store(url)
        data: bytes = store.cat_file(path)
        return data


def write_object(url: str, data: bytes) -> None:
    """Put an object, whole or not at all.

    Raises:
        ImageError: The store refuses it.
    """
    with _plain_errors(url, "written"):
        store, path = _store(url)
        store.pipe_file(path, data)


def find_pictures(url: str) -> tuple[list[str], str | None]:
    """The pictures that a URL names, sorted, and the folder they lie in if it names a folder.

    A pattern such as "s3://bucket/*.jpg" names what matches it. Hidden objects are left out of folders.

    Raises:
        ImageError: There are none, or the store cannot be read.
    """
    with _plain_errors(url, "listed"):
        store, path = _store(url)
        store.invalidate_cache()
        if any(letter in path for letter in "*?["):
            found = [each for each in store.glob(path) if is_picture(Path(each))]
            if not found:
                raise ImageError(f"no picture matches {url}; check the pattern")
            return sorted(map(store.unstrip_protocol, found)), None
        if not url.endswith("/") and store.isfile(path):
            return [url], None
        below = [each for each in store.find(path) if _is_shown_picture(each, path)]
        if not below:
            raise ImageError(f"{url} holds no pictures; check the address")
        return sorted(map(store.unstrip_protocol, below)), store.unstrip_protocol(path.rstrip("/"))


def objects_below(url: str) -> set[str]:
    """The URLs of all objects below a folder that hold anything; none if there is no such folder.

    Raises:
        ImageError: The store cannot be read.
    """
    with _plain_errors(url, "listed"):
        store, path = _store(url)
        store.invalidate_cache()
        try:
            found = store.find(path, detail=True)
        except FileNotFoundError:
            return set()
        return {store.unstrip_protocol(name) for name, facts in found.items() if facts.get("size") != 0}


def joined(folder: str, below: str) -> str:
    """The URL of what lies below the URL of a folder."""
    return f"{folder.rstrip('/')}/{below}"


def normal(url: str) -> str:
    """One spelling for all URLs of an object, as `find_pictures` has it.

    Raises:
        ImageError: Nobody knows such a store.
    """
    with _plain_errors(url, "read"):
        store, path = _store(url)
        return str(store.unstrip_protocol(path))


def _store(url: str) -> tuple[Any, str]:
    with extra("cluster"):
        import fsspec
    store, path = fsspec.core.url_to_fs(url)
    return store, path


def _is_shown_picture(path: str, folder: str) -> bool:
    inside = Path(path.removeprefix(folder).lstrip("/"))
    return is_picture(inside) and not any(part.startswith(".") for part in inside.parts)


@contextmanager
def _plain_errors(url: str, done: str) -> Iterator[None]:
    """Around whatever fsspec and its packages raise, which have no class in common.

    Raises:
        ImageError: In one line, with the URL.
    """
    try:
        yield
    except FststyleError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{url} does not exist; check the address") from error
    except PermissionError as error:
        raise ImageError(f"{url} may not be {done}; check the keys in the environment and what they allow") from error
    except ImportError as error:
        raise ImageError(f"{url} cannot be {done} ({one_line(error)}); pip install 'fststyle[cluster]'") from error
    except Exception as error:
        reason = one_line(error)
        raise ImageError(f"{url} cannot be {done} ({reason}); check the address, the keys and the endpoint") from error
