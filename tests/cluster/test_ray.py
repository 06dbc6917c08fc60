"""Real workers on a real Ray, from a folder and from an object store."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Stylizer, samples
from fststyle.cluster.pictures import Painted, paint_on_ray
from fststyle.cluster.places import find_pictures, read_object, write_object
from fststyle.cluster.ray_cluster import ClusterError, cluster
from fststyle.errors import FststyleError
from fststyle.jobs.files import paint_files
from fststyle.pictures.files import encode_picture, write_picture
from fststyle.predict.new_style import predict

ray = pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]
Python = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def local_ray() -> Iterator[Any]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    with cluster() as started:
        yield started
    os.environ.pop("PYTHONPATH") if before is None else os.environ.__setitem__("PYTHONPATH", before)


@pytest.fixture
def photos(photo: NDArray[np.uint8], tmp_path: Path) -> Path:
    for number in range(40):
        write_picture(tmp_path / "photos" / f"{number:02}.png", np.roll(photo, number, axis=1))
    (tmp_path / "photos" / "rotten.jpg").write_bytes(b"junk")
    return tmp_path / "photos"


def kill(place: str) -> None:
    os.kill(int(place.rpartition(":")[2]), signal.SIGKILL)


@pytest.mark.slow
def test_every_picture_is_painted_once_though_a_worker_is_killed(
    local_ray: Any, identity: Path, photos: Path, tmp_path: Path
) -> None:
    killed: list[str] = []

    def painted(result: Painted) -> None:
        if not killed and result.worker is not None:
            killed.append(result.worker)
            kill(result.worker)

    results = paint_on_ray(
        identity, [str(photos)], str(tmp_path / "out"), manifest=tmp_path / "told.jsonl", workers=2, painted=painted
    )
    assert len({result.source for result in results}) == len(results) == 41
    assert [result.source for result in results if result.error] == [str(photos / "rotten.jpg")]
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["source"] for line in told) == sorted(map(str, photos.iterdir()))
    assert {line["worker"] for line in told} > set(killed)
    paint_files(identity, photos, tmp_path / "expected")
    for path in (tmp_path / "expected").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "out").iterdir())) == 40


@pytest.mark.slow
def test_a_network_that_was_predicted(local_ray: Any, photos: Path, tmp_path: Path) -> None:
    network = predict(samples.style("swirls")).file()
    sources = [str(path) for path in sorted(photos.iterdir())[:4]]
    results = paint_on_ray(network, sources, str(tmp_path / "out"), workers=2)
    assert [result.error for result in results] == [None] * 4
    paint_files(Stylizer(network, "cpu", threads=1), sources, tmp_path / "expected")
    for path in (tmp_path / "expected").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_a_network_that_cannot_be_opened_there_ends_the_run(local_ray: Any, identity: Path, photos: Path) -> None:
    with pytest.raises(FststyleError, match="onnxruntime"):
        paint_on_ray(identity, [str(photos)], str(photos.parent / "out"), device="coreml")


@pytest.mark.slow
def test_more_threads_than_any_machine_has(local_ray: Any, identity: Path, photos: Path) -> None:
    with pytest.raises(ClusterError, match="give fewer --threads"):
        paint_on_ray(identity, [str(photos)], str(photos.parent / "out"), threads=100_000)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:1", b"no Ray cluster answers at RAY_ADDRESS=127.0.0.1:1"),
        ("nonsense", b"it is not a host and a port"),
        ("ray://127.0.0.1:10001", b"Ray Client is not supported"),
    ],
)
def test_an_address_where_nobody_is(
    run_python: Python, identity: Path, photos: Path, address: str, says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    done = run_python("-m", "fststyle", "stylize", identity, photos, "-o", "out", "--on", "ray")
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.slow
def test_the_command_survives_the_death_of_its_driver(identity: Path, photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fststyle", "stylize", str(identity), str(photos), "-o", str(tmp_path / "out")]
    command += ["--on", "ray", "--manifest", str(tmp_path / "told.jsonl"), "--skip-existing"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "out").glob("[0-9]*.png")):
        time.sleep(0.05)
        assert driver.poll() is None
    driver.kill()
    driver.wait()
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert b"rotten.jpg" in done.stderr
    assert len(list((tmp_path / "out").glob("[0-9]*.png"))) == 40


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A local S3 with a bucket of this name."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    given = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem().mkdir("pictures")
        yield "s3://pictures"
    threading.Thread(target=server.stop, daemon=True).start()


def test_s3_gives_back_what_it_got(s3: str) -> None:
    write_object(f"{s3}/a b/ü.png", b"12345")
    assert read_object(f"{s3}/a b/ü.png") == b"12345"
    assert find_pictures(f"{s3}/a b") == ([f"{s3}/a b/ü.png"], f"{s3}/a b")
    with pytest.raises(FststyleError, match=r"no\.png does not exist"):
        read_object(f"{s3}/no.png")
    with pytest.raises(FststyleError, match="nobucket"):
        write_object("s3://nobucket/a.png", b"1")


@pytest.mark.slow
def test_from_s3_to_s3(s3: str, identity: Path, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    """In a process of its own, whose workers know the store from their environment."""
    for number in range(12):
        write_object(f"{s3}/in/{number}.png", encode_picture(np.roll(photo, number, axis=0), None, ".png"))
    write_object(f"{s3}/in/empty.png", b"")
    command = [sys.executable, "-m", "fststyle", "stylize", str(identity), f"{s3}/in", "-o", f"{s3}/out", "--on", "ray"]
    command += ["--manifest", str(tmp_path / "told.jsonl"), "--skip-existing"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=240, check=False)
    assert b"1 of 13 pictures failed: s3://pictures/in/empty.png" in done.stderr
    assert len(find_pictures(f"{s3}/out")[0]) == 12
    again = subprocess.run(command, env=environment, capture_output=True, timeout=240, check=False)
    assert b"12 pictures were there already, " in again.stderr
