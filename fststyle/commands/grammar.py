"""What all commands have in common as commands: option groups, other spellings, and mistakes in one line."""

import re
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import TyperPath

from fststyle.commands.console import complain, explained, show_origin
from fststyle.errors import FststyleError
from fststyle.system.option_names import option_name

# Typer carries Click inside itself, under another name than earlier versions did.
_UsageError: Any = typer.BadParameter.__base__

SETTINGS = {"help_option_names": ["-h", "--help"], "token_normalize_func": option_name}

# The group in which help shows an option; of an option that means several things, by command.
_PANELS = {
    "Files": (
        *("photos", "style", "output", "html", "json", "format", "quality", "shard", "skip-existing", "manifest"),
        *("license", "report", "resume", "restart", "raw", "snapshot-every", "trajectory", "limit", "seed"),
        *("private", "replace", "message"),
    ),
    "Painting": (
        "strength",
        "scale",
        "passes",
        "keep-color",
        "mask",
        "grain",
        "blend",
        "mix",
        "morph",
        "follow",
        "measure-every",
        "carry",
        "quick",
    ),
    "Video": ("camera", "mirror", "start", "end", "fps", "codec", "crf", "sound"),
    "Address": ("host", "port", "token", "allow-host"),
    "Limits": (
        *("workers", "waiting", "running", "timeout"),
        *("max-megapixels", "max-megabytes", "max-video-megabytes"),
    ),
    "Size": ("max-side", "size", "style-size"),
    "Network": ("network", "precision", "io", "layout", "opset", "order", "styles", "export mix"),
    "Measurements": (
        *("evaluate size", "sizes", "evaluate style-size", "video", "video-frames", "no-optimizer", "no-speed"),
        *("rounds", "batch-size", "train size", "model size"),
    ),
    "Optimizer": ("iterations", "method", "optimize start", "evaluate start"),
    "Cost": (
        *("loss-network", "weights", "pooling", "form", "content-layers", "style-layers"),
        *("content-weight", "style-weight", "tv-weight"),
    ),
    "Machine": ("device", "gpu", "threads", "memory", "exact", "on", "workers", "jobs", "row"),
}
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])


def panel_of(command: str, option: str) -> str | None:
    """The group in which the help of a command shows an option, which is named without dashes in front."""
    return _PANEL_OF.get(f"{command} {option}") or _PANEL_OF.get(option)


class Command(TyperCommand):
    """A command whose options stand in groups."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **settings)
        for parameter in self.params:
            if parameter.param_type_name == "option" and not getattr(parameter, "rich_help_panel", None):
                long = next((text for text in parameter.opts if text.startswith("--")), parameter.opts[0])
                vars(parameter)["rich_help_panel"] = panel_of(str(name), long.lstrip("-"))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; an empty one is no file: it would be taken for the folder where the user is."""
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            words = value if isinstance(value, list | tuple) else [value]
            if "" in words and _names_a_file(parameter) and not ctx.resilient_parsing:
                raise typer.BadParameter("an empty word, as of a variable that is not set; name a file", ctx, parameter)
        return rest


def _names_a_file(parameter: Any) -> bool:
    """Whether a parameter is a file, a folder or a network; the words behind -- of `train-many` are options."""
    if parameter.param_type_name == "argument":
        return bool(parameter.name != "settings")
    return isinstance(parameter.type, TyperPath) or parameter.name in ("output", "into")


class Group(TyperGroup):
    """Turns what the user can mend into one line and an exit status: 1, 2 for the arguments, or 130 after Ctrl-C."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command's name."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            _refuse(error, ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:  # whoever listened has gone; Typer ends quietly then
            raise
        except MemoryError as error:
            show_origin(error)
            complain("error", "there is not enough memory; use smaller or fewer pictures, or free some memory")
            raise typer.Exit(1) from error
        except _UsageError as error:
            _refuse(error, ctx)
        except (FststyleError, ValueError, OSError) as error:
            show_origin(error)
            complain("error", explained(error))
            raise typer.Exit(1) from error


class _Word(NamedTuple):
    """What a shell may complete."""

    value: str
    help: str
    type: str = "plain"


class PassThrough(TyperCommand):
    """Leaves its arguments to `fststyle.training.arguments`, `--help` and `--` included."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep everything."""
        ctx.args = list(args)
        return []

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ARG002 -- Typer's
        """The names of options; a shell completes files by itself."""
        if not incomplete.startswith("-"):
            return []
        from fststyle.training.arguments import OPTIONS

        words = [_Word(f"--{name}", option.help) for name, option in OPTIONS.items()]
        return [word for word in words if word.value.startswith(incomplete)]


def _refuse(error: Any, ctx: Any) -> NoReturn:
    """Say in one line what is wrong with the arguments, and end with status 2."""
    if type(error).__name__ == "NoArgsIsHelpError":
        raise error
    said = error.format_message().removeprefix("Invalid value: ").rstrip(".")
    if near := getattr(error, "possibilities", None):
        begun = [name for name in near if name.startswith(error.option_name)]
        likely = begun or get_close_matches(error.option_name, near, 2)
        said = f"{error.message}; did you mean {' or '.join(likely)}?"
    said = re.sub(r"\.? Did you mean ", "; did you mean ", said)
    said = said[:1].lower() + said[1:]
    path = (error.ctx or ctx).command_path
    complain("error", said if said.endswith("?") else f"{said}; see {path} --help")
    raise typer.Exit(2) from error
