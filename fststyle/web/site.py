"""The folder of a site: the page, its networks, and what runs them in a browser."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from fststyle import __version__, samples
from fststyle.errors import FststyleError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.model.gallery import find_network
from fststyle.model.layouts import Layout
from fststyle.predict.new_style import predict
from fststyle.system.files import named_twice
from fststyle.web.folder import MARK, refuse_other_folder, write_folder
from fststyle.web.networks import WebNetwork, tell_apart, web_network
from fststyle.web.predictor import LICENCE as PREDICTOR_LICENCE
from fststyle.web.predictor import looking, web_predictor
from fststyle.web.runtime import PACKAGE, runtime_files

PAGE = Path(__file__).resolve().parent / "page"
"""The files of the page, as they are served."""

_LONGEST_NAME = 60
"""In letters. Each may take four bytes, and disks take 255 with the suffix."""

# Of the page, what only `fststyle serve` needs.
_SERVED = ("server_engine.js", "jobs.", "job_card.js", "studio_form.js", "lang/jobs.")

# A host that reads this file (Netlify, Cloudflare Pages) then lets the page use threads.
_HEADERS = """\
/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
"""

_LICENCES = f"""\
This page: fststyle {__version__}, MIT licence.
ort/: onnxruntime-web {PACKAGE.version}, MIT licence, Copyright (c) Microsoft Corporation.
The networks have the licences that site.json names.
{PREDICTOR_LICENCE}
"""


def build_site(
    networks: Iterable[Path | str],
    output: Path,
    *,
    layout: Layout = "rgb1",
    gpu: bool = True,
    styles: Iterable[Path] = (),
    style_size: int = STYLE_SIZE,
) -> dict[str, int]:
    """Write a site that paints in the browser, into a folder of its own.

    Args:
        networks: Files or names; the first is the one that is chosen when the page opens.
        output: The folder. It may be there if it is empty or an older site. Of that only its own files are replaced.
        layout: What networks that are not ours compute on.
        gpu: Also paint on WebGPU where a browser has it.
        styles: Paintings; a network predicted from each follows the others.
        style_size: Shorter side at which they are looked at.

    Returns:
        The size in bytes of every file that was written, by its place in the folder.

    Raises:
        FststyleError: A network or painting is named twice, the folder holds something else or cannot be written, or
            onnxruntime-web cannot be fetched.
        ImageError: One of the paintings cannot be read.
        ModelFileError: One of the networks is none.
    """
    refuse_other_folder(output)
    files = {name: data for name, data in page_files().items() if not name.startswith(_SERVED)}
    entries: list[dict[str, Any]] = []
    paths = [find_network(Path(network)) for network in networks]
    paintings = list(styles)
    if (twice := named_twice([*paths, *paintings])) is not None:
        raise FststyleError(f"{twice} is named twice; leave one out")

    def add(made: WebNetwork) -> None:
        entries.append(made.entry)
        files.update(made.files)

    def new_name(path: Path) -> str:
        return _unique(path.stem, {entry["name"] for entry in entries})

    for path in paths:
        add(web_network(path, new_name(path), layout))
    for painting in paintings:
        add(web_network(predict(painting, style_size=style_size).file(), new_name(painting)))
    if not entries:
        raise ValueError("a site needs at least one network; `fststyle models` lists those that ship")
    tell_apart(entries)
    files |= {f"ort/{name}": data for name, data in runtime_files(gpu=gpu).items()}
    files |= {"sample.jpg": sample_photo_file(), "_headers": _HEADERS.encode(), "licences.txt": _LICENCES.encode()}
    predictor = web_predictor()
    files |= predictor.files
    site = site_description(files, entries, engine="browser", runtime=_runtime(files, gpu=gpu))
    site["predictor"] |= predictor.entry
    site["files"] = sorted([*files, MARK, "offline.js"])
    files[MARK] = json.dumps(site, ensure_ascii=False, indent=1).encode()
    files["offline.js"] = _offline(site["version"], files)
    write_folder(output, files)
    return {name: len(data) for name, data in sorted(files.items())}


def page_files() -> dict[str, bytes]:
    """The page's own files, by their place in a site."""
    return {
        path.relative_to(PAGE).as_posix(): path.read_bytes()
        for path in sorted(PAGE.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def languages(files: Mapping[str, bytes]) -> dict[str, str]:
    """The page's languages by code, each in its own words."""
    codes = sorted(name[5:-5] for name in files if name.startswith("lang/") and name.count(".") == 1)
    found = {code: json.loads(files[f"lang/{code}.json"])["language"] for code in codes}
    return {"en": found.pop("en"), **found}


def site_description(
    files: Mapping[str, bytes], entries: list[dict[str, Any]], *, engine: str, runtime: dict[str, Any] | None
) -> dict[str, Any]:
    """The content of `site.json`; its version changes with any of the files."""
    digest = hashlib.sha256(json.dumps(entries).encode())
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return {
        "engine": engine,
        "version": digest.hexdigest()[:16],
        "fststyle": __version__,
        "offline": engine == "browser",
        "languages": languages(files),
        "modules": [],
        "sample": "sample.jpg",
        "runtime": runtime,
        "predictor": looking(),
        "networks": entries,
    }


def _runtime(files: Mapping[str, bytes], *, gpu: bool) -> dict[str, Any]:
    sizes = {name[4:]: len(data) for name, data in files.items() if name.startswith("ort/")}
    return {"version": PACKAGE.version, "gpu": gpu, "bytes": sizes}


def _offline(version: str, files: Mapping[str, bytes]) -> bytes:
    """What the service worker keeps at once. Networks and WebAssembly are kept when they are first used."""
    large = ("networks/", "style/", "_headers", "sw.js", "offline.js")
    shell = [name for name in sorted(files) if not name.startswith(large) and not name.endswith(".gzip")]
    shell = [name for name in shell if "webgpu" not in name and "asyncify" not in name]
    return f"self.OFFLINE = {json.dumps({'version': version, 'shell': ['./', *shell]}, indent=1)};\n".encode()


def sample_photo_file() -> bytes:
    """A photo to try the page with, a JPEG."""
    return next(path for path in samples.photos() if path.stem == "temple").read_bytes()


def _unique(name: str, taken: Iterable[str]) -> str:
    """A name that every disk, address and host takes; GitHub Pages leaves out files that begin with a dot or _."""
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    name = name.strip("-_.")[:_LONGEST_NAME] or "network"
    taken = {each.casefold() for each in taken}  # for some disks, small and capital letters are one
    candidates = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
