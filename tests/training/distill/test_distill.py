"""Distilled networks: how they start, what they learn from, how they are put into the teacher's units."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fststyle.errors import DataError
from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.distill import student as students
from fststyle.training.distill.fidelity import by_layer
from fststyle.training.distill.pictures import Sources, draw
from fststyle.training.distill.run import Passes
from fststyle.training.distill.student import (
    blank,
    continued,
    finish,
    pruned,
    regression,
    representative_channels,
)
from fststyle.training.distill.teacher import Lessons, Moments, second_moments

LAYERS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2")


@pytest.fixture(scope="module")
def teacher(vgg19_file: Path) -> LossNetwork:
    network = LossNetwork.load("vgg19", LAYERS, weights=vgg19_file)
    network.normalize_channels(images(4))
    return network


def images(count: int, side: int = 32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    return list(torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 1).split(1))


def test_second_moments_are_gram_matrices_per_position(teacher: LossNetwork) -> None:
    image = images(1)[0]
    moments = second_moments(teacher, [image])
    features = teacher(image)["relu2_2"]
    expected = losses.gram_matrix(features.double(), normalize=False)[0] / features[0, 0].numel()
    torch.testing.assert_close(moments.second["relu2_2"], expected)
    assert moments.energy("relu2_2") == pytest.approx(features.square().sum(1).mean().item(), rel=1e-5)


def test_components_are_orthonormal_and_say_what_they_keep() -> None:
    basis = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q
    second = basis @ torch.diag(torch.tensor([9.0, 5.0, 4.0, 1.0, 0.5, 0.5]).double()) @ basis.mT
    components, share = Moments({"relu1_1": second}).components("relu1_1", 2)
    assert share == pytest.approx(14 / 20)
    torch.testing.assert_close(components.mT @ components, torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(
        (components * (basis[:, :2] @ basis[:, :2].mT @ components)).sum(), torch.tensor(2.0).double()
    )


def test_representative_channels_tell_the_others() -> None:
    """Three independent signals in nine channels: any choice of three that spans them leaves nothing unexplained."""
    mix = torch.randn(9, 3, dtype=torch.float64)
    second = mix @ mix.mT
    kept = representative_channels(second, 3)
    estimate = regression(second[:, kept], second[kept][:, kept])
    assert len(set(kept.tolist())) == 3
    torch.testing.assert_close(estimate @ mix[kept], mix, rtol=1e-2, atol=1e-2)


def test_a_student_of_full_width_is_its_teacher(teacher: LossNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    from fststyle.training.cost import loss_network

    monkeypatch.setitem(loss_network._PLANS, "slim", [64, 64, "M", 128, 128, "M"])
    monkeypatch.setattr(students, "_RIDGE", 1e-9)
    moments = second_moments(teacher, images(8))
    components = {"relu2_2": moments.components("relu2_2", 128)[0]}
    student = pruned("slim", teacher, moments, components)
    picture = images(9)[-1]
    answer, asked = student(picture, ["relu2_2"])["relu2_2"], teacher(picture)["relu2_2"]
    expected = torch.einsum("bchw,ck->bkhw", asked, components["relu2_2"].float())
    assert losses.relative_content_loss(answer, expected).item() < 1e-2


def test_a_finished_student_can_go_on_learning_in_other_components(
    teacher: LossNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fststyle.training.cost import loss_network

    monkeypatch.setitem(loss_network._PLANS, "slim", [64, 64, "M", 128, 128, "M"])
    student = LossNetwork("slim", LAYERS)
    student.features.load_state_dict(teacher.features.state_dict())
    earlier = finish(student, teacher, images(12))
    components = {"relu2_1": second_moments(teacher, images(6)).components("relu2_1", 20)[0]}
    again = continued(earlier, teacher, components, images(12))
    assert list(again.readouts) == ["relu2_1"]
    assert all(parameter.requires_grad for parameter in again.parameters())
    picture = images(9)[-1]
    expected = torch.einsum("bchw,ck->bkhw", teacher(picture)["relu2_1"], components["relu2_1"].float())
    answer = again(picture, ["relu2_1"])["relu2_1"]
    assert losses.relative_content_loss(answer, expected).item() < 1e-2


def test_finished_readouts_carry_both_costs_in_the_teachers_units(
    teacher: LossNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A student that sees all that its teacher sees, in a basis of its own, has the same literal and relative costs."""
    from fststyle.training.cost import loss_network

    monkeypatch.setitem(loss_network._PLANS, "slim", [64, 64, "M", 128, 128, "M"])
    student = LossNetwork("slim", LAYERS)
    student.features.load_state_dict(teacher.features.state_dict())
    order = torch.randperm(64)
    student.features[2].weight.copy_(2 * teacher.features[2].weight[order])
    student.features[2].bias.copy_(2 * teacher.features[2].bias[order])
    student.features[5].weight.copy_(teacher.features[5].weight[:, order] / 2)
    slim = finish(student, teacher, images(12))
    pairs = list(zip(images(8)[:4], images(8)[4:], strict=True))
    for layer, found in by_layer(slim, teacher, pairs).items():
        assert found.energy == pytest.approx(1, abs=0.02), layer
        assert found.content == pytest.approx(1, abs=0.05), layer
        assert found.style == pytest.approx(1, abs=0.05), layer


@pytest.fixture
def sources(photo_folder: Path, tmp_path: Path) -> Sources:
    (tmp_path / "paintings").mkdir()
    Image.effect_mandelbrot((90, 70), (-2, -1, 1, 1), 20).convert("RGB").save(tmp_path / "paintings" / "a.png")
    return Sources.find(photo_folder, tmp_path / "paintings", photo_folder)


def test_pictures_are_a_function_of_seed_and_number(sources: Sources) -> None:
    drawn = [draw(sources, 32, 5, number) for number in range(60)]
    for number, picture in enumerate(drawn):
        assert picture.shape == (32, 32, 3)
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, draw(sources, 32, 5, number))
    assert len({picture.tobytes() for picture in drawn}) == 60
    assert (drawn[0] != draw(sources, 32, 6, 0)).any()


def test_pictures_are_turned(tmp_path: Path) -> None:
    """Of a photo that is dark on the left, and whatever is made of it: every edge is the dark one at times."""
    Image.linear_gradient("L").rotate(90).convert("RGB").resize((90, 70)).save(tmp_path / "dark_left.png")
    folder = Sources.find(tmp_path, tmp_path)
    darkest = []
    for number in range(60):
        gray = draw(folder, 32, 5, number).mean(-1)
        darkest.append(int(np.argmin([gray[:, :8].mean(), gray[:, -8:].mean(), gray[:8].mean(), gray[-8:].mean()])))
    assert min(darkest.count(edge) for edge in range(4)) >= 6


def test_lessons_are_the_teachers_answers_and_go_on_after_an_interruption(
    teacher: LossNetwork, sources: Sources, tmp_path: Path
) -> None:
    components = {"relu2_2": second_moments(teacher, images(4)).components("relu2_2", 5)[0]}
    lessons = Lessons(tmp_path / "lessons", 7, 32, components)

    def stop(what: str, done: int, of: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lessons.prepare(teacher, sources, 0, batch=2, progress=stop)
    asked = []
    again = Lessons(tmp_path / "lessons", 7, 32, components)
    again.prepare(teacher, sources, 0, batch=2, progress=lambda _, done, __: asked.append(done))
    assert asked == [6, 7]
    for number in (0, 6):
        item = again[number]
        picture = item["picture"].unsqueeze(0).float() / 255
        np.testing.assert_array_equal(item["picture"].permute(1, 2, 0).numpy(), draw(sources, 32, 0, number))
        expected = torch.einsum("bchw,ck->bkhw", teacher(picture)["relu2_2"], components["relu2_2"].float())[0]
        torch.testing.assert_close(item["relu2_2"].float(), expected, rtol=1e-2, atol=1e-2)
    with pytest.raises(DataError, match="lessons of other settings; give another folder"):
        again.prepare(teacher, sources, 1, batch=2, progress=stop)


def test_a_full_disk_is_noticed_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match=r"cannot keep lessons in .*No space left.*; make room"):
        Lessons(tmp_path, 7, 32, {})
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_student_goes_on_in_a_blank_one(teacher: LossNetwork) -> None:
    moments = second_moments(teacher, images(4))
    components = {"relu2_2": moments.components("relu2_2", 7)[0]}
    taught = pruned("slim", teacher, moments, components)
    student = blank("slim", teacher.index_of, components)
    student.load_state_dict(taught.state_dict())
    image = images(1)[0]
    torch.testing.assert_close(student(image), taught(image))


def test_passes_go_on_from_any_position() -> None:
    def take(start: int, count: int) -> list[int]:
        passes = iter(Passes(5, 3, start))
        return [next(passes) for _ in range(count)]

    whole = take(0, 15)
    assert [sorted(whole[i : i + 5]) for i in (0, 5, 10)] == [list(range(5))] * 3
    assert whole[:5] != whole[5:10]
    assert take(7, 8) == whole[7:]


def test_a_folder_without_pictures_is_named(photo_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no pictures under .*as --paintings"):
        Sources.find(photo_folder, tmp_path / "nowhere")
