"""The networks that have a name: those of the package, of which the wheel leaves some out, and those on the hub."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from fststyle.errors import ModelFileError
from fststyle.model.fetch import Remote, cached_file, cached_or_fetched, is_cached, read_registry
from fststyle.model.hub import file_from_hub, is_hub_name, parse_hub_name
from fststyle.system.files import is_file, is_there

_PACKAGE = Path(__file__).resolve().parents[1]
_NEAREST = 3

REGISTRY = "registry.json"
"""Beside the networks: what the wheel leaves out of them."""


def networks() -> dict[str, Path]:
    """The ONNX files that are on this machine, by name (the file's, without suffix), sorted.

    A wheel has most of them inside the package, a checkout has all in `models/` beside it. The rest is in the cache.
    """
    cached = {name: cached_file(name) for name, remote in fetchable().items() if is_cached(name, remote)}
    return dict(sorted((_shipped() | cached).items()))


def fetchable() -> dict[str, Remote]:
    """The networks that did not come with this installation, by name, in the cache or not."""
    shipped = _shipped()
    return {name: remote for name, remote in read_registry(_folder() / REGISTRY).items() if name not in shipped}


def is_network(name: str) -> bool:
    """Whether a network of that name is here or can be fetched; of one on the hub, whether it reads like one."""
    return name in _shipped() or name in fetchable() or is_hub_name(name)


def _folder() -> Path:
    inside = _PACKAGE / "networks"
    return inside if inside.is_dir() else _PACKAGE.parent / "models"


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_folder().glob("*.onnx"))}


def find_network(path: Path) -> Path:
    """The file that somebody means who says `path`: that file if there is one, or the network of that name.

    `hf:USER/NAME` is one on Hugging Face's hub. Whatever else has a folder or a suffix in it is the path of a file and
    is given back as it is. A network that is not on this machine is fetched.

    Raises:
        ModelFileError: It is a bare name and there is neither, and the message has the nearest names; or it cannot be
            fetched, and the message says where to put the file.
    """
    name = str(path)
    if is_hub_name(name) and not is_file(path):
        return file_from_hub(parse_hub_name(path.as_posix()))
    if path.name != name or path.suffix or is_file(path):
        return path
    shipped, remote = _shipped(), fetchable()
    if name in shipped:
        return shipped[name]
    if name in remote:
        return cached_or_fetched(name, remote[name])
    if is_there(path):  # a folder, a pipe: its reader says what is wrong with it
        return path
    nearest = near_names(name)
    advice = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    raise ModelFileError(
        f"there is neither a file nor a network called {name}; {advice}`fststyle models` lists the networks"
    )


def own_name(path: Path) -> str | None:
    """What somebody who says `path` calls a network of their own; None if it is the name of one of the gallery."""
    name = str(path)
    if is_hub_name(name) and not is_file(path):
        hub = parse_hub_name(path.as_posix())
        return Path(hub.file).stem if hub.file else hub.repo.rpartition("/")[2]
    return path.stem if path.name != name or path.suffix or is_file(path) else None


def near_names(name: str, others: Iterable[str] = (), *, networks: bool = True) -> list[str]:
    """The networks, and others, that somebody may mean who gives a name that none has; the nearest first."""
    return _nearest(name, [*(_all_names() if networks else ()), *others], 0.5)


def advice_for(missing: Path) -> str:
    """What to do about a file that does not exist: perhaps there is a network of that name."""
    names = _all_names() if missing.suffix.lower() in ("", ".onnx") else []
    alike = _nearest(missing.stem, names, 0.8)
    return f"fststyle has a network called {alike[0]}: say {alike[0]} alone" if alike else "check the path"


def _all_names() -> list[str]:
    return [*_shipped(), *fetchable()]


def _nearest(name: str, known: Iterable[str], alike: float) -> list[str]:
    """The names that are at least so much alike, from 0 to 1, the nearest first."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[lower] for lower in difflib.get_close_matches(name.lower(), by_lower, _NEAREST, alike)]
