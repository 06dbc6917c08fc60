import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.statistics import MEASURED_MEAN
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.runtime import network as networks
from fststyle.runtime.network import Network

Pixels = NDArray[np.uint8]


def test_a_picture_through_a_derived_graph(assets: dict[str, Any], save: Callable[..., Path], photo: Pixels) -> None:
    network = Network.load(save(assets["gain_model"](0.5)), "cpu", "bgr255", 1)
    session = network.open(StatisticsForm.read(network.model.data).build())
    np.testing.assert_array_equal(network.paint(session, photo, {}), network.run(photo))
    np.testing.assert_allclose(network.run(photo), photo / 2, atol=0.51)


def test_further_outputs_are_there_when_asked_for(
    assets: dict[str, Any], save: Callable[..., Path], photo: Pixels
) -> None:
    network = Network.load(save(assets["gain_model"]()), "cpu", "rgb1", None)
    session = network.open(network.model.data)
    (answer,) = network.ask(session, photo, {}, ["stylized"])
    np.testing.assert_allclose(answer, photo.transpose(2, 0, 1)[None] / 255, atol=1e-6)
    with pytest.raises(ModelFileError, match="fails on 47×33 pixels"):
        network.ask(session, photo, {}, [MEASURED_MEAN])


def test_three_pixels_a_side_are_no_channels(assets: dict[str, Any], save: Callable[..., Path]) -> None:
    network = Network.load(save(assets["gain_model"]()), "cpu", "rgb1", None)
    picture = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) * 9
    np.testing.assert_array_equal(network.run(picture), picture)


def test_pixels_are_made_late_on_the_cpu(assets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def note(data: bytes) -> bytes:
        opened.append(data)
        return data

    monkeypatch.setattr(networks, "with_late_pixels", note)
    data = assets["gain_model"]().SerializeToString()
    Network.load(data, "cpu", "rgb1", None).open(data)
    assert opened == [data, data]


_PEAKS = """
import json, sys
import numpy as np
from fststyle.runtime.network import Network
network = Network.load(sys.argv[1], "cpu", "rgb1", 1)
rgb = np.zeros((1024, 1024, 3), np.uint8)
taken = []
for kind in (network, network.thrifty()):
    kind.run(rgb)
    taken.append(int(open("/proc/self/statm").read().split()[1]))
print(json.dumps(taken))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_thrifty_network_gives_memory_back(run_python: Callable[..., CompletedProcess[bytes]]) -> None:
    done = run_python("-c", _PEAKS, "starry_night")
    kept, given_back = json.loads(done.stdout)
    assert kept - given_back > 10_000  # pages: 40 MB


def test_a_thrifty_network_paints_the_same(photo: Pixels) -> None:
    network = Network.load("udnie_tiny", "cpu", "rgb1", 1)
    np.testing.assert_array_equal(network.thrifty().run(photo), network.run(photo))
