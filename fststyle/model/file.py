"""The contract of an exported network, and the only place that opens an ONNX file.

A network of ours takes a tensor `content` and gives a tensor `stylized`: float32 RGB in 0..1, (batch, 3, height,
width), every side but the 3 free; or, exported so, uint8 RGB in 0..255, (batch, height, width, 3). It may take
`strength`, float32 of shape (1,), from 0 for the photo to 1 for the full style: an input with a default of 1, so that
whoever does not know it leaves it out. A network of several styles takes their weights, `style`, float32 of shape
(styles,), in the same way; the default is the first style. Its card lies in the file's metadata.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from fststyle.errors import ModelFileError
from fststyle.model.card import ModelCard, is_ours
from fststyle.model.checks import PictureForm, check_graph, image_ends, last_range, shape_of
from fststyle.model.gallery import advice_for, find_network, own_name
from fststyle.model.sizes import check_sizes
from fststyle.system.file_kinds import HEAD_BYTES, Kind, kind_of_content
from fststyle.system.files import is_file, require_regular_file, write_result
from fststyle.system.ranges import shown
from fststyle.system.shell import for_shell

INPUT_NAME = "content"
OUTPUT_NAME = "stylized"
STRENGTH_NAME = "strength"
STYLE_NAME = "style"

# onnxruntime's CUDA provider lacks Pad of opsets 19 to 23, and torch's exporter starts at 18.
OPSET = 18

ModelSource = str | os.PathLike[str] | bytes
"""What a network is read from: the path of an ONNX file, the name of a network that ships, or a file's bytes."""

QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear", "QLinearConv"})
"""Operators of networks that compute on integers."""

_MAX_BYTES = 512 * 2**20

_ORDER = "the network comes first and the pictures after it"
_PICTURE = f"{_ORDER}; fststyle new makes a network of a painting"

# What people take for an ONNX file, by its first bytes, and what to do instead.
_MISTAKEN = (
    (b"\x89PNG", "a PNG picture", _PICTURE),
    (b"\xff\xd8\xff", "a JPEG picture", _PICTURE),
    (b"PK\x03\x04", "a torch checkpoint or zip archive", "export it with `fststyle export`, or unpack it"),
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
    (b"<", "a web page", "download the file itself"),
)


@dataclass(frozen=True)
class ModelFile:
    """An ONNX file that was read once and checked.

    Attributes:
        name: The file's name, for messages.
        data: Its bytes. Open a session from these: the file may be another by now.
        card: None if the file was not made by fststyle.
        opset: Version of the standard operators.
        input_name: The one input.
        input_shape: (batch, 3, height, width), None where free, however the graph orders them.
        output_name: The one output.
        takes: How pixels go in.
        gives: How they come out; None where the file leaves that open.
        takes_strength: Whether it can be told `STRENGTH_NAME`; only networks of ours can.
        styles: Names of the styles that `STYLE_NAME` weighs; none if the network has one style.
        ends_in: The range of a picture's values where the last operator keeps to one: "1", "255" or "-1to1".
        is_quantized: Whether it computes on integers already.
        path: The file; None if it was read from bytes.
        called: For the names of its paintings: a file's own name; of one of the gallery, or of bytes, the style's.
    """

    name: str
    data: bytes
    card: ModelCard | None
    opset: int
    input_name: str
    input_shape: tuple[int | None, ...]
    output_name: str
    takes: PictureForm
    gives: PictureForm | None
    takes_strength: bool = False
    styles: tuple[str, ...] = ()
    ends_in: str | None = None
    is_quantized: bool = False
    path: Path | None = None
    called: str = ""

    @property
    def where(self) -> str:
        """The file's path, for messages; if there is none, what it was called when it was read."""
        return self.name if self.path is None else str(self.path)

    @property
    def byte_pixels(self) -> bool:
        """Whether pixels are bytes going in; else they are floating-point numbers."""
        return self.takes.dtype == "uint8"


def read_model(source: ModelSource, called: str = "<bytes>") -> ModelFile:
    """Read and check a network, ours or someone else's, from picture to picture.

    Args:
        source: The ONNX file, the name of a network that ships, or a file's bytes.
        called: What messages call bytes.

    Raises:
        ModelFileError: There is no such file or name; it is not ONNX, or broken; it holds what a style network does not
            need; or its weights are not those that its card was written for.
        TypeError: It is none of these.
    """
    if not isinstance(source, str | os.PathLike | bytes):
        raise TypeError(f"the network must be a path, a name or the bytes of a file, not {shown(source)}")
    path = None if isinstance(source, bytes) else find_network(Path(source))
    own = None if isinstance(source, bytes) else own_name(Path(source))
    name = called if path is None else str(path)
    data = source if isinstance(source, bytes) else _read_bytes(Path(name))
    for start, kind, remedy in _MISTAKEN:
        if data.startswith(start):
            raise ModelFileError(f"{name} is {kind}, not an ONNX file; {remedy}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        _refuse_material(data, name)
        raise ModelFileError(f"{name} is not an ONNX file, or is cut off; download or export it again") from error
    if not model.graph.node or not model.opset_import:
        _refuse_material(data, name)
        raise ModelFileError(f"{name} holds no network, or is cut off; download or export it again")
    takes, gives = check_graph(model, name)
    check_sizes(model, name)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    card = ModelCard.from_metadata(metadata, name)
    if card is not None and card.weights_sha256 != _sha256_or_none(model):
        raise ModelFileError(f"{name} holds other weights than its card was written for; download or export it again")
    (content,), (stylized,) = image_ends(model.graph)
    shape = shape_of(content)
    return ModelFile(
        name=name if path is None else path.name,
        data=data,
        card=card,
        opset=_opset(model),
        input_name=content.name,
        input_shape=(shape[0], 3, *(shape[1:3] if takes.channels_last else shape[2:])),
        output_name=stylized.name,
        takes=takes,
        gives=gives,
        takes_strength=card is not None and _has_default(model.graph, STRENGTH_NAME, 1),
        styles=_styles(model.graph, card),
        is_quantized=not QUANTIZING.isdisjoint(node.op_type for node in model.graph.node),
        ends_in=None if takes.dtype == "uint8" else last_range(model.graph, stylized.name),
        path=path,
        called=own or (card.style if card is not None else Path(name).stem),
    )


def write_model(path: Path, model: onnx.ModelProto, card: ModelCard) -> ModelCard:
    """Check a network against the contract, put the card in, and replace `path` whole or not at all.

    Returns:
        The card with `weights_sha256` filled in. `model` itself is left as it was.

    Raises:
        ModelFileError: The network does not keep the contract, or the folder cannot be written.
    """
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"the network for {path} is not valid ONNX ({reason}); export it again") from error
    check_graph(model, f"the network for {path}")
    (content,), (stylized,) = image_ends(model.graph)
    found = (content.name, shape_of(content), stylized.name, _opset(model))
    shape = (None, None, None, 3) if takes_bytes(content) else (None, 3, None, None)
    wanted = (INPUT_NAME, shape, OUTPUT_NAME, OPSET)
    if found != wanted:
        raise ModelFileError(f"the network for {path} has (input, shape, output, opset) {found}; export it as {wanted}")
    return write_form(path, model, card)


def write_form(path: Path, model: onnx.ModelProto, card: ModelCard) -> ModelCard:
    """Like `write_model`, for a form of a network that is for one size of picture, or in older operators.

    Raises:
        ModelFileError: `read_model` would refuse it, or the folder cannot be written.
    """
    check_graph(model, f"the network for {path}")
    marked = with_card(model, card)
    _write(path, marked)
    return replace(card, weights_sha256=weights_sha256(marked))


def with_card(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """A copy with the card in it, for these weights, in the place of another; metadata of others stays."""
    marked = onnx.ModelProto()
    marked.CopyFrom(model)
    name_sides(marked.graph)
    foreign = {entry.key: entry.value for entry in model.metadata_props if not is_ours(entry.key)}
    card = replace(card, weights_sha256=weights_sha256(model))
    onnx.helper.set_model_props(marked, foreign | card.to_metadata())
    return marked


def name_sides(graph: onnx.GraphProto) -> None:
    """Give the output the input's sides, "batch", "height" and "width" for example: programs read them, in place.

    An exporter writes there how they were computed, which is always the same in a network that keeps the size.
    """
    (content,), (stylized,) = image_ends(graph)
    sides = dict(zip("BCHW", content.type.tensor_type.shape.dim, strict=True))
    if takes_bytes(content):
        sides = dict(zip("BHWC", content.type.tensor_type.shape.dim, strict=True))
    order = "BHWC" if takes_bytes(stylized) else "BCHW"
    del stylized.type.tensor_type.shape.dim[:]
    stylized.type.tensor_type.shape.dim.extend(sides[side] for side in order)


def write_foreign_model(path: Path, model: onnx.ModelProto) -> None:
    """Check a network of somebody else, and replace `path` whole or not at all.

    Raises:
        ModelFileError: `read_model` would refuse it, or the folder cannot be written.
    """
    check_graph(model, f"the network for {path}")
    _write(path, model)


def weights_sha256(model: onnx.ModelProto) -> str:
    """Fingerprint of the initializers' names, types, shapes and values, whatever their order and storage."""
    digest = hashlib.sha256()
    for tensor in sorted(model.graph.initializer, key=lambda tensor: tensor.name):
        values = numpy_helper.to_array(tensor)
        digest.update(heading_of(tensor).encode())
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def heading_of(tensor: onnx.TensorProto) -> str:
    """What stands before a tensor's values in the fingerprint of the weights."""
    return f"{tensor.name}\0{tensor.data_type}\0{list(tensor.dims)}\0"


def _has_default(graph: onnx.GraphProto, name: str, length: int) -> bool:
    """Whether there is an input of so many floats that need not be given."""
    shapes = {value.name: shape_of(value) for value in graph.input}
    defaults = {tensor.name: tensor.data_type for tensor in graph.initializer}
    return shapes.get(name) == (length,) and defaults.get(name) == onnx.TensorProto.FLOAT


def _styles(graph: onnx.GraphProto, card: ModelCard | None) -> tuple[str, ...]:
    names = () if card is None else tuple(card.styles or ())
    return names if _has_default(graph, STYLE_NAME, len(names)) else ()


def takes_bytes(content: onnx.ValueInfoProto) -> bool:
    """Whether a network's input is uint8."""
    return bool(content.type.tensor_type.elem_type == onnx.TensorProto.UINT8)


def _write(path: Path, model: onnx.ModelProto) -> None:
    write_result(path, model.SerializeToString(deterministic=True), Kind.NETWORK, ModelFileError)


def _refuse_material(data: bytes, name: str) -> None:
    """Refuse a picture or video of any kind; some networks begin like one, so this is for what is no network."""
    kind = kind_of_content(data[:HEAD_BYTES])
    if kind in (Kind.PICTURE, Kind.VIDEO):
        remedy = _PICTURE if kind is Kind.PICTURE else _ORDER
        raise ModelFileError(f"{name} is {kind.value}, not an ONNX file; {remedy}")


def _read_bytes(path: Path) -> bytes:
    try:
        size = require_regular_file(path).st_size
        if size == 0:
            raise ModelFileError(f"{path} is empty; download or export it again")
        if size > _MAX_BYTES:
            raise ModelFileError(
                f"{path} has {size:,} bytes, far more than a style network; check that it is the right file"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelFileError(f"{path} does not exist; {advice_for(path)}") from error
    except OSError as error:
        remedy = "name an ONNX file"
        if is_file(path / "last.ckpt"):
            remedy = f"it holds a training: export that first, fststyle export {for_shell(path)}"
        raise ModelFileError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from error


def _sha256_or_none(model: onnx.ModelProto) -> str | None:
    try:
        return weights_sha256(model)
    except (TypeError, ValueError):  # a tensor whose bytes do not fit its shape
        return None


def _opset(model: onnx.ModelProto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=1)
