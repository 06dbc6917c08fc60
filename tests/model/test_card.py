import json
from dataclasses import fields, replace

import pytest

from fststyle.errors import ModelFileError
from fststyle.model.card import ModelCard, is_ours

CARD = ModelCard(
    style="great_wave",
    painting="Hokusai, The Great Wave, 1831 – 神奈川沖浪裏",
    network="johnson",
    width=0.5,
    loss_network="vgg19",
    recipe={"content_layers": ["relu3_3"], "total_variation_weight": 1e-6, "resumed": None},
    steps=4000,
    costs={"content": 1.125, "style": 0.0625},
    licence="CC0-1.0",
    min_side=16,
    weights_sha256="ab" * 32,
)


def test_round_trip_among_the_keys_of_others() -> None:
    metadata = CARD.to_metadata() | {"author": "somebody"}
    assert ModelCard.from_metadata(metadata, "x.onnx") == CARD
    assert is_ours("fststyle.style")
    assert not is_ours("author")


def test_one_key_a_field_texts_plain_and_the_rest_json() -> None:
    metadata = CARD.to_metadata()
    unset = {"fststyle.styles", "fststyle.grain"}
    assert set(metadata) == {f"fststyle.{entry.name}" for entry in fields(ModelCard)} - unset
    assert metadata["fststyle.style"] == "great_wave"
    assert metadata["fststyle.width"] == "0.5"
    assert json.loads(metadata["fststyle.costs"]) == {"content": 1.125, "style": 0.0625}


def test_no_painting_is_no_key() -> None:
    card = replace(CARD, painting=None)
    assert "fststyle.painting" not in card.to_metadata()
    assert ModelCard.from_metadata(card.to_metadata(), "x.onnx") == card


def test_styles_keep_their_order() -> None:
    card = replace(CARD, styles=["wave", "a, b", "Étoile"])
    assert ModelCard.from_metadata(card.to_metadata(), "x.onnx") == card


def test_no_card() -> None:
    assert ModelCard.from_metadata({"author": "somebody"}, "x.onnx") is None


def test_whole_numbers_pass_for_floats() -> None:
    card = ModelCard.from_metadata(CARD.to_metadata() | {"fststyle.width": "1"}, "x.onnx")
    assert card is not None
    assert card.width == 1.0
    assert isinstance(card.width, float)


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", "wide"), ("steps", "1.5"), ("steps", "true"), ("costs", "[]"), ("min_side", "null"), ("network", None)]
    + [("styles", '"wave"'), ("styles", "[1, 2]"), ("styles", '{"wave": 1}')]
    + [("min_side", side) for side in ("-1", "0", "1025", "1000000")],
)
def test_a_broken_card(field: str, value: str | None) -> None:
    metadata = CARD.to_metadata() | {f"fststyle.{field}": value or ""}
    if value is None:
        del metadata[f"fststyle.{field}"]
    with pytest.raises(ModelFileError, match=r"x\.onnx has a broken card .*; export or download it again"):
        ModelCard.from_metadata(metadata, "x.onnx")


def test_a_card_of_the_future() -> None:
    with pytest.raises(ModelFileError, match=r"newer fststyle \(format 2\); upgrade fststyle"):
        ModelCard.from_metadata({"fststyle.format_version": "2"}, "x.onnx")
