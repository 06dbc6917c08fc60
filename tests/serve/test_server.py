"""A real server: connections that are slow, broken off, or too many; events; signals; addresses."""

import errno
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from serving import until
from test_paint import Slow

from fststyle.errors import FststyleError
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture
from fststyle.serve.settings import Limits, listen, network_url_of, url_of

ROOT = Path(__file__).parents[2]


def address_of(server: str) -> tuple[str, int]:
    host, _, port = server.removeprefix("http://").partition(":")
    return host, int(port)


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_it_paints(server: Callable[..., Any], png: bytes) -> None:
    with server() as (address, _):
        answer = httpx.post(f"{address}/api/paint?network=identity", files={"picture": png})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert "server" not in answer.headers


def test_a_slow_upload(server: Callable[..., Any]) -> None:
    head = b"POST /api/paint?network=identity HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    with (
        server(Limits(workers=1, silence=0.3)) as (address, _),
        socket.create_connection(address_of(address), 10) as slow,
    ):
        slow.sendall(head)
        answer = b"".join(iter(lambda: slow.recv(4096), b""))  # the server closes the connection
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the upload is too slow" in answer


def test_an_upload_of_drops(server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fststyle.serve.uploads._GRACE", 0.2)
    head = b"POST /api/jobs/video?network=identity&title=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with server() as (address, application), socket.create_connection(address_of(address), 10) as slow:
        slow.sendall(head)
        while not select.select([slow], [], [], 0.05)[0]:
            slow.sendall(b"a")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")
        assert list(application.jobs.folders.root.iterdir()) == []


def test_an_upload_that_is_broken_off(server: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> None:
    with server() as (address, application):
        for path in (
            "/api/paint?network=identity",
            "/api/jobs/train?title=a",
            "/api/jobs/video?network=identity&title=a",
        ):
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            with socket.create_connection(address_of(address), 10) as leaving:
                leaving.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode())
        until(lambda: list(application.jobs.folders.root.iterdir()) == [])
        assert httpx.get(f"{address}/api").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_connection_that_asks_for_nothing(server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fststyle.serve.server._HEADERS", 0.2)
    with server() as (address, _), socket.create_connection(address_of(address), 10) as idle:
        idle.sendall(b"GET /api HT")
        assert idle.recv(100) == b""


@pytest.mark.parametrize("part", [b"GET /api HTTP/1.1\r\nHost: localhost\r\nA: ", b"G"])
def test_a_second_request_without_an_end(
    server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    monkeypatch.setattr("fststyle.serve.server._HEADERS", 0.3)
    with (
        server(token="0123456789abcdef") as (address, _),
        socket.create_connection(address_of(address), 10) as idle,
    ):
        idle.sendall(b"GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 401")
        begun = time.monotonic()
        idle.sendall(part)
        while not select.select([idle], [], [], 0.05)[0]:
            idle.sendall(b"a")
        assert time.monotonic() - begun < 5
        assert b"200 OK" not in idle.recv(4096)


def test_a_slow_painting_is_waited_for(server: Callable[..., Any], png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fststyle.serve.server._HEADERS", 0.1)
    slow = Slow(monkeypatch)
    threading.Timer(0.5, slow.go.set).start()
    with server() as (address, _), httpx.Client() as client:
        for _ in range(2):
            answer = client.post(f"{address}/api/paint?network=identity", files={"picture": png}, timeout=20)
            assert answer.status_code == 200
            time.sleep(0.2)  # a connection that is kept is not closed as early as one that begins a request


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not an address of this machine")
def test_one_address_cannot_take_all_connections(server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def source(host: str) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(local_address=host))

    limits = Limits(workers=1, waiting=0, listeners=1)
    with server(limits) as (address, _), source("127.0.0.1") as same, source("127.0.0.2") as other:
        held = [socket.create_connection(address_of(address), 10) for _ in range(34)]
        with pytest.raises(httpx.TransportError):
            same.get(f"{address}/api")
        assert other.get(f"{address}/api").status_code == 200
        for connection in held:
            connection.close()
        until(lambda: answers(same, address), 5)


def answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(f"{address}/api").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/9\r\n\r\n", b"GET /" + b"a" * 100_000])
def test_what_is_no_request(server: Callable[..., Any], sent: bytes) -> None:
    with server() as (address, _):
        with socket.create_connection(address_of(address), 10) as other:
            other.sendall(sent + b"\r\n\r\n")
            assert other.recv(4096).startswith(b"HTTP/1.1 400")
        assert httpx.get(f"{address}/api").status_code == 200


def test_whoever_leaves_during_a_painting_ends_it(
    server: Callable[..., Any], png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    with server(Limits(workers=1, waiting=0)) as (address, _):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/api/paint?network=identity", files={"picture": png}, timeout=0.3)
        slow.begun.acquire()
        monkeypatch.undo()
        # The only thread is free again, though nobody let the painting go.
        until(lambda: httpx.post(f"{address}/api/paint?network=identity", files={"picture": png}).status_code == 200, 5)


def test_whoever_leaves_while_waiting_is_never_painted(
    server: Callable[..., Any], png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    with server(Limits(workers=1, waiting=1)) as (address, _):
        url = f"{address}/api/paint?network=identity"
        first = threading.Thread(target=lambda: httpx.post(url, files={"picture": png}, timeout=20))
        first.start()
        slow.begun.acquire()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, files={"picture": png}, timeout=0.3)
        time.sleep(0.2)
        slow.go.set()
        first.join()
        until(lambda: httpx.post(url, files={"picture": png}).status_code == 200, 5)
        assert slow.calls == 2


@pytest.mark.usefixtures("fake_commands")
def test_events(server: Callable[..., Any], png: bytes) -> None:
    with server() as (address, application), httpx.stream("GET", f"{address}/api/events", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer)
        assert next(told) == ("jobs", [])
        job = httpx.post(f"{address}/api/jobs/train?title=quick", files={"picture": png}).json()["id"]
        kind, facts = next(told)
        while (kind, facts.get("state")) != ("job", "done"):
            kind, facts = next(told)
        assert (facts["id"], facts["progress"]["share"], facts["samples"]) == (job, 1.0, [5])
        httpx.delete(f"{address}/api/jobs/{job}")
        while kind != "removed":
            kind, facts = next(told)
        assert facts == {"id": job}
        with httpx.stream("GET", f"{address}/api/events", timeout=20) as another:
            assert next(events(another)) == ("jobs", [])
        # One has left; whoever is told next goes on.
        until(lambda: len(application.jobs.news._listeners) == 1, 20)


@pytest.mark.usefixtures("fake_commands")
def test_events_of_one_job_end_with_it(server: Callable[..., Any], png: bytes) -> None:
    with server() as (address, _):
        job = httpx.post(f"{address}/api/jobs/train?title=quick", files={"picture": png}).json()["id"]
        with httpx.stream("GET", f"{address}/api/jobs/{job}/events", timeout=20) as answer:
            told = list(events(answer))
        assert told[-1][1]["state"] == "done"
        assert httpx.get(f"{address}/api/jobs/nix/events").status_code == 404


def test_too_many_listeners(server: Callable[..., Any]) -> None:
    with (
        server(Limits(workers=1, listeners=1)) as (address, _),
        httpx.stream("GET", f"{address}/api/events") as answer,
    ):
        lines = answer.iter_lines()  # if it were dropped, so would be the connection
        next(lines)
        refused = httpx.get(f"{address}/api/events")
        assert (refused.status_code, "too many listen" in refused.json()["error"]) == (429, True)


def test_a_listener_does_not_keep_the_server(server: Callable[..., Any]) -> None:
    with server() as (address, _), httpx.stream("GET", f"{address}/api/events", timeout=30) as answer:
        lines = answer.iter_lines()
        next(lines)
    # The fixture has waited for the server's end.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_addresses(host: str) -> None:
    try:
        listener = listen(host, 0)
    except FststyleError:
        pytest.skip("this machine has no IPv6")
    with listener:
        port = listener.getsockname()[1]
        assert url_of(listener, None) in (f"http://127.0.0.1:{port}/", f"http://[::1]:{port}/")
        assert url_of(listener, "t").endswith("/?token=t")
        with pytest.raises(FststyleError, match=f"port {port} .*; choose another --port"):
            listen(host, port)


class Probe:
    """A UDP socket of a machine with one address in its network, or of one that is offline."""

    def __init__(self, own: str | None) -> None:
        self._own = own

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None: ...

    def connect(self, _: object) -> None:
        if self._own is None:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    def getsockname(self) -> tuple[str | None, int]:
        return self._own, 9


@pytest.mark.parametrize(
    ("host", "own", "url"),
    [
        ("0.0.0.0", "192.168.1.20", "http://192.168.1.20:{port}/?token=t"),
        ("::", "2001:db8::5", "http://[2001:db8::5]:{port}/?token=t"),
        ("0.0.0.0", None, None),
        ("0.0.0.0", "127.0.0.1", None),
        ("127.0.0.1", "192.168.1.20", None),
    ],
)  # fmt: skip
def test_the_address_for_other_devices(
    host: str, own: str | None, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        listener = listen(host, 0)
    except FststyleError:
        pytest.skip("this machine has no IPv6")
    with listener:
        monkeypatch.setattr(socket, "socket", lambda *_: Probe(own))
        port = listener.getsockname()[1]
        assert network_url_of(listener, "t") == (url and url.format(port=port))


def test_an_address_of_others() -> None:
    for host in ("192.0.2.1", "nowhere.invalid", "a..b", "é" * 70):
        with pytest.raises(FststyleError, match=r"--host|cannot listen"):
            listen(host, 0)


def test_what_a_server_cannot_be_started_with(settings: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(FststyleError, match=r"--photos .* is no folder"):
        settings(photos=tmp_path / "nonexistent")
    with pytest.raises(FststyleError, match="--device warp is none of auto, cpu"):
        settings(device="warp")
    with pytest.raises(FststyleError, match="--allow-host http://a is no host name"):
        settings(names=frozenset({"http://a"}))
    with pytest.raises(FststyleError, match=r"--host 192\.0\.2\.1 is no address of this machine"):
        listen("192.0.2.1", 0)


class Running:
    """`fststyle serve` in a process of its own."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "fststyle", "serve", *map(str, arguments), "--port", "0", "-o", "served"]
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.line = self.process.stderr.readline()
        self.address = self.line.removeprefix("open: ").strip()

    def __enter__(self) -> "Running":
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as patient:
            patient.get(f"{self.address.partition('?')[0]}api", timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_the_command(tmp_path: Path, identity: Path, png: bytes) -> None:
    with Running(tmp_path, identity) as running:
        assert httpx.post(f"{running.address}api/paint?network=identity", files={"picture": png}).status_code == 200
        port = httpx.URL(running.address).port
        again = subprocess.run(
            [sys.executable, "-m", "fststyle", "serve", identity, "--port", str(port)],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert again.returncode == 1
        assert again.stderr.startswith("error: cannot listen at 127.0.0.1")
        assert again.stderr.count("\n") == 1
        second = subprocess.run(
            [sys.executable, "-m", "fststyle", "serve", identity, "--port", "0", "-o", "served"],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert second.stderr == f"error: another server works in {tmp_path / 'served'}; give another --output\n"
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) in (0, -signal.SIGTERM)


def test_others_need_the_token(tmp_path: Path, identity: Path) -> None:
    with Running(tmp_path, identity, "--host", "0.0.0.0") as running:
        url = httpx.URL(running.address)
        token = url.params["token"]
        local = f"http://127.0.0.1:{url.port}"
        assert httpx.get(f"{local}/api").status_code == 401
        assert httpx.get(f"{local}/api", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.slow
def test_a_killed_server_loses_no_job(tmp_path: Path) -> None:
    """A training and a video are under way when the server gets a kill -9; the next one ends both."""
    pytest.importorskip("torch")
    av = pytest.importorskip("av")
    clip, painting = tmp_path / "clip.mp4", tmp_path / "painting.png"
    from PIL import Image

    noise = np.random.default_rng(0)
    Image.fromarray(noise.integers(0, 256, (320, 320, 3), np.uint8)).save(painting)
    with av.open(str(clip), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 320, 240
        for _ in range(250):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 256, (240, 320, 3), np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())

    def jobs(address: str) -> dict[str, Any]:
        return {job["id"]: job for job in httpx.get(f"{address}api/jobs").json()}

    with Running(tmp_path, "udnie_tiny", "--running", 2) as running:
        address = running.address
        query = {"title": "Größe", "steps": 70, "size": 64, "style_size": 96}
        train = httpx.post(f"{address}api/jobs/train", params=query, files={"picture": painting.read_bytes()}).json()[
            "id"
        ]
        video = httpx.post(f"{address}api/jobs/video?network=udnie_tiny&title=clip", content=clip.read_bytes()).json()[
            "id"
        ]
        until(lambda: jobs(address)[train]["progress"]["step"] >= 53, 1200)
        running.process.kill()
    with Running(tmp_path, "udnie_tiny", "--running", 2) as running:
        address = running.address
        until(lambda: {job["state"] for job in jobs(address).values()} <= {"done", "failed"}, 1200)
        assert {name: job["state"] for name, job in jobs(address).items()} == {train: "done", video: "done"}
        painted = httpx.post(f"{address}api/paint?network={train}", files={"picture": painting.read_bytes()})
        assert painted.status_code == 200
        log = (tmp_path / "served/jobs" / train / "log.txt").read_text("utf-8")
        begun = [json.loads(line)["step"] for line in log.splitlines() if '"begin"' in line]
        assert len(begun) == 2
        assert begun[1] >= 50
        (tmp_path / "painted.mp4").write_bytes(httpx.get(f"{address}api/jobs/{video}/result").content)
    with av.open(str(tmp_path / "painted.mp4")) as file:
        assert sum(1 for _ in file.decode(video=0)) == 250


def test_stylizers_are_shared(server: Callable[..., Any], png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    init = Stylizer.__init__

    def counted(self: Stylizer, *arguments: Any, **options: Any) -> None:
        opened.append(self)
        init(self, *arguments, **options)

    monkeypatch.setattr(Stylizer, "__init__", counted)
    with server(Limits(workers=4)) as (address, _):
        threads = [
            threading.Thread(target=lambda: httpx.post(f"{address}/api/paint?network=identity", files={"picture": png}))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 1


def test_the_example_paints_over_http(
    server: Callable[..., Any], png: bytes, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    main = runpy.run_path(str(ROOT / "examples" / "paint_over_http.py"))["main"]
    (tmp_path / "photo.png").write_bytes(png)
    token = "0123456789abcdef"
    with server(token=token) as (address, _):
        main(
            f"{address}/?token={token}",
            "identity",
            str(tmp_path / "photo.png"),
            str(tmp_path / "out.png"),
            strength=0.5,
        )
        np.testing.assert_array_equal(read_picture(tmp_path / "out.png").rgb, photo)
        with pytest.raises(SystemExit, match="the token is missing or wrong"):
            main(address, "identity", str(tmp_path / "photo.png"), str(tmp_path / "out.png"))
