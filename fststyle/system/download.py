"""A file from the network. Whoever fetches it knows its fingerprint, and checks that."""

from fststyle.system.one_line import one_line

_TIMEOUT = 30  # seconds without a byte


class DownloadError(Exception):
    """There is nothing, and why, in a few words."""


def download(url: str, most_bytes: int) -> bytes:
    """What is there, at most so many bytes.

    Raises:
        DownloadError: It cannot be fetched.
    """
    # A tenth of a second that only a download pays for.
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310 -- the fingerprint is what counts
            data: bytes = response.read(most_bytes)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DownloadError(one_line(getattr(error, "reason", None) or error)) from error
    return data
