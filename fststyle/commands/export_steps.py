"""What `fststyle export` does to a network as it was trained: one style of several, another precision, another form."""

import re
import tempfile
from dataclasses import dataclass, replace
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
    grain: float | None

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self.mix is not None or self.converts or self.forms or self.grain is not None

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
    if steps.grain is not None:
        words.append(f"grain{steps.grain:g}")
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
    """Take out a style, convert the network, bring it into another form, give it grain: whatever is asked for."""
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    stages = {
        _take_out: steps.mix is not None,
        _convert: steps.converts,
        _form: steps.forms,
        _give_grain: steps.grain is not None,
    }
    asked = [stage for stage, wanted in stages.items() if wanted]
    with tempfile.TemporaryDirectory() as scratch:
        made = network
        for number, stage in enumerate(asked, 1):
            target = output if number == len(asked) else Path(scratch, f"{number}.onnx")
            try:
                told = stage(made, target, steps)
            except ModelFileError as error:  # a file between two stages is none that the user knows
                raise ModelFileError(str(error).replace(str(made), str(network))) from error
            say(f"{output}: {told}, from {network.name}" if network.name != output.name else f"{output}: {told}")
            made = target


def _take_out(network: Path, output: Path, steps: Steps) -> str:
    from fststyle.model.file import read_model
    from fststyle.paint.mix import weights_of
    from fststyle.runtime.styles import export_mix

    mix = steps.mix or ""
    export_mix(network, output, weights_of(mix, read_model(network)))
    return mix


def _convert(network: Path, output: Path, steps: Steps) -> str:
    from fststyle.runtime.convert import quantize

    psnr = quantize(
        network,
        output,
        precision=cast("Precision", steps.precision),
        io=cast("Io", steps.io),
        photos=steps.photos,
        layout=cast("Layout", steps.layout),
    ).psnr
    return f"{steps.precision}, pixels as {steps.io}, {psnr:.1f} dB"


def _form(network: Path, output: Path, steps: Steps) -> str:
    from fststyle.runtime.forms import export_form

    form = export_form(
        network,
        output,
        size=steps.size,
        opset=steps.opset,
        strength=steps.strength,
        order=cast("Order", steps.order),
        layout=cast("Layout", steps.layout),
    )
    sides = "any size" if steps.size is None else "{}×{} pixels only".format(*steps.size)
    return f"{sides}, opset {form.opset}, differs by {form.difference:.1g} at most"


def _give_grain(network: Path, output: Path, steps: Steps) -> str:
    import onnx

    from fststyle.model.file import read_model, write_form

    file = read_model(network)
    if file.card is None:
        raise ModelFileError(f"{network} has no card to write the grain into; give it to every `stylize`: --grain")
    write_form(output, onnx.load_model_from_string(file.data), replace(file.card, grain=steps.grain or None))
    return f"{steps.grain:g} levels of grain by default"
