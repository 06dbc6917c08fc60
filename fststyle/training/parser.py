"""Lightning's parser with our words in front (`arguments.py`), and errors of one line."""

import contextlib
import re
import sys
from typing import Any, NoReturn

import yaml
from pytorch_lightning.cli import LightningArgumentParser

from fststyle.system.option_names import option_name
from fststyle.training.arguments import LINKED, OPTIONS, PATHS, UsageError, Words, suggestion

_WORDS_FOR_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
_KEY = re.compile(r'^Parser key "([\w.]+)":')


class TrainParser(LightningArgumentParser):
    """Reads friendly and dotted names, on the command line and in configs; a mistake ends with status 2."""

    def parse_args(self, args: Any = None, *more: Any, **settings: Any) -> Any:
        """Like Lightning's, for our words.

        Raises:
            SystemExit: 0 after help, 2 for a mistake, which is said in one line on standard error.
        """
        words = sys.argv[1:] if args is None else list(args)
        if "--help-all" in words or "--help_all" in words:
            self.print_help()
            self.exit(0)
        self._words = Words(self._option_string_actions, self._classes())
        try:
            words = self._words.translate(words)
        except UsageError as error:
            self.error(str(error))
        return super().parse_args(words, *more, **settings)

    def parse_path(self, path: Any, *more: Any, **settings: Any) -> Any:
        """Like Lightning's, for a config file.

        Raises:
            SystemExit: It is no text.
        """
        try:
            return super().parse_path(path, *more, **settings)
        except UnicodeDecodeError as error:
            self.error(f"{path} is not a YAML file; name a config as --config", error)

    def parse_string(self, content: str, *more: Any, **settings: Any) -> Any:
        """Like Lightning's, for a config that may use our names, too."""
        with contextlib.suppress(yaml.YAMLError):  # the parser says where
            content = from_config(content)
        return super().parse_string(content, *more, **settings)

    def instantiate_classes(self, *more: Any, **settings: Any) -> Any:
        """Like Lightning's; a value out of its range is blamed on the option as it was typed.

        Raises:
            ValueError: A value is out of its range.
        """
        try:
            return super().instantiate_classes(*more, **settings)
        except ValueError as error:
            name, must, rest = str(error).partition(" must ")
            blamed = [typed for target, typed in self._words.typed.items() if target.rpartition(".")[2] == name]
            if not (must and blamed):
                raise
            raise ValueError(f"{blamed[0]} must {rest}") from error

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Say what is wrong in one line, and leave with status 2."""
        line = " ".join(self._plain(message).split())
        shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
        sys.stderr.write(f"error: {shown}\n")
        sys.exit(2)

    def _classes(self) -> list[str]:
        """The options that take a class, whose own arguments follow behind a dot."""
        return [name.removesuffix(".help") for name in self._option_string_actions if name.endswith(".help")]

    def _plain(self, message: str) -> str:
        """What the parser says, in our words."""
        if re.match('Parser key "style":.*NoneType|the following arguments are required: .*style', message, re.DOTALL):
            return "name the painting: fststyle train PAINTING [PHOTOS]; see fststyle train --help"
        if found := re.match(r"argument (?:-\w/)?--([\w.]+).*: (expected one|ignored explicit) argument", message):
            return f"{self._name(found[1])} {'needs a' if found[2] == 'expected one' else 'takes no'} value"
        if found := re.search(
            r"(?:Group '([\w.]+)' does not accept option|Option) '([^']+)'(?: is not accepted|$)", message
        ):
            name = f"{found[1]}.{found[2]}" if found[1] else found[2]
            return f"the config has no option {name}{suggestion(name, self._words.names())}"
        if (key := _KEY.match(message)) is None:
            return message
        name, rest = key[1], message[key.end() :]
        value = re.search(r"(?:Got value|Given value): (.*)", rest)
        types = re.search(r"Subtypes: \[(.*)\]|Expected an? (.*?)\. Got value", rest)
        wanted, choices = _wanted(types[1] or types[2]) if types else ("", [])
        said = re.sub(r"NestedArg\(key='(.*?)', val=.*\)", r"\1", value[1]) if value else ""
        if value is None or name == "config":
            if "Unable to load config" in rest and name != "config":
                return f"{self._name(name)} holds options, --{name}.NAME; see fststyle train --help-all"
            if kind := re.search(r"Not of type Path: .* not (\w+)$", rest.strip()):
                return f"{self._name(name)} needs the name of a file or a folder, not {kind[1]}"
            return f"{self._name(name)}: {rest.strip()}"
        if not wanted:
            return f"{self._name(name)} does not take {said or 'an empty word'}; see fststyle train --help-all"
        return f"{self._name(name)} takes {wanted}, not {said or 'an empty word'}{suggestion(said, choices)}"

    def _name(self, target: str) -> str:
        """An option as the user wrote it, as far as it stands on the command line."""
        return self._words.typed.get(target, f"--{target}")


def from_config(text: str) -> str:
    """A config in YAML, with Lightning's names for those of our options that stand at its top.

    What the parser would overlook, a painting as `model.style`, is put where it is read.

    Raises:
        yaml.YAMLError: It is not YAML.
        TypeError: A section holds something else.
        ValueError: It has an option twice, or an empty word for a file.
    """
    found = yaml.safe_load(text)
    if not isinstance(found, dict):
        return text
    ours = {key: OPTIONS[name].target for key in found if (name := option_name(str(key))) in OPTIONS}
    moved = {key: target for key, target in (LINKED | ours).items() if key != target and key in found}
    linked = {target: value for name, target in LINKED.items() if (value := _taken(found, name.split("."))) is not None}
    config: dict[str, Any] = {key: value for key, value in found.items() if key not in moved}
    for target, value in [*((target, found[key]) for key, target in moved.items()), *linked.items()]:
        _put(config, target.split("."), value)
    for target in PATHS:
        if _at(config, target.split(".")) == "":
            raise ValueError(f"the config has an empty word as {target}, which needs a name")
    return str(yaml.safe_dump(config, sort_keys=False)) if moved or linked else text


def _at(config: Any, path: list[str]) -> Any:
    """What stands there, or None."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _taken(config: dict[str, Any], path: list[str]) -> Any:
    """As `_at`, and it is taken out."""
    *above, last = path
    section = _at(config, above)
    return section.pop(last, None) if isinstance(section, dict) else None


def _put(config: dict[str, Any], path: list[str], value: Any) -> None:
    *above, last = path
    for name in above:
        if not isinstance(config.setdefault(name, {}), dict):
            raise TypeError(f"{name} in the config holds options, not {config[name]!r}")
        config = config[name]
    if last in config:
        raise ValueError(f"the config has {'.'.join(path)} twice, under two names")
    config[last] = value


def _wanted(types: str) -> tuple[str, list[str]]:
    """What some types ask for, and the choices among them."""
    choices = [choice for listed in re.findall(r"Literal\[(.*?)\]", types) for choice in re.findall(r"'(.*?)'", listed)]
    plain = [_WORDS_FOR_TYPES[name] for name in re.findall(r"<class '(\w+)'>", types) if name in _WORDS_FOR_TYPES]
    one_of = [f"one of {', '.join(choices)}"] if choices else []
    return " or ".join(dict.fromkeys([*one_of, *plain])), choices
