"""The networks that a server offers, each opened once and shared by all requests."""

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from fststyle.errors import FststyleError
from fststyle.model.file import ModelFile, read_model
from fststyle.model.gallery import find_network, networks
from fststyle.paint.blend import Blend, parse_blend
from fststyle.paint.stylizer import Stylizer
from fststyle.predict.new_style import predict
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Settings
from fststyle.system.files import atomic_write, is_file, named_twice
from fststyle.web.networks import describe

# Beside its few megabytes, a session keeps the memory that its largest picture took.
_OPEN = 12

# In a job's folder: the network that it needs, where that has no file.
_PREDICTED = "predicted.onnx"

# More of them in one painting take longer than they add.
_MOST_BLENDED = 8


@dataclass(frozen=True)
class Offer:
    """A network of the list.

    Attributes:
        name: What requests call it.
        path: Its file; None for one that was predicted when the server started.
        file: What was read of it, once.
        title: For people.
        job: The training that made it; None for others.
    """

    name: str
    path: Path | None
    file: ModelFile
    title: str
    job: str | None = None

    @property
    def address(self) -> str:
        """Where it is found, relative to the server's page."""
        return f"api/networks/{quote(self.name, safe='')}"

    def file_for(self, folder: Path) -> Path:
        """Where a job finds it: one without a file is written into the job's folder, and stays what it is there.

        Raises:
            OSError: The disk is full, for instance.
        """
        if self.path is not None:
            return self.path
        if not is_file(kept := folder / _PREDICTED):
            atomic_write(kept, self.file.data)
        return kept


class Networks:
    """What is offered; any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        """Read the cards of all networks that the settings name.

        Raises:
            FststyleError: One of them cannot be used, a painting cannot be read, or two have the same name.
        """
        self._settings = settings
        self._offers: dict[str, Offer] = {}
        self._open: OrderedDict[str, Stylizer] = OrderedDict()
        self._lock = threading.Lock()
        paths = [find_network(Path(name)) for name in settings.networks]
        if not paths and not settings.styles:
            paths = list(networks().values())
        if (twice := named_twice([*paths, *settings.styles])) is not None:
            raise FststyleError(f"{twice} is named twice; leave one out")
        for path in paths:
            self.add(self._new_name(path), path)
        for painting in settings.styles:
            name = self._new_name(painting)
            self._put(name, None, predict(painting, style_size=settings.style_size).file())

    def add(self, name: str, path: Path, title: str | None = None, job: str | None = None) -> None:
        """Put a network on the list.

        Raises:
            ModelFileError: It cannot be used.
        """
        self._put(name, path, read_model(str(path)), title, job)

    def _new_name(self, path: Path) -> str:
        """What a network is called after this file.

        Raises:
            FststyleError: The name cannot stand in addresses, or is taken.
        """
        if path.stem in (".", "..") or set(path.stem) & set(",:/"):
            raise FststyleError(f"a network cannot be called {path.stem} in addresses; rename {path}")
        if path.stem in self._offers:
            raise FststyleError(f"two networks are called {path.stem}; rename one of the files")
        return path.stem

    def _put(
        self, name: str, path: Path | None, file: ModelFile, title: str | None = None, job: str | None = None
    ) -> None:
        title = title or str(describe(file, name)["title"])
        with self._lock:
            self._offers[name] = Offer(name, path, file, title, job)

    def remove(self, name: str) -> None:
        """Take a network off the list, if it is on it."""
        with self._lock:
            self._offers.pop(name, None)
            self._open.pop(name, None)

    def offers(self) -> list[Offer]:
        """All of them: those that were trained here first, the newest before the others.

        Where several have one title, the architecture stands behind it: "Udnie (tiny)". Where that is the same, too,
        the name is the title.
        """
        with self._lock:
            offers = list(self._offers.values())
        count = Counter(offer.title for offer in offers)
        told = [replace(offer, title=_told_apart(offer)) if count[offer.title] > 1 else offer for offer in offers]
        count = Counter(offer.title for offer in told)
        told = [replace(offer, title=offer.name) if count[offer.title] > 1 else offer for offer in told]
        return [*reversed([offer for offer in told if offer.job]), *(offer for offer in told if not offer.job)]

    def offer(self, name: str) -> Offer:
        """The one of that name.

        Raises:
            RefusedError: There is none.
        """
        found = self._offers.get(name)
        if found is None:
            raise RefusedError(404, f"there is no network called {name[:80]}; GET /api/networks lists them")
        return found

    def stylizer(self, name: str) -> Stylizer:
        """Ready to paint, opened by the first who asks.

        Raises:
            RefusedError: There is none of that name.
            ModelFileError: It cannot be opened.
        """
        offer = self.offer(name)
        with self._lock:
            if name in self._open:
                self._open.move_to_end(name)
                return self._open[name]
            opened = self._open[name] = Stylizer(
                replace(offer.file, name=name, path=None),  # what is said of it goes to others, too
                self._settings.device,
                threads=self._settings.threads,
                memory=self._settings.memory,
            )
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
            return opened

    def painter(self, text: str) -> Stylizer | Blend:
        """A network, or a blend such as "great_wave:0.7,udnie:0.3".

        Raises:
            RefusedError: There is no network of such a name.
            ValueError: The blend cannot be read.
        """
        if ":" not in text and "," not in text:
            return self.stylizer(text)
        parts = parse_blend(text)
        if len(parts) > _MOST_BLENDED:
            raise RefusedError(422, f"a blend has at most {_MOST_BLENDED} networks, not {len(parts)}")
        return Blend([self.stylizer(str(path)) for path, _ in parts], [weight for _, weight in parts])


def _told_apart(offer: Offer) -> str:
    card = offer.file.card
    return f"{offer.title} ({card.network if card is not None and offer.job is None else offer.name})"
