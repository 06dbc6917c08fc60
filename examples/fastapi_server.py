"""Paint pictures over HTTP.

pip install fststyle fastapi python-multipart uvicorn
uvicorn --app-dir examples fastapi_server:app
curl -F picture=@photo.jpg localhost:8000/starry_night -o painted.png
"""

import io
from functools import cache
from typing import Annotated

from fastapi import FastAPI, File, HTTPException, Query, Response
from PIL import Image

from fststyle import FststyleError, ImageError, Stylizer, read_picture

NETWORKS = ("starry_night", "udnie", "great_wave")  # never open a file that a visitor names
LARGEST = 8_000_000  # pixels

app = FastAPI()


@cache
def network(name: str) -> Stylizer:
    return Stylizer.load(name)


# Without `async`: FastAPI runs it in a thread, so that a painting does not hold up other requests.
@app.post("/{name}")
def stylize(
    name: str, picture: Annotated[bytes, File()], strength: Annotated[float, Query(ge=0, le=1)] = 1.0
) -> Response:
    if name not in NETWORKS:
        raise HTTPException(404, f"no network {name}; use one of {', '.join(NETWORKS)}")
    try:
        photo = read_picture(io.BytesIO(picture), max_pixels=LARGEST)
        painted = network(name)(photo, strength=strength)
    except ImageError as error:
        raise HTTPException(422, str(error)) from error
    except FststyleError as error:
        raise HTTPException(500, str(error)) from error
    file = io.BytesIO()
    Image.fromarray(painted).save(file, "PNG")
    return Response(file.getvalue(), media_type="image/png")
