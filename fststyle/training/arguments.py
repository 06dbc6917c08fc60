"""The words of `fststyle train`: our options, Lightning's names for them, and the help. Imports no torch."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from fststyle.system.files import is_folder
from fststyle.system.option_names import option_name
from fststyle.system.shell import for_shell
from fststyle.system.utf8 import utf8


@dataclass(frozen=True)
class Option:
    """An option that help shows; `target` is its name in the config, `value` is empty for a switch."""

    name: str
    target: str
    value: str
    help: str


_GROUPS: dict[str, tuple[Option, ...]] = {
    "Files": (
        Option("style", "style", "FILE", "The painting, a picture file; the same as PAINTING."),
        Option("photos", "data.root", "FOLDER", "Photos to train on; the same as PHOTOS. Default: the sample photos."),
        Option("output", "out", "FOLDER", "The run's folder. Default: runs/NAME."),
        Option("name", "name", "NAME", "Name of the style. Default: the painting's file name."),
        Option("painting", "painting", "TEXT", "Artist, title and year, stored in the network."),
        Option("config", "config", "FILE", "Read options from a YAML file; the command line wins."),
        Option("logger", "logger", "NAME", "tensorboard, csv, wandb, mlflow or none. Default: tensorboard."),
        Option("init", "init", "START", "predicted, base, none, a checkpoint, or a network. Default: predicted."),
    ),
    "Length": (
        Option("minutes", "minutes", "N", "Train this long."),
        Option("steps", "trainer.max_steps", "N", "Or so many steps."),
        Option("epochs", "trainer.max_epochs", "N", "Or every photo so many times."),
        Option("resume", "resume", "", "Continue the run in the output folder."),
        Option("force", "force", "", "Resume with another painting, cost or other photos, too."),
        Option("save-every", "save_every", "N", "Steps between checkpoints. Default: 100."),
        Option("json", "json", "", "Print progress as JSON lines on standard error."),
    ),
    "Style": (
        Option("style-weight", "model.cost.style_weight", "W", "Weight of the style cost. Default: 1."),
        Option("content-weight", "model.cost.content_weight", "W", "Weight of the content cost. Default: 1."),
        Option("tv-weight", "model.cost.tv_weight", "W", "Weight of total variation (smoothness). Default: 1."),
        Option("local-weight", "model.cost.local_weight", "W", "Style in skies and walls; 0.1 is good. Default: 0."),
        Option(
            "wasserstein-weight",
            "model.cost.wasserstein_weight",
            "W",
            "More style in large pictures; 1 is good. Default: 0.",
        ),
        Option("temporal-weight", "model.cost.temporal_weight", "W", "Steadiness in videos; 0.5 is good. Default: 0."),
        Option("style-size", "model.style_size", "PIXELS", "Shorter side of the painting. Default: 320."),
        Option("preview", "preview", "", "Show three style weights after a minute of training."),
        Option("calibrate", "calibrate", "", "Fit the style weight to the painting in some seconds."),
    ),
    "Network": (
        Option("network", "model.network", "NAME", "fast, johnson, tiny or johnson2016. Default: fast."),
        Option("teacher", "model.teacher", "NETWORK", "A larger network to learn from first; tiny needs one."),
        Option("only-norms", "model.only_norms", "", "Train only the gains and shifts, for a minute."),
        Option("optimizer", "model.optimizer", "NAME", "muon or adam. Default: muon."),
        Option("learning-rate", "model.learning_rate", "RATE", "Peak of the learning rate. Default: 0.005."),
    ),
    "Loss network": (
        Option("loss-network", "model.cost.loss_network", "NAME", "medium, slim, vgg19 or vgg16. Default: medium."),
        Option("weights", "weights", "FILE", "Its weights, .safetensors or .pth; of vgg19 without --loss-network."),
        Option("content-layers", "model.cost.content_layers", "LAYERS", "Layers that compare content: relu3_3,…"),
        Option("style-layers", "model.cost.style_layers", "LAYERS", "Layers that compare style: relu1_2,…"),
    ),
    "Machine": (
        Option("size", "data.crop", "PIXELS", "Side of the crops, or several. Default: 256, then also 512."),
        Option("batch-size", "data.batch_size", "N", "Crops per step. Default: 1."),
        Option("device", "trainer.accelerator", "NAME", "auto, cpu or cuda. Default: auto."),
        Option("precision", "trainer.precision", "NAME", "32-true, bf16-mixed or 16-mixed. Default: by device."),
        Option("workers", "data.num_workers", "N", "Processes that read photos. Default: 1."),
        Option("seed", "data.seed", "N", "Seed of the order of photos and of the crops. Default: 0."),
    ),
}

OPTIONS = {option.name: option for group in _GROUPS.values() for option in group}

LINKED = {
    "model.style": "style",
    "model.name": "name",
    "model.painting": "painting",
    "model.cost.weights": "weights",
    "model.init": "init",
}
"""Arguments of the module that are given by an option of the run; the parser takes them in no other way."""

PATHS = {OPTIONS[name].target for name in ("style", "photos", "output", "config", "weights", "init", "teacher")}
"""Options whose value cannot be an empty word: it would be the current folder."""

_SWITCHES = {"help", "help-all", "print-config", *(name for name, option in OPTIONS.items() if not option.value)}
_SHORT = {"-o": "--output", "-c": "--config", "-h": "--help"}
_LISTS = {OPTIONS[name].target for name in ("content-layers", "style-layers")}

_FRAME = """\
Usage: fststyle train PAINTING [PHOTOS] [OPTIONS]

Train a network to paint like one picture. Without PHOTOS, the sample photos are used.
--help-all shows every option, with Lightning's.

Examples:
  fststyle train mine.jpg photos/ --minutes 10
  fststyle train mine.jpg photos/ --minutes 10 --style-weight 0.3 -o runs/light
  fststyle train mine.jpg photos/ --minutes 10 --resume
"""


class UsageError(Exception):
    """Arguments that cannot be understood, in one line."""


def help_text() -> str:
    """What `fststyle train --help` shows: the options that most people need."""
    lines = [_FRAME.rstrip()]
    for title, options in _GROUPS.items():
        lines += ["", f"{title}:"]
        for option in options:
            short = "-o, " if option.name == "output" else ""
            lines.append(f"  {f'{short}--{option.name} {option.value}':<25} {option.help}")
    return "\n".join(lines)


def suggestion(word: str, names: Iterable[str]) -> str:
    """`; did you mean NAME?`, or nothing if no name is near."""
    known = list(names)
    begun = [name for name in known if name.startswith(word) and len(word.strip("-")) > 2]
    near = begun or get_close_matches(word, known, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


class Words:
    """Turns what users type into what Lightning's parser reads.

    Args:
        known: The parser's options, such as `--data.root`.
        classes: Those of them that take a class, and so its arguments: `--trainer.callbacks.patience`.
    """

    def __init__(self, known: Collection[str], classes: Collection[str] = ()) -> None:
        self._known = set(known)
        self._classes = tuple(f"{name}." for name in classes)
        self._leaves = _unique_leaves(self._known)
        self.typed: dict[str, str] = {}
        """Targets, and how the user wrote them."""

    def translate(self, words: list[str]) -> list[str]:
        """The words for the parser: configs first, and positional ones as `--style` and `--data.root`.

        Raises:
            UsageError: An option does not exist, a word has no place, or is not UTF-8.
        """
        configs: list[str] = []
        options: list[str] = []
        positional: list[str] = []
        left = [part for word in words for part in _parted(_as_utf8(word))]
        while left:
            word = left.pop(0)
            if word == "--":
                positional, left = positional + left, []
            elif not word.startswith("-") or word == "-":
                positional.append(_path(word))
            else:
                name, equals, value = word.partition("=")
                target = self._target(name)
                placed = configs if target == "--config" else options  # the parser lets the last word win
                if equals:
                    placed.append(f"{target}={_value(name, target, value)}")
                elif option_name(name.lstrip("-")) in _SWITCHES:
                    placed.append(f"{target}=true" if "." in target else target)  # a class's argument has a value
                elif not left or left[0].startswith("--"):
                    placed.append(target)
                else:
                    placed += [target, _value(name, target, left.pop(0))]
        return [*configs, *self._placed(positional, [*configs, *options]), *options]

    def _target(self, word: str) -> str:
        """The parser's name of an option, with dashes."""
        word = _SHORT.get(word, word)
        name = option_name(word.lstrip("-"))
        plain = name.replace("-", "_")
        if name in OPTIONS:
            target = OPTIONS[name].target
        elif f"--{plain}" in self._known:
            target = plain
        else:
            target = self._leaves.get(plain, "")
        if target:
            target = LINKED.get(target, target)
            self.typed[target] = word
            return f"--{target}"
        option = f"--{name.removesuffix('+')}"
        if option in self._known or option.startswith(self._classes):
            self.typed[name] = word
            return f"--{name}"
        hint = suggestion(f"--{name}", [f"--{each}" for each in self.names()])
        raise UsageError(f"no such option: {word}{hint or '; see fststyle train --help'}")

    def names(self) -> list[str]:
        """Every name that is understood, without dashes in front, those that help shows first."""
        others = {option_name(name.lstrip("-")) for name in (*self._known, *self._leaves)}
        return [*OPTIONS, "help-all", *sorted(others - set(OPTIONS))]

    def _placed(self, positional: list[str], options: list[str]) -> list[str]:
        """PAINTING and PHOTOS, as far as no option names them."""
        named = {word.partition("=")[0] for word in options}
        places = [place for place in ("--style", "--data.root") if place not in named]
        if len(positional) == 1 and places[:1] == ["--style"] and is_folder(Path(positional[0])):
            if "--config" not in named:
                raise UsageError(
                    f"{positional[0]} is a folder; name the painting first: fststyle train PAINTING "
                    f"{for_shell(positional[0])}"
                )
            places = places[1:]
        if len(positional) > len(places):
            raise UsageError(
                f"unexpected word: {positional[len(places)]}; the order is fststyle train PAINTING [PHOTOS] [OPTIONS]"
            )
        return [part for pair in zip(places, positional, strict=False) for part in pair]


def _unique_leaves(known: Iterable[str]) -> dict[str, str]:
    """The last words of dotted options, where only one has it."""
    by_leaf: dict[str, list[str]] = {}
    for option in known:
        target = option.lstrip("-")
        leaf = target.rpartition(".")[2]
        if "." in target and leaf != "help":
            by_leaf.setdefault(leaf, []).append(target)
    return {leaf: targets[0] for leaf, targets in by_leaf.items() if len(targets) == 1}


def _as_utf8(word: str) -> str:
    """A word that a config can hold, and so our parser.

    Raises:
        UsageError: It is none, as a file name of another encoding.
    """
    if utf8(word).decode() != word:
        raise UsageError(f"{word} is not UTF-8; give the file or its folder another name")
    return word


def _parted(word: str) -> list[str]:
    """`-oFOLDER` in two words; `-output` is one."""
    is_joined = len(word) > 2 and word[:2] in _SHORT and option_name(word[1:].partition("=")[0]) not in OPTIONS
    return [word[:2], word[2:].removeprefix("=")] if is_joined else [word]


def _path(word: str) -> str:
    """A word without an option before it.

    Raises:
        UsageError: It is empty, as from a shell's variable, or a word processor has joined the two hyphens before it.
    """
    if not word:
        raise UsageError("an empty word stands where a painting or a folder of photos belongs")
    if word[0] in "–—":
        raise UsageError(f"{word} begins with a dash; did you mean --{word.lstrip('–—-')}?")
    return word


def _value(word: str, option: str, value: str) -> str:
    """An option's value, as Lightning reads it: layers with commas between them become a list.

    Raises:
        UsageError: It is empty where a file or a folder must be named.
    """
    target = option.lstrip("-")
    if target in PATHS and not value:
        raise UsageError(f"{word} needs the name of a file or a folder, not an empty word")
    if target not in _LISTS or value.lstrip().startswith("["):
        return value
    return json.dumps([name.strip() for name in value.split(",") if name.strip()])
