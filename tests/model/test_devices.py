import onnxruntime
import pytest

from fststyle.errors import DeviceError
from fststyle.model.devices import PROVIDERS, choose_device, installed_devices


def installed(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    providers = ["AzureExecutionProvider", *(PROVIDERS[device] for device in devices)]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)


def test_auto_prefers_a_gpu_and_leaves_coreml_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for devices, chosen in ((["cpu"], "cpu"), (["cpu", "cuda"], "cuda"), (["coreml", "cpu"], "cpu")):
        installed(monkeypatch, *devices)
        assert choose_device("auto") == chosen
        assert choose_device("cpu") == "cpu"
        assert set(installed_devices()) == set(devices)


def test_a_missing_device_names_what_is_there_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "cpu")
    with pytest.raises(
        DeviceError, match=r"runs on cpu, not on cuda; .*pip install onnxruntime-gpu`: only one of them"
    ):
        choose_device("cuda")
    with pytest.raises(DeviceError, match=r"not on coreml; use device 'auto'"):
        choose_device("coreml")


def test_an_unknown_device() -> None:
    with pytest.raises(ValueError, match="one of auto, cuda, directml, coreml, cpu, not 'gpu'"):
        choose_device("gpu")
