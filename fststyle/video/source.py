"""Opens what may be a video: only containers that hold their own data, never a playlist that leads elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from fststyle.errors import VideoError
from fststyle.system.file_kinds import Kind, kind_of_content, kind_of_name
from fststyle.system.files import require_regular_file
from fststyle.system.warn import warn

# A file may call itself .mp4 and be a list of addresses that ffmpeg would fetch.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,dv,gif,apng,"
    "yuv4mpegpipe,rawvideo,ivf,h264,hevc,m4v,mjpeg,wav,mp3,flac,aac,webp_anim,obu,"
    "h261,h263,vc1,cavsvideo,av1,vvc,gxf,wtv,rm,swf"
)
_JPEG = b"\xff\xd8\xff"
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"[playlist]")


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A file's container, closed afterwards.

    Raises:
        VideoError: There is no such file, it is a playlist, or in no format that we read.
    """
    start = b""
    try:
        require_regular_file(path)
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start:
            raise VideoError(f"{path} is empty; download or export it again")
        if start.startswith(_PLAYLISTS):
            raise VideoError(f"{path} is a playlist, not a video; name the video that it leads to")
        # ffmpeg would take it for one picture; what is called a picture, an MPO for instance, is one.
        bare = "mjpeg" if start.startswith(_JPEG) and kind_of_name(path) is not Kind.PICTURE else None
        options: dict[str, str] = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        # From the root on: ffmpeg takes what stands before a colon in a bare name for a protocol.
        container = av.open(str(path.absolute()), format=bare, options=options, metadata_errors="replace")
    except FileNotFoundError as error:
        raise VideoError(f"{path} does not exist; check the path") from error
    except (av.FFmpegError, OSError) as error:
        if kind_of_content(start) is Kind.PICTURE:
            raise VideoError(f"{path} is a picture; paint it with fststyle stylize") from error
        raise VideoError(
            f"{path} cannot be read as a video ({error.strerror or error}); "
            "it may be cut off: download or export it again"
        ) from error
    with container:
        yield container


def picture_stream(container: InputContainer, name: str) -> Any:
    """The first stream of moving pictures; a cover is none.

    Raises:
        VideoError: There is none.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    streams = [stream for stream in streams if not _is_still(stream)] or streams
    if not streams:
        kinds = " and ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise VideoError(f"{name} holds {kinds} but no moving pictures; name a video")
    if len(streams) > 1:
        warn(f"{name} holds {len(streams)} videos; only the first is painted")
    return streams[0]


def copied_streams(container: InputContainer, name: str) -> list[Any]:
    """Audio and subtitles, which are copied as they are; what else there is, is named in a warning."""
    kept = [stream for stream in container.streams if stream.type in {"audio", "subtitle"}]
    others = [stream for stream in container.streams if stream.type not in {"audio", "subtitle", "video"}]
    if others:
        kinds = ", ".join(sorted({stream.type for stream in others}))
        warn(f"{name}: streams that are neither sound nor subtitles are left out ({kinds})")
    if any(_is_cover(stream) for stream in container.streams.video):
        warn(f"{name}: its cover picture is left out")
    return kept


def _is_cover(stream: Any) -> bool:
    return bool(stream.type == "video" and stream.disposition & stream.disposition.attached_pic)


def _is_still(stream: Any) -> bool:
    """Whether this is the picture that an animated AVIF shows where it cannot move."""
    return bool(stream.frames == 1 and stream.duration is None)
