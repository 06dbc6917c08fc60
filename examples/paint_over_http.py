"""Paint a photo with a running `fststyle serve`. Nothing but Python is needed here.

python examples/paint_over_http.py http://127.0.0.1:8000/ starry_night photo.jpg painted.jpg
"""

import json
import secrets
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen


def main(server: str, network: str, photo: str, output: str, **controls: object) -> None:
    parts = urlsplit(server)  # as `fststyle serve` prints it: where there is a token, it is in the address
    token = parse_qs(parts.query).get("token", [""])[0]
    query = urlencode({"network": network, **controls})
    mark = secrets.token_hex(16)
    head = f'--{mark}\r\nContent-Disposition: form-data; name="picture"; filename="photo{Path(photo).suffix}"\r\n\r\n'
    body = head.encode() + Path(photo).read_bytes() + f"\r\n--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "Authorization": f"Bearer {token}"}
    request = Request(f"{parts.scheme}://{parts.netloc}/api/paint?{query}", body, headers)  # noqa: S310
    try:
        with urlopen(request) as answer:  # noqa: S310
            Path(output).write_bytes(answer.read())
    except HTTPError as error:
        sys.exit(json.load(error)["error"])


if __name__ == "__main__":
    main(*sys.argv[1:])
