"""What `fststyle export` does to a network as it was trained: one style of several, another precision, another form."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fststyle.commands.console import say
from fststyle.errors import ModelFileError
from fststyle.system.file_kinds import Kind
from fststyle.system.files import is_there, refuse_other_kind
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.graph.quantization import Precision
    from fststyle.model.layouts import Layout
    from fststyle.runtime.convert import Io
    from fststyle.runtime.forms import Order


@dataclass(frozen=True)
class Steps:
    """What is asked for behind the network as it was trained; every field has its default where nothing is."""

    precision: str
    io: str
    photos: Path | None
    size: tuple[int, int] | None
    opset: int | None
    strength: float | None
    order: str
    layout: str
    mix: str | None

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self.mix is not None or self.converts or self.forms

    @property
    def converts(self) -> bool:
        """Whether numbers or pixels are to be others."""
        return (self.precision, self.io) != ("fp32", "float")

    @property
    def forms(self) -> bool:
        """Whether the graph is to be another."""
        return (self.size, self.opset, self.strength, self.order) != (None, None, None, "crd")


def name_of_form(network: Path, steps: Steps) -> Path:
    """Such as `starry_night_640x360_opset15.onnx`, in the current folder."""
    words = [network.stem]
    if steps.mix is not None:
        words.append(re.sub(r"[^\w.+-]+", "_", steps.mix))
    if steps.precision != "fp32":
        words.append(steps.precision)
    if steps.io != "float":
        words.append(steps.io)
    if steps.size is not None:
        words.append("{}x{}".format(*steps.size))
    if steps.opset is not None:
        words.append(f"opset{steps.opset}")
    if steps.order != "crd":
        words.append(steps.order)
    if steps.strength is not None:
        words.append(f"strength{steps.strength:g}")
    return new_file(Path("_".join(words) + ".onnx"))


def new_file(target: Path) -> Path:
    """A name that nobody asked for, which must not replace anything.

    Raises:
        ModelFileError: There is such a file.
    """
    if is_there(target):
        raise ModelFileError(f"{target} is there already; say -o {for_shell(target)} to replace it")
    return target


def write_steps(network: Path, output: Path, steps: Steps) -> None:
    """Take out a style, convert the network and bring it into another form, as far as each is asked for."""
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    with tempfile.TemporaryDirectory() as scratch:
        made = network
        if steps.mix is not None:
            made = _take_out(made, Path(scratch, "mix.onnx") if steps.converts or steps.forms else output, steps.mix)
            say(f"{output}: {steps.mix}, out of {network.name}")
        if steps.converts:
            made = _convert(made, Path(scratch, "converted.onnx") if steps.forms else output, steps, output, network)
        if steps.forms:
            _form(made, output, steps, network)


def _take_out(network: Path, output: Path, mix: str) -> Path:
    from fststyle.model.file import read_model
    from fststyle.paint.mix import weights_of
    from fststyle.runtime.styles import export_mix

    export_mix(network, output, weights_of(mix, read_model(network)))
    return output


def _convert(made: Path, target: Path, steps: Steps, output: Path, network: Path) -> Path:
    from fststyle.runtime.convert import quantize

    psnr = quantize(
        made,
        target,
        precision=cast("Precision", steps.precision),
        io=cast("Io", steps.io),
        photos=steps.photos,
        layout=cast("Layout", steps.layout),
    ).psnr
    say(f"{output}: {steps.precision}, pixels as {steps.io}, {psnr:.1f} dB from {network.name}")
    return target


def _form(made: Path, output: Path, steps: Steps, network: Path) -> None:
    from fststyle.runtime.forms import export_form

    try:
        form = export_form(
            made,
            output,
            size=steps.size,
            opset=steps.opset,
            strength=steps.strength,
            order=cast("Order", steps.order),
            layout=cast("Layout", steps.layout),
        )
    except ModelFileError as error:  # the file between the two steps is none that the user knows
        raise ModelFileError(str(error).replace(str(made), str(network))) from error
    sides = "any size" if steps.size is None else "{}×{} pixels only".format(*steps.size)
    say(f"{output}: {sides}, opset {form.opset}, differs by {form.difference:.1g} at most")
