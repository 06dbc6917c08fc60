"""The precision that `fststyle train` takes by itself, and what it does to a step."""

import pytest
import torch

from fststyle import samples
from fststyle.pictures.files import read_picture
from fststyle.training.devices import default_precision
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.tensors import unit_range


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": False, "avx512_bf16": True}, "32-true"),
        ({"architecture": "aarch64"}, "32-true"),
    ],
)
def test_a_cpu_wants_matrix_units(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool | str], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert default_precision(torch.device("cpu")) == expected


def test_an_older_torch_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert default_precision(torch.device("cpu")) == "32-true"


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_wants_them_too(monkeypatch: pytest.MonkeyPatch, has: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has)
    assert default_precision(torch.device("cuda")) == expected


def test_half_precision_changes_a_step_by_little() -> None:
    module = StyleTransferModule(samples.style("swirls"))
    module.setup("fit")
    content = torch.cat([unit_range(read_picture(photo).rgb[:96, :96]) for photo in samples.photos()[:2]])
    totals, gradients = [], []
    for enabled in (False, True):
        module.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            features = module.objective.content_features(content)
            painted = module.net(content)
            total = module.objective.terms(painted, features).total
        assert painted.dtype == total.dtype == torch.float32
        total.backward()  # type: ignore[no-untyped-call]
        totals.append(float(total.detach()))
        gradients.append(torch.cat([p.grad.flatten() for p in module.net.parameters() if p.grad is not None]))
    assert totals[1] == pytest.approx(totals[0], rel=0.02)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.98
