"""Sizes, ranges and what the networks must not do: no grid, no border, no dependence on neighbors in the batch."""

import pytest
import torch

from fststyle.training.networks.layers import FoldedUpsample
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

NETWORKS: list[NetworkName] = ["johnson", "fast", "tiny", "johnson2016"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("height", "width"), [(64, 64), (45, 67), (50, 93), (47, 48)])
@pytest.mark.parametrize("mode", ["train", "use"])
def test_returns_the_sides_and_range_of_its_input(name: NetworkName, mode: str, height: int, width: int) -> None:
    with torch.no_grad():
        stylized = build_transformer_net(name, 0.25).train(mode == "train")(torch.rand(2, 3, height, width))
    assert stylized.shape == (2, 3, height, width)
    assert stylized.min() >= 0
    assert stylized.max() <= 1


@pytest.mark.parametrize("name", NETWORKS)
def test_takes_the_smallest_side_it_promises(name: NetworkName) -> None:
    net = build_transformer_net(name, 0.25).eval()
    with torch.no_grad():
        assert net(torch.rand(1, 3, int(net.min_side), int(net.min_side))).isfinite().all()


@pytest.mark.parametrize(
    ("name", "width", "millions"),
    [("johnson", 1.0, 1.68), ("johnson", 0.5, 0.42), ("fast", 1.0, 0.19), ("tiny", 1.0, 0.05)],
)
def test_parameter_count(name: NetworkName, width: float, millions: float) -> None:
    count = sum(parameter.numel() for parameter in build_transformer_net(name, width).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.02)


@pytest.mark.parametrize("name", ["johnson", "fast", "tiny"])
def test_each_picture_is_painted_by_itself(name: NetworkName) -> None:
    net = build_transformer_net(name, 0.25)
    batch = torch.rand(3, 3, 48, 40)
    with torch.no_grad():
        together, alone = net(batch), torch.cat([net(picture[None]) for picture in batch])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["johnson", "fast", "tiny"])
def test_a_flat_photo_stays_flat_up_to_its_border(name: NetworkName) -> None:
    """Mirrored padding and upsampling before convolution leave neither a frame nor a checkerboard on a plain wall."""
    torch.manual_seed(1)
    with torch.no_grad():
        stylized = build_transformer_net(name)(torch.full((1, 3, 64, 64), 0.4))
    assert (stylized.amax(dim=(2, 3)) - stylized.amin(dim=(2, 3))).max() < 1e-3


def test_the_papers_network_does_leave_a_checkerboard() -> None:
    """The control: this test's measure sees the grid that transposed convolutions make."""
    torch.manual_seed(1)
    with torch.no_grad():
        stylized = build_transformer_net("johnson2016").eval()(torch.full((1, 3, 64, 64), 0.4))
    assert (stylized.amax(dim=(2, 3)) - stylized.amin(dim=(2, 3))).max() > 1e-2


@pytest.mark.parametrize("name", ["johnson", "fast", "tiny"])
def test_outside_of_training_a_mirrored_rim_is_seen_and_cut_off(name: NetworkName) -> None:
    net = build_transformer_net(name, 0.25)
    photo = torch.rand(1, 3, 52, 44)
    rimmed = torch.nn.functional.pad(photo, (16, 16, 16, 16), mode="reflect")
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(photo), net.train()(rimmed)[..., 16:-16, 16:-16])


@pytest.mark.parametrize("name", ["johnson", "fast", "tiny"])
def test_large_squares_are_painted_in_training_as_they_are_later(name: NetworkName) -> None:
    net = build_transformer_net(name, 0.25)
    large, small = torch.rand(1, 3, 192, 200), torch.rand(1, 3, 191, 200)
    with torch.no_grad():
        torch.testing.assert_close(net.train()(large), net.eval()(large))
        assert not torch.allclose(net.train()(small), net.eval()(small), atol=1e-4)


def test_a_folded_enlargement_is_an_enlargement_and_a_convolution() -> None:
    folded = FoldedUpsample(4, 5, bias=True)
    x = torch.rand(2, 4, 9, 12)
    enlarged = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    with torch.no_grad():
        expected = torch.nn.functional.conv2d(enlarged, folded.conv.weight, folded.conv.bias, padding=1)
        got = folded(x)
    assert got.shape == (2, 5, 18, 24)
    torch.testing.assert_close(got[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2])  # borders are mirrored elsewhere


def test_unknown_name_and_width() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'jonson'; use one of johnson, johnson2016, fast, tiny"):
        build_transformer_net("jonson")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="width must lie in"):
        build_transformer_net("fast", 0)
