"""Looks at an uploaded video before a job is made of it."""

import asyncio
from pathlib import Path

from fststyle.errors import VideoError
from fststyle.serve.commands import VideoQuery
from fststyle.serve.refusals import RefusedError
from fststyle.system.extras import extra

# The header of a file that can be played is read in less than one.
_PATIENCE = 30.0


async def check_video(path: Path, max_pixels: int, query: VideoQuery) -> None:
    """Refuse what is no video, has too large frames, or cannot be painted as asked; nothing is decoded.

    Raises:
        FststyleError: Why.
        ValueError: A time or a rate of the query cannot be read.
    """
    try:
        width, height = await asyncio.wait_for(asyncio.to_thread(_look, path, query), _PATIENCE)
    except VideoError as error:
        raise RefusedError(422, str(error).replace(str(path), "the video")) from error
    except TimeoutError:
        raise RefusedError(422, "the video cannot be read in a reasonable time; export it again") from None
    seen = width * height / query.scale**2
    if max(seen, width * height) > max_pixels:
        raise RefusedError(
            422, f"the video has frames of {width}×{height} pixels, more than the {max_pixels:,} allowed; shrink it"
        )


def _look(path: Path, query: VideoQuery) -> tuple[int, int]:
    """Width and height that the file says."""
    with extra("video"):
        from fststyle.video.source import opened, picture_stream
        from fststyle.video.timing import parse_cut

    parse_cut(query.start, query.end, query.max_side, query.fps)
    with opened(path) as container:
        context = picture_stream(container, "the video").codec_context
        return context.width, context.height
