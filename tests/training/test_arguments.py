"""The words of `fststyle train`: friendly names, positions, mistakes, help."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fststyle import samples
from fststyle.training.arguments import OPTIONS, Words, help_text
from fststyle.training.cli import TrainCLI, parse
from fststyle.training.cost.objective import Cost
from fststyle.training.many.columns import DOTTED, LIGHTNINGS, SHORT_NAMES, column_of
from fststyle.training.parser import from_config


@pytest.fixture(scope="module")
def cli(train_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> TrainCLI:
    return parse([*train_arguments, "--out", str(tmp_path_factory.mktemp("run"))])


@pytest.fixture
def words(cli: TrainCLI) -> Words:
    return Words(cli.parser._option_string_actions, ["--trainer.callbacks"])


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the parser ends the program."""
    with pytest.raises(SystemExit) as stop:
        parse(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("error: ")
    return said.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mine.jpg photos", "--style mine.jpg --data.root photos"),
        ("mine.jpg", "--style mine.jpg"),
        ("--minutes 3 mine.jpg --resume photos", "--style mine.jpg --data.root photos --minutes 3 --resume"),
        ("--photos p mine.jpg", "--style mine.jpg --data.root p"),
        ("--style=mine.jpg p", "--data.root p --style=mine.jpg"),
        ("--resume -- -mine.jpg", "--style -mine.jpg --resume"),
        ("--style-weight 3 --content_weight=2", "--model.cost.style_weight 3 --model.cost.content_weight=2"),
        ("--steps -1 --size 64 --batch-size 2", "--trainer.max_steps -1 --data.crop 64 --data.batch_size 2"),
        ("--judge slim --loss_network slim", "--model.cost.loss_network slim --model.cost.loss_network slim"),
        ("-o a -ob --output=c --out d", "--out a --out b --out=c --out d"),
        ("-output a --lr 1", "--out a --model.learning_rate 1"),
        ("--trainer.max-steps 3 --data.batch-size 2", "--trainer.max_steps 3 --data.batch_size 2"),
        ("--max-steps 3 --dark 1 --grid_weight 0", "--trainer.max_steps 3 --data.dark 1 --model.cost.grid_weight 0"),
        ("--style-layers relu1_2,relu2_2", '--model.cost.style_layers ["relu1_2", "relu2_2"]'),
        ('--style-layers=["relu1_2"]', '--model.cost.style_layers=["relu1_2"]'),
        ("--trainer.callbacks+=X --trainer.callbacks.patience 3",) * 2,
        ("--save_every 3 --save-every 4", "--save_every 3 --save_every 4"),
        ("--model.style m.jpg --model.init=none", "--style m.jpg --init=none"),
        ("--size 64 -c a.yaml m.jpg --config=b.yaml", "--config a.yaml --config=b.yaml --style m.jpg --data.crop 64"),
    ],
)  # fmt: skip
def test_friendly_names(words: Words, typed: str, meant: str) -> None:
    assert " ".join(words.translate(typed.split(" "))) == meant


def test_every_friendly_name_is_an_option_of_the_parser_with_the_default_that_help_gives(cli: TrainCLI) -> None:
    for name, option in OPTIONS.items():
        assert f"--{option.target}" in cli.parser._option_string_actions, name
        given = re.search(r"Default: ([\w.]+)\.$", option.help)
        if given and given[1][0].isdigit():
            assert float(given[1]) == cli.parser.get_default(option.target), name
        elif name in ("network", "optimizer", "device", "init"):
            assert given is not None
            assert given[1] == cli.parser.get_default(option.target), name
    assert f"Default: {Cost().architecture}." in OPTIONS["loss-network"].help


def test_the_command_line_wins_over_a_config_wherever_that_stands(train_arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("style-weight: 2\ntv-weight: 3\n")
    run = ["--output", str(tmp_path / "run"), "--style-weight", "5", "--config", str(tmp_path / "a.yaml")]
    cost = parse([*train_arguments, *run]).model.cost
    assert (cost.style_weight, cost.tv_weight) == (5, 3)


def test_a_sheet_of_styles_knows_every_option(cli: TrainCLI) -> None:
    options = {name[2:].removesuffix("+") for name in cli.parser._option_string_actions if not name.endswith(".help")}
    ours = {name for name in options if name.startswith(("data.", "model."))}
    linked = {f"model.{name}" for name in ("style", "name", "painting", "init", "cost.weights")}
    assert ours - linked - {option.target for option in OPTIONS.values()} == DOTTED
    refused = {"trainer.barebones", "trainer.default_root_dir", "trainer.fast_dev_run", "trainer.plugins"}
    assert {name for name in options if name.startswith("trainer.")} - refused == LIGHTNINGS
    for name in {*DOTTED, *LIGHTNINGS, *SHORT_NAMES}:
        assert column_of(name) == name


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["caf\udce9.jpg"], ["caf\\udce9.jpg is not UTF-8; give the file or its folder another name"]),
        (["m.jpg", "--photos", "caf\udce9"], ["caf\\udce9 is not UTF-8"]),
        (["m.jpg", "--style-wieght", "3"], ["--style-wieght", "did you mean --style-weight?"]),
        (["m.jpg", "--min", "3"], ["--min", "did you mean --minutes?"]),
        (["m.jpg", "--model.stile_size", "3"], ["did you mean --model.style_size?"]),
        (["m.jpg", "--trainer.max_step", "3"], ["did you mean --trainer.max_steps?"]),
        (["m.jpg", "--data.cache-gigabyte", "3"], ["did you mean --data.cache_gigabytes?"]),
        (["m.jpg", "--qqq", "3"], ["--qqq", "fststyle train --help"]),
        (["m.jpg", "-x"], ["-x"]),
        (["m.jpg", "--batchsize", "4"], ["did you mean --batch-size?"]),
        (["m.jpg", "--help-al"], ["did you mean --help-all?"]),
        (["m.jpg", "—steps", "4"], ["—steps", "did you mean --steps?"]),
        (["m.jpg", ""], ["empty"]),
        (["m.jpg", "--photos", ""], ["--photos", "empty"]),
        (["m.jpg", "--network", ""], ["--network", "empty"]),
        (["m.jpg", "--config", samples.photos()[0].as_posix()], ["not a YAML file"]),
        (["m.jpg", "--trainer.callbacks=EarlyStopping", "--trainer.callbacks.monitr", "x"], ["monitr"]),
        (["m.jpg", "--network", "tniy"], ["--network", "fast, tiny", "did you mean tiny?"]),
        (["m.jpg", "--model.network", "tniy"], ["--model.network", "did you mean tiny?"]),
        (["m.jpg", "--judge", "vgg"], ["--judge", "vgg16", "medium"]),
        (["m.jpg", "--steps", "x"], ["--steps takes a whole number, not x"]),
        (["m.jpg", "--minutes", "1h"], ["--minutes takes a number, not 1h"]),
        (["m.jpg", "--minutes"], ["--minutes needs a value"]),
        (["m.jpg", "--minutes", "--resume"], ["--minutes needs a value"]),
        (["m.jpg", "--resume=3"], ["--resume takes no value"]),
        (["m.jpg", "--trainer.callbacks", "Nobody\n"], ["--trainer.callbacks", "Nobody"]),
        (["m.jpg", "p", "q"], ["q", "PAINTING [PHOTOS]"]),
        ([], ["name the painting", "fststyle train PAINTING"]),
        (["--style-weight", "2"], ["name the painting"]),
        (["m.jpg", "--config", "nowhere.yaml"], ["nowhere.yaml"]),
        (["m.jpg", "--config", "model: ["], ["--config"]),
        (["m.jpg", "--config", "model: {stile_size: 3}"], ["model.stile_size", "did you mean model.style_size?"]),
        (["m.jpg", "--config", "style-wieght: 3"], ["style-wieght", "did you mean style-weight?"]),
        (["m.jpg", "--config", "style-weight: 3\nmodel: {cost: {style_weight: 2}}"], ["model.cost.style_weight twice"]),
        (["m.jpg", "--config", "style-weight: 3\nmodel: 7"], ["model in the config holds options, not 7"]),
        (["m.jpg", "--config", "style_weight: much"], ["style_weight takes a number, not much"]),
        (["m.jpg", "--\x1b[31m", "3"], [r"\x1b[31m"]),
        (["--model.style="], ["--model.style needs the name of a file or a folder, not an empty word"]),
        (["m.jpg", "--model.style"], ["--model.style needs a value"]),
        (["m.jpg", "--model.cost.weights", ""], ["--model.cost.weights needs the name of a file"]),
        (["m.jpg", "--init="], ["--init needs the name of a file"]),
        (["m.jpg", "--teacher", ""], ["--teacher needs the name of a file"]),
        (["m.jpg", "--trainer.callbacks="], ["--trainer.callbacks does not take an empty word"]),
        (["m.jpg", "--model="], ["--model holds options, --model.NAME; see fststyle train --help-all"]),
        (["m.jpg", "--model.cost", "x"], ["--model.cost holds options, --model.cost.NAME"]),
        (["m.jpg", "--config", "data: x"], ["--data holds options, --data.NAME"]),
        (["--config", "style: 3"], ["--style needs the name of a file or a folder, not int"]),
        (["--config", "style: ''"], ["the config has an empty word as style, which needs a name"]),
        (["m.jpg", "--config", "data: {root: ''}"], ["the config has an empty word as data.root"]),
        (["m.jpg", "--config", "init: base\nmodel: {init: none}"], ["init twice"]),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], named: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(arguments, capsys)
    assert [word for word in named if word not in said] == []


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (["--size", "0"], "--size must be .* not 0"),
        (["--data.crop", "0"], "--data.crop must be"),
        (["--learning-rate=-1"], "--learning-rate must"),
        (["--config", "size: 0"], "crop must be"),
        (["--style-weight", "-1"], "--style-weight must"),
        (["--minutes", "-1"], "minutes must"),
    ],
)
def test_a_value_out_of_range_is_blamed_on_its_option(painting: Path, option: list[str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse([str(painting), *option])


def test_a_folder_is_no_painting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name the painting first" in refused([str(tmp_path)], capsys)


def test_a_config_of_a_run_may_be_followed_by_other_photos(words: Words, tmp_path: Path) -> None:
    assert words.translate(["--config", "c.yaml", str(tmp_path)]) == [
        "--config",
        "c.yaml",
        "--data.root",
        str(tmp_path),
    ]


def test_configs_may_use_friendly_names() -> None:
    text = "style: a.jpg\nstyle-weight: 3\nsteps: 4\nmodel:\n  style_size: 64\n  cost: {tv_weight: 2}\nsize: 32\n"
    wanted: dict[str, Any] = {
        "style": "a.jpg",
        "model": {"style_size": 64, "cost": {"tv_weight": 2, "style_weight": 3}},
        "trainer": {"max_steps": 4},
        "data": {"crop": 32},
    }
    assert yaml.safe_load(from_config(text)) == wanted
    wanted = {"style": "a.jpg", "weights": "w.pth", "name": "b", "model": {"width": 1, "cost": {}}}
    text = "model: {style: a.jpg, width: 1, cost: {weights: w.pth}}\nmodel.name: b\n"
    assert yaml.safe_load(from_config(text)) == wanted
    assert from_config("model:\n  width: 1 # as it is\n") == "model:\n  width: 1 # as it is\n"


def test_a_painting_alone_is_enough(painting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = parse([str(painting), "--size", "64", "--trainer.accelerator", "cpu", "-o", str(tmp_path)])
    assert cli.datamodule.root == samples.photo_folder()
    assert cli.model.name == painting.stem
    assert "sample photos" in capsys.readouterr().err


def test_positions_a_config_and_the_command_line(
    painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "c.yaml"
    config.write_text(f"photos: {tmp_path}\nstyle-weight: 3\nsteps: 7\ndevice: cpu\n", "utf-8")
    cli = parse([str(painting), "--config", str(config), "--steps", "9"])
    assert (cli.datamodule.root, cli.model.cost.style_weight, cli.trainer.max_steps) == (tmp_path, 3, 9)
    assert cli.run_folder == Path("runs") / painting.stem
    assert "sample photos" not in capsys.readouterr().err


def test_help_fits_two_screens() -> None:
    lines = help_text().splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("  fststyle train ") for line in lines) == 3


def test_the_whole_help_has_lightnings_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--help-all"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert [
        name for name in ("--trainer.gradient_clip_val", "--model.ema_decay", "--data.dark") if name not in said
    ] == []
