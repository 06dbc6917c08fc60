"""A network as the page needs it: its file, its parts, and what the page has to know of both."""

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from fststyle.errors import ModelFileError
from fststyle.graph.cpu_form import for_cpu
from fststyle.graph.parts import Parts
from fststyle.model.file import STRENGTH_NAME, ModelFile
from fststyle.model.layouts import Layout, values_of
from fststyle.paint.passes import FIRST_SIDE
from fststyle.paint.stylizer import Stylizer
from fststyle.runtime.fitting import Fitting
from fststyle.runtime.tiling import TiledNetwork
from fststyle.web.preview import preview_of

# Of a network that tells nothing, as Johnson's with its full width takes it.
_USUAL_BYTES_PER_PIXEL = 1000.0


@dataclass(frozen=True)
class WebNetwork:
    """A network of a site.

    Attributes:
        entry: Its entry in `site.json`.
        files: What belongs to it, by the place in the site.
    """

    entry: dict[str, Any]
    files: dict[str, bytes]


def describe(model: ModelFile, name: str) -> dict[str, Any]:
    """What the page shows of a network."""
    card = model.card
    painting = card.painting if card is not None else None
    return {
        "name": name,
        "title": _title(painting, card.style if card is not None else name),
        "painting": painting,
        "bytes": len(model.data),
        "precision": "int8" if model.is_quantized else card.precision if card is not None else "fp32",
        "licence": card.licence if card is not None else None,
    }


def tell_apart(entries: list[dict[str, Any]]) -> None:
    """Give every entry a title of its own, in place."""
    titles = Counter(entry["title"] for entry in entries)
    for entry in entries:
        if titles[entry["title"]] > 1:
            entry["title"] = f"{entry['title']} ({entry['name']})"


def _title(painting: str | None, style: str) -> str:
    """Of "Artist, Title, Year" the title; otherwise the style's name."""
    artist, *title, year = (painting or "").split(", ") if (painting or "").count(", ") else ("", "")
    if artist and title and any(letter.isdigit() for letter in year):
        return ", ".join(title)
    return style.replace("_", " ").capitalize()


def web_network(network: Path | ModelFile, name: str, layout: Layout = "rgb1") -> WebNetwork:
    """Read a network, paint its preview, and cut it into parts for large photos if that can be done.

    Args:
        network: Its file, the name of one that ships, or what was read of one.
        name: In the site, where it is unique.
        layout: What a network that is not ours computes on.

    Raises:
        ModelFileError: It is none, or none that a browser can feed.
    """
    stylizer = Stylizer(network, "cpu", layout=layout)
    model = stylizer.network.model
    if model.takes.dtype == "float16":
        raise ModelFileError(f"{model.where} takes float16 pixels, which browsers have not; export it with float32")
    made = runnable(stylizer, f"networks/{name}", layout)
    preview = f"previews/{name}.webp"
    entry = describe(model, name) | {"preview": preview} | made.entry
    return WebNetwork(entry, made.files | {preview: preview_of(stylizer)})


def runnable(stylizer: Stylizer, place: str, layout: Layout = "rgb1") -> WebNetwork:
    """What the page needs to run a network, and nothing that it shows.

    Args:
        stylizer: The network.
        place: Of its files in the site, without a suffix.
        layout: As for `web_network`.
    """
    model = stylizer.network.model
    of_bytes = _of_bytes(model)
    files = {f"{place}.onnx": _fed(of_bytes or model.data, model)}
    form = _form(stylizer, layout)
    if of_bytes:
        form |= {"bytes": True, "last": True, "lastOut": True}
    entry: dict[str, Any] = {"file": f"{place}.onnx", "form": form, "parts": None}
    if not any(form["fixed"]):
        try:
            parts, data = _parts(model, in_bytes=of_bytes is not None)
        except ModelFileError:  # the page then paints it whole, as large as the memory allows
            return WebNetwork(entry, files)
        files[f"{place}.parts"] = data
        entry["parts"] = {"file": f"{place}.parts", "bytes": len(data)} | parts
    return WebNetwork(entry, files)


def _form(stylizer: Stylizer, layout: Layout) -> dict[str, Any]:
    """How the page feeds the network."""
    network = stylizer.network
    model, values = network.model, values_of(layout)
    height, width = model.input_shape[2:]
    multiple = Fitting(network).multiple
    try:
        with warnings.catch_warnings(action="ignore"):
            needs = TiledNetwork(network, multiple).bytes_per_pixel
    except ModelFileError:
        needs = _USUAL_BYTES_PER_PIXEL
    return {
        "input": model.input_name,
        "output": model.output_name,
        "strength": STRENGTH_NAME if model.takes_strength else None,
        "bytes": model.byte_pixels,
        "last": model.takes.channels_last,
        "lastOut": (model.gives or model.takes).channels_last,
        "black": values.black,
        "white": values.white,
        "bgr": values.bgr,
        "multiple": multiple,
        "least": model.card.min_side if model.card is not None else 1,
        "fixed": [height or 0, width or 0],
        "needs": round(needs),
        "trained": FIRST_SIDE,
        "grain": (model.card.grain if model.card is not None else None) or 0,
    }


def _parts(model: ModelFile, *, in_bytes: bool) -> tuple[dict[str, Any], bytes]:
    """The parts as the page knows them, and their graphs one after the other."""
    cut = Parts.read(model.data)
    described, data = [], b""
    for part in cut.parts:
        graph = _fed(_for_cpu(part.data, model) if in_bytes else part.data, model)
        described.append(
            {
                "at": len(data),
                "bytes": len(graph),
                "takes": part.takes,
                "gives": part.gives,
                "source": part.source,
                "channels": part.channels,
                "halo": part.halo,
            }
        )
        data += graph
    return {"align": cut.align, "strides": cut.strides, "held": cut.held, "parts": described}, data


def _of_bytes(model: ModelFile) -> bytes | None:
    """Its form for processors, which takes and gives bytes: 8-bit networks run on no other. None for all others."""
    if model.card is None or not model.is_quantized or model.takes.dtype != "float32":
        return None
    made = _for_cpu(model.data, model)
    graph = onnx.ModelProto.FromString(made).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
    is_of_bytes = {kinds[model.input_name], kinds[model.output_name]} == {onnx.TensorProto.UINT8}
    return made if is_of_bytes else None  # not in an older opset


def _for_cpu(graph: bytes, model: ModelFile) -> bytes:
    return for_cpu(graph, model.input_name, model.output_name)


def _fed(graph: bytes, model: ModelFile) -> bytes:
    """The graph as the page runs it.

    Its strength is an input without a default: onnxruntime-web cannot feed one that has it.
    """
    if not model.takes_strength:
        return graph
    made = onnx.ModelProto.FromString(graph)
    kept = [tensor for tensor in made.graph.initializer if tensor.name != STRENGTH_NAME]
    del made.graph.initializer[:]
    made.graph.initializer.extend(kept)
    return bytes(made.SerializeToString(deterministic=True))
