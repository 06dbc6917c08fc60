"""Every config we ship is one that `fststyle train` takes, and says what its header promises."""

from pathlib import Path
from typing import Any

import pytest

from fststyle.training.cli import parse
from fststyle.training.fit.module import StyleTransferModule

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_builds_module_data_and_trainer(
    config: Path, painting: Path, vgg19_file: Path, tmp_path: Path
) -> None:
    run = ["--style", str(painting), "--weights", str(vgg19_file), "--out", str(tmp_path), "--data.root", str(tmp_path)]
    cli = parse(["--config", str(config), *run, "--trainer.accelerator", "cpu"])
    assert isinstance(cli.model, StyleTransferModule)
    if config.stem not in ("quickstart", "johnson2016"):
        assert cli.model.name == config.stem
        *who, when = cli.model.painting.split(", ")
        assert len(who) >= 2  # artist and title
        assert when.isdigit() or when in {"Song dynasty", "antiquity", "undated"}


def test_the_papers_recipe_is_the_papers(painting: Path, tmp_path: Path) -> None:
    config = Path(__file__).parents[2] / "configs" / "johnson2016.yaml"
    cli = parse(
        ["--config", str(config), "--style", str(painting), "--data.root", str(tmp_path), "--out", str(tmp_path)]
    )
    expected: dict[str, Any] = {
        "network": "johnson2016",
        "loss_network": "vgg16",
        "content_layers": ["relu2_2"],
        "style_layers": ["relu1_2", "relu2_2", "relu3_3", "relu4_3"],
        "learning_rate": 1e-3,
        "form": "literal",
    }
    assert expected.items() <= cli.model.recipe().items()
    assert (cli.datamodule.sides, cli.datamodule.batch_size, cli.trainer.max_steps) == ((256,), 4, 40_000)
