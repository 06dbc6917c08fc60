"""The networks that come with the package, found by name."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from fststyle.errors import ModelFileError
from fststyle.system.files import is_file, is_there

_PACKAGE = Path(__file__).resolve().parents[1]
_NEAREST = 3


def networks() -> dict[str, Path]:
    """The ONNX files that ship, by name (the file's, without suffix), sorted.

    A wheel has them inside the package; a checkout in `models/` beside it.
    """
    inside = _PACKAGE / "networks"
    folder = inside if inside.is_dir() else _PACKAGE.parent / "models"
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def find_network(path: Path) -> Path:
    """The file that somebody means who says `path`: that file if there is one, or the network of that name.

    Whatever has a folder or a suffix in it is the path of a file and is given back as it is.

    Raises:
        ModelFileError: It is a bare name and there is neither; the message has the nearest names.
    """
    name = str(path)
    if path.name != name or path.suffix or is_file(path):
        return path
    known = networks()
    if name in known:
        return known[name]
    if is_there(path):  # a folder, a pipe: its reader says what is wrong with it
        return path
    nearest = _nearest(name, known, 0.5)
    advice = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    raise ModelFileError(
        f"there is neither a file nor a network called {name}; {advice}`fststyle models` lists the networks that ship"
    )


def advice_for(missing: Path) -> str:
    """What to do about a file that does not exist: perhaps a network of that name ships."""
    alike = _nearest(missing.stem, networks(), 0.8) if missing.suffix.lower() in ("", ".onnx") else []
    return f"a network called {alike[0]} ships with fststyle: say {alike[0]} alone" if alike else "check the path"


def _nearest(name: str, known: Iterable[str], alike: float) -> list[str]:
    """The names that are at least so much alike, from 0 to 1, the nearest first."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[lower] for lower in difflib.get_close_matches(name.lower(), by_lower, _NEAREST, alike)]
