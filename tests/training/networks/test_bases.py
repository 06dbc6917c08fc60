"""The base that ships fits its network, paints something that follows the photo, and is there for one width only."""

import torch

from fststyle.training.networks.bases import base_file, load_base
from fststyle.training.networks.transformer_net import build_transformer_net
from fststyle.training.tensors import reference_photos


def test_the_base_of_fast_fits_and_follows_the_photo() -> None:
    base = load_base("fast", 1.0)
    assert base is not None
    assert base_file("fast").stat().st_size < 1_800_000
    net = build_transformer_net("fast").eval()
    net.load_state_dict(base)
    photos = [photo[..., :128, :128] for photo, _ in zip(reference_photos(), range(4), strict=False)]
    painted = [net(photo).detach() for photo in photos]
    for number, picture in enumerate(painted):
        assert picture.std() > 0.05
        edges = [torch.nn.functional.avg_pool2d(_edges(each), 8).flatten() for each in (picture, *photos)]
        agreement = [float(torch.corrcoef(torch.stack([edges[0], other]))[0, 1]) for other in edges[1:]]
        assert agreement[number] == max(agreement)


def test_there_is_none_for_other_networks_and_widths() -> None:
    assert load_base("fast", 0.5) is None
    assert load_base("johnson2016", 1.0) is None


def _edges(picture: torch.Tensor) -> torch.Tensor:
    gray = picture.mean(1, keepdim=True)
    down, right = gray[..., 1:, :-1] - gray[..., :-1, :-1], gray[..., :-1, 1:] - gray[..., :-1, :-1]
    return (down.square() + right.square()).sqrt()
