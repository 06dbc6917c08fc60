"""Photos and style pictures that come with the package, to try everything without a download.

Where each file comes from, and under which license, stands in README.md beside them.
"""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def photo_folder() -> Path:
    """The folder that holds the sample photos and nothing else, fit for ``--photos``."""
    return _FOLDER / "photos"


def photos() -> list[Path]:
    """Every sample photo, sorted by name."""
    return sorted(photo_folder().glob("*.jpg"))


def styles() -> list[Path]:
    """Every sample style picture, sorted by name."""
    return sorted((_FOLDER / "styles").glob("*.jpg"))


def style(name: str) -> Path:
    """The style picture called ``name``, its file name without the ending.

    Raises:
        ValueError: no sample style has that name; the message lists those there are.
    """
    by_name = {path.stem: path for path in styles()}
    if name not in by_name:
        raise ValueError(f"no sample style is called {name!r}; choose one of: {', '.join(by_name)}")
    return by_name[name]
