"""What paints, by the words of `stylize`, `video` and `live`: a network, several, or a painting."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from fststyle.commands.options import painting_size
from fststyle.system.shell import for_shell

if TYPE_CHECKING:
    from fststyle.model.file import ModelFile
    from fststyle.paint.blend import Blend
    from fststyle.paint.stylizer import Opening, Stylizer


class Painter(NamedTuple):
    """What is asked for.

    Attributes:
        model: A network, if neither of the next two is given.
        blend: Several, with weights.
        style: A painting, of which a network is predicted.
        style_size: Shorter side that it is looked at with.
    """

    model: str | None
    blend: str | None
    style: Path | None
    style_size: int | None

    @property
    def instead(self) -> str | None:
        """What stands in the place of a network, to begin a message with."""
        if self.blend is not None:
            return "--blend names the networks"
        return None if self.style is None else "--style makes the network"

    @property
    def words(self) -> str:
        """How the command names it."""
        if self.blend is not None:
            return f"--blend {for_shell(self.blend)}"
        return for_shell(self.model or "udnie_tiny") if self.style is None else f"--style {for_shell(self.style)}"

    def check(self, mix: str | None, layout: str, morph: str | None = None) -> None:
        """Refuse options that mean nothing together.

        Raises:
            BadParameter: Which.
        """
        painting_size(self.style, self.style_size)
        if self.style is None:
            return
        if self.blend is not None:
            raise typer.BadParameter("--blend and --style both say what paints; leave one out")
        for option, value, does in (("--mix", mix, "chooses among"), ("--morph", morph, "moves between")):
            if value is not None:
                raise typer.BadParameter(
                    f"{option} {does} the styles of a network, and --style makes one; leave one out"
                )
        if layout != "rgb1":
            raise typer.BadParameter("--layout is for a network of somebody else; leave it out beside --style")

    def open(self, device: str, opening: "Opening") -> "Stylizer | Blend":
        """Ready to paint."""
        from fststyle.paint.blend import Blend
        from fststyle.paint.stylizer import Stylizer

        if self.style is not None:
            from fststyle.predict.new_style import new_style

            return new_style(self.style, style_size=self._size, device=device, **opening)
        if self.blend is not None:
            return Blend.load(self.blend, device, **opening)
        return Stylizer(self.model or "", device, **opening)

    def networks(self) -> "ModelFile | dict[str | Path, float] | str":
        """What other machines are given: a predicted network, the weight of each of several, or a name."""
        if self.style is not None:
            from fststyle.predict.new_style import predict

            return predict(self.style, style_size=self._size).file()
        if self.blend is not None:
            from fststyle.paint.blend import summed_blend

            return summed_blend(self.blend)
        return self.model or ""

    @property
    def _size(self) -> int:
        return painting_size(self.style, self.style_size)
