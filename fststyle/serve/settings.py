"""What a server is started with, and the limits that it keeps."""

import errno
import os
import secrets
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from fststyle.errors import FststyleError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.system.cores import usable_cores

# Guessing a shorter one over a network is a matter of days.
_SHORTEST_TOKEN = 16

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- compared, not listened at

# Of a root server of the DNS: it stays, and whoever can reach the internet has a way to it. Nothing is sent there.
_PUBLIC = {socket.AF_INET: "198.41.0.4", socket.AF_INET6: "2001:503:ba3e::2:30"}

_DEVICES = ("auto", "cpu", "cuda", "directml", "coreml")


@dataclass(frozen=True)
class Limits:
    """How much one client may ask for.

    Attributes:
        picture_bytes: Of an uploaded picture, and of a mask.
        pixels: Of a picture, and of what the network paints for it; looked at before anything is decoded.
        video_bytes: Of an uploaded video.
        workers: Pictures that are painted at the same time.
        waiting: Requests for a painting that may wait for them.
        jobs: Jobs that are kept, the finished ones included.
        running: Jobs that run at the same time.
        listeners: Connections that receive events.
        seconds: For a painting, from the last byte of its picture to the first of its answer.
        silence: Seconds that an upload may pause.
        slowest: Bytes a second, on average, below which an upload is given up.
    """

    picture_bytes: int = 64_000_000
    pixels: int = 50_000_000
    video_bytes: int = 4_000_000_000
    workers: int = usable_cores()
    waiting: int = 32
    jobs: int = 200
    running: int = 1
    listeners: int = 64
    seconds: float = 120.0
    silence: float = 20.0
    slowest: float = 20_000.0

    def __post_init__(self) -> None:
        for name in ("picture_bytes", "pixels", "video_bytes", "workers", "jobs", "running", "listeners"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.waiting < 0 or self.seconds <= 0 or self.silence <= 0:
            raise ValueError("waiting must be at least 0, and seconds and silence above 0")


@dataclass(frozen=True)
class Settings:
    """A server.

    Attributes:
        folder: Where jobs and what they make are kept.
        networks: Paths or names of the networks to offer; none, without styles, stands for all on this machine.
        styles: Paintings; a network predicted from each is offered, too.
        style_size: Shorter side at which they are looked at.
        photos: What trainings train on; None is the sample photos.
        names: Host names that a browser may call the server by, beside this machine's own and its addresses.
        token: What every request must carry; None asks for none.
        device: As for `Stylizer`.
        threads: Likewise.
        memory: Likewise.
        limits: How much one client may ask for.
    """

    folder: Path
    networks: tuple[str, ...] = ()
    styles: tuple[Path, ...] = ()
    style_size: int = STYLE_SIZE
    photos: Path | None = None
    names: frozenset[str] = frozenset()
    token: str | None = None
    device: str = "auto"
    threads: int | None = None
    memory: int | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.photos is not None and not self.photos.is_dir():
            raise FststyleError(f"--photos {self.photos} is no folder; give a folder of photos")
        if self.device not in _DEVICES:
            raise FststyleError(f"--device {self.device} is none of {', '.join(_DEVICES)}")
        for name in self.names:
            if set(name) & set(":/@ "):
                raise FststyleError(f"--allow-host {name} is no host name; give the name alone, as paint.example.org")
        if self.token is not None and (len(self.token) < _SHORTEST_TOKEN or not self.token.isascii()):
            raise ValueError(f"the token must have at least {_SHORTEST_TOKEN} characters, all of them ASCII")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def token_for(host: str, given: str | None) -> str | None:
    """The token of a server at this address: the one that was given, or a new one where others can reach it."""
    if given is not None or is_loopback(host):
        return given
    return secrets.token_urlsafe(24)


def listen(host: str, port: int) -> socket.socket:
    """A socket at which a server can listen.

    Raises:
        FststyleError: The address is not this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise FststyleError(f"--host {host} is no address of this machine; use 127.0.0.1") from error
    try:
        if os.name != "nt":  # there it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRNOTAVAIL:
            raise FststyleError(f"--host {host} is no address of this machine; use 127.0.0.1") from error
        raise FststyleError(f"cannot listen at {host}, port {port} ({reason}); choose another --port") from error
    return listener


def url_of(listener: socket.socket, token: str | None) -> str:
    """What a person opens in a browser."""
    address, port = listener.getsockname()[:2]
    return _url(socket.gethostname() if address in _EVERYWHERE else address, port, token)


def network_url_of(listener: socket.socket, token: str | None) -> str | None:
    """What a person opens on another device of the same network; None if the server does not listen there, or offline.

    A phone often cannot look up the name of this machine, which is in `url_of`.
    """
    address, port = listener.getsockname()[:2]
    if address not in _EVERYWHERE:
        return None
    try:
        with socket.socket(listener.family, socket.SOCK_DGRAM) as probe:
            probe.connect((_PUBLIC[listener.family], 53))
            own = probe.getsockname()[0]
    except OSError:
        return None
    return None if is_loopback(own) or own in _EVERYWHERE else _url(own, port, token)


def _url(address: str, port: int, token: str | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/" + ("" if token is None else f"?token={token}")
