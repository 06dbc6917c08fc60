"""One network for many styles: what is shared, what is each style's own, and what a new style begins with."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from fststyle.training.cost.objective import Cost
from fststyle.training.fit.many_styles import (
    ManyStylesModule,
    StyledNorm,
    in_styles,
    one_style,
    styled_norms,
    variants,
    with_styles,
)
from fststyle.training.networks.transformer_net import build_transformer_net


def test_each_picture_is_normalized_for_its_own_style() -> None:
    norm, plain = StyledNorm(5, styles=3, eps=1e-3), nn.InstanceNorm2d(5, eps=1e-3, affine=True)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(3, 5))
        norm.bias.copy_(torch.rand(3, 5))
    x = torch.rand(2, 5, 6, 7)
    painted = in_styles(nn.Sequential(norm), x, torch.tensor([2, 0]))
    for number, style in enumerate((2, 0)):
        with torch.no_grad():
            plain.weight.copy_(norm.weight[style])
            plain.bias.copy_(norm.bias[style])
        torch.testing.assert_close(painted[number], plain(x[number : number + 1])[0])


def test_one_style_alone_paints_as_the_shared_network_does() -> None:
    torch.manual_seed(0)
    net = with_styles(build_transformer_net("fast", 0.25), 3).eval()
    for norm in styled_norms(net):
        with torch.no_grad():
            norm.weight.copy_(torch.rand_like(norm.weight))
    plain = build_transformer_net("fast", 0.25).eval()
    plain.load_state_dict(one_style(net, 2))
    x = torch.rand(1, 3, 32, 40)
    torch.testing.assert_close(plain(x), in_styles(net, x, torch.tensor([2])))
    plain.load_state_dict(one_style(net, 0))
    torch.testing.assert_close(plain(x), net(x))  # the choice was for one call


def test_every_style_begins_as_the_network_that_is_given_it() -> None:
    torch.manual_seed(0)
    plain = build_transformer_net("fast", 0.25).eval()
    for module in plain.modules():
        if isinstance(module, nn.InstanceNorm2d):
            nn.init.uniform_(module.weight)
    x = torch.rand(1, 3, 32, 40)
    before = plain(x)
    torch.testing.assert_close(with_styles(plain, 2)(x), before)


def test_paintings_in_sizes_of_ones_choice(painting: Path, vgg19_file: Path) -> None:
    module = ManyStylesModule([painting, painting], cost=Cost(weights=vgg19_file), sides=[(64, 96), (48,)])
    assert [min(each.shape[:2]) for each in module.styles] == [64, 96, 48]


def test_an_earlier_network_is_taken_over_where_it_fits(painting: Path, vgg19_file: Path) -> None:
    torch.manual_seed(0)
    earlier = [build_transformer_net("fast").state_dict() for _ in range(2)]
    for state, gain in zip(earlier, (2.0, 3.0), strict=True):
        state |= {name: tensor for name, tensor in earlier[0].items() if tensor.ndim == 4}
        state["encoder.1.weight"] = torch.full_like(state["encoder.1.weight"], gain)
        state["decoder.3.conv.weight"] = torch.zeros(5, 24, 3, 3)
        del state["decoder.3.conv.bias"]
    module = ManyStylesModule([painting], cost=Cost(weights=vgg19_file), sides=[(64, 96)])
    assert module.start_from(earlier) == ["decoder.3.conv.weight", "decoder.3.conv.bias"]
    assert torch.equal(module.net.encoder[0].weight, earlier[0]["encoder.0.weight"])
    assert next(styled_norms(module.net)).weight[:, 0].tolist() == [2.0, 3.0]
    torch.testing.assert_close(module.averaged.module.state_dict(), module.net.state_dict())


def test_a_painting_in_other_sizes_colors_and_directions(painting: Path) -> None:
    made = variants(painting)
    assert [min(each.shape[:2]) for each in made] == [320, 256, 448, 320, 320]
    assert (made[3] == made[0][..., ::-1]).all()
    assert made[4].shape[0] > made[4].shape[1]  # a landscape, turned


def test_pictures_of_a_batch_are_judged_by_their_own_painting(
    painting: Path, shallow_cost: Callable[..., Cost]
) -> None:
    module = ManyStylesModule([painting], cost=shallow_cost(), sides=[(48, 96)])
    module.setup("fit")
    both, last = (module.choice(torch.tensor(styles)).style_grams for styles in ([0, 1], [1]))
    assert both is not None
    assert last is not None
    for layer, grams in last.items():
        assert torch.equal(grams[0], both[layer][1])
        assert not torch.allclose(grams[0], both[layer][0], rtol=1e-3)
    picture = torch.rand(1, 3, 32, 32)
    features = module.objective.content_features(picture)
    alone = module.objective.terms(picture, features, style_grams=last).style.item()
    twice = module.objective.terms(
        picture.repeat(2, 1, 1, 1),
        module.objective.content_features(picture.repeat(2, 1, 1, 1)),
        style_grams=module.choice(torch.tensor([1, 1])).style_grams,
    )
    assert twice.style.item() == pytest.approx(alone, rel=1e-5)
